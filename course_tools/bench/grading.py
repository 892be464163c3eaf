"""`course grade` against plain `nbgrader autograde`: seconds per submission of one mixed class.

The class is made of the lab's solution, its blank notebook, and its wrong and right answers, in turn. Both
graders start cold: the time includes starting Python, the jails and the gradebook.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path

import nbformat

from course_tools.bench.page import Comparison
from course_tools.bench.timing import program_seconds
from course_tools.grader import labs
from course_tools.grader.judge import answers
from course_utils.command import notebooks

BIN = Path(sys.executable).parent


def mixed_class(lab: labs.Lab, students: int, folder: Path) -> None:
    """<folder>/<student>/<lab>.ipynb for that many students."""
    solution = labs.definitions(labs.read_source(lab))
    handed_in: list[Mapping[str, str]] = [solution, labs.definitions(notebooks.read(lab.released))]
    handed_in += [answer.cells for kind in ("wrong", "right") for answer in answers.read(lab.answers(kind), solution)]
    for number, cells in enumerate(islice(cycle(handed_in), students)):
        notebook = notebooks.read(lab.released)
        for cell in notebook.cells:
            name = notebooks.nbgrader_fields(cell).get("grade_id", "")
            if cell.cell_type == "code" and name in cells:
                cell.source = cells[name]
        place = folder / f"student{number:02}" / f"{lab.name}.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(notebook, place)


def plain(lab: labs.Lab, submissions: Path, folder: Path) -> float:
    """Seconds of nbgrader's own autograde over the class."""
    source = folder / "source" / lab.name
    source.mkdir(parents=True)
    shutil.copy(lab.source, source)
    config = "c = get_config()\nc.ClearSolutions.code_stub = {'python': 'raise NotImplementedError()'}\n"
    (folder / "nbgrader_config.py").write_text(config + "c.ExecutePreprocessor.timeout = 600\n")
    environment = {**os.environ, "PATH": f"{BIN}:/usr/bin:/bin"}
    nbgrader = str(BIN / "nbgrader")
    program_seconds([nbgrader, "generate_assignment", lab.name, "--create"], cwd=folder, environment=environment)
    for place in sorted(submissions.iterdir()):
        shutil.copytree(place, folder / "submitted" / place.name / lab.name)
    return program_seconds([nbgrader, "autograde", lab.name, "--create"], cwd=folder, environment=environment)


def run(lab_names: list[str], *, students: int = 30, jobs: int = 2) -> tuple[list[Comparison], str]:
    """Grade one mixed class of each lab both ways. Raises `CourseError` for a lab that is not there."""
    root = notebooks.course_root()
    rows = []
    for lab in labs.find(root, lab_names):
        with tempfile.TemporaryDirectory() as folder:
            submissions = Path(folder, "class")
            mixed_class(lab, students, submissions)
            command = [str(BIN / "course"), "grade", str(submissions), "--lab", lab.name, "-j", str(jobs)]
            seconds = program_seconds([*command, "--into", str(Path(folder, "grading"))], cwd=root) / students
            plain_seconds = plain(lab, submissions, Path(folder, "nbgrader")) / students
        what = f"a submission of {lab.name}"
        rows.append(Comparison(what, seconds, plain_seconds, "s", f"course grade -j {jobs}", "nbgrader autograde"))
    note = (
        f"Mean of {students} submissions, right, wrong and blank, from the command's start to its end. nbgrader has "
        "no sandbox, and runs the lab's own experiments, which `course grade` leaves out."
    )
    return rows, note
