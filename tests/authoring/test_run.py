"""course_tools.authoring.run: a second run changes nothing, and a run that fails leaves the notebook as it was."""

from pathlib import Path

import nbformat
import pytest
from conftest import edit

from course_tools.authoring import run, stored_outputs


def test_a_second_run_changes_no_byte(course, type_command):
    path = course("import sys\nfor n in range(3):\n    print(n, flush=True)", "6 * 7")
    first = path.read_bytes()
    assert type_command("run", "--device", "cpu").returncode == 0
    assert path.read_bytes() == first
    assert b'execution"' not in first and b"42" in first


def test_run_leaves_the_notebook_as_it_was_where_a_cell_raises(course, type_command):
    path = course("print(1)", "1 / 0", execute=False)
    before = path.read_bytes()
    done = type_command("run", "--device", "cpu")
    assert done.returncode == 2 and path.read_bytes() == before
    assert "01_small.ipynb, cell 3 of 3, raised ZeroDivisionError: division by zero" in done.stderr
    assert "Traceback" not in done.stderr
    assert [place.name for place in path.parent.iterdir()] == [path.name]


def test_run_names_the_cell_that_killed_the_kernel_although_later_cells_have_outputs(course, type_command):
    path = course("import os", "print(2)")
    edit(path, lambda notebook: notebook.cells[1].update(source="import os\nos._exit(1)"))
    done = type_command("run", "--device", "cpu")
    assert done.returncode == 2 and "01_small.ipynb, cell 2 of 3, did not finish" in done.stderr


def test_a_full_disk_leaves_the_notebook_as_it_was(course, type_command, monkeypatch):
    path = course("print(1)", execute=False)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        run.run(path, device="cpu")
    assert path.read_bytes() == before and [place.name for place in path.parent.iterdir()] == [path.name]


def test_normalizing_gives_stable_ids_and_drops_what_editors_write():
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("1")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {}, "course": {"title": "t"}})
    for cell in notebook.cells:
        cell.id = "same"
        cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
        cell.outputs = [
            nbformat.v4.new_output("stream", name="stdout", text="a"),
            nbformat.v4.new_output("stream", name="stdout", text="b"),
        ]
    run.normalize(notebook)
    assert [len(cell.outputs) for cell in notebook.cells] == [1, 1] and notebook.cells[0].outputs[0].text == "ab"
    assert notebook.cells[0].id == "same" and notebook.cells[1].id not in ("same", "")
    assert notebook.cells[0].metadata == {} and "widgets" not in notebook.metadata
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]


def test_figures_are_stored_whatever_backend_the_environment_names(course, type_command):
    path = course("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", execute=False)
    done = type_command("run", "--device", "cpu", MPLBACKEND="Agg")
    assert done.returncode == 0, done.stderr
    assert "image/png" in nbformat.read(path, as_version=4).cells[1].outputs[-1].data


def test_outputs_are_stored_and_compared_with_one_thread_unless_somebody_asks_for_more(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert stored_outputs.variables("cpu")["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert stored_outputs.variables("cpu")["OMP_NUM_THREADS"] == "2"


def test_a_cell_tagged_hide_input_is_folded_in_jupyterlab_and_no_other_is(course):
    path = course("print(1)", "print(2)", execute=False)

    def fold(notebook: nbformat.NotebookNode) -> None:
        notebook.cells[1].metadata.update(tags=["hide-input"], jupyter={"outputs_hidden": True})
        notebook.cells[2].metadata["jupyter"] = {"source_hidden": True}

    edit(path, fold)
    run.run(path, device="cpu")
    folded, open_cell = nbformat.read(path, as_version=4).cells[1:3]
    assert folded.metadata.jupyter == {"source_hidden": True} and "jupyter" not in open_cell.metadata
