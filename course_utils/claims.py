"""The "Claims checked" table: every claim a notebook makes in numbers, measured, with a verdict that can be no."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from IPython.display import display


class ClaimFailed(AssertionError):
    """A claim of the notebook does not hold; the message names it."""


@dataclass(frozen=True)
class Claim:
    """One row: what is claimed, what was expected (a value or a band), what was measured, whether it holds.

    varies: the measured value differs between devices and runs, so the compared table does not show it
    value: the measured number, with all its digits, of a claim about a number
    """

    claim: str
    expected: str
    measured: str
    holds: bool
    varies: bool
    source: str
    value: float | None = None


class Claims:
    """Collects claims through a notebook. `table()` shows them and stops the notebook where one fails.

    >>> claims = Claims("04 VGG")
    >>> claims.equal("weights of two 3×3 per channel pair", 2 * 3**2, 18, source="arithmetic")
    >>> claims.within("test accuracy", 0.893, low=0.88, why="five seeds: 0.889 to 0.897")
    >>> claims.table()  # in a cell that nbval compares: facts, bands and verdicts
    Claims checked: 04 VGG
    claim | expected | measured | verdict | source
    weights of two 3×3 per channel pair | 18 | 18 | holds | arithmetic
    test accuracy | at least 0.88 (five seeds: 0.889 to 0.897) | see below | holds | measured here
    >>> claims.figures()  # in a cell tagged nbval-ignore-output: what was measured this time
    Measured in this run
    claim | expected | measured
    test accuracy | at least 0.88 (five seeds: 0.889 to 0.897) | 0.893
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[Claim] = []

    def equal(self, claim: str, measured: Any, expected: Any, *, source: str) -> None:
        """A fact: `measured` is exactly `expected` on every device and version."""
        self.rows.append(Claim(claim, _text(expected), _text(measured), bool(measured == expected), False, source))

    def close(self, claim: str, measured: float, expected: float, *, tolerance: float, source: str) -> None:
        """A fact up to rounding: |measured - expected| ≤ tolerance. The expected value is shown with its tolerance."""
        holds = math.isfinite(measured) and abs(measured - expected) <= tolerance
        expectation = f"{_text(expected)} ± {tolerance:g}"
        self.rows.append(Claim(claim, expectation, _text(measured), holds, True, source, float(measured)))

    def within(
        self,
        claim: str,
        measured: float,
        *,
        low: float | None = None,
        high: float | None = None,
        why: str,
        source: str = "measured here",
    ) -> None:
        """A measurement that varies: low ≤ measured ≤ high, with one side open where it is None.

        `why` justifies the width of the band, for instance by the range over five seeds. An ordering is a band on the
        difference: `within("the CNN beats the MLP by", cnn - mlp, low=0.01, …)`.
        Raises `ValueError` where both sides are open: such a claim cannot fail.
        """
        if low is None and high is None:
            raise ValueError(f"{claim!r} needs low, high or both: a claim that cannot fail says nothing")
        holds = math.isfinite(measured) and (low is None or measured >= low) and (high is None or measured <= high)
        band = f"at most {high:g}" if low is None else f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        self.rows.append(Claim(claim, f"{band} ({why})", _text(measured), holds, True, source, float(measured)))

    def table(self) -> None:
        """Show claim, expected, measured, verdict, source; then raise `ClaimFailed` where a claim does not hold.

        The measured value of a claim that varies is left out, so that the output is the same on every device.
        """
        header = ("claim", "expected", "measured", "verdict", "source")
        rows = [
            (
                row.claim,
                row.expected,
                "see below" if row.varies and row.holds else row.measured,
                "holds" if row.holds else "FAILS",
                row.source,
            )
            for row in self.rows
        ]
        display(_Table(f"Claims checked: {self.title}", header, rows))
        failed = [
            f"{row.claim}: expected {row.expected}, measured {row.measured}" for row in self.rows if not row.holds
        ]
        if failed:
            raise ClaimFailed("; ".join(failed))

    def figures(self) -> None:
        """Show what was measured this time for the claims that vary. Put this into an `nbval-ignore-output` cell."""
        rows = [(row.claim, row.expected, row.measured) for row in self.rows if row.varies]
        display(_Table("Measured in this run", ("claim", "expected", "measured"), rows))


class _Table:
    """A table as HTML for JupyterLab and as text for terminals, tests and screen readers."""

    def __init__(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.title, self.header, self.rows = title, header, rows

    def __repr__(self) -> str:
        lines = [" | ".join(row) for row in (self.header, *self.rows)]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        def cells(tag: str, row: Sequence[str]) -> str:
            return "".join(f'<{tag} style="text-align:left">{html.escape(cell)}</{tag}>' for cell in row)

        body = "".join(f"<tr>{cells('td', row)}</tr>" for row in self.rows)
        head = f"<thead><tr>{cells('th', self.header)}</tr></thead>"
        return f"<table><caption>{html.escape(self.title)}</caption>{head}<tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
