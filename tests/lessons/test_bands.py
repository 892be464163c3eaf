"""A band's reason quotes what other seeds gave ("five seeds: 0.065 to 0.089"): the stored value is one of them."""

import re

import pytest
from conftest import ROOT

from course_utils.command import notebooks

LESSONS = sorted((ROOT / "lessons").glob("*.ipynb"))
NUMBER = r"(-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)"
RANGE = re.compile(rf"{NUMBER} to {NUMBER}")
BAND = re.compile(rf"{NUMBER} to {NUMBER} \(")
# How a claim says that it is about no order: the seeds cannot tell who is ahead, or nothing is what it expects.
NO_ORDER = ("cannot tell", "about 0")


def quoted_range(expected: str) -> tuple[str, str] | None:
    """The first range in the reason of a band, "at least 0.25 (five seeds: 0.41 to 0.64)", as it is written."""
    _, _, why = expected.partition(" (")
    match = RANGE.search(why)
    return match.groups() if match else None


def is_inside(value: float, low: str, high: str) -> bool:
    """Whether low ≤ value ≤ high, where each end may be rounded: by half a unit of its last digit."""
    ends = []
    for text, sign in ((low, -1), (high, 1)):
        digits, _, power = text.replace(",", "").partition("e")
        half = 0.5 * 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
        ends.append(float(text.replace(",", "")) + sign * (1 + 1e-6) * half)
    return ends[0] <= value <= ends[1]


def measured(lesson) -> list[tuple[str, str, float]]:
    """Claim, band with its reason, and stored value of each row that `claims.figures()` showed."""
    (cell,) = (cell for cell in lesson.cells if cell.cell_type == "code" and "claims.figures()" in cell.source)
    rows = [line.split(" | ") for line in cell.outputs[0].data["text/plain"].splitlines()[2:]]
    return [(claim, expected, float(value.replace(",", ""))) for claim, expected, value in rows]


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.0645, "0.065", "0.089", True),
        (0.0644, "0.065", "0.089", False),
        (0.0905, "0.065", "0.089", False),
        (654.8, "655", "7,243", True),
        (7_244.0, "655", "7,243", False),
        (-0.0205, "-0.020", "0.002", True),
        (2.44e-6, "6e-7", "2.4e-6", True),
        (5.4e-7, "6e-7", "2.4e-6", False),
    ],
)
def test_an_end_counts_as_far_as_its_last_digit_is_rounded(value, low, high, verdict):
    assert is_inside(value, low, high) == verdict


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_stored_value_lies_in_the_range_that_its_band_quotes(path):
    rows = [(claim, quoted_range(expected), value) for claim, expected, value in measured(notebooks.read(path))]
    assert not [claim for claim, ends, value in rows if ends and not is_inside(value, *ends)]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_band_that_holds_both_signs_says_that_it_tells_no_order(path):
    both = []
    for claim, expected, _ in measured(notebooks.read(path)):
        band = BAND.match(expected)
        if band and float(band[1]) < 0 < float(band[2]) and not any(words in expected for words in NO_ORDER):
            both.append(claim)
    assert not both
