"""The `course` command as a user types it, right and wrong."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, assert_one_clear_line

from course_tools.authoring import run
from course_utils.command import notebooks

VERBS = ("lab", "doctor", "validate", "run", "index")
CLAIM = "from course_utils.claims import Claims\nclaims = Claims('t')\nclaims.equal('a', 2, {})\nclaims.table()"


def edit(path: Path, change) -> None:
    """Change the notebook at `path` by calling `change` on it."""
    notebook = notebooks.read(path)
    change(notebook)
    notebooks.write_text(path, nbformat.writes(notebook) + "\n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(type_command, verb):
    done = type_command(verb, "--help")
    assert done.returncode == 0 and f"Example: course {verb}" in " ".join(done.stdout.split())


# --- doctor


def test_doctor_has_a_line_per_need_and_exits_0_where_nothing_fails(type_command):
    done = type_command("doctor")
    assert done.returncode == 0
    assert all(re.match(r"\[(ok|warn)\] +\w+: ", line) for line in done.stdout.splitlines())
    assert "Fashion-MNIST 12,000 + 2,000" in done.stdout


def test_doctor_says_what_to_do_and_exits_1_where_a_need_is_not_met(type_command):
    done = type_command("doctor", COURSE_DEVICE="tpu")
    assert done.returncode == 1
    assert "[fail] device: unknown device 'tpu': set COURSE_DEVICE" in done.stdout


# --- validate


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
    course("import time\ntime.sleep(1)", minutes=1 / 60)
    done = type_command("validate", "--device", "cpu")
    assert done.returncode == 1 and "over budget by" in done.stdout


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


def test_no_course_in_a_folder_without_lessons_falls_back_on_the_installed_one(tmp_path):
    assert notebooks.course_root(tmp_path) == ROOT


# --- run


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
    assert [each.name for each in path.parent.iterdir()] == [path.name]


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
    assert path.read_bytes() == before and [each.name for each in path.parent.iterdir()] == [path.name]


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


# --- index


def test_index_writes_the_table_and_check_finds_it_stale(course, type_command):
    path = course("print(1)", execute=False)
    readme = path.parents[1] / "README.md"
    assert_one_clear_line(type_command("index", "--check"), "stale: run `course index`", code=1)
    assert type_command("index").returncode == 0
    row = "| 01 | [A small lesson](lessons/01_small.ipynb) | multiply | – | 1 / 1 | – |"
    assert row in readme.read_text("utf-8") and "Foundations" not in readme.read_text("utf-8")
    assert type_command("index", "--check").returncode == 0
    edit(path, lambda notebook: notebook.metadata.course.update(title="Another"))
    assert_one_clear_line(type_command("index", "--check"), "stale", code=1)


def test_index_puts_a_row_with_its_name_before_each_part(course, type_command):
    first = course("print(1)", execute=False)
    for name, part in (("02_next.ipynb", "Foundations"), ("03_last.ipynb", "Sequences")):
        notebooks.write_text(first.with_name(name), first.read_text("utf-8"))
        edit(first.with_name(name), lambda notebook, part=part: notebook.metadata.course.update(part=part))
    assert type_command("index").returncode == 0
    table = (first.parents[1] / "README.md").read_text("utf-8").splitlines()
    rows = [line.split("|")[1:3] for line in table if line.startswith("|")][2:]
    assert [(number.strip(), title.strip("* ")) for number, title in rows if "[" not in title] == [
        ("", "Foundations"),
        ("", "Sequences"),
    ]
    assert [number.strip() for number, _ in rows] == ["", "01", "02", "", "03"]


@pytest.mark.parametrize("goal, word", [(None, "'goal'"), ("", "has 0 characters"), ("x" * 71, "has 71 characters")])
def test_index_refuses_a_notebook_that_does_not_say_its_goal_in_a_line(course, type_command, goal, word):
    path = course("print(1)", execute=False)
    edit(path, lambda notebook: notebook.metadata.course.pop("goal"))
    if goal is not None:
        edit(path, lambda notebook: notebook.metadata.course.update(goal=goal))
    assert_one_clear_line(type_command("index"), "01_small.ipynb", "metadata.course", word)


def test_index_leads_from_notebook_to_notebook(course, type_command):
    first = course("print(1)", execute=False)
    root = first.parents[1]
    second = first.with_name("02_next.ipynb")
    lab = root / "solutions" / "lab01" / "lab01.ipynb"
    lab.parent.mkdir(parents=True)
    for path, title, requires in ((second, "The next", [1]), (lab, "A lab", [1])):
        notebooks.write_text(path, first.read_text("utf-8"))
        edit(
            path, lambda notebook, about={"title": title, "requires": requires}: notebook.metadata.course.update(about)
        )
    assert type_command("index").returncode == 0
    assert [notebooks.read(path).cells[-1].source for path in (first, lab, second)] == [
        "*Next:* [lab01 A lab](../labs/lab01/lab01.ipynb)",
        "*Before:* [01 A small lesson](../../lessons/01_small.ipynb) · "
        "*Next:* [02 The next](../../lessons/02_next.ipynb)",
        "*Before:* [lab01 A lab](../labs/lab01/lab01.ipynb)",
    ]
    assert type_command("index", "--check").returncode == 0
    edit(lab, lambda notebook: notebook.metadata.course.update(title="Another lab"))
    assert_one_clear_line(type_command("index", "--check"), "01_small.ipynb, lessons/02_next.ipynb", code=1)


def test_index_needs_both_marks(course, type_command):
    path = course("print(1)", execute=False)
    readme = path.parents[1] / "README.md"
    readme.write_text("<!-- course index: lessons -->\n", encoding="utf-8")
    assert_one_clear_line(type_command("index"), "only one of")
    readme.write_text("# no mark\n", encoding="utf-8")
    assert_one_clear_line(type_command("index"), "no place for a table")
    readme.unlink()
    assert_one_clear_line(type_command("index"), "README.md")
