"""Ctrl-C: a long verb ends within three seconds, with all that it started, and says in one line what is kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from small_class import answered, hand_in, make_course, needs_jail, with_extra

from course_tools import processes

SLEEP = "import time\nSEED = 0\nopen('{}', 'w').close()\ntime.sleep(250)"
LONGEST_SECONDS = 3.0  # where a core is free
START_SECONDS = 120


def interrupt(arguments: list[str], folder: Path, started: Path) -> tuple[subprocess.CompletedProcess, float]:
    """Type the command, send SIGINT to it alone once the file `started` is there; what it said, and after how long."""
    command = [str(Path(sys.executable).with_name("course")), *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not started.exists():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.1)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        seconds = time.monotonic() - sent
    finally:
        process.kill()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive, alive
    return subprocess.CompletedProcess(command, process.returncode, out, err), seconds


def allowed_seconds() -> float:
    """Where three programs wait for each core, everything takes three times as long."""
    return LONGEST_SECONDS * max(1.0, os.getloadavg()[0] / processes.cores())


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["run", "--device", "cpu"], "01_small.ipynb is as it was, those before it are stored"),
        (["validate", "--device", "cpu", "-j", "1"], "nothing was written"),
        (["seeds", "1", "--seeds", "0-3"], "no seed's figures are kept"),
    ],
)
def test_ctrl_c_ends_a_verb_that_runs_notebooks(course, tmp_path, arguments, kept):
    started = tmp_path / "started"
    path = course(SLEEP.format(started), execute=False)
    before = path.read_bytes()
    done, seconds = interrupt(arguments, tmp_path, started)
    assert done.stderr == f"course: stopped; {kept}\n" and done.returncode == 130
    assert seconds < allowed_seconds() and path.read_bytes() == before


@needs_jail
def test_ctrl_c_ends_grading_and_the_jail_and_what_is_done_is_kept(tmp_path):
    lab = make_course(tmp_path)
    hand_in(tmp_path / "class", "ann", answered(lab))
    hand_in(tmp_path / "class", "bob", with_extra(answered(lab), "while True:\n    pass"))
    cache = tmp_path / "grading" / "cache"

    class OneResult:
        """Stands for the file that a first result makes."""

        @staticmethod
        def exists() -> bool:
            return bool(list(cache.glob("*.json")))

    done, seconds = interrupt(["grade", "class", "-j", "1"], tmp_path, OneResult)
    kept = f"what was graded is kept in {tmp_path / 'grading'}: the same command goes on"
    assert done.stderr == f"course: stopped; {kept}\n" and done.returncode == 130
    assert seconds < allowed_seconds() and len(list(cache.glob("*.json"))) == 1
