"""course_tools.grader.cohort.roster and deadlines: who is who, and when it was due."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_tools.grader.cohort import deadlines, roster, submissions
from course_utils.errors import CourseError


@given(st.binary(min_size=1, max_size=120).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_whatever_bytes_a_folders_name_is_its_student_has_an_id_that_can_be_written(name):
    one_id = roster.student_id(submissions._readable(os.fsdecode(name)))
    assert len(one_id.encode()) <= roster.MOST_BYTES
    assert "/" not in one_id and ".." not in one_id and one_id[:1].isalnum()


def test_a_roster_of_excel_in_korea_is_read(tmp_path):
    place = tmp_path / "class.csv"
    text = "학번;이름;이메일\r\n2026001;김철수;kim@example.org\r\n;;\r\n"
    for encoding in ("cp949", "utf-8-sig"):
        place.write_bytes(text.encode(encoding))
        assert roster.read(place) == [roster.Student("2026001", "김철수", "kim@example.org")]


@pytest.mark.parametrize(
    ("text", "said"),
    [("name\nkim\n", "has no column `id`"), ("", "has no column `id`"), ("id\na\na\n", "has a twice")],
)
def test_a_roster_that_cannot_be_used_is_a_clear_error(tmp_path, text, said):
    place = tmp_path / "class.csv"
    place.write_text(text)
    with pytest.raises(CourseError, match=said):
        roster.read(place)
    with pytest.raises(CourseError, match="cannot be read"):
        roster.read(tmp_path / "nowhere.csv")


def test_no_file_is_no_deadline_and_a_wrong_one_a_clear_error(tmp_path):
    assert deadlines.read(tmp_path) == {}
    place = tmp_path / deadlines.FILE
    for text in ("[lab01", "[lab01]\ndeadline = 3", "[lab01]\nhours = 3", "lab01 = 3", "[lab01]\npercent_a_day = 10"):
        place.write_text(text)
        with pytest.raises(CourseError, match=deadlines.FILE):
            deadlines.read(tmp_path)
