"""A process and all that it started, as one tree; and the cores that there are for it."""

import os
from contextlib import suppress
from pathlib import Path

import psutil

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # Linux's control group: microseconds of each period, or "max"


def tree(process: psutil.Process) -> list[psutil.Process]:
    """The process, and behind it what it started, the oldest first."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def kill(process: psutil.Process) -> None:
    """Kill the tree, from its leaves on. What ends by itself before its turn needs no killing."""
    for member in reversed(tree(process)):
        with suppress(psutil.NoSuchProcess):
            member.kill()


def processor_seconds(process: psutil.Process) -> float:
    """Processor time that the tree has used so far, in all cores together; what ended is counted by its parent."""
    total = 0.0
    for member in tree(process):
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            # Linux alone says what ended children have used; elsewhere it is lost.
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def resident_bytes(process: psutil.Process) -> int:
    """Bytes of memory that the tree has now; what two processes share counts for both."""
    total = 0
    for member in tree(process):
        with suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total


def cores() -> int:
    """How many cores this process may use: a container's or a scheduler's share, not what the machine has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return max(1, min(allowed, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return allowed
