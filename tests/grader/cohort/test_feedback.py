"""course_tools.grader.cohort.feedback: what a student reads, in two languages, and what stays hidden."""

import re

import pytest
from nbformat.v4 import new_output
from small_class import LAB, WRONG, answered, make_course

from course_tools.grader.cohort import assignment, feedback, gradebook
from course_tools.grader.cohort.gradebook import Record

ENGLISH = {name: texts[0] for name, texts in feedback.WORDS.items()}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return assignment.read(make_course(tmp_path_factory.mktemp("course")))


def page(asked, reason="double: expected 0.271828, got 0.407742 (float64, 1e-06 allowed)", *, language="en", **fields):
    names = [test.name for test in asked.tests]
    outcomes = [(name, name != "doubles_numbers", reason if name == "doubles_numbers" else "") for name in names]
    graded = gradebook.marks("ann", asked, Record(outcomes, **fields))
    notebook = answered(asked.lab, double=WRONG, report="I **expected** 2. <script>alert(1)</script>")
    notebook.cells[2].outputs = [new_output("stream", text="<b>printed</b>")]
    return feedback.page(graded, asked, notebook, language=language)


def test_the_page_shows_the_answer_what_failed_under_it_and_the_hint_but_no_number_of_the_test(asked):
    made = page(asked)
    text = re.sub(r"<style>.*?</style>", "", made, flags=re.DOTALL)
    assert "doubles numbers (1): the numbers differ<br>→ for every number" in text
    assert text.index("return 3 * x") < text.rindex("doubles numbers (1)")
    assert "0.271828" not in text and "0.407742" not in text
    assert "<b>printed" not in text and "&lt;b&gt;printed" in text
    assert "<strong>expected</strong>" in text and "<script" not in text


def test_the_page_is_there_in_korean(asked):
    made = page(asked, language="ko")
    assert '<html lang="ko">' in made and "살펴볼 점" in made and "값이 다릅니다" in made


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("double: expected 2, got 3", "the numbers differ"),
        (
            "double: expected shape (2, 3), float64, got shape (3, 2), float64",
            "expected shape (2, 3), float64, got shape (3, 2), float64",
        ),
        ("double: expected float64, got float32", "expected float64, got float32"),
        ("double: ZeroDivisionError: division of 0.271828 by 0", "your code raised ZeroDivisionError"),
        ("double: E271828Error: x", "your code raised an exception of its own"),
        ("double: not written yet", "not written yet"),
        ("double took longer than 4 s", "it took too long"),
        ("ended the kernel", "the kernel ended, or used too much"),
        ("not tried: doubles_numbers: ended the kernel", "not tried, since another case of the exercise ended it"),
        ("double: expected 3 values, got a list of 2", "another number of values was expected"),
        ("double: expected 0.271828, got a list of 1", "another kind of value was expected"),
        ("the sum is 0.271828", "the answer is not the right one"),
    ],
)
def test_a_failed_case_is_told_by_its_kind(reason, said):
    assert feedback.case_of(reason, ENGLISH) == said


def test_a_file_that_cannot_be_used_has_a_page_that_says_why(asked):
    graded = gradebook.marks("dan", asked, Record(trouble="the file is empty"))
    made = feedback.page(graded, asked, None)
    assert "the file is empty" in made and "0 of 5 points" in made


def test_a_persons_comment_is_text(asked):
    graded = gradebook.marks("gil", asked, Record())
    graded.comments = {"report": "Why <so>?"}
    assert "Why &lt;so&gt;?" in feedback.page(graded, asked, answered(asked.lab))
    assert LAB in feedback.page(graded, asked, None)
