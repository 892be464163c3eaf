"""course_tools.grader.cohort.difficulty: what a class finds hard, and tests that may be at fault."""

import pytest
from small_class import make_course

from course_tools.grader.cohort import assignment, difficulty, gradebook
from course_tools.grader.cohort.gradebook import Record


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return assignment.read(make_course(tmp_path_factory.mktemp("course")))


def class_of(asked, *failed):
    """A row for each student, by the reasons of the tests that he fails."""
    rows = []
    for number, reasons in enumerate(failed):
        outcomes = [(test.name, test.name not in reasons, reasons.get(test.name, "")) for test in asked.tests]
        rows.append(gradebook.marks(f"s{number}", asked, Record(outcomes)))
    return rows


def test_a_tests_share_and_its_commonest_reason_whatever_the_numbers_are(asked):
    reasons = ["expected 2, got 3", "expected 7, got 1.5e-3", "TypeError"]
    rows = class_of(asked, *({"doubles_numbers": reason} for reason in reasons), {})
    share = next(share for share in difficulty.shares(rows, asked) if share.name == "doubles_numbers")
    assert (share.failed, share.judged, share.reason, share.alike) == (3, 4, "expected #, got #", 2)
    made = difficulty.page(rows, asked)
    assert "75 %" in made and "expected #, got # (2)" in made and "4 students, median 2 of 5" in made


def test_a_test_that_nearly_all_fail_is_named(asked):
    rows = class_of(asked, *[{"doubles_tensors": "no"}] * 9, {})
    (line,) = difficulty.suspicious(difficulty.shares(rows, asked))
    assert line.startswith("doubles_tensors: 9 of 10 fail it")
    assert not difficulty.suspicious(difficulty.shares(rows[:4], asked))  # too few to say so


def test_who_could_not_be_graded_does_not_count(asked):
    rows = [*class_of(asked, {}), gradebook.marks("dan", asked, Record(trouble="the file is empty"))]
    assert {share.judged for share in difficulty.shares(rows, asked)} == {1}
    assert "2 students" in difficulty.page(rows, asked)
