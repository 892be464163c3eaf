"""The course validated by one worker with all cores and by two that share them, the second as CI does it."""

import os
import sys
import tempfile
from pathlib import Path

from course_tools.bench.page import Comparison
from course_tools.bench.timing import program_seconds
from course_utils.command import notebooks
from course_utils.errors import CourseError


def run(names: list[str]) -> tuple[list[Comparison], str]:
    """All notebooks, or those of `names`. Raises `CourseError` where one fails: a red run is not timed."""
    root = notebooks.course_root()
    notebooks.find(names, root, labs="solutions")  # a wrong name is one line here, not a red run
    seconds = {}
    for jobs in (2, 1):
        command = [str(Path(sys.executable).parent / "course"), "validate", "-j", str(jobs), "--device", "cpu", *names]
        threads = str(max(1, (os.cpu_count() or 1) // jobs))  # all cores both times
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        with tempfile.TemporaryFile("w+", encoding="utf-8") as report:
            try:
                seconds[jobs] = program_seconds(command, cwd=root, environment=environment, output=report)
            except CourseError as error:
                report.seek(0)
                raise CourseError(f"{report.read()}\n{error}") from None  # half an hour's evidence
    what = " ".join(["course validate", *names])
    rows = [Comparison(what, seconds[2], seconds[1], "s", "two workers", "one worker")]
    return rows, "One run of each. One worker has all threads, each of two has half of them."
