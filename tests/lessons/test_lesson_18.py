"""The encoder that lesson 18 writes out, taken from the notebook and held against the course's library."""

import pytest
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from course_tools.notebook_code import definitions
from course_utils.codec import intra, metrics, quantisation, transforms

lesson = definitions(ROOT / "lessons" / "18_video_encoder.ipynb")
lesson.forward.__globals__["integer_dct"] = transforms.hevc_matrix(8)  # the notebook compares its own with this one


def noise(*shape, low=0, high=256, seed=0):
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 1000), mode=st.sampled_from([(2, 27), (13, 30), (21, 32), (32, 34)]))
def test_a_direction_from_above_is_the_librarys(seed, mode):
    angle, number = mode
    border = noise(33, seed=seed)
    above = torch.cat([border[17:], border[-1:]])
    assert torch.equal(lesson.from_above(above, angle), intra.angular(border, number))


@given(seed=st.integers(0, 1000))
def test_planar_is_the_librarys(seed):
    border = noise(33, seed=seed)
    ours = lesson.ramps(border[8:16].flip(0), border[17:25], border[7], border[25])
    assert torch.equal(ours, intra.planar(border))


@given(seed=st.integers(0, 1000), qp=st.integers(0, 51))
def test_transform_quantiser_and_their_inverses_are_the_librarys(seed, qp):
    residual = noise(5, 8, 8, low=-255, seed=seed)
    coefficients = lesson.forward(residual)
    levels = lesson.quantise(coefficients, qp)
    assert torch.equal(coefficients, transforms.hevc_forward(residual))
    assert torch.equal(levels, quantisation.hevc_quantise(coefficients, qp))
    assert torch.equal(lesson.dequantise(levels, qp), quantisation.hevc_dequantise(levels, qp))
    assert torch.equal(lesson.inverse(coefficients), transforms.hevc_inverse(coefficients))


@settings(max_examples=10)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), qp=st.sampled_from([10, 22, 37, 51]), seed=st.integers(0, 99))
def test_the_decoder_rebuilds_any_picture_as_the_encoder_has_it(rows, columns, qp, seed):
    picture = noise(8 * rows, 8 * columns, seed=seed).to(torch.uint8)
    modes, levels, _, reconstruction = lesson.encode(picture, qp)
    assert torch.equal(lesson.decode(modes, levels, qp), reconstruction)


def test_a_finer_step_brings_the_picture_nearer_and_costs_more():
    picture = (noise(16, 16) // 4 + torch.arange(16) * 8).to(torch.uint8)
    quality, bits = [], []
    for qp in (12, 24, 36):
        modes, levels, _, reconstruction = lesson.encode(picture, qp)
        quality.append(lesson.psnr(reconstruction, picture))
        bits.append(lesson.proxy_bits(modes, levels))
    assert quality == sorted(quality, reverse=True) and bits == sorted(bits, reverse=True)


@given(
    steps=st.lists(st.tuples(st.floats(0.3, 1), st.floats(1, 4)), min_size=8, max_size=8),
    worse=st.floats(0.5, 2),
)
def test_bd_rate_by_hand_is_the_packages(steps, worse):
    curves = []
    for part, factor in ((steps[:4], 1.0), (steps[4:], worse)):
        rate, quality, curve = 0.1 * factor, 30.0, []
        for growth, gain in part:
            rate, quality = rate * (1 + growth), quality + gain
            curve.append((rate, quality))
        curves.append(curve)
    package = metrics.bd_rate(*(list(values) for curve in curves for values in zip(*curve, strict=True)))
    assert lesson.bd_rate(*curves) == pytest.approx(package, abs=0.02)


def test_deblocking_softens_a_small_step_at_a_border_and_leaves_a_large_one():
    small = torch.full((8, 16), 100)
    small[:, 8:] = 104
    large = torch.full((8, 16), 50)
    large[:, 8:] = 200
    assert lesson.deblock(small, 37).diff(dim=1).abs().max() < 4
    assert torch.equal(lesson.deblock(large, 37), large)
    assert torch.equal(lesson.deblock(small, 10), small)  # a step that rounding at QP 10 cannot explain


def test_the_entropy_of_equal_symbols_is_nothing_and_of_a_fair_coin_one_bit():
    assert lesson.entropy_bits(torch.zeros(10, dtype=torch.long)) == 0
    assert lesson.entropy_bits(torch.tensor([0, 1] * 5)) == pytest.approx(10)
