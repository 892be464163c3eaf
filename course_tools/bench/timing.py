"""Seconds: of a function that is called again and again, and of a whole program."""

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from course_tools import processes
from course_utils.errors import CourseError


def median_seconds(function: Callable[[], object], *, repeats: int, wait: Callable[[], None] | None = None) -> float:
    """Median wall time of `function()` after one call that does not count; `wait` waits for the device."""
    wait = wait or (lambda: None)
    times = []
    for _ in range(repeats + 1):
        wait()
        started = time.perf_counter()
        function()
        wait()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def program_seconds(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None, output: IO[str] | None = None
) -> float:
    """Wall time of a program from its start to its end; what it says goes to `output`, or nowhere.

    Raises `CourseError` where it fails. Where the wait is interrupted, all that the program started is killed.
    """
    started = time.perf_counter()
    process = psutil.Popen(
        command, cwd=cwd, env=environment, stdout=output or subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        code = process.wait()
    except BaseException:
        processes.kill(process)
        process.wait()
        raise
    if code:
        raise CourseError(f"`{' '.join(command)}` ended with code {code}: nothing to compare")
    return time.perf_counter() - started
