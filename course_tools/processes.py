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


def resident_bytes(process: psutil.Process) -> int:
    """Bytes of memory that the tree has now; what two processes share counts for both."""
    total = 0
    for member in tree(process):
        with suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total
