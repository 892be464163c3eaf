"""When a lab was due, and what it costs to be late: data of the class, in `late.toml` of the grading folder.

[lab01]
deadline = 2026-05-01T23:59:00+09:00
percent_a_day = 10     # of the points, for each day that has begun; 0 where it is not there
most_percent = 50      # never more than this; 100 where it is not there
"""

import math
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course_utils.errors import CourseError

FILE = "late.toml"


@dataclass(frozen=True)
class Deadline:
    """A lab's deadline; None for none."""

    deadline: datetime | None = None
    percent_a_day: float = 0
    most_percent: float = 100

    def hours_late(self, when: datetime | None) -> float:
        """How many hours behind the deadline; 0 in time, and where one of the two is not known."""
        if self.deadline is None or when is None:
            return 0.0
        return max(0.0, (when - self.deadline).total_seconds() / 3600)

    def percent_off(self, hours: float) -> float:
        """Of the points, for so many hours."""
        return min(self.most_percent, self.percent_a_day * math.ceil(hours / 24)) if hours > 0 else 0.0


def read(folder: Path) -> dict[str, Deadline]:
    """The deadlines by lab. Raises `CourseError` for a file that cannot be understood."""
    place = folder / FILE
    if not place.is_file():
        return {}
    try:
        data = tomllib.loads(place.read_text(encoding="utf-8"))
        made = {lab: Deadline(**fields) for lab, fields in data.items()}
        for lab, one in made.items():
            if not isinstance(one.deadline, datetime) or not 0 <= one.percent_a_day <= 100:
                raise TypeError(f"{lab} needs deadline = a date and a time, and percent_a_day from 0 to 100")
    except (tomllib.TOMLDecodeError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise CourseError(f"{place}: {error}") from None
    return {
        lab: Deadline(one.deadline.astimezone() if one.deadline else None, one.percent_a_day, one.most_percent)
        for lab, one in made.items()
    }
