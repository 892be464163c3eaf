"""course_tools.authoring.navigation: each notebook leads to the one before and to the next, by `course index`."""

from conftest import assert_one_clear_line, edit

from course_tools.authoring import navigation
from course_utils.command import notebooks


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


def test_without_solutions_the_students_copies_lead_on(course):
    """In what students receive, labs/ holds the only lab there is."""
    first = course("print(1)", execute=False)
    lab = first.parents[1] / "labs" / "lab01" / "lab01.ipynb"
    lab.parent.mkdir(parents=True)
    notebooks.write_text(lab, first.read_text("utf-8"))
    edit(lab, lambda notebook: notebook.metadata.course.update(title="A lab", requires=[1]))
    right = navigation.stale(first.parents[1])
    assert set(right) == {first, lab}
    assert "*Next:* [lab01 A lab](../labs/lab01/lab01.ipynb)" in right[first]


def test_the_only_notebook_of_a_course_leads_nowhere(course):
    assert navigation.stale(course("print(1)", execute=False).parents[1]) == {}
