"""The visible checks of a lab: what was expected, what the answer is, and a hint. Points are for hidden tests."""

from typing import Any

from torch import Tensor

from course_utils import compare


class CheckFailed(AssertionError):
    """A visible check found a difference; the message says what was expected, what came, and what to look at."""

    def _render_traceback_(self) -> list[str]:
        """Jupyter shows these lines in place of a traceback: the place in this file would help nobody."""
        return [str(self)]


def same(
    actual: Any,
    expected: Tensor | float,
    what: str,
    *,
    hint: str,
    tolerance: float | None = None,
    same_dtype: bool = False,
) -> None:
    """Print `[ok]` and what `actual` is where `compare.same` takes it for `expected`; raise `CheckFailed` otherwise."""
    try:
        compare.same(actual, expected, what, tolerance=tolerance, same_dtype=same_dtype)
    except compare.Different as difference:
        raise CheckFailed(f"[no] {difference}. Hint: {hint}") from None
    answer = compare.numbers(actual)
    assert answer is not None  # it was compared
    allowed = compare.allowed(answer, tolerance)
    print(f"[ok] {what}: {compare.describe(answer)}, equal{f' up to {allowed:g}' if allowed else ''}")


def holds(condition: bool, what: str, *, got: Any, hint: str) -> None:
    """Print `[ok]` where `condition` is true; raise `CheckFailed` with what came otherwise."""
    if not condition:
        raise CheckFailed(f"[no] {what}: got {got}. Hint: {hint}")
    print(f"[ok] {what}")
