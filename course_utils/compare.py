"""One comparison for a lab's visible checks and its hidden tests: what is green in the notebook earns its points.

How close an answer must come follows its own dtype, not that of the right one: a convolution that puts its sums into
`torch.zeros(…)`, float32, is as right as one in float64.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

# How far an answer may be off, relative to the greatest number expected. The mistakes that a lab looks for are larger.
#
# float32 keeps 24 bits, and a sum of 256 terms may lose 8 of them: 256 · 2⁻²⁴ = 1.5e-5. Half precision is held to the
# same: nobody gets it by default, and a cast must not buy tolerance.
FLOAT32_TOLERANCE = 2e-5
# float64 could be held to 1e-13. But a float64 answer may have been through a float32 buffer, and a gradient has the
# dtype of its input, whatever the function computed in. One such rounding is 2⁻²⁴ = 6e-8.
FLOAT64_TOLERANCE = 1e-6
LEAST_SCALE = 1e-3  # stands for the greatest number where all are smaller: zeros, for example


class Different(AssertionError):
    """An answer is not the right one; the message says what was expected, what the answer is, and where."""


def same(actual: Any, expected: Any, what: str, *, tolerance: float | None = None, same_dtype: bool = False) -> None:
    """Raise `Different` unless `actual` is `expected`: the same shape and, up to a tolerance, the same numbers.

    expected: a tensor, a number, a string, None, or a list, tuple or dict of them. A list may stand for a tuple, a
    NumPy array for a tensor, and a number for a tensor that holds just one, or the other way round. Not-a-number and
    infinity equal themselves.
    tolerance: of a float64 answer, relative to the greatest number expected; a narrower answer is never held to less
    than float32 can give. 0 asks for equal numbers; whole numbers and booleans must always be equal.
    same_dtype: the exercise asks for the dtype of `expected`, too

    >>> same(torch.tensor([1.0, 2.5]), torch.tensor([1, 2]), "half")
    Traceback (most recent call last):
    course_utils.compare.Different: half: expected 2, got 2.5 at [1], 1 of 2 wrong (shape (2,), float32, 4e-05 allowed)
    """
    if isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)) or len(actual) != len(expected):
            raise Different(f"{what}: expected {len(expected)} values, got {describe(actual)}")
        parts = [(f"{what}[{place}]", *pair) for place, pair in enumerate(zip(actual, expected, strict=True))]
    elif isinstance(expected, dict):
        if not isinstance(actual, dict) or set(actual) != set(expected):
            got = f"the keys {list(actual)}" if isinstance(actual, dict) else describe(actual)
            raise Different(f"{what}: expected the keys {list(expected)}, got {got}")
        parts = [(f"{what}[{key!r}]", actual[key], expected[key]) for key in expected]
    elif expected is None or isinstance(expected, (str, bool)):
        if type(actual) is not type(expected) or actual != expected:
            raise Different(f"{what}: expected {describe(expected)}, got {describe(actual)}")
        return
    else:
        _same_numbers(actual, expected, what, tolerance, same_dtype)
        return
    for name, part, right in parts:
        same(part, right, name, tolerance=tolerance, same_dtype=same_dtype)


def numbers(value: Any) -> Tensor | None:
    """A tensor, array or number as a tensor on the CPU, without its graph; None for all else, complex numbers too."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.ascontiguousarray(value))
        elif isinstance(value, (int, float)):
            # A float of Python keeps all its digits, of which torch's default would drop half.
            value = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    except (TypeError, ValueError, RuntimeError):  # an array of objects, a whole number of more than 64 bits
        return None
    return value.detach().cpu() if isinstance(value, Tensor) and not value.is_complex() else None


def allowed(answer: Tensor, tolerance: float | None) -> float:
    """The tolerance that `answer` is held to where a float64 answer is held to `tolerance`, None for the usual one."""
    if tolerance == 0 or not answer.is_floating_point():
        return 0.0
    if answer.dtype == torch.float64:
        return FLOAT64_TOLERANCE if tolerance is None else tolerance
    return max(FLOAT32_TOLERANCE, tolerance or 0.0)


def describe(value: Any) -> str:
    """A value in a few words: a tensor by its shape and dtype, one without dimensions by its number."""
    if isinstance(value, Tensor) and (value.ndim or value.is_complex()):
        return f"shape {tuple(value.shape)}, {_dtype(value)}"
    if isinstance(value, Tensor):
        return f"{value.item():.6g}" if value.is_floating_point() else f"{value.item()}"
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and abs(value) >= 2**63:  # `repr` refuses the longest
        return "a whole number of more than 64 bits"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def _same_numbers(actual: Any, expected: Any, what: str, tolerance: float | None, same_dtype: bool) -> None:
    answer, right = numbers(actual), numbers(expected)
    if right is None:
        raise TypeError(f"{what}: nothing can be compared with {describe(expected)}")
    if answer is None:
        raise Different(f"{what}: expected {describe(right)}, got {describe(actual)}")
    bare = isinstance(actual, (int, float)) or isinstance(expected, (int, float))
    if answer.shape != right.shape and not (bare and answer.numel() == right.numel() == 1):
        raise Different(f"{what}: expected {describe(right)}, got {describe(answer)}")
    if same_dtype and answer.dtype != right.dtype:
        raise Different(f"{what}: expected {_dtype(right)}, got {_dtype(answer)}")
    answer = answer.reshape(right.shape)
    error = (answer.double() - right.double()).abs()
    if answer.is_floating_point() or right.is_floating_point():
        equal = (answer.double() == right.double()) | (answer.isnan() & right.isnan())
        finite = right[right.isfinite()].double().abs()
        limit = allowed(answer, tolerance) * max(LEAST_SCALE, finite.max().item() if finite.numel() else 0.0)
    else:
        equal, limit = answer == right, 0.0  # in float64 great neighbours would be one number
    wrong = ~(equal | (error <= limit) & (limit > 0))
    if wrong.any():
        # Where one of the two is no number the error is none, too, and worse than any.
        worst = error.nan_to_num(nan=torch.inf).where(wrong, -1.0).argmax()
        raise Different(f"{what}: {_difference(answer, right, worst, int(wrong.sum()), limit)}")


def _difference(answer: Tensor, right: Tensor, worst: Tensor, wrong: int, limit: float) -> str:
    """What was expected and what the answer is at the flat place `worst`, with digits enough to tell them apart."""
    got, expected = answer.flatten()[worst].item(), right.flatten()[worst].item()
    for digits in (6, 9, 17):
        told = [f"{each:.{digits}g}" if isinstance(each, float) else f"{each}" for each in (expected, got)]
        if told[0] != told[1]:
            break
    margin = f", {limit:.2g} allowed" if limit else ""
    if not answer.ndim:
        return f"expected {told[0]}, got {told[1]}" + (f" ({_dtype(answer)}{margin})" if limit else "")
    place = [int(index) for index in torch.unravel_index(worst, answer.shape)]
    count = f"{wrong} of {answer.numel()} wrong"
    return f"expected {told[0]}, got {told[1]} at {place}, {count} ({describe(answer)}{margin})"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
