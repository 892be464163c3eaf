"""course_tools.authoring.validate: what it passes, what it fails and what it refuses, and that it ends when told to."""

import json
import time

import nbformat
import psutil
import pytest
from conftest import assert_one_clear_line, edit, small_notebook

from course_tools.authoring import validate

CLAIM = "from course_utils.claims import Claims\nclaims = Claims('t')\nclaims.equal('a', 2, {})\nclaims.table()"


def test_an_output_is_compared_unless_a_tag_or_a_comment_says_otherwise():
    notebook = small_notebook("print(1)", "print(2)", "print(3)  # NBVAL_IGNORE_OUTPUT", "x = 1")
    for cell in notebook.cells[1:4]:
        cell.outputs = [nbformat.v4.new_output("stream", text="1\n")]
    notebook.cells[2].metadata["tags"] = ["nbval-ignore-output"]
    with_output = validate.cells_with_output(notebook)
    assert [validate.is_compared(cell) for cell in with_output] == [True, False, False]


def test_validate_passes_what_run_stored(course, type_command):
    course("print(6 * 7)", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 0 failed" in done.stdout and "2 of 2" in done.stdout
    assert done.stderr == ""


def test_validate_passes_a_figure_where_matplotlib_may_not_write_at_home(course, type_command):
    course("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    done = type_command("validate", "--device", "cpu", HOME="/dev/null")
    assert done.returncode == 0, done.stdout


def test_validate_fails_a_wrong_stored_output(course, type_command):
    path = course("print(6 * 7)")
    edit(path, lambda notebook: notebook.cells[1].outputs[0].update(text="43\n"))
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 1 and "Cell 0 failed" in done.stdout and "0 passed, 1 failed" in done.stdout


def test_validate_ignores_a_tagged_output(course, type_command):
    path = course("print(6 * 7)")

    def spoil(notebook):
        notebook.cells[1].outputs[0].text = "43\n"
        notebook.cells[1].metadata.tags = ["nbval-ignore-output"]

    edit(path, spoil)
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 0 and "0 of 1" in done.stdout


def test_validate_fails_a_claim_off_by_one(course, type_command):
    path = course(CLAIM.format("2, source='arithmetic'"))
    edit(path, lambda notebook: notebook.cells[1].update(source=CLAIM.format("3, source='arithmetic'")))
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 1 and "ClaimFailed: a: expected 3, measured 2" in done.stdout


def test_validate_fails_a_lesson_over_budget(course, type_command):
    course("sum(range(10**8))", minutes=1 / 60)
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 1 and "over budget by" in done.stdout


def test_waiting_takes_no_budget(course, type_command):
    """As a notebook does beside others, on a machine with too few cores for all."""
    course("import time\ntime.sleep(9)", minutes=8 / 60)
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 0, done.stdout


def test_the_time_limit_of_the_tests_is_none_for_cells(course, type_command):
    path = course("import time\ntime.sleep(4)")
    (path.parents[1] / "pyproject.toml").write_text("[tool.pytest.ini_options]\ntimeout = 1\n", encoding="utf-8")
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 0, done.stdout


def test_validate_refuses_a_notebook_that_is_not_json(course, type_command):
    path = course("print(1)", execute=False)
    path.write_text("{ half a noteb", encoding="utf-8")
    assert_one_clear_line(type_command("validate", "--device", "cpu"), "is not JSON", "git checkout")


def test_validate_refuses_json_that_is_no_notebook(course, type_command):
    path = course("print(1)", execute=False)
    path.write_text(json.dumps({"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}), encoding="utf-8")
    assert_one_clear_line(type_command("validate", "--device", "cpu"), "is not a valid notebook")


def test_validate_refuses_a_notebook_without_a_budget(course, type_command):
    path = course("print(1)", execute=False)
    edit(path, lambda notebook: notebook.metadata.course.pop("minutes_cpu"))
    assert_one_clear_line(type_command("validate", "--device", "cpu"), "metadata.course", "minutes_cpu")


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--device", "cuda"], "no cuda device on this machine"),
        (["lessons/07.ipynb"], "no such notebook: lessons/07.ipynb"),
        (["README.md"], "README.md is not a notebook"),
    ],
)
def test_validate_refuses_what_is_not_there(course, type_command, arguments, word):
    course("print(1)", execute=False)
    assert_one_clear_line(type_command("validate", *arguments, CUDA_VISIBLE_DEVICES=""), word)


def test_validate_fails_a_notebook_that_needs_too_much_memory(course, monkeypatch):
    path = course("print(1)")
    monkeypatch.setattr(validate, "MEMORY_LIMIT", 2**20)
    (result,) = validate.validate([validate.prepare(path, device_type="cpu")], device="cpu", workers=1)
    assert result.usage.peak_memory > 2**20 and result.faults == ("over 0 GiB of memory",)


def test_validate_says_so_where_pytest_could_not_run(course, monkeypatch):
    path = course("print(1)")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    (result,) = validate.validate([validate.prepare(path, device_type="cpu")], device="cpu", workers=1)
    assert result.faults == ("pytest ended with code 4",) and "--no-such-option" in result.report


def test_validate_names_three_of_many_cells_that_failed(course):
    path = course(*(f"print({number})" for number in range(5)))

    def spoil(notebook):
        for cell in notebook.cells[1:]:
            cell.outputs[0].text = "other\n"

    edit(path, spoil)
    (result,) = validate.validate([validate.prepare(path, device_type="cpu")], device="cpu", workers=1)
    (fault,) = result.faults
    assert fault.count("Cell") == 3 and fault.endswith(" and 2 more failed")


@pytest.mark.parametrize(
    ("clock", "fault"),
    [("processor_seconds", "stopped after 70 processor seconds"), ("perf_counter", "stopped after 610 seconds")],
)
def test_a_run_is_stopped_at_three_times_its_budget_and_a_minute_and_ten_times_that_where_it_only_waits(
    course, monkeypatch, clock, fault
):
    path = course("import time\ntime.sleep(60)", minutes=1e-6, execute=False)
    now = [0.0]
    monkeypatch.setattr(validate.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 10))
    place = validate.processes if clock == "processor_seconds" else validate.time
    monkeypatch.setattr(place, clock, lambda *_: now[0])
    (result,) = validate.validate([validate.prepare(path, device_type="cpu")], device="cpu", workers=1)
    assert result.faults == (fault,)


def test_a_fault_of_the_program_stops_the_notebooks_that_run(course):
    """Whatever ends the loop over results, such as Ctrl-C, nobody waits for the rest."""
    quick = course("print(1)")
    slow = quick.with_name("02_slow.ipynb")
    slow.write_bytes(quick.read_bytes())
    edit(slow, lambda notebook: notebook.cells[1].update(source="import time\ntime.sleep(250)"))
    jobs = [validate.prepare(path, device_type="cpu") for path in (quick, slow)]

    def interrupt(done, total):
        raise KeyboardInterrupt

    before = set(psutil.Process().children(recursive=True))  # of tests that ran earlier in this process
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        validate.validate(jobs, device="cpu", workers=2, on_result=interrupt)
    assert time.monotonic() - started < 200 and set(psutil.Process().children(recursive=True)) <= before
