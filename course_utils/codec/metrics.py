"""PSNR, SSIM and the Bjøntegaard delta, each by the library that the field uses, for luma or colour pictures.

Pictures are (N, H, W) or (N, C, H, W), uint8 or floating point in [0, peak]; one number per picture comes back.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import bjontegaard
import torch
from torch import Tensor

from course_utils.errors import CourseError

SSIM_WINDOW = 11  # pixels: Gaussian of σ = 1.5 (Wang et al. 2004, §III-C)


def psnr(pictures: Tensor, reference: Tensor, *, peak: float = 255.0) -> Tensor:
    """Peak signal-to-noise ratio 10·log10(peak² / MSE) in dB per picture, inf for equal ones: (N,) float64.

    float32 on a device without float64.
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio  # here: BD-rate alone does not need it

    pictures, reference = _pair(pictures, reference)
    return torch.stack(
        [peak_signal_noise_ratio(a, b, data_range=peak) for a, b in zip(pictures, reference, strict=True)]
    )


def ssim(pictures: Tensor, reference: Tensor, *, peak: float = 255.0) -> Tensor:
    """Structural similarity (Wang et al. 2004) per picture, (N,) float64 on the CPU, 1 for equal pictures.

    Raises `CourseError` for pictures smaller than the Gaussian window of 11 pixels.
    """
    from skimage.metrics import structural_similarity  # here: BD-rate alone does not need it

    pictures, reference = _pair(pictures, reference)
    if min(pictures.shape[-2:]) < SSIM_WINDOW:
        raise CourseError(f"SSIM needs pictures of at least {SSIM_WINDOW}×{SSIM_WINDOW}, not {_size(pictures)}")
    # scikit-image and not torchmetrics: that one also counts windows mirrored at the border, and takes gigabytes.
    values = [
        structural_similarity(
            first.numpy(),
            second.numpy(),
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,  # the paper's
            data_range=peak,
        )
        for first, second in zip(pictures.cpu().double(), reference.cpu().double(), strict=True)
    ]
    return torch.tensor(values, dtype=torch.float64)


def bd_rate(
    anchor_rates: Sequence[float], anchor_psnrs: Sequence[float], rates: Sequence[float], psnrs: Sequence[float]
) -> float:
    """Bjøntegaard delta rate in percent: how many more bits than the anchor at equal PSNR; negative is better.

    Each curve is four points or more (rate in any one unit, PSNR in dB), in any order; log10(rate) is interpolated over
    PSNR by monotone cubics (`bjontegaard` package, method "pchip") and averaged where the two curves overlap.
    Raises `CourseError` where PSNR does not rise with the rate, and where the curves share no PSNR.

    >>> rates, psnrs = [100, 200, 400, 800], [30.0, 33.0, 36.0, 39.0]
    >>> round(bd_rate(rates, psnrs, [0.9 * rate for rate in rates], psnrs), 6)
    -10.0
    """
    curves = (*_curve(anchor_rates, anchor_psnrs), *_curve(rates, psnrs))
    return float(bjontegaard.bd_rate(*curves, **_overlapping(anchor_psnrs, psnrs)))


def _pair(pictures: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Both as (N, C, H, W) float64 on the first one's device; float32 where that device has no float64."""
    if pictures.shape != reference.shape or pictures.ndim not in (3, 4) or not pictures.numel():
        raise CourseError(
            "compare pictures of one shape, (N, H, W) or (N, C, H, W), "
            f"not {tuple(pictures.shape)} with {tuple(reference.shape)}"
        )
    dtype = torch.float32 if pictures.device.type == "mps" else torch.float64
    if pictures.ndim == 3:
        pictures, reference = pictures.unsqueeze(1), reference.unsqueeze(1)
    return pictures.to(dtype), reference.to(pictures.device).to(dtype)


def _size(pictures: Tensor) -> str:
    return "×".join(map(str, pictures.shape[-2:]))


def _curve(rates: Sequence[float], psnrs: Sequence[float]) -> tuple[list[float], list[float]]:
    """The points by ascending rate."""
    if len(rates) != len(psnrs) or len(rates) < 4:
        raise CourseError(f"a curve has four points or more, not {len(rates)} rates and {len(psnrs)} PSNRs")
    points = sorted((float(rate), float(psnr)) for rate, psnr in zip(rates, psnrs, strict=True))
    finite = all(0 < rate < float("inf") and abs(psnr) < float("inf") for rate, psnr in points)
    rising = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(points))
    if not (finite and rising):
        raise CourseError(f"a rate-distortion curve rises: more bits, a higher PSNR, both finite; not {points}")
    return [rate for rate, _ in points], [psnr for _, psnr in points]


def _overlapping(anchor: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
    """How the package is called. Raises `CourseError` where the two curves have no stretch in common."""
    if min(max(anchor), max(other)) <= max(min(anchor), min(other)):
        raise CourseError("the two rate-distortion curves do not overlap: choose QPs that bring them to equal quality")
    # The QPs are the same for both curves in our use, yet their PSNRs are not: the points need not match.
    return {"method": "pchip", "require_matching_points": False, "min_overlap": 0}
