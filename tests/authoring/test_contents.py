"""course_tools.authoring.contents: the README's tables, by `course index`."""

import pytest
from conftest import assert_one_clear_line, edit

from course_utils.command import notebooks


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


def test_index_needs_both_marks(course, type_command):
    path = course("print(1)", execute=False)
    readme = path.parents[1] / "README.md"
    readme.write_text("<!-- course index: lessons -->\n", encoding="utf-8")
    assert_one_clear_line(type_command("index"), "only one of")
    readme.write_text("# no mark\n", encoding="utf-8")
    assert_one_clear_line(type_command("index"), "no place for a table")
    readme.unlink()
    assert_one_clear_line(type_command("index"), "README.md")


def test_index_refuses_marks_in_the_wrong_order(course, type_command):
    readme = course("print(1)", execute=False).parents[1] / "README.md"
    before = "<!-- end of course index: lessons -->\n<!-- course index: lessons -->\n"
    readme.write_text(before, encoding="utf-8")
    assert_one_clear_line(type_command("index"), "only one of")
    assert readme.read_text("utf-8") == before
