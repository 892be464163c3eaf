"""course_utils.command.kernel: the notebook runs in this environment, whatever else is installed."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellTimeoutError

from course_utils.command import kernel


@pytest.fixture
def foreign_kernel(tmp_path, monkeypatch):
    """A kernel called `python3` that comes first and is of another, broken, Python."""
    folder = tmp_path / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    specification = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Python 3", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")


def notebook(source):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def test_a_foreign_kernel_of_the_same_name_is_not_used(foreign_kernel, tmp_path):
    made = notebook("import os, sys\nprint(sys.executable, os.getcwd())")
    kernel.client(made, tmp_path, cell_seconds=60).execute()
    executable, folder = made.cells[0].outputs[0].text.split()
    assert executable == sys.executable and Path(folder) == tmp_path.resolve()


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    with pytest.raises(CellTimeoutError):
        kernel.client(notebook("import time\ntime.sleep(60)"), tmp_path, cell_seconds=1).execute()
