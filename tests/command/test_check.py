"""`course check`, typed as a user would, right and wrong."""

import json

import nbformat
import pytest
from conftest import ROOT, small_notebook

from course_utils.command import check
from course_utils.errors import CourseError

LAB = ROOT / "labs" / "lab01" / "lab01.ipynb"


def write_lab(path, **sources):
    """A copy of lab01 with other sources in the cells of these ids; the training exercise is left out."""
    notebook = nbformat.read(LAB, as_version=4)
    for cell in notebook.cells:
        fields = cell.metadata.get("nbgrader", {})
        if fields.get("grade_id") in sources:
            cell.source = sources[fields["grade_id"]]
    notebook.cells = [cell for cell in notebook.cells if "train_cnn" not in cell.source]
    nbformat.write(notebook, path)


def test_an_untouched_lab_is_not_done_yet(type_command, tmp_path):
    write_lab(tmp_path / "mine.ipynb")
    result = type_command("check", str(tmp_path / "mine.ipynb"), "--device", "cpu")
    assert result.returncode == 1
    assert "[no]  check_same_padding: not done yet" in result.stdout and "WARNING" not in result.stderr
    assert result.stdout.splitlines()[-1] == "0 of 5 checks passed; hidden tests remain"


def test_right_and_wrong_answers_get_a_line_each_and_nothing_is_written(type_command, tmp_path):
    path = tmp_path / "mine.ipynb"
    right = (
        "def same_padding(size, kernel, stride=1, dilation=1):\n"
        "    missing = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)\n"
        "    return missing // 2, missing - missing // 2"
    )
    wrong = (
        "def avg_pool2d_backward(grad, shape, kernel, stride):\n"
        "    x = torch.zeros(*grad.shape[:2], *shape, dtype=grad.dtype, requires_grad=True)\n"
        "    return torch.autograd.grad(F.avg_pool2d(x, kernel, stride), x, grad)[0] * kernel**2"
    )
    write_lab(path, same_padding=right, avg_pool2d_backward=wrong)
    before = path.read_bytes()
    result = type_command("check", str(path))
    assert result.returncode == 1 and path.read_bytes() == before
    assert "[ok]  check_same_padding: 5 comparisons" in result.stdout
    assert "[no]  check_avg_pool2d_backward: kernel 2, stride 2, 6×8 pixels of ones: expected " in result.stdout
    assert "Hint: the mean divides by the window's pixels" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


# --- cells that do not end: in this process, with seconds in place of minutes


def write_checks(path, *sources):
    """A lab whose only cells are checks; returns its path."""
    notebook = small_notebook(*sources)
    for number, cell in enumerate(notebook.cells[1:], 1):
        cell.metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": f"check_{number}"}
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def seconds(monkeypatch):
    """A cell has two seconds, and two more to stop."""
    monkeypatch.setattr(check, "CELL_SECONDS", 2)
    monkeypatch.setattr(check, "STOP_SECONDS", 2)


def test_an_endless_loop_costs_its_own_check_and_no_other(seconds, tmp_path):
    path = write_checks(tmp_path / "mine.ipynb", "while True: pass", "print('[ok] a')\nprint('[ok] b')")
    outcomes = check.run(path, device="cpu")
    assert [str(outcome) for outcome in outcomes] == [
        "[no]  check_1: no answer after 2 s: is there an endless loop?",
        "[ok]  check_2: 2 comparisons",
    ]


def test_a_loop_that_catches_the_interrupt_ends_the_run_with_a_clear_error(seconds, tmp_path):
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    path = write_checks(tmp_path / "mine.ipynb", stubborn, "print('[ok] a')")
    with pytest.raises(CourseError, match=r"mine\.ipynb: cell 2 runs on and cannot be interrupted"):
        check.run(path, device="cpu")


def test_a_kernel_that_dies_is_a_clear_error_that_names_the_cell(tmp_path):
    path = write_checks(tmp_path / "mine.ipynb", "print('[ok] a')", "import os\nos._exit(1)")
    seen = []
    with pytest.raises(CourseError, match=r"mine\.ipynb: the kernel died in cell 3; restart it"):
        check.run(path, device="cpu", on_outcome=seen.append)
    assert [outcome.passed for outcome in seen] == [True]


def test_a_lab_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(CourseError, match=r"no such notebook: .*mine\.ipynb; see `ls labs`"):
        check.run(tmp_path / "mine.ipynb", device="cpu")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such notebook"),
        ("{", "is not JSON"),
        (json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "holds no check: is it a lab?"),
    ],
)
def test_a_file_that_is_no_lab_is_a_clear_error(type_command, tmp_path, content, message):
    path = tmp_path / "mine.ipynb"
    if content is not None:
        path.write_text(content)
    result = type_command("check", str(path))
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr
