"""course_tools.grader.cohort.exports: marks as Moodle and Canvas read them, and all pages in one zip."""

import csv
import zipfile

import pytest
from small_class import LAB, answered, make_course

from course_tools.grader.cohort import assignment, exports, feedback, gradebook
from course_tools.grader.cohort.gradebook import Record, Recorder


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A folder with two students, one of whom a person has still to grade; the lab; the folder's recorder."""
    folder = tmp_path_factory.mktemp("class")
    asked = assignment.read(make_course(folder))
    outcomes = [(test.name, True, "") for test in asked.tests]
    with Recorder(folder / "grading") as recorder:
        recorder.open_lab(asked)
        recorder.enter_student("s1", name="김철수", email="kim@example.org", lms_id="1001")
        for student, report in (("s1", ""), ("s2", "Because.")):
            notebook = answered(asked.lab, report=report)
            record = Record(outcomes, work=gradebook.work_of(notebook, asked))
            recorder.record(student, asked, record, notebook=notebook)
        yield folder / "grading", asked, recorder


def rows(place):
    assert place.read_bytes().startswith(b"\xef\xbb\xbf")  # or Excel would garble the names
    with place.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_moodle_gets_marks_by_id_and_none_where_a_person_has_still_to_grade(graded):
    folder, asked, recorder = graded
    heading, kim, other = rows(exports.write_marks(folder, recorder, asked, recorder.rows(asked), "moodle"))
    assert heading == ["Username", "ID number", "Full name", "Email address", LAB, "Feedback comments"]
    assert kim == ["s1", "1001", "김철수", "kim@example.org", "3", "3 of 5; 0 tests did not pass"]
    assert other[:5] == ["s2", "s2", "s2", "", ""]


def test_canvas_gets_marks_under_a_line_of_possible_points(graded):
    folder, asked, recorder = graded
    heading, possible, kim, other = rows(exports.write_marks(folder, recorder, asked, recorder.rows(asked), "canvas"))
    assert heading == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", LAB]
    assert possible == ["    Points Possible", "", "", "", "", "5"]
    assert kim == ["김철수", "1001", "", "s1", "", "3"] and other == ["s2", "", "", "s2", "", ""]


def test_all_pages_are_in_one_zip(graded):
    folder, asked, recorder = graded
    students = recorder.rows(asked)
    for row in students:
        feedback.write(folder, row, asked, language="ko")
    with zipfile.ZipFile(exports.write_pages(folder, asked, students)) as pages:
        assert sorted(pages.namelist()) == ["s1.html", "s2.html"]
        assert "김철수" in pages.read("s1.html").decode()
