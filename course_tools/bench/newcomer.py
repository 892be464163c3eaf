"""A newcomer's path, timed from a clean clone: to the first cell that runs, a class of 30 graded, a green test run."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat

from course_tools.bench.grading import mixed_class
from course_tools.bench.page import Comparison
from course_tools.bench.timing import program_seconds
from course_tools.grader import labs
from course_utils.command import notebooks
from course_utils.errors import CourseError

STUDENTS = 30


def run(*, say: Callable[[str], None] = print, log: Path) -> tuple[list[Comparison], str]:
    """Each stage's seconds. What the stages print goes to `log`. Raises `CourseError` where one fails."""
    root = notebooks.course_root()
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clone, submissions = Path(folder, "course"), Path(folder, "class")
        lesson, lab = notebooks.find([root / "lessons"], root)[0], labs.find(root)[0]
        first_cell = Path(folder, "first_cell.ipynb")
        write_first_cell(lesson, first_cell)
        mixed_class(lab, STUDENTS, submissions)
        course = str(clone / ".venv/bin/course")
        stages = {
            "clone and `make setup`": [
                "sh",
                "-c",
                'git clone -q "$0" "$1" && make -C "$1" setup',
                str(root),
                str(clone),
            ],
            "first cell of the first lesson": [course, "run", str(first_cell)],
            f"class of {STUDENTS} graded, {lab.name}": [
                course,
                "grade",
                str(submissions),
                "--lab",
                lab.name,
                "-j",
                "2",
            ],
            "green test run, `make test`": ["make", "test"],
        }
        # The tools of this environment must not help.
        own = str(Path(sys.executable).parent)
        path = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if folder != own)
        rows = []
        with log.open("w", encoding="utf-8") as output:
            for what, command in stages.items():
                place = clone if clone.exists() else Path(folder)
                try:
                    seconds = program_seconds(
                        command, cwd=place, environment={**os.environ, "PATH": path}, output=output
                    )
                except CourseError:
                    raise CourseError(f"{what} failed: see the end of {log}") from None
                rows.append(Comparison(what, seconds, None, ours_is=""))
                say(f"{what}: {seconds:.0f} s")
    return rows, "Each stage needs those before it. How long packages take to download depends on the network."


def write_first_cell(lesson: Path, path: Path) -> None:
    """Write a notebook with the lesson's first code cell and nothing else."""
    notebook = notebooks.read(lesson)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:1]
    nbformat.write(notebook, path)
