"""course_tools.authoring.green: what was green is run again only where something changed that it depends on."""

import nbformat
import pytest
from conftest import edit

from course_tools.authoring import green


@pytest.fixture
def lesson(course):
    return course("from course_utils import plots", "print(6 * 7)", execute=False)


def test_a_notebook_depends_on_what_its_imports_import():
    names = {path.name for path in green.used_modules("def late():\n    from course_utils.codec import closed_loop")}
    assert {"closed_loop.py", "intra.py", "transforms.py", "errors.py", "__init__.py"} <= names
    assert "encoders.py" not in names
    assert green.used_modules("import torch\nfrom torch import nn") == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda lesson, patch: edit(lesson, lambda notebook: notebook.cells[2].update(source="print(43)")),
        lambda lesson, patch: edit(lesson, lambda notebook: notebook.cells[2].update(outputs=[])),
        lambda lesson, patch: patch.setenv("OMP_NUM_THREADS", "7"),
        lambda lesson, patch: patch.setattr(green, "_environment", lambda: ("3.14", "torch==99")),
        lambda lesson, patch: patch.setattr(green, "used_modules", lambda source: {lesson}),
    ],
    ids=["source", "output", "threads", "packages", "modules"],
)
def test_whatever_the_outputs_depend_on_changes_the_digest(lesson, monkeypatch, change):
    edit(lesson, lambda notebook: notebook.cells[2].update(outputs=[nbformat.v4.new_output("stream", text="42\n")]))
    before = green.digest(lesson, device="cpu")
    assert green.digest(lesson, device="cpu") == before != green.digest(lesson, device="cuda")
    change(lesson, monkeypatch)
    assert green.digest(lesson, device="cpu") != before


def test_the_digests_of_answers_count_where_a_notebook_checks_one(course):
    for source, changes in (('checks.answer("01.1", ...)', True), ("print(1)", False)):
        path = course(source, execute=False)
        (path.parent / "answers.json").write_text("{}", encoding="utf-8")
        before = green.digest(path, device="cpu")
        (path.parent / "answers.json").write_text('{"01.1": 1}', encoding="utf-8")
        assert (green.digest(path, device="cpu") != before) == changes


def test_lines_for_ipython_are_no_obstacle(course):
    assert green.source_of(course("%matplotlib inline\nx = 1", "!ls", execute=False)) == "x = 1"


def test_what_was_green_is_remembered_and_a_damaged_file_is_as_good_as_none(tmp_path):
    file = tmp_path / "cache" / "validated.json"
    green.Green(file).add(["a", "b"])
    assert "a" in green.Green(file) and "c" not in green.Green(file)
    file.write_text("{ half", encoding="utf-8")
    assert "a" not in green.Green(file)


def test_a_second_validation_skips_what_did_not_change(course, type_command, tmp_path):
    lesson = course("print(6 * 7)")
    home = {"COURSE_DATA": str(tmp_path / "cache")}
    first = type_command("validate", "--device", "cpu", **home)
    again = type_command("validate", "--device", "cpu", **home)
    assert first.returncode == again.returncode == 0
    assert "1 passed, 0 failed" in first.stdout and "0 passed, 0 failed, 1 unchanged since" in again.stdout
    assert "1 passed, 0 failed" in type_command("validate", "--all", "--device", "cpu", **home).stdout
    edit(lesson, lambda notebook: notebook.cells[1].outputs[0].update(text="43\n"))
    for _ in range(2):  # what was red is never skipped
        assert "0 passed, 1 failed" in type_command("validate", "--device", "cpu", **home).stdout
