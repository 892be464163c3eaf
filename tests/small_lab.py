"""A lab of one exercise, in a course of its own."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from small_class import cell

from course_tools.grader import labs

SOLUTION = """def halve(x):
    ### BEGIN SOLUTION
    if x < 0:
        raise ValueError("negative")
    return x / 2
    ### END SOLUTION"""
JUDGE = """
from course_tools.grader.judge.hidden_tests import check, draw, hidden_test, raises
from course_utils.compare import same

@hidden_test("check_halve", points=2, hint="half")
def halves(student, generator):
    x = draw(generator, 1).abs().item()
    same(student.halve(x), x / 2, "halve")
    same(student.halve(0.0), 0.0, "halve of nothing")

@hidden_test("check_halve", points=1, hint="below zero")
def refuses_negative_numbers(student, generator):
    raises(lambda: student.halve(-1.0), "ValueError", "halve(-1)")
"""


def make_lab(root: Path, judge: str = JUDGE, solution: str = SOLUTION, points: float = 3) -> labs.Lab:
    """A lab under `root`, not released yet."""
    (root / "solutions" / "lab99").mkdir(parents=True)
    cells = [
        new_code_cell("import torch", metadata={"tags": ["setup"]}, id="setup"),
        cell(solution, "halve", grade=False, solution=True),
        cell("assert halve(2) == 1", "check_halve", grade=True, solution=False, points=points),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, root / "solutions" / "lab99" / "lab99.ipynb")
    (root / "solutions" / "lab99" / "judge.py").write_text(judge)
    (lab,) = labs.find(root)
    return lab
