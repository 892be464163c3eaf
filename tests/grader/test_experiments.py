"""The lab's own experiments: grading leaves them out where no answer needs them, and shows what was handed in."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_tools.grader import labs
from course_tools.grader.cohort import gradebook
from course_tools.grader.cohort.execution import Result
from course_tools.grader.jail.outputs import KEPT_TEXT, handed_in
from course_utils.command import notebooks

ROOT = notebooks.course_root()


def cell(source, name, **nbgrader):
    made = new_code_cell(source, id=name)
    if nbgrader:
        made.metadata["nbgrader"] = nbgrader
    return made


def lab_with(*extra, answer="def f(x):\n    return x"):
    """A small lab with two experiments, one on top of the other; and the same with `answer` and extra cells."""
    setup = cell("import torch\nx = 1", "setup")
    setup.metadata["tags"] = ["setup"]
    own = [
        setup,
        cell("def f(x): ...", "f", grade_id="f", solution=True),
        cell("y = f(x)\nassert y", "check", grade_id="check_f", grade=True),
        cell("data = [f(i) for i in range(9)]", "data"),
        cell("y = 3\nmean = sum(data)", "mean"),
    ]
    handed = [cell(answer, "f", grade_id="f", solution=True) if each.id == "f" else each for each in own]
    return new_notebook(cells=[*handed, *(cell(text, f"extra-{i}") for i, text in enumerate(extra))]), new_notebook(
        cells=own
    )


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
    cells = {each.id: each.source for each in source.cells if each.cell_type == "code" and each.id not in left_out}
    assert labs.namespace(cells).get("__failures__", {}) == {}


def test_the_longest_cells_of_the_labs_are_left_out():
    (lab,) = labs.find(ROOT, ["lab05"])
    notebook = notebooks.read(lab.released)
    left_out = labs.experiments(notebook, notebook)
    assert any("Reverser" in each.source for each in notebook.cells if each.id in left_out)


def test_an_experiment_shows_what_it_was_handed_in_with_and_says_so():
    notebook, _ = lab_with()
    notebook.cells[3].outputs = [new_output("stream", name="stdout", text="31 %\n")]
    notebook.cells[4].outputs = [new_output("stream", name="stdout", text="replaced\n")]
    result = Result(outputs={"mean": [new_output("stream", name="stdout", text="run\n")], "f": []})
    graded = gradebook.Graded("ann", "lab00", {"check_f": 1.0}, {"check_f": 1.0})
    made = {
        each.id: "".join(out.text for out in each.outputs)
        for each in gradebook.executed(notebook, result, graded).cells
    }
    assert made["data"] == gradebook.NOT_RUN + "31 %\n"
    assert made["mean"] == "run\n" and made["setup"] == ""


def test_outputs_that_were_handed_in_lose_what_a_browser_would_run_and_what_is_too_much():
    script = {"text/html": "<script>1</script>", "image/svg+xml": "<svg/>", "text/plain": ["a ", "figure"]}
    kept = handed_in(
        [
            {"output_type": "display_data", "data": {**script, "image/png": ["iVBO\n", "Rw=="]}},
            {"output_type": "execute_result", "data": {"image/png": "<img>"}},
            {"output_type": "stream", "name": "stdout", "text": "x" * (KEPT_TEXT + 1)},
            {"output_type": "stream", "text": 7},
            {"output_type": "update_display_data"},
            "no output",
        ]
    )
    assert kept[0].data == {"text/plain": "a figure", "image/png": "iVBO\nRw=="}
    assert kept[1].data == {"text/plain": ""}
    assert len(kept[2].text) < KEPT_TEXT + 100 and kept[2].text.endswith("[more was put out than is kept]\n")
    assert len(kept) == 3 and handed_in("none") == handed_in(None) == []
