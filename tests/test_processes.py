"""course_tools.processes: a tree of processes is measured and killed whole, also while it changes."""

import os
import sys
import time

import psutil
import pytest

from course_tools import processes

PARENT = "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"


@pytest.fixture
def parent():
    """A process with one child."""
    process = psutil.Popen([sys.executable, "-c", PARENT + "time.sleep(60)"])
    deadline = time.monotonic() + 60
    while len(processes.tree(process)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    processes.kill(process)
    process.wait()


@pytest.fixture
def ended():
    """A process that has ended."""
    process = psutil.Popen([sys.executable, "-c", ""])
    known = psutil.Process(process.pid)
    process.wait()
    return known


def test_killing_a_process_ends_what_it_started(parent):
    members = processes.tree(parent)
    processes.kill(parent)
    _, alive = psutil.wait_procs(members, timeout=20)
    assert not alive


def test_a_child_that_ends_before_its_turn_is_as_good_as_killed(parent, ended, monkeypatch):
    monkeypatch.setattr(psutil.Process, "children", lambda self, recursive: [ended])
    processes.kill(parent)
    assert parent.wait(timeout=20) == -9


def test_the_memory_of_a_tree_is_the_sum_of_its_members(parent):
    one = parent.memory_info().rss
    assert one < processes.resident_bytes(parent) < 10 * one


def test_a_process_that_has_ended_is_alone_and_has_no_memory(ended):
    assert processes.tree(ended) == [ended] and processes.resident_bytes(ended) == 0


def test_a_child_that_ends_during_the_count_has_no_memory(parent, ended, monkeypatch):
    monkeypatch.setattr(psutil.Process, "children", lambda self, recursive: [ended])
    assert processes.resident_bytes(parent) > 0


@pytest.mark.parametrize(
    "allowed, quota, expected",
    [
        ({0, 5}, None, 2),
        (None, None, 7),  # macOS and Windows do not say which cores a process may use
        ({0, 1, 2, 3}, "max 100000", 4),
        ({0, 1, 2, 3}, "250000 100000", 2),
        ({0, 1, 2, 3}, "20000 100000", 1),
        ({0, 1}, "800000 100000", 2),
    ],
)
def test_the_cores_are_those_that_this_process_may_use(monkeypatch, tmp_path, allowed, quota, expected):
    if allowed is None:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: allowed, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    monkeypatch.setattr(processes, "CPU_QUOTA", tmp_path / "cpu.max")
    if quota:
        processes.CPU_QUOTA.write_text(quota + "\n")
    assert processes.cores() == expected
