"""The lessons' numeric exercises: `lessons/answers.json` holds the digests of what stands in `solutions/answers.toml`.

The plain answers are the instructors': `course bundle` leaves `solutions/` out, and hands out the digests.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from course_utils import checks
from course_utils.errors import CourseError

SOURCE = Path("solutions", "answers.toml")
KEYS = {"right", "digits", "hint", "wrong"}


def stale(root: Path) -> dict[Path, str]:
    """The file of digests, with the text that it should have, where it is not as the plain answers make it.

    Raises `CourseError` where an answer is described wrongly, or a usual mistake rounds to the right answer.
    """
    source, target = root / SOURCE, root / "lessons" / checks.ANSWERS
    if not source.is_file():
        return {}
    try:
        plain = tomllib.loads(source.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{source} is no TOML: {error}") from None
    right = json.dumps({name: _entry(name, fields) for name, fields in sorted(plain.items())}, indent=1) + "\n"
    before = target.read_text(encoding="utf-8") if target.is_file() else ""
    return {target: right} if before != right else {}


def _entry(exercise: str, fields: dict[str, Any]) -> dict[str, Any]:
    """What `checks.answer` needs to judge one exercise."""
    if set(fields) != KEYS or not all(set(wrong) == {"value", "hint"} for wrong in fields["wrong"]):
        raise CourseError(
            f"answer {exercise} needs {', '.join(sorted(KEYS))}, and each of wrong a value and a hint: "
            f"it has {', '.join(sorted(fields))}"
        )
    digits = fields["digits"]
    right = checks.digest(exercise, fields["right"], digits)
    wrong = [
        {"digest": checks.digest(exercise, wrong["value"], digits), "hint": wrong["hint"]} for wrong in fields["wrong"]
    ]
    if right in {mistake["digest"] for mistake in wrong}:
        raise CourseError(f"answer {exercise}: a wrong value is the right one when rounded to {digits} digits")
    return {"digits": digits, "right": right, "hint": fields["hint"], "wrong": wrong}
