"""course_utils.checks: the visible checks say what was expected, what came, and give the hint."""

import pytest
import torch

from course_utils import checks
from course_utils.checks import CheckFailed


def test_what_agrees_is_said_with_shape_and_type(capsys):
    checks.same(torch.ones(2, 3), torch.ones(2, 3), "the sum", hint="add")
    checks.same(torch.ones(2, dtype=torch.float64) + 1e-9, torch.ones(2, dtype=torch.float64), "nearly", hint="add")
    checks.same(3, 3, "a number", hint="count", tolerance=0)
    checks.holds(True, "it is so", got=1, hint="look")
    assert capsys.readouterr().out.splitlines() == [
        "[ok] the sum: shape (2, 3), float32, equal up to 1e-06",
        "[ok] nearly: shape (2,), float64, equal up to 1e-06",
        "[ok] a number: 3, equal",
        "[ok] it is so",
    ]


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        (torch.ones(3), r"expected shape \(2,\), float32, got shape \(3,\), float32. Hint: add"),
        (
            torch.tensor([1.0, 1.5]),
            r"got shape \(2,\), float32 with a greatest error of 0.5 where numbers reach 1. Hint",
        ),
        (torch.tensor([1.0, torch.nan]), "with not-a-number. Hint: add"),
        (None, "got a NoneType. Hint: add"),
    ],
)
def test_what_differs_is_said_with_what_came_and_a_hint(actual, message):
    with pytest.raises(CheckFailed, match=r"\[no\] the sum: .*" + message):
        checks.same(actual, torch.ones(2), "the sum", hint="add")


def test_masks_are_compared_as_zeros_and_ones(capsys):
    mask = torch.tensor([True, False])
    checks.same(mask, mask, "the mask", hint="")
    assert "[ok] the mask" in capsys.readouterr().out
    with pytest.raises(CheckFailed, match="greatest error of 1 where numbers reach 1"):
        checks.same(~mask, mask, "the mask", hint="")


def test_a_condition_that_does_not_hold_says_what_came():
    with pytest.raises(CheckFailed, match=r"\[no\] at most 3: got 4. Hint: count again"):
        checks.holds(False, "at most 3", got=4, hint="count again")


def test_jupyter_shows_the_message_in_place_of_a_traceback():
    assert CheckFailed("[no] x")._render_traceback_() == ["[no] x"]


def test_a_number_of_python_is_compared_with_all_its_digits():
    checks.same(0.3, torch.tensor(0.3, dtype=torch.float64), "a number", hint="", tolerance=1e-9)
    with pytest.raises(checks.CheckFailed):
        checks.same(0.3 + 1e-8, 0.3, "a number", hint="", tolerance=1e-9)
