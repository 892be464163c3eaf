"""course_tools.grader.labs: the lab's own experiments, which grading leaves out where no answer needs them."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_tools.grader import labs
from course_utils.command import notebooks

ROOT = notebooks.course_root()


def code_cell(source, name, **nbgrader):
    made = new_code_cell(source, id=name)
    if nbgrader:
        made.metadata["nbgrader"] = nbgrader
    return made


def lab_with(*extra, answer="def f(x):\n    return x"):
    """A small lab with two experiments, one on top of the other; and the same with `answer` and extra cells."""
    setup = code_cell("import torch\nx = 1", "setup")
    setup.metadata["tags"] = ["setup"]
    own = [
        setup,
        code_cell("def f(x): ...", "f", grade_id="f", solution=True),
        code_cell("y = f(x)\nassert y", "check", grade_id="check_f", grade=True),
        code_cell("data = [f(i) for i in range(9)]", "data"),
        code_cell("y = 3\nmean = sum(data)", "mean"),
    ]
    handed = [code_cell(answer, "f", grade_id="f", solution=True) if cell.id == "f" else cell for cell in own]
    handed += [code_cell(text, f"extra-{number}") for number, text in enumerate(extra)]
    return new_notebook(cells=handed), new_notebook(cells=own)


@pytest.mark.parametrize(
    ("extra", "answer", "left_out"),
    [
        ((), "def f(x):\n    return x", {"data", "mean"}),
        ((), "def f(x):\n    y = data = mean = x\n    return y", {"data", "mean"}),  # its own names
        ((), "def f(x):\n    return data[x]", {"mean"}),
        (("print(mean)",), "def f(x):\n    return x", set()),  # and what the mean needs
        (("print('mean')",), "def f(x):\n    return x", {"data", "mean"}),
        (("%timeit f(mean)",), "def f(x):\n    return x", set()),  # no plain Python: every word counts
        ((), "def f(x):\n    return [lambda: data for _ in 'ab']", {"mean"}),
        (("data = 1",), "def f(x):\n    return x", {"data", "mean"}),
        (("mean, data = 1, 2\nprint(mean + data)",), "def f(x):\n    return x", {"data", "mean"}),  # its own ones
        (("for mean in 'ab':\n    print(mean)",), "def f(x):\n    return x", {"data", "mean"}),
        (("with open('x') as mean:\n    print(mean)",), "def f(x):\n    return x", {"data", "mean"}),
        (("mean = 1", "print(mean)"), "def f(x):\n    return x", {"data", "mean"}),  # of the cell before
        (("if x:\n    mean = 1", "print(mean)"), "def f(x):\n    return x", {"data", "mean"}),
        (("if x:\n    mean = 1\nprint(mean)",), "def f(x):\n    return x", set()),  # perhaps the lab's
        (("print(mean)\nmean = 1",), "def f(x):\n    return x", set()),
        (("mean += 1",), "def f(x):\n    return x", set()),
    ],
)
def test_an_experiment_runs_where_a_name_of_it_is_used(extra, answer, left_out):
    notebook, released = lab_with(*extra, answer=answer)
    assert labs.experiments(notebook, released) == left_out


def test_a_changed_own_cell_is_a_students_cell():
    notebook, released = lab_with("data = [1]\nprint(y, data)")
    assert labs.experiments(notebook, released) == set()  # it reads `y`, which `mean` binds, which needs `data`


@pytest.mark.parametrize("lab", labs.find(ROOT), ids=lambda lab: lab.name)
def test_without_its_experiments_every_check_of_a_lab_passes(lab):
    source, released = labs.read_source(lab), notebooks.read(lab.released)
    left_out = labs.experiments(source, released)
    code = [own for own in source.cells if own.cell_type == "code" and own.id not in left_out]
    cells = {own.id: own.source for own in code}
    assert labs.namespace(cells).get("__failures__", {}) == {}


def test_the_longest_cells_of_the_labs_are_left_out():
    (lab,) = labs.find(ROOT, ["lab05"])
    notebook = notebooks.read(lab.released)
    left_out = labs.experiments(notebook, notebook)
    assert any("Reverser" in own.source for own in notebook.cells if own.id in left_out)
