"""course_utils.checks: the visible checks say what the answer is, or what was expected, and give the hint."""

import pytest
import torch

from course_utils import checks
from course_utils.checks import CheckFailed


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
