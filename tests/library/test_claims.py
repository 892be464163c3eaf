"""course_utils.claims: facts are shown, measurements are banded, and a claim that fails stops the notebook."""

import math

import pytest

from course_utils.claims import ClaimFailed, Claims


@pytest.fixture
def shown(monkeypatch) -> list:
    """What the notebook would display."""
    displayed: list = []
    monkeypatch.setattr("course_utils.claims.display", displayed.append)
    return displayed


def test_claims_that_hold_are_shown_with_their_verdict(shown):
    claims = Claims("test")
    claims.equal("weights of a 3×3", 3 * 3, 9, source="arithmetic")
    claims.table()
    assert "weights of a 3×3 | 9 | 9 | holds | arithmetic" in repr(shown[0])
    assert "<td" in shown[0]._repr_html_()


def test_a_claim_off_by_one_stops_the_notebook_after_the_table(shown):
    claims = Claims("test")
    claims.equal("parameters", 61_100_840, 61_100_841, source="paper")
    with pytest.raises(ClaimFailed, match="parameters: expected 61,100,841, measured 61,100,840"):
        claims.table()
    assert "FAILS" in repr(shown[0])


def test_what_varies_is_left_out_of_the_table_and_shown_among_the_figures(shown):
    claims = Claims("test")
    claims.within("accuracy", 0.891234, low=0.88, why="five seeds: 0.889 to 0.897")
    claims.table()
    claims.figures()
    table, figures = map(repr, shown)
    assert "0.891234" not in table and "at least 0.88 (five seeds: 0.889 to 0.897)" in table
    assert "0.891234" in figures


@pytest.mark.parametrize("measured", [0.879, 0.951, math.nan])
def test_a_measurement_outside_its_band_fails(shown, measured):
    claims = Claims("test")
    claims.within("accuracy", measured, low=0.88, high=0.95, why="seeds")
    with pytest.raises(ClaimFailed, match=r"accuracy: expected 0\.88 to 0\.95"):
        claims.table()


def test_an_infinite_measurement_is_in_no_band(shown):
    claims = Claims("test")
    claims.within("ratio", math.inf, low=2, why="seeds")
    with pytest.raises(ClaimFailed, match="ratio"):
        claims.table()


@pytest.mark.parametrize("difference, holds", [(1e-10, True), (-1e-10, True), (1e-8, False), (math.nan, False)])
def test_close_claims_hold_up_to_their_tolerance(difference, holds):
    claims = Claims("test")
    claims.close("entropy", math.log(10) + difference, math.log(10), tolerance=1e-9, source="arithmetic")
    assert claims.rows[0].holds is holds


def test_a_claim_that_cannot_fail_is_refused():
    with pytest.raises(ValueError, match="cannot fail"):
        Claims("test").within("accuracy", 0.9, why="no band")


def test_markup_in_a_claim_is_shown_as_text(shown):
    claims = Claims("a < b")
    claims.equal("x < y & z", True, True, source="<source>")
    claims.table()
    assert "x &lt; y &amp; z" in shown[0]._repr_html_() and "<source>" not in shown[0]._repr_html_()
