"""course_tools.notebook_code: cells run in their order, or their definitions alone; and nothing else runs notebooks."""

import ast

import nbformat
import pytest
from conftest import ROOT, small_notebook

from course_tools.notebook_code import FAILURES, definitions, run_cells


def test_cells_run_in_order_in_one_namespace():
    names = run_cells({"one": "x = 2", "two": "y = 3 * x"}, {})
    assert names["y"] == 6 and FAILURES not in names


def test_a_cell_that_raises_keeps_what_it_defined_and_the_next_one_runs():
    names = run_cells({"bad": "x = 1\n1 / 0\nx = 2", "good": "y = x"}, {})
    assert names["y"] == 1 and names[FAILURES] == {"bad": "ZeroDivisionError: division by zero"}


def test_an_error_that_is_not_tolerated_stops_the_cells_and_names_the_cell():
    with pytest.raises(ZeroDivisionError) as error:
        run_cells({"the third cell": "1 / 0"}, {}, tolerated=AssertionError)
    assert error.traceback[-1].frame.code.raw.co_filename == "<the third cell>"


def test_definitions_leave_out_what_would_take_time(tmp_path):
    source = "import math\nSIDE = 3\nHALF = math.pi / 2\nlower = 4\nprint('a long training')\n"
    path = tmp_path / "01_small.ipynb"
    nbformat.write(small_notebook(source, "def area(r):\n    return math.pi * r * SIDE\nclass Box: ..."), path)
    made = definitions(path)
    assert made.area(1) == pytest.approx(9.42, abs=0.01) and made.Box.__module__ == "01_small"
    assert made.SIDE == 3 and not hasattr(made, "HALF") and not hasattr(made, "lower")


CALLED = {"exec", "NotebookClient", "ExecutePreprocessor"}
WRITTEN = {"--nbval", "execute_request"}  # an option, and a kernel's own request


def executors() -> dict[str, set[str]]:
    """What runs notebook code in the two packages, by file."""
    marks: dict[str, set[str]] = {}
    for package in ("course_utils", "course_tools"):
        for path in sorted((ROOT / package).rglob("*.py")):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            names = {node.id for node in nodes if isinstance(node, ast.Name)}
            texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            if names & CALLED or texts & WRITTEN:
                marks[path.relative_to(ROOT).as_posix()] = names & CALLED | texts & WRITTEN
    return marks


def test_three_places_run_the_courses_notebooks_and_one_runs_those_of_strangers():
    assert executors() == {
        "course_utils/command/kernel.py": {"NotebookClient"},
        "course_tools/notebook_code.py": {"exec"},
        "course_tools/authoring/validate.py": {"--nbval"},
        "course_tools/grader/jail/session.py": {"execute_request"},
    }
