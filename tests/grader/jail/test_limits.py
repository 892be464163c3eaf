"""course_tools.grader.jail.limits: a lab may set its own, and no other than these."""

import pytest
from nbformat.v4 import new_notebook

from course_tools.grader.jail import limits
from course_tools.grader.jail.limits import Limits
from course_utils.errors import CourseError


def source(**grading):
    return new_notebook(metadata={"course": {"grading": grading}})


def test_a_lab_without_limits_of_its_own_has_the_usual_ones():
    assert limits.of(new_notebook()) == limits.of(source()) == Limits()


def test_a_lab_sets_some_and_keeps_the_others():
    assert limits.of(source(cell_seconds=6, memory_mib=500)) == Limits(cell_seconds=6, memory_mib=500)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patience", 3),
        ("cell_seconds", 0),
        ("processes", "12"),
        ("disk_mib", -1),
        ("memory_mib", 0.5),
        ("disk_mib", True),
    ],
)
def test_a_limit_that_does_not_exist_or_means_nothing_is_a_clear_error(name, value):
    with pytest.raises(CourseError, match=rf"{name} = {value!r} is no limit; there are cell_seconds, call_seconds"):
        limits.of(source(**{name: value}))
