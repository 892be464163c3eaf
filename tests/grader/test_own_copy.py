"""course_tools.grader.own_copy: a student's own lessons and labs out of a shared, read-only installation."""

import pytest

from course_tools.grader import own_copy
from course_utils.errors import CourseError


@pytest.fixture
def shared(tmp_path):
    """An installation whose files nobody may write."""
    root = tmp_path / "shared"
    for name in ("lessons/01_small.ipynb", "labs/lab01/lab01.ipynb", "solutions/lab01/lab01.ipynb"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(name, encoding="utf-8")
        (root / name).chmod(0o444)
    return root


def test_a_copy_holds_lessons_and_labs_that_can_be_written_and_no_solution(shared, tmp_path):
    copied = own_copy.make(shared, tmp_path / "mine")
    names = sorted(path.relative_to(tmp_path / "mine").as_posix() for path in copied)
    assert names == ["labs/lab01/lab01.ipynb", "lessons/01_small.ipynb"]
    assert all(path.stat().st_mode & 0o200 for path in copied)


def test_a_second_copy_replaces_nothing(shared, tmp_path):
    first = own_copy.make(shared, tmp_path / "mine")
    first[0].write_text("my answer", encoding="utf-8")
    first[1].unlink()
    assert own_copy.make(shared, tmp_path / "mine") == [first[1]]
    assert first[0].read_text(encoding="utf-8") == "my answer"


def test_a_copy_into_the_course_itself_is_refused(shared):
    with pytest.raises(CourseError, match="name a folder of your own"):
        own_copy.make(shared, shared / "mine")
