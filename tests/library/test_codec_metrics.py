"""PSNR, SSIM and the Bjøntegaard delta, against scikit-image and against integration by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator
from skimage.metrics import peak_signal_noise_ratio
from torchmetrics.functional.image import structural_similarity_index_measure

from course_utils.codec import metrics
from course_utils.errors import CourseError

ANCHOR = ([100.0, 200, 420, 900], [30.0, 33, 36, 39.5])


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Three pictures with noise of three strengths, and the pictures, (3, 40, 52) uint8."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (3, 40, 52), generator=generator)
    noise = torch.randn(3, 40, 52, generator=generator) * torch.tensor([2.0, 10, 40])[:, None, None]
    return (pictures + noise).round().clamp(0, 255).to(torch.uint8), pictures.to(torch.uint8)


def test_psnr_is_scikit_images_picture_by_picture(pair):
    expected = [peak_signal_noise_ratio(b.numpy(), a.numpy()) for a, b in zip(*pair, strict=True)]
    assert torch.allclose(metrics.psnr(*pair), torch.tensor(expected, dtype=torch.float64))


def test_ssim_is_torchmetrics_over_the_windows_that_lie_in_the_picture(pair):
    first, second = (picture[:, None].double() for picture in pair)
    _, full = structural_similarity_index_measure(
        first, second, sigma=1.5, data_range=255.0, reduction="none", return_full_image=True
    )
    assert torch.allclose(metrics.ssim(*pair), full[..., 5:-5, 5:-5].mean(dim=(1, 2, 3)))


def test_equal_pictures_have_infinite_psnr_and_an_ssim_of_one(pair):
    pictures = pair[1]
    assert metrics.psnr(pictures, pictures).tolist() == [math.inf] * 3
    assert torch.allclose(metrics.ssim(pictures, pictures), torch.ones(3, dtype=torch.float64))


def test_colour_pictures_are_taken_whole(pair):
    degraded, pictures = (picture[None] for picture in pair)  # one picture of three channels
    errors = (degraded.double() - pictures.double()).square().mean()
    assert metrics.psnr(degraded, pictures).tolist() == [pytest.approx(10 * math.log10(255**2 / errors))]


def test_a_constant_saving_of_bits_is_the_bd_rate():
    rates, psnrs = ANCHOR
    assert metrics.bd_rate(rates, psnrs, [0.9 * rate for rate in rates], psnrs) == pytest.approx(-10)


def test_bd_rate_is_the_mean_log_ratio_where_the_curves_overlap():
    other = ([90.0, 210, 400, 850], [30.4, 33.5, 36.1, 39.9])
    low, high = max(ANCHOR[1][0], other[1][0]), min(ANCHOR[1][-1], other[1][-1])
    areas = [PchipInterpolator(psnr, np.log10(rate)).integrate(low, high) for rate, psnr in (ANCHOR, other)]
    by_hand = 100 * (10 ** ((areas[1] - areas[0]) / (high - low)) - 1)
    assert metrics.bd_rate(*ANCHOR, *other) == pytest.approx(by_hand)


def test_the_order_of_the_points_does_not_matter():
    turned = [list(reversed(values)) for values in ANCHOR]
    other = ([90.0, 210, 400, 850], [30.4, 33.5, 36.1, 39.9])
    assert metrics.bd_rate(*turned, *other) == metrics.bd_rate(*ANCHOR, *other)


@pytest.mark.parametrize(
    ("rates", "psnrs", "message"),
    [
        ([1, 2, 3], [30, 31, 32], "four points or more, not 3 rates and 3 PSNRs"),
        ([1, 2, 3, 4], [30, 31, 32], "four points or more, not 4 rates and 3 PSNRs"),
        ([1, 2, 3, 4], [30, 32, 31, 33], "a rate-distortion curve rises"),
        ([1, 2, 2, 4], [30, 31, 32, 33], "a rate-distortion curve rises"),
        ([0, 1, 2, 3], [30, 31, 32, 33], "a rate-distortion curve rises"),
        ([1, 2, 3, 4], [30, 31, 32, math.inf], "a rate-distortion curve rises"),
        ([1, 2, 3, 4], [50, 51, 52, 53], "do not overlap: choose QPs"),
    ],
)
def test_bad_curves_are_a_clear_error(rates, psnrs, message):
    with pytest.raises(CourseError, match=message):
        metrics.bd_rate(*ANCHOR, rates, psnrs)


@pytest.mark.parametrize(
    ("metric", "shapes", "message"),
    [
        (metrics.psnr, [(1, 8, 8), (1, 8, 9)], r"not \(1, 8, 8\) with \(1, 8, 9\)"),
        (metrics.psnr, [(8, 8), (8, 8)], "compare pictures of one shape"),
        (metrics.psnr, [(0, 8, 8), (0, 8, 8)], "compare pictures of one shape"),
        (metrics.ssim, [(1, 10, 40), (1, 10, 40)], "at least 11×11, not 10×40"),
    ],
)
def test_pictures_that_cannot_be_compared_are_a_clear_error(metric, shapes, message):
    with pytest.raises(CourseError, match=message):
        metric(*(torch.zeros(shape) for shape in shapes))
