"""The checks that a student sees: of a lab, whose points are for hidden tests, and of a lesson's numeric exercises."""

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from course_utils import compare
from course_utils.errors import CourseError

ANSWERS = "answers.json"  # beside the lessons
ROUNDS = 200_000  # of PBKDF2: some 50 ms for each guess


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


def answer(exercise: str, value: Any) -> None:
    """Print `[ok]` where `value` answers the exercise; raise `CheckFailed`, with a hint, where it does not.

    exercise: its lesson and number, such as "02.1"
    value: a number, a text, or a tuple of them; `...` is an answer that is still to come

    The answers lie as digests in `answers.json` beside the lessons, so that nobody reads one by accident. Each guess
    costs a twentieth of a second. That is a curtain and no lock: who wants to try all numbers below 1,000 waits a
    minute. Raises `CourseError` for an exercise that is not there, and for what is no answer.
    """
    place = next((path for folder in (Path.cwd(), *Path.cwd().parents) if (path := folder / ANSWERS).is_file()), None)
    if place is None:
        raise CourseError(f"no {ANSWERS} here: open the notebook where it lies, in the folder lessons of the course")
    known = json.loads(place.read_text(encoding="utf-8"))
    if exercise not in known:
        raise CourseError(f"no exercise {exercise!r}: there are {', '.join(known)}")
    if value is ...:
        print(f"[--] {exercise}: put your answer in place of the three dots, and run the cell again")
        return
    entry = known[exercise]
    guess = digest(exercise, value, entry["digits"])
    if guess == entry["right"]:
        print(f"[ok] {exercise}: {value}")
        return
    hint = next((wrong["hint"] for wrong in entry["wrong"] if wrong["digest"] == guess), entry["hint"])
    raise CheckFailed(f"[no] {exercise}: {value} is not it. Hint: {hint}")


def digest(exercise: str, value: Any, digits: int) -> str:
    """A slow hash of `value`, its numbers rounded to `digits` after the point; the exercise's name is the salt."""
    return hashlib.pbkdf2_hmac("sha256", _canonical(value, digits).encode(), exercise.encode(), ROUNDS).hex()[:32]


def _canonical(value: Any, digits: int) -> str:
    """One text for all ways to write an answer: 3 and 3.0, a number and a tensor of it, "Adam" and "adam "."""
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_canonical(part, digits) for part in value) + ")"
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    try:
        return f"{round(float(value), digits) + 0.0:.{digits}f}"  # + 0.0: no negative zero
    except (TypeError, ValueError, RuntimeError):
        raise CourseError(f"{value!r} is no answer: give a number, a text in quotes, or a tuple of them") from None
