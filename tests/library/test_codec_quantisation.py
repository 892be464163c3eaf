"""Quantisation: the step doubles every six QPs, the integers are HM's, and levels cost what their codes are long."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.codec import quantisation, transforms
from course_utils.errors import CourseError

qps = st.integers(*quantisation.QP_RANGE)


def test_the_step_is_one_at_qp_4_and_doubles_every_six():
    assert quantisation.step(4) == 1
    assert all(quantisation.step(qp + 6) == pytest.approx(2 * quantisation.step(qp)) for qp in range(46))


@given(qp=qps, rounding=st.sampled_from([0, 1 / 6, 1 / 3, 1 / 2]))
def test_a_dead_zone_quantiser_loses_at_most_the_step_less_its_rounding(qp, rounding):
    step = quantisation.step(qp)
    coefficients = step * torch.linspace(-5, 5, 1000, dtype=torch.float64)  # no decision point among them
    levels = quantisation.quantise(coefficients, qp, rounding=rounding)
    error = (quantisation.dequantise(levels, qp) - coefficients).abs()
    assert error.max() <= step * max(rounding, 1 - rounding) + 1e-9
    assert torch.equal(levels == 0, coefficients.abs() < step * (1 - rounding))
    assert torch.equal(levels, -levels.flip(0))


@given(qp=qps, size=st.sampled_from(transforms.DCT_SIZES), intra=st.booleans())
def test_the_integer_quantiser_agrees_with_the_floating_one_away_from_decision_points(qp, size, intra):
    coefficients = torch.randint(-(2**15), 2**15, (3, size, size), generator=torch.Generator().manual_seed(qp))
    levels = quantisation.hevc_quantise(coefficients, qp, intra=intra)
    rounding = 171 / 512 if intra else 85 / 512
    scale = 2.0 ** (8 - size.bit_length())
    exact = coefficients.double().abs() / scale / quantisation.step(qp)
    floating = coefficients.sign() * (exact + rounding).floor().clamp(max=2**15 - 1)
    assert (levels - floating).abs().max() <= 1 + exact.max() / 100  # LEVEL_SCALE is 64 steps to within 0.8 %


@given(qp=st.integers(0, 40), size=st.sampled_from(transforms.DCT_SIZES))
def test_dequantised_levels_are_within_the_step_of_the_coefficients(qp, size):
    coefficients = torch.randint(-(2**14), 2**14, (3, size, size), generator=torch.Generator().manual_seed(qp))
    back = quantisation.hevc_dequantise(quantisation.hevc_quantise(coefficients, qp), qp)
    step = quantisation.step(qp) * 2.0 ** (8 - size.bit_length())
    assert (back - coefficients).abs().max() <= step * 0.68 + 1 + coefficients.abs().max() / 100


def test_the_scaling_is_that_of_the_standard_at_a_worked_value():
    # §8.6.3 at QP 27, 8×8: (3 · 16 · (57 << 4) + 2^5) >> 6 = 684.
    levels = torch.zeros(8, 8, dtype=torch.int64)
    levels[0, 0] = 3
    assert quantisation.hevc_dequantise(levels, 27)[0, 0] == (3 * 16 * (57 << 4) + 32) >> 6 == 684
    levels[0, 0] = 2**15 - 1
    assert quantisation.hevc_dequantise(levels, 51)[0, 0] == 2**15 - 1


@pytest.mark.parametrize(("level", "bits"), [(0, 1), (1, 3), (-1, 3), (2, 5), (-3, 5), (4, 7), (-32767, 31)])
def test_a_level_is_as_long_as_its_exp_golomb_code(level, bits):
    block = torch.zeros(4, 4, dtype=torch.int64)
    block[1, 2] = level
    assert quantisation.exp_golomb_bits(block) == 15 + bits


def test_lagranges_multiplier_is_hms_and_doubles_every_three_qps():
    assert quantisation.lagrange_multiplier(12) == 0.57
    assert quantisation.lagrange_multiplier(33) == pytest.approx(2 * quantisation.lagrange_multiplier(30))


def test_the_rate_proxy_adds_up_logarithms():
    assert quantisation.rate_proxy(torch.tensor([[0, 1], [-3, 7]])) == 0 + 1 + 2 + 3


@pytest.mark.parametrize("qp", [-1, 52, 32.0, True, "32"])
def test_a_qp_out_of_range_is_a_clear_error(qp):
    with pytest.raises(CourseError, match="QP is a whole number from 0 to 51, not"):
        quantisation.step(qp)


def test_a_block_size_that_hevc_lacks_is_a_clear_error():
    with pytest.raises(CourseError, match=r"4, 8, 16 or 32 pixels a side, not \(5, 5\)"):
        quantisation.hevc_quantise(torch.zeros(5, 5, dtype=torch.int64), 32)
