"""A lab's wrong and right answers and its delegations, each kind in a file of its own: `wrong.py` and so on.

# === the_mean_of_all_channels            the answer's name
# What is wrong, or other, about it.
# fails: batch_norm, batch_norm_gradient  the hidden tests that must notice it (wrong answers only)
# unseen: the text asks for it           why its visible check may stay green (wrong answers only)
# seen: run                               which leg of the rules must notice it (delegations only): read, run or both

# %% BatchNorm2d                          the solution cell that it replaces; more may follow
class BatchNorm2d(nn.Module): ...
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import CourseError

ANSWER = re.compile(r"^# === (\w+)$", re.MULTILINE)
CELL = re.compile(r"^# %% (\w+)$", re.MULTILINE)
FAILS = re.compile(r"^# fails: (.+)$", re.MULTILINE)
UNSEEN = re.compile(r"^# unseen: (.+)$", re.MULTILINE)
SEEN = re.compile(r"^# seen: (read|run)$", re.MULTILINE)
LEGS = ("read", "run")


@dataclass(frozen=True)
class Answer:
    """One answer. cells: all cells of the solution by grade id, with its own in place of those that it replaces.

    fails: the tests that must notice it; seen: the legs of the rules that must
    unseen: why no visible check notices it; "" where one must
    """

    name: str
    cells: Mapping[str, str]
    replaced: tuple[str, ...]
    fails: tuple[str, ...]
    seen: tuple[str, ...]
    unseen: str


def read(path: Path, solution: Mapping[str, str]) -> list[Answer]:
    """The answers in the file, none where it is not there, on top of the solution's cells by grade id.

    Raises `CourseError` for an answer that replaces no cell, or one that the solution has not, and for a name twice.
    """
    if not path.is_file():
        return []
    _, *parts = ANSWER.split(path.read_text(encoding="utf-8"))
    answers: dict[str, Answer] = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        about, *sections = CELL.split(text)
        cells = dict(zip(sections[::2], sections[1::2], strict=True))
        unknown = set(cells) - set(solution)
        if unknown or not cells:
            missing = ", ".join(sorted(unknown)) or "named"
            raise CourseError(f"{path}, {name}: no solution cell {missing}; there are {', '.join(solution)}")
        if name in answers:
            raise CourseError(f"{path}: two answers are called {name}")
        marks = FAILS.search(about)
        fails = tuple(test.strip() for test in marks.group(1).split(",")) if marks else ()
        seen = tuple(SEEN.findall(about)) or LEGS
        unseen = UNSEEN.search(about)
        answers[name] = Answer(
            name, {**solution, **cells}, tuple(cells), fails, seen, unseen.group(1) if unseen else ""
        )
    return list(answers.values())
