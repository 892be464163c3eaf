"""course_utils.checks: the visible checks say what the answer is, or what was expected, and give the hint."""

import json
import time

import pytest
import torch

from course_utils import checks
from course_utils.checks import CheckFailed
from course_utils.errors import CourseError


def test_what_agrees_is_said_with_the_shape_and_dtype_of_the_answer_and_its_tolerance(capsys):
    right = torch.ones(2, 3, dtype=torch.float64)
    checks.same(right + 1e-9, right, "the sum", hint="add")
    checks.same(right.float(), right, "in float32", hint="add")
    checks.same(right, right.int(), "to twelve digits", hint="add", tolerance=1e-12)
    checks.same(right.int(), right, "in whole numbers", hint="add")
    checks.same(3, 3.0, "a number", hint="count")
    checks.same(0.25, 0.25, "a quarter", hint="divide")
    checks.same(torch.tensor([torch.inf]), torch.tensor([torch.inf]), "no end", hint="", tolerance=0)
    checks.holds(True, "it is so", got=1, hint="look")
    assert capsys.readouterr().out.splitlines() == [
        "[ok] the sum: shape (2, 3), float64, equal up to 1e-06",
        "[ok] in float32: shape (2, 3), float32, equal up to 2e-05",
        "[ok] to twelve digits: shape (2, 3), float64, equal up to 1e-12",
        "[ok] in whole numbers: shape (2, 3), int32, equal",
        "[ok] a number: 3, equal",
        "[ok] a quarter: 0.25, equal up to 1e-06",
        "[ok] no end: shape (1,), float32, equal",
        "[ok] it is so",
    ]


def test_what_differs_is_said_with_the_hint_and_without_the_comparison_s_own_error():
    with pytest.raises(CheckFailed) as raised:
        checks.same(torch.tensor([1.0, 1.5]), torch.ones(2), "the sum", hint="add")
    assert str(raised.value) == (
        "[no] the sum: expected 1, got 1.5 at [1], 1 of 2 wrong (shape (2,), float32, 2e-05 allowed). Hint: add"
    )
    assert raised.value.__suppress_context__ and raised.value.__cause__ is None
    with pytest.raises(CheckFailed, match="1e-12 allowed"):
        checks.same(1.0 + 1e-9, 1.0, "twelve digits", hint="add", tolerance=1e-12)


def test_a_dtype_that_the_exercise_asks_for_is_checked():
    with pytest.raises(CheckFailed, match=r"^\[no\] it: expected float32, got float64. Hint: keep it$"):
        checks.same(torch.ones(1).double(), torch.ones(1), "it", hint="keep it", same_dtype=True)


def test_a_condition_that_does_not_hold_says_what_the_answer_is():
    with pytest.raises(CheckFailed, match=r"\[no\] at most 3: got 4. Hint: count again"):
        checks.holds(False, "at most 3", got=4, hint="count again")


def test_jupyter_shows_the_message_in_place_of_a_traceback():
    assert CheckFailed("[no] x")._render_traceback_() == ["[no] x"]


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """A folder of lessons whose exercise 09.1 is answered by 7,850, 09.2 by 0.67, 09.3 by ("adam", 3)."""
    right = {"09.1": (7850, 0), "09.2": (0.67, 2), "09.3": (("Adam", 3), 0)}
    entries = {
        name: {"digits": digits, "right": checks.digest(name, value, digits), "hint": "count again", "wrong": []}
        for name, (value, digits) in right.items()
    }
    entries["09.1"]["wrong"] = [{"digest": checks.digest("09.1", 7840, 0), "hint": "the biases count too"}]
    (tmp_path / checks.ANSWERS).write_text(json.dumps(entries), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("exercise", "value"),
    [
        ("09.1", 7850),
        ("09.1", 7850.0),
        ("09.1", torch.tensor(7850)),
        ("09.2", 2 / 3),
        ("09.3", ("  adam", 3.0)),
        ("09.3", ["ADAM", torch.tensor(3)]),
    ],
)
def test_a_right_answer_is_right_however_it_is_written(lessons, capsys, exercise, value):
    checks.answer(exercise, value)
    assert capsys.readouterr().out.startswith(f"[ok] {exercise}: ")


def test_a_usual_mistake_gets_its_own_hint_and_any_other_the_exercise_s(lessons):
    with pytest.raises(CheckFailed, match=r"^\[no\] 09.1: 7840 is not it. Hint: the biases count too$"):
        checks.answer("09.1", 7840)
    with pytest.raises(CheckFailed, match="Hint: count again"):
        checks.answer("09.1", 1)


def test_three_dots_are_an_answer_that_is_still_to_come(lessons, capsys):
    checks.answer("09.1", ...)
    assert "in place of the three dots" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "value", "message"),
    [
        ("09.7", 1, "no exercise '09.7': there are 09.1, 09.2, 09.3"),
        ("09.1", None, "None is no answer: give a number"),
        ("09.1", torch.ones(2), "is no answer"),
    ],
)
def test_what_is_no_answer_is_one_clear_line(lessons, exercise, value, message):
    with pytest.raises(CourseError, match=message):
        checks.answer(exercise, value)


def test_without_the_digests_the_check_says_where_to_open_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=r"no answers\.json here: open the notebook where it lies"):
        checks.answer("09.1", 1)


def test_a_guess_costs_so_much_that_a_thousand_take_a_while():
    started = time.process_time()
    for guess in range(3):
        checks.digest("09.1", guess, 0)
    assert time.process_time() - started > 3 * 0.015  # a thousand guesses: 15 s at the very least


def test_the_same_answer_has_another_digest_in_another_exercise():
    assert checks.digest("09.1", 3, 0) != checks.digest("09.2", 3, 0)
