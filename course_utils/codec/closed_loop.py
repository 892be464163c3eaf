"""A small all-intra codec, whole enough to close the loop: prediction, filter, transform, quantisation, reconstruction.

Blocks have one size; modes are HEVC's 35, chosen by SATD; transform and quantiser are HEVC's, of integers. Between
prediction and transform there is room for a filter that may learn from what is decoded. The encoder rebuilds each block
as the decoder will, so both can hold the same filter. There is no loop filter, and bits are an ideal code's.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from course_utils.codec import blocks, intra, quantisation, transforms
from course_utils.errors import CourseError


class PredictionFilter(Protocol):
    """What stands between prediction and transform, the same one in encoder and decoder."""

    def start(self, qp: int) -> None:
        """A new picture begins."""

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """The filtered prediction (K, n, n) int64 in [0, 255].

        canvas: (H, W) int64, what is decoded so far, zeros elsewhere; front: (K, 2) row and column of blocks that are
        ready together; prediction: (K, n, n) int64
        """

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The blocks that were filtered last are decoded now: both (K, n, n) int64."""


class NoFilter:
    """The codec without anything between prediction and transform."""

    def start(self, qp: int) -> None:
        """Nothing to prepare."""

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """The prediction as it is."""
        return prediction

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """Nothing to learn."""


@dataclass(frozen=True)
class Coded:
    """One picture: what is sent, modes (R, C) and levels (R, C, n, n), and what the encoder holds of (H, W) int64.

    predicted is the prediction before the filter, filtered the one that was coded from.
    """

    qp: int
    modes: Tensor
    levels: Tensor
    predicted: Tensor
    filtered: Tensor
    decoded: Tensor


def encode(picture: Tensor, qp: int, *, size: int = 8, filter: PredictionFilter | None = None) -> Coded:
    """Code one luma picture (H, W) uint8 in blocks of `size` at `qp`, with a filter of predictions where one is given.

    The mode is chosen before the filter: the one of least SATD, the lowest number among equals. Raises `CourseError`
    for a picture that does not divide into blocks, another dtype, and a QP out of range.
    """
    if picture.ndim != 2 or picture.dtype != torch.uint8:
        raise CourseError(f"a luma picture is (H, W) uint8, not {tuple(picture.shape)} of {picture.dtype}")
    original = blocks.cut(picture.long(), size)
    rows, columns = original.shape[:2]
    filter = filter or NoFilter()
    filter.start(qp)
    decoded, predicted, filtered = torch.zeros(3, *picture.shape, dtype=torch.int64, device=picture.device)
    modes = torch.zeros(rows, columns, dtype=torch.int64, device=picture.device)
    levels = torch.zeros_like(original)
    for front in intra.wavefronts(rows, columns):
        front = front.to(picture.device)
        here = front.unbind(1)
        candidates = intra.predict_all(intra.references(decoded, size, ctu=size, at=front))  # (K, 35, n, n)
        modes[here] = _first_least(transforms.satd(original[here][:, None] - candidates))
        prediction = candidates[torch.arange(len(front)), modes[here]]
        better = filter.filter(decoded, front, prediction)
        levels[here] = quantisation.hevc_quantise(transforms.hevc_forward(original[here] - better), qp)
        rebuilt = _rebuilt(better, levels[here], qp)
        for canvas, values in ((predicted, prediction), (filtered, better), (decoded, rebuilt)):
            blocks.cut(canvas, size)[here] = values
        filter.learn(rebuilt, levels[here])
    return Coded(qp, modes, levels, predicted, filtered, decoded)


def decode(modes: Tensor, levels: Tensor, qp: int, *, filter: PredictionFilter | None = None) -> Tensor:
    """The picture (H, W) int64 of modes (R, C) and levels (R, C, n, n): half of `encode`, and no original in sight.

    >>> coded = encode(torch.arange(256).view(16, 16).to(torch.uint8), qp=32)
    >>> torch.equal(decode(coded.modes, coded.levels, qp=32), coded.decoded)
    True
    """
    rows, columns, size = levels.shape[:3]
    filter = filter or NoFilter()
    filter.start(qp)
    decoded = torch.zeros(rows * size, columns * size, dtype=torch.int64, device=levels.device)
    for front in intra.wavefronts(rows, columns):
        front = front.to(levels.device)
        here = front.unbind(1)
        # All 35 and then one: several times more work than a decoder needs, and one line.
        candidates = intra.predict_all(intra.references(decoded, size, ctu=size, at=front))
        better = filter.filter(decoded, front, candidates[torch.arange(len(front)), modes[here]])
        rebuilt = _rebuilt(better, levels[here], qp)
        blocks.cut(decoded, size)[here] = rebuilt
        filter.learn(rebuilt, levels[here])
    return decoded


def bits(coded: Coded) -> float:
    """Bits of modes and levels under ideal codes: one for the modes, one for the levels at each place in the block.

    Each code knows the histogram of what it codes, which is not counted: at n = 8 that is 65 histograms.
    """
    places = coded.levels.flatten(0, 1).flatten(1).T
    return _entropy_bits(coded.modes.flatten()) + sum(_entropy_bits(place) for place in places)


def _rebuilt(prediction: Tensor, levels: Tensor, qp: int) -> Tensor:
    """Prediction plus decoded residual, (K, n, n) in [0, 255]."""
    return (prediction + transforms.hevc_inverse(quantisation.hevc_dequantise(levels, qp))).clamp(0, 255)


def _first_least(cost: Tensor) -> Tensor:
    """Place of the least whole number along the last axis, the first among equals: argmin promises no order."""
    places = cost.shape[-1]
    return (cost * places + torch.arange(places, device=cost.device)).argmin(dim=-1)


def _entropy_bits(symbols: Tensor) -> float:
    counts = symbols.unique(return_counts=True)[1].cpu().double()
    return (counts * (counts.sum() / counts).log2()).sum().item()
