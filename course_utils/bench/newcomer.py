"""A newcomer's path, timed from a clean clone: to the first cell that runs, a class of 30 graded, a green test run."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from course_utils.bench.grading import mixed_class
from course_utils.bench.record import Comparison
from course_utils.errors import CourseError
from course_utils.grading import labs
from course_utils.notebooks import files

STUDENTS = 30
FIRST_CELL = """
import nbformat, nbclient
notebook = nbformat.read("lessons/01_the_training_loop.ipynb", as_version=4)
first = next(index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code")
client = nbclient.NotebookClient(notebook, resources={"metadata": {"path": "lessons"}})
with client.setup_kernel():
    client.execute_cell(notebook.cells[first], first)
"""


def run(*, say: Callable[[str], None] = print, log: Path) -> tuple[list[Comparison], str]:
    """Each stage's seconds. What the stages print goes to `log`. Raises `CourseError` where one fails."""
    root = files.course_root()
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        clone, submissions = Path(folder, "course"), Path(folder, "class")
        (lab,) = labs.find(root, ["lab01"])
        mixed_class(lab, STUDENTS, submissions)
        python, course = (str(clone / ".venv/bin" / name) for name in ("python", "course"))
        stages = {
            "clone and `make setup`": [
                "sh",
                "-c",
                'git clone -q "$0" "$1" && make -C "$1" setup',
                str(root),
                str(clone),
            ],
            "first cell of lesson 01": [python, "-c", FIRST_CELL],
            f"class of {STUDENTS} graded, lab 01": [course, "grade", str(submissions), "--lab", lab.name, "-j", "2"],
            "green test run, `make test`": ["make", "test"],
        }
        # The tools of this environment must not help.
        path = os.pathsep.join(
            each for each in os.environ["PATH"].split(os.pathsep) if each != str(Path(sys.executable).parent)
        )
        rows = []
        with log.open("w", encoding="utf-8") as output:
            for what, command in stages.items():
                started = time.perf_counter()
                done = subprocess.run(
                    command,
                    cwd=clone if clone.exists() else folder,
                    env={**os.environ, "PATH": path},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
                if done.returncode:
                    raise CourseError(f"{what} failed: see the end of {log}")
                rows.append(Comparison(what, time.perf_counter() - started, None, ours_is=""))
                say(f"{what}: {rows[-1].ours:.0f} s")
    return rows, "Each stage needs those before it. How long packages take to download depends on the network."
