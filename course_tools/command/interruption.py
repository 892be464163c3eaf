"""What a long verb says when its user ends it with Ctrl-C."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

STOPPED = 130  # the exit code of shells for a program that SIGINT ended


@contextmanager
def keeps(kept: str) -> Iterator[None]:
    """End with one line that says what is kept, and with `STOPPED`, where Ctrl-C ends what runs inside."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"course: stopped; {kept}", err=True)
        raise typer.Exit(STOPPED) from None
