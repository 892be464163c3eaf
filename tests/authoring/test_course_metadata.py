"""course_tools.authoring.course_metadata: what a notebook says about itself, and what it may not leave out."""

from pathlib import Path

import pytest
from conftest import small_notebook

from course_tools.authoring import course_metadata
from course_utils.errors import CourseError


def test_a_notebook_says_what_it_is():
    about = course_metadata.read(small_notebook("1", minutes=2), Path("x.ipynb"))
    assert (about.title, about.goal, about.requires, about.minutes_cpu) == ("A small lesson", "multiply", (), 2.0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"requires": "one"}, "x.ipynb: metadata.course lacks or garbles invalid literal"),
        ({"minutes_gpu": None}, "x.ipynb: metadata.course lacks or garbles float"),
        ({"goal": ""}, "x.ipynb: metadata.course.goal has 0 characters: say in 1 to 70 what one can do"),
        ({"goal": "x" * 71}, "x.ipynb: metadata.course.goal has 71 characters"),
    ],
)
def test_a_garbled_field_is_a_clear_error(change, message):
    notebook = small_notebook("1")
    notebook.metadata.course.update(change)
    with pytest.raises(CourseError) as caught:
        course_metadata.read(notebook, Path("x.ipynb"))
    assert str(caught.value).startswith(message)


def test_a_notebook_of_another_course_or_without_a_field_is_a_clear_error():
    notebook = small_notebook("1")
    del notebook.metadata.course["title"]
    with pytest.raises(CourseError, match=r"metadata\.course lacks or garbles 'title'; lesson 01 shows a whole one"):
        course_metadata.read(notebook, Path("x.ipynb"))
    del notebook.metadata["course"]
    with pytest.raises(CourseError, match=r"x\.ipynb says nothing about itself: it needs metadata\.course"):
        course_metadata.read(notebook, Path("x.ipynb"))
