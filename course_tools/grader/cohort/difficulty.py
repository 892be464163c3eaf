"""How a class did: the mean of each exercise, the share that each hidden test fails, and its commonest reason."""

import html
import re
import statistics
from collections import Counter
from dataclasses import dataclass

from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.gradebook import Graded

NEARLY_ALL = 0.9  # of a class that fails a test: then the test, or the text, may be at fault
LEAST_CLASS = 5  # students of whom a share says something
NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d+)?(e[-+]?\d+)?")


@dataclass(frozen=True)
class TestShare:
    """A hidden test: the share of the class that fails it, the commonest reason, and how many have that one."""

    __test__ = False  # pytest takes every class with this name for tests

    exercise: str
    name: str
    failed: int
    judged: int
    reason: str
    alike: int

    @property
    def share(self) -> float:
        return self.failed / self.judged if self.judged else 0.0


def shares(rows: list[Graded], assignment: Assignment) -> list[TestShare]:
    """Of each hidden test, in the lab's order. Who has no outcomes, since nothing could be graded, does not count."""
    made = []
    for test in assignment.tests:
        found = [(passed, reason) for row in rows for name, passed, reason in row.outcomes if name == test.name]
        reasons = Counter(NUMBER.sub("#", reason) for passed, reason in found if not passed)
        reason, alike = reasons.most_common(1)[0] if reasons else ("", 0)
        made.append(TestShare(test.exercise, test.name, reasons.total(), len(found), reason, alike))
    return made


def suspicious(tests: list[TestShare]) -> list[str]:
    """A line for each test that nearly all of a class fail."""
    return [
        f"{test.name}: {test.failed} of {test.judged} fail it; is it, or the text, at fault? ({test.reason})"
        for test in tests
        if test.judged >= LEAST_CLASS and test.share >= NEARLY_ALL
    ]


def page(rows: list[Graded], assignment: Assignment) -> str:
    """All of it as a page for the instructor."""
    exercises = []
    for exercise in assignment.exercises:
        points = [row.points[exercise.grade_id] for row in rows if row.points[exercise.grade_id] is not None]
        mean = sum(filter(None, points)) / len(points) if points else 0.0
        full = sum(reached == exercise.points for reached in points)
        count = f"{full} of {len(points)}" if points else "–"
        exercises.append(
            f"<tr><td>{html.escape(exercise.grade_id)}<td>{mean:.2f}<td>{exercise.points:g}<td>{count}"
            f"<td>{_bar(mean / exercise.points if exercise.points else 0)}"
        )
    tests = []
    for test in shares(rows, assignment):
        reason = f"{html.escape(test.reason)} ({test.alike})" if test.reason else ""
        tests.append(
            f"<tr><td>{html.escape(test.name)}<td>{100 * test.share:.0f} %<td>{test.failed} of {test.judged}"
            f"<td>{_bar(test.share)}<td>{reason}"
        )
    middle = f"{statistics.median(row.total for row in rows):g}" if rows else "–"
    most = sum(exercise.points for exercise in assignment.exercises)
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{html.escape(assignment.name)}: the class</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem }}
.wide {{ overflow-x: auto }} table {{ border-collapse: collapse }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .7rem; border-bottom: 1px solid #ddd }}
.bar {{ display: inline-block; width: 8rem; height: .8rem; background: #eee }}
.bar span {{ display: block; height: 100%; background: #1b5e9e }}
</style>
<h1>{html.escape(assignment.name)}: {len(rows)} students, median {middle} of {most:g} points</h1>
<h2>Exercises</h2>
<div class=wide><table><tr><th>exercise<th>mean<th>of<th>full marks<th>share of the points
{chr(10).join(exercises)}
</table></div>
<h2>Hidden tests</h2>
<div class=wide><table><tr><th>test<th>fail it<th>students<th><th>commonest reason (how many; # stands for a number)
{chr(10).join(tests)}
</table></div>
</html>
"""


def _bar(share: float) -> str:
    return f'<span class=bar><span style="width: {100 * min(1.0, share):.0f}%"></span></span>'
