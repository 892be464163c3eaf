"""The longer runs that lessons quote (lessons/study/): what a lesson says of one is what the run has stored."""

import json
import statistics

import pytest
from conftest import ROOT

from course_utils.command import notebooks

STUDIES = ROOT / "lessons" / "study"


def stored(name: str):
    return json.loads((STUDIES / f"{name}.json").read_text(encoding="utf-8"))


def text_of(number: str) -> str:
    (path,) = (ROOT / "lessons").glob(f"{number}_*.ipynb")
    return "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "markdown")


def table_below(text: str, command: str) -> dict[str, list[str]]:
    """The cells of the first table after the command, by its first column."""
    lines = text[text.index(command) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| ---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*/*.py")), ids=lambda path: path.stem)
def test_each_study_is_named_with_its_command_by_the_lesson_that_quotes_it(path):
    assert f"python {path.relative_to(ROOT).as_posix()}" in path.read_text(encoding="utf-8")
    assert path.relative_to(ROOT).as_posix() in text_of(path.parent.name)
    assert path.with_suffix(".json").is_file()


def test_lesson_15_counts_the_seeds_that_the_study_of_gates_stored():
    shown = list(table_below(text_of("15"), "study/15/gates.py").values())
    runs = stored("15/gates")
    rows = ("chrono", "chrono, forget gates only", "forget bias 5", "chrono, input gates only")
    assert shown == [[f"{sum(value == 1 for value in runs[d][row])} of 10" for d in ("50", "200")] for row in rows]
    others = [value for by_row in runs.values() for values in by_row.values() for value in values if value < 1]
    assert min(others) > 0.45 and max(others) < 0.56


def test_lesson_17_quotes_the_bits_that_the_study_of_positions_stored():
    runs = stored("17/positions")
    shown = table_below(text_of("17"), "study/17/positions.py")
    for name, network in (("GPT, added sinusoids", "sinusoid"), ("GPT, rotary", "rotary"), ("LSTM", "LSTM")):
        mine = [row for row in runs if (row["network"], row["budget"]) == (network, 1)]
        rate = min((row for row in mine if "validation" in row), key=lambda row: row["validation"])["rate"]
        bits = [row["test"] for row in mine if row["rate"] == rate and "test" in row]
        assert len(bits) == 3
        assert shown[name][0] == f"{statistics.mean(bits):.3f} ({min(bits):.3f} to {max(bits):.3f})"


def test_lesson_17_quotes_the_longer_trainings_of_the_study_of_positions():
    runs = [row for row in stored("17/positions") if "validation" in row]
    best = {
        (network, budget): min(
            row["validation"] for row in runs if (row["network"], row["budget"]) == (network, budget)
        )
        for network in ("rotary", "LSTM")
        for budget in (1, 4)
    }
    gaps = [best["rotary", budget] - best["LSTM", budget] for budget in (1, 4)]
    text = text_of("17")
    assert f"rotary comes to {best['rotary', 4]:.3f} bits, the LSTM to {best['LSTM', 4]:.3f}" in text
    assert f"a gap of {gaps[0]:.2f} bits on that text has become one of {gaps[1]:.2f}" in text
