"""One progress bar for all verbs that take more than a few seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, gone at the end and drawn for a terminal alone; call what it gives with how many of how many."""
    with tqdm(desc=what, unit=unit, leave=False, disable=not sys.stderr.isatty()) as drawn:

        def show(done: int, total: int) -> None:
            drawn.total, drawn.n = total, done
            drawn.refresh()

        yield show
