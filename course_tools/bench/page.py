"""Where comparisons with the peers are kept: `docs/benchmarks.json`, and the page and the plot made from it."""

import json
import os
import platform
import textwrap
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import torch

from course_utils.command import notebooks

FOLDER = Path("docs")
TITLES = {  # in the order of the page
    "newcomer": "A newcomer's path",
    "speed-run": "Time to 0.91 on Fashion-MNIST",
    "batching": "Mini-batches of data that fit in memory",
    "from-scratch": "What the lessons write out, against torch's own",
    "grading": "Grading a class of 30",
    "validation": "Notebooks validated by one worker and by two",
    "loop-filter": "The loop filter against VRCNN",
}
TITLE = "# Side by side"
INTRO = (
    "Each part is one run on one machine: ratios carry over to another, seconds do not. *Ratio* is the other's time "
    "over ours: above 1 we are faster, below 1 we lose. Times are medians unless a part says otherwise. "
    "`course bench NAME --write` repeats a part and stores it here."
)


Parts = dict[str, dict[str, Any]]  # by name: command, machine, note and rows, as JSON holds them


@dataclass(frozen=True)
class Comparison:
    """Ours against another's (None: there is none), in one unit, where less is better.

    divides: whether their ratio makes sense
    """

    what: str
    ours: float
    other: float | None
    unit: str = "s"
    ours_is: str = "ours"
    other_is: str = "torch"
    divides: bool = True

    @property
    def ratio(self) -> float | None:
        """How many times as much the other needs."""
        return self.other / self.ours if self.divides and self.other is not None else None


def machine(device: str = "cpu") -> str:
    """What figures were measured on, without a name that only its owner knows."""
    where = torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} CPU cores"
    return f"{where}, torch {torch.__version__.split('+')[0]}, Python {platform.python_version()}"


def table(rows: list[Comparison]) -> str:
    """The rows as a Markdown table, ratios first."""
    lines = ["| ratio | what | ours | theirs |", "| ---: | --- | --- | --- |"]
    for row in rows:
        ours, other = (
            "–" if value is None else f"{name}: {value:,.{_digits(value)}f} {row.unit}".removeprefix(": ")
            for name, value in ((row.ours_is, row.ours), (row.other_is, row.other))
        )
        lines.append(f"| {_short(row.ratio)} | {row.what} | {ours} | {other} |")
    return "\n".join(lines)


def store(name: str, rows: list[Comparison], *, command: str, device: str = "cpu", note: str = "") -> None:
    """Replace the part `name` in the data, the page and the plot."""
    folder = notebooks.course_root() / FOLDER
    data = folder / "benchmarks.json"
    parts = json.loads(data.read_text(encoding="utf-8")) if data.is_file() else {}
    parts[name] = {
        "command": command,
        "machine": machine(device),
        "note": note,
        "rows": [asdict(row) for row in rows],
    }
    parts = {title: parts[title] for title in TITLES if title in parts}
    notebooks.write_text(data, json.dumps(parts, indent=1) + "\n")
    notebooks.write_text(folder / "benchmarks.md", page(parts))
    plot(parts, folder / "benchmarks.png")


def page(parts: Parts) -> str:
    """`benchmarks.md` from the stored parts."""
    text = [TITLE, _wrapped(INTRO), "![Ratios](benchmarks.png)"]
    for name, part in parts.items():
        rows = [Comparison(**row) for row in part["rows"]]
        text += [f"## {TITLES[name]}", table(rows), _wrapped(part["note"])]
        text.append(f"`{part['command']}`; {part['machine']}.")
    return "\n\n".join(filter(None, text)) + "\n"


def plot(parts: Parts, path: Path) -> None:
    """All ratios as bars on a logarithmic scale, one colour a part."""
    import matplotlib.pyplot as plt

    from course_utils import plots

    plots.style()
    bars: list[tuple[str, float, str]] = []
    for colour, part in zip(cycle(plots.COLOURS), parts.values(), strict=False):
        rows = [Comparison(**row) for row in part["rows"]]
        bars += [(row.what, row.ratio, colour) for row in rows if row.ratio is not None]
    figure, axis = plt.subplots(figsize=(9, 0.6 + 0.32 * len(bars)))
    for place, (_, ratio, colour) in enumerate(bars):
        axis.barh(place, ratio - 1, left=1, color=colour)
        axis.annotate(f" {_short(ratio)} ", (ratio, place), va="center", ha="left" if ratio > 1 else "right")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_xscale("log")
    axis.set_yticks(range(len(bars)), [what for what, _, _ in bars])
    axis.invert_yaxis()
    ratios = [ratio for _, ratio, _ in bars]
    axis.set_xlim(min([0.5, *ratios]) / 5, max([2, *ratios]) * 5)  # room for the numbers
    axis.set(title="How many times as long the other takes (left of the line we lose)", xlabel="ratio")
    figure.savefig(path)
    plt.close(figure)


def _short(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
