"""How a `judge.py` is written and run: hidden tests with points over a `student`, compared here, never there.

A student's answer may be anything: it goes through `compare.same`, or through `expect_tensor` and `expect_values`,
before a test computes with it. Then whatever else a test raises is a fault of the test.
"""

import importlib.util
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from course_tools.grader.judge import rules
from course_tools.grader.judge.student import Student, StudentError
from course_utils.compare import Different, describe
from course_utils.errors import CourseError


@dataclass(frozen=True)
class HiddenTest:
    """One hidden test: the exercise (the grade id of its visible check), points, a hint that gives nothing away.

    asks_dtype: the exercise's text asks for a dtype, and this test takes no float32 in place of float64
    """

    name: str
    exercise: str
    points: float
    hint: str
    run: Callable[[Student, torch.Generator], None]
    asks_dtype: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one hidden test found; `reason` is empty where it passed, and never shown to a student.

    used: what ran of the things that the exercise forbids; see `rules`
    """

    test: HiddenTest
    passed: bool
    reason: str
    seconds: float
    used: tuple[str, ...] = ()


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

    @property
    def used(self) -> dict[str, set[str]]:
        """What ran of the forbidden things, by exercise; nothing where nothing did."""
        used: dict[str, set[str]] = {}
        for outcome in self.outcomes:
            if outcome.used:
                used.setdefault(outcome.test.exercise, set()).update(outcome.used)
        return used


def hidden_test(
    exercise: str, *, points: float, hint: str, asks_dtype: bool = False
) -> Callable[[Callable[[Student, torch.Generator], None]], HiddenTest]:
    """Make a function of a `judge.py` a hidden test: `def …(student, generator)`, which raises `Different` to fail."""
    return lambda function: HiddenTest(function.__name__, exercise, points, hint, function, asks_dtype)


def load(path: Path) -> tuple[HiddenTest, ...]:
    """The hidden tests of a `judge.py`, in the order in which they stand there."""
    spec = importlib.util.spec_from_file_location(f"judge_of_{path.parent.name}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise CourseError(f"no {path}: every lab under solutions/ needs its judge.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(value for value in vars(module).values() if isinstance(value, HiddenTest))


def judge(
    tests: tuple[HiddenTest, ...],
    student: Student,
    *,
    seed: int = 0,
    forbidden: rules.Rules = MappingProxyType({}),
    stop_at_failure: bool = False,
) -> Verdict:
    """Run the hidden tests; each gets a generator of its own, so that one test's outcome does not move another's.

    forbidden: the exercises' rules, of which each outcome says what was broken; that alone fails no test
    Only a wrong answer and an error in the student's code fail a test. Raises `CourseError`, of the class that the
    test raised where it is one, for all else: that is a fault of the test, or of what it rests on.
    """
    outcomes = []
    for test in tests:
        student.begin(forbidden.get(rules.exercise_of(test.exercise), ()))
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {test.name}".encode()))
        started = time.perf_counter()
        try:
            test.run(student, generator)
            reason = ""
        except (Different, StudentError) as error:
            reason = str(error) or type(error).__name__
        except CourseError as error:
            raise type(error)(f"hidden test {test.name}: {error}") from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise CourseError(f"hidden test {test.name} has a fault, mend it in judge.py: {what}") from error
        seconds = time.perf_counter() - started
        outcomes.append(Outcome(test, not reason, reason, seconds, tuple(sorted(student.used))))
        if reason and stop_at_failure:
            break
        with suppress(StudentError):  # the student's process may be gone
            student.ask("forget")
    return Verdict(tuple(outcomes))


def check(holds: bool, message: str) -> None:
    """Raise `Different` with `message` unless `holds`."""
    if not holds:
        raise Different(message)


def expect_tensor(value: Any, shape: tuple[int, ...], what: str, *, dtype: torch.dtype | None = None) -> Tensor:
    """`value`, a tensor of this shape and, where one is given, dtype. Raises `Different` for anything else."""
    if not isinstance(value, Tensor) or value.shape != shape:
        raise Different(f"{what}: expected a tensor of shape {tuple(shape)}, got {describe(value)}")
    check(dtype in (None, value.dtype), f"{what}: expected {dtype}, got {value.dtype}")
    return value


def expect_values(value: Any, count: int, what: str) -> tuple[Any, ...]:
    """`value`, a list or tuple of `count`. Raises `Different` for anything else."""
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise Different(f"{what}: expected {count} values, got {describe(value)}")
    return tuple(value)


def raises(call: Callable[[], Any], kind: str, what: str) -> None:
    """Raise `Different` unless the student's code answers `call` with a `kind` of exception, or one made from it."""
    try:
        call()
    except StudentError as error:
        check(kind in error.kinds, f"{what}: expected {kind}, got {error}")
        return
    raise Different(f"{what}: expected {kind}, but no error came")


def leaves_alone(student: Student, what: str) -> None:
    """Raise `Different` where a call of this test has changed what it was given."""
    check(not student.changed, f"{what}: {', '.join(sorted(student.changed))} changed what it was given")


def draw(generator: torch.Generator, *shape: int) -> Tensor:
    """A float64 tensor of standard normal numbers."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def pick(generator: torch.Generator, least: int, most: int) -> int:
    """A whole number from `least` to `most`, both included."""
    return int(torch.randint(least, most + 1, (), generator=generator))
