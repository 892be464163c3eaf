"""`course grade` against plain `nbgrader autograde`: seconds per submission of one mixed class, on this machine, now.

    python tools/bench_grading.py lab05 --students 30 --plain 3

The class is made of the lab's solution, its blank notebook, and the wrong and right answers of tests/, in turn. Both
graders start cold: the time includes starting Python, the jails and the gradebook.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import nbformat

from course_utils.grading import audit, labs
from course_utils.notebooks import files

BIN = Path(sys.executable).parent


def mixed_class(lab: labs.Lab, students: int, folder: Path) -> None:
    """<folder>/<student>/<lab>.ipynb for that many students."""
    solution = labs.definitions(labs.read_source(lab))
    answers = [solution, labs.definitions(files.read(lab.released))]
    answers += [audit.read_answer(path, solution)[0] for kind in ("wrong", "right") for path in lab.answers(kind)]
    for number, cells in enumerate(islice(cycle(answers), students)):
        notebook = files.read(lab.released)
        for cell in notebook.cells:
            name = labs.nbgrader_fields(cell).get("grade_id")
            if cell.cell_type == "code" and name in cells:
                cell.source = cells[name]
        place = folder / f"student{number:02}" / f"{lab.name}.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(notebook, place)


def seconds_of(command: list, cwd: Path) -> float:
    """Wall-clock seconds of `command`, which must succeed."""
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=3600)
    return time.perf_counter() - started


def plain(lab: labs.Lab, submissions: Path, students: int, folder: Path) -> float:
    """Seconds per submission of nbgrader's own autograde, over the first students of the class."""
    source = folder / "source" / lab.name
    source.mkdir(parents=True)
    shutil.copy(lab.source, source)
    config = "c = get_config()\nc.ClearSolutions.code_stub = {'python': 'raise NotImplementedError()'}\n"
    (folder / "nbgrader_config.py").write_text(config + "c.ExecutePreprocessor.timeout = 600\n")
    environment = ["env", f"PATH={BIN}:/usr/bin:/bin", str(BIN / "nbgrader")]
    seconds_of([*environment, "generate_assignment", lab.name, "--create"], folder)
    for place in sorted(submissions.iterdir())[:students]:
        shutil.copytree(place, folder / "submitted" / place.name / lab.name)
    return seconds_of([*environment, "autograde", lab.name, "--create"], folder) / students


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lab")
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--plain", type=int, default=3, help="how many of them nbgrader grades")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--no-checks", action="store_true", help="`course grade --no-checks`")
    options = parser.parse_args()
    root = files.course_root()
    (lab,) = labs.find(root, [options.lab])
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder, "class")
        mixed_class(lab, options.students, submissions)
        command = [BIN / "course", "grade", submissions, "--lab", lab.name, "-j", str(options.j)]
        command += ["--into", Path(folder, "grading"), *(["--no-checks"] if options.no_checks else [])]
        ours = seconds_of(command, root) / options.students
        theirs = plain(lab, submissions, options.plain, Path(folder, "nbgrader"))
    print(json.dumps({"lab": lab.name, "course": round(ours, 2), "nbgrader": round(theirs, 2), "ratio": theirs / ours}))


if __name__ == "__main__":
    main()
