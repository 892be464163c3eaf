"""course_tools.bench.timing: medians of calls, and the seconds of a whole program."""

import subprocess
import sys
import time

import psutil
import pytest

from course_tools.bench import timing
from course_utils.errors import CourseError


def test_times_are_medians_and_the_first_call_does_not_count(monkeypatch):
    clock = iter([0, 100, 0, 1, 0, 5, 0, 2])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert timing.median_seconds(lambda: None, repeats=3) == 2


def test_the_device_is_waited_for_before_and_after_every_call():
    calls: list[str] = []
    timing.median_seconds(lambda: calls.append("work"), repeats=1, wait=lambda: calls.append("wait"))
    assert calls == ["wait", "work", "wait"] * 2


def test_a_program_is_timed_to_its_end_and_its_words_are_kept(tmp_path):
    code = "import os, time; time.sleep(0.3); print(os.environ['WORD'])"
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        seconds = timing.program_seconds(
            [sys.executable, "-c", code], cwd=tmp_path, environment={"WORD": "yes"}, output=log
        )
    assert seconds > 0.3 and (tmp_path / "log").read_text() == "yes\n"


def test_a_program_that_fails_is_no_time(tmp_path):
    with pytest.raises(CourseError, match="ended with code 3: nothing to compare"):
        timing.program_seconds([sys.executable, "-c", "raise SystemExit(3)"], cwd=tmp_path)


def test_a_wait_that_is_interrupted_kills_what_the_program_started(tmp_path, monkeypatch):
    code = "import subprocess, sys, time\n"
    code += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\ntime.sleep(60)"
    wait = subprocess.Popen.wait
    members: list[psutil.Process] = []

    def interrupted(process, timeout=None):
        if not members:
            while not (children := psutil.Process(process.pid).children()):
                time.sleep(0.05)
            members.extend([psutil.Process(process.pid), *children])
            raise KeyboardInterrupt
        return wait(process, timeout)

    monkeypatch.setattr(timing.psutil.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        timing.program_seconds([sys.executable, "-c", code], cwd=tmp_path)
    _, alive = psutil.wait_procs(members, timeout=20)
    assert not alive
