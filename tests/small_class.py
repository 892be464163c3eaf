"""A lab of two exercises and a report in a course of its own, with short limits, and notebooks to hand in."""

import json
import struct
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_tools.grader import labs, release
from course_tools.grader.jail import sandbox

LAB = "lab98"
LIMITS = {
    "cell_seconds": 6,
    "call_seconds": 4,
    "submission_seconds": 60,
    "memory_mib": 500,
    "processes": 12,
    "disk_mib": 16,
    "output_mib": 2,
}
JUDGE = """
import torch

from course_tools.grader.judge.hidden_tests import draw, hidden_test
from course_utils.compare import same

HIDDEN = "the hidden number is 271828"

@hidden_test("check_double", points=1, hint="for every number")
def doubles_numbers(student, generator):
    for _ in range(3):
        x = draw(generator, 1).item()
        same(student.double(x), 2 * x, "double")

@hidden_test("check_double", points=1, hint="tensors, too")
def doubles_tensors(student, generator):
    x = draw(generator, 2, 3)
    same(student.double(x), 2 * x, "double")

@hidden_test("check_halve", points=1, hint="for every number")
def halves_numbers(student, generator):
    x = draw(generator, 1).item()
    same(student.halve(x), x / 2, "halve")
"""
DOUBLE, HALVE = "def double(x):\n    return 2 * x", "def halve(x):\n    return x / 2"
WRONG = "def double(x):\n    return 3 * x"
REPORT = "I expected 2, because 1 + 1 = 2."

needs_jail = pytest.mark.skipif(bool(sandbox.trouble()), reason=f"no sandbox: {sandbox.trouble()}")


def cell(source: str, grade_id: str, *, grade: bool, solution: bool, points: float | None = None) -> NotebookNode:
    """A cell as nbgrader marks it."""
    make, kind = (new_markdown_cell, "markdown") if grade and solution else (new_code_cell, "code")
    fields = {"grade_id": grade_id, "grade": grade, "solution": solution, "locked": grade and not solution}
    fields |= {"schema_version": 3, "task": False, "cell_type": kind} | ({"points": points} if grade else {})
    return make(source, metadata={"nbgrader": fields}, id=grade_id.replace("_", "-"))


def make_course(root: Path, *, name: str = LAB, judge: str = JUDGE, **limits: float) -> labs.Lab:
    """A course under `root` with this lab, released."""
    (root / "lessons").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").touch()
    (root / "solutions" / name).mkdir(parents=True)
    hidden = "    ### BEGIN SOLUTION\n    {}\n    ### END SOLUTION"
    cells = [
        new_markdown_cell("# Two exercises", id="title"),
        new_code_cell("import torch", metadata={"tags": ["setup"]}, id="setup"),
        cell("def double(x):\n" + hidden.format("return 2 * x"), "double", grade=False, solution=True),
        cell("assert double(1) == 2", "check_double", grade=True, solution=False, points=2),
        cell("def halve(x):\n" + hidden.format("return x / 2"), "halve", grade=False, solution=True),
        cell("assert halve(2) == 1", "check_halve", grade=True, solution=False, points=1),
        cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION", "report", grade=True, solution=True, points=2),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "course": {"grading": LIMITS | limits}}
    lab = labs.Lab(name, root)
    nbformat.write(new_notebook(cells=cells, metadata=metadata), lab.source)
    lab.judge.write_text(judge)
    release.write(lab)
    return lab


def answered(lab: labs.Lab, *, double: str = DOUBLE, halve: str = HALVE, report: str = REPORT) -> NotebookNode:
    """The released notebook with these answers."""
    notebook = nbformat.read(lab.released, as_version=4)
    answers = {"double": double, "halve": halve, "report": report}
    for own in notebook.cells:
        own.source = answers.get(own.id, own.source)
    return notebook


def with_extra(notebook: NotebookNode, source: str, *, after: str = "check-halve") -> NotebookNode:
    """`notebook` with one more code cell behind the cell of that id."""
    index = next(index for index, other in enumerate(notebook.cells) if other.id == after)
    notebook.cells.insert(index + 1, new_code_cell(source, id="mine"))
    return notebook


def hand_in(folder: Path, student: str, notebook: NotebookNode | bytes | str, *, name: str = LAB) -> Path:
    """Write <folder>/<student>/<lab>.ipynb."""
    place = folder / student / f"{name}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(notebook, dict):
        notebook = json.dumps(notebook)
    place.write_bytes(notebook if isinstance(notebook, bytes) else notebook.encode())
    return place


def korean_windows(*members: tuple[str, bytes]) -> bytes:
    """The bytes of a zip as Korean Windows writes it: names are CP949, without the flag for UTF-8."""
    body, directory = b"", b""
    for name, content in members:
        raw = name.encode("cp949")
        fields = struct.pack(
            "<HHHHHIIIHH", 20, 0, 0, 0, 0x5821, zipfile.crc32(content), len(content), len(content), len(raw), 0
        )
        directory += b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\3\4" + fields + raw + content
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end
