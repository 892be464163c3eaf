"""How a `judge.py` is written and run: hidden tests with points over a `student`, compared here, never there."""

import importlib.util
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from course_tools.grader.judge.student import Remote, Student, StudentError
from course_utils.errors import CourseError


class Wrong(AssertionError):
    """The student's answer is not the right one; the message is for the instructor, the test's hint for the student."""


@dataclass(frozen=True)
class HiddenTest:
    """One hidden test: the exercise (the grade id of its visible check), points, a hint that gives nothing away."""

    name: str
    exercise: str
    points: float
    hint: str
    run: Callable[[Student, torch.Generator], None]


@dataclass(frozen=True)
class Outcome:
    """What one hidden test found; `reason` is empty where it passed, and never shown to a student."""

    test: HiddenTest
    passed: bool
    reason: str
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """All outcomes of one submission."""

    outcomes: tuple[Outcome, ...]

    @property
    def points(self) -> float:
        return sum(outcome.test.points for outcome in self.outcomes if outcome.passed)

    @property
    def most(self) -> float:
        return sum(outcome.test.points for outcome in self.outcomes)

    def of(self, exercise: str) -> tuple[float, float]:
        """Points reached and points possible in one exercise."""
        own = [outcome for outcome in self.outcomes if outcome.test.exercise == exercise]
        return sum(o.test.points for o in own if o.passed), sum(o.test.points for o in own)

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(outcome.test.name for outcome in self.outcomes if not outcome.passed)


def hidden_test(exercise: str, *, points: float, hint: str) -> Callable[[Callable], Callable]:
    """Mark a function of a `judge.py` as a hidden test: `def …(student, generator)`, which raises `Wrong` to fail."""

    def mark(function: Callable[[Student, torch.Generator], None]) -> Callable:
        function.hidden_test = HiddenTest(function.__name__, exercise, points, hint, function)
        return function

    return mark


def load(path: Path) -> tuple[HiddenTest, ...]:
    """The hidden tests of a `judge.py`, in the order in which they stand there."""
    spec = importlib.util.spec_from_file_location(f"judge_of_{path.parent.name}", path)
    if not path.is_file() or spec is None:
        raise CourseError(f"no {path}: every lab under solutions/ needs its judge.py")
    module = ModuleType(spec.name) if spec.loader is None else importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(each.hidden_test for each in vars(module).values() if hasattr(each, "hidden_test"))


def judge(tests: tuple[HiddenTest, ...], student: Student, *, seed: int = 0, stop_at_failure: bool = False) -> Verdict:
    """Run the hidden tests; each gets a generator of its own, so that one test's outcome does not move another's."""
    outcomes = []
    for test in tests:
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {test.name}".encode()))
        started = time.perf_counter()
        try:
            test.run(student, generator)
            reason = ""
        except (Wrong, StudentError) as error:
            reason = str(error) or type(error).__name__
        except Exception as error:  # a value of another kind than the test works with
            reason = f"an answer that cannot be used ({type(error).__name__}: {error})"
        outcomes.append(Outcome(test, not reason, reason, time.perf_counter() - started))
        if reason and stop_at_failure:
            break
        with suppress(StudentError):  # the student's process may be gone
            student.ask("forget")
    return Verdict(tuple(outcomes))


def same(actual: Any, expected: Any, what: str, *, tolerance: float = 1e-9) -> None:
    """Raise `Wrong` unless `actual` is `expected`: same shape and, relative to its greatest number, same numbers.

    Tensors, numbers, and lists, tuples or dicts of them; a list may stand for a tuple. A tensor with one number may
    stand for a number and the other way round. Not-a-number equals itself.
    """
    if isinstance(expected, (list, tuple)):
        check(isinstance(actual, (list, tuple)), f"{what}: expected {len(expected)} values, got {_kind(actual)}")
        check(len(actual) == len(expected), f"{what}: expected {len(expected)} values, got {len(actual)}")
        for index, (one, other) in enumerate(zip(actual, expected, strict=True)):
            same(one, other, f"{what}[{index}]", tolerance=tolerance)
        return
    if isinstance(expected, dict):
        check(isinstance(actual, dict) and set(actual) == set(expected), f"{what}: expected the keys {set(expected)}")
        for key in expected:
            same(actual[key], expected[key], f"{what}[{key!r}]", tolerance=tolerance)
        return
    if expected is None or isinstance(expected, (str, bool)):
        check(type(actual) is type(expected) and actual == expected, f"{what}: expected {expected!r}, got {actual!r}")
        return
    check(isinstance(actual, (Tensor, int, float)), f"{what}: expected {_kind(expected)}, got {_kind(actual)}")
    # A Python float keeps all its digits, of which torch's default would drop half.
    ours, theirs = (
        torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
        for value in (actual, expected)
    )
    if not (ours.numel() == theirs.numel() == 1):
        check(
            ours.shape == theirs.shape, f"{what}: expected shape {tuple(theirs.shape)}, got shape {tuple(ours.shape)}"
        )
    ours, theirs = ours.double().reshape(theirs.shape), theirs.double()
    wrong = ours.isnan() != theirs.isnan()
    infinite = theirs.isinf() | ours.isinf()
    wrong |= infinite & (ours != theirs)
    check(not wrong.any(), f"{what}: not a number, or infinite, where the right answer is not (or the other way round)")
    usual = ~(theirs.isnan() | infinite)
    if usual.any():
        error = (ours - theirs)[usual].abs().max().item()
        scale = max(1e-12, theirs[usual].abs().max().item())
        check(
            error <= tolerance * max(scale, 1e-3), f"{what}: greatest error {error:.3g} where numbers reach {scale:.3g}"
        )


def check(holds: bool, message: str) -> None:
    """Raise `Wrong` with `message` unless `holds`."""
    if not holds:
        raise Wrong(message)


def raises(call: Callable[[], Any], kind: str, what: str) -> None:
    """Raise `Wrong` unless the student's code answers `call` with an exception of class `kind`."""
    try:
        call()
    except StudentError as error:
        check(f"{kind}:" in str(error), f"{what}: expected {kind}, got {error}")
        return
    raise Wrong(f"{what}: expected {kind}, but no error came")


def draw(generator: torch.Generator, *shape: int) -> Tensor:
    """A float64 tensor of standard normal numbers."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def pick(generator: torch.Generator, least: int, most: int) -> int:
    """A whole number from `least` to `most`, both included."""
    return int(torch.randint(least, most + 1, (), generator=generator))


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"a {value.handle.kind}" if isinstance(value, Remote) else f"a {type(value).__name__}"
