"""course_tools.authoring.answers: digests for students, made from the plain answers that instructors keep."""

import json

import pytest

from course_tools.authoring import answers
from course_utils import checks
from course_utils.errors import CourseError

PLAIN = """
["01.1"]
right = 12
digits = 0
hint = "count"
wrong = [{ value = 10, hint = "and the biases?" }]
"""


def course_with(tmp_path, plain: str):
    for folder in ("solutions", "lessons"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / "solutions" / "answers.toml").write_text(plain, encoding="utf-8")
    return tmp_path


def test_the_digests_are_stale_until_they_are_written_and_then_judge_as_the_source_says(tmp_path, monkeypatch, capsys):
    root = course_with(tmp_path, PLAIN)
    ((target, text),) = answers.stale(root).items()
    target.write_text(text, encoding="utf-8")
    assert answers.stale(root) == {} and "12" not in json.loads(text)["01.1"].values()
    monkeypatch.chdir(root / "lessons")
    checks.answer("01.1", 12)
    assert capsys.readouterr().out == "[ok] 01.1: 12\n"
    with pytest.raises(checks.CheckFailed, match="and the biases"):
        checks.answer("01.1", 10)
    root = course_with(tmp_path, PLAIN.replace("right = 12", "right = 13"))
    assert set(answers.stale(root)) == {target}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('hint = "count"\n', "", "answer 01.1 needs digits, hint, right, wrong"),
        ("value = 10", "value = 12.2", "a wrong value is the right one when rounded to 0 digits"),
        ("right = 12", "right = ", "is no TOML"),
    ],
)
def test_an_answer_that_is_described_wrongly_is_one_clear_line(tmp_path, old, new, message):
    with pytest.raises(CourseError, match=message):
        answers.stale(course_with(tmp_path, PLAIN.replace(old, new)))


def test_a_course_without_numeric_exercises_has_no_digests(tmp_path):
    assert answers.stale(tmp_path) == {}
