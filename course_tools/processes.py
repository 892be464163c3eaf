"""A process and all that it started, as one tree."""

from contextlib import suppress

import psutil


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
