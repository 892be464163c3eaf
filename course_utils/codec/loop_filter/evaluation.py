"""What a filter is worth on the held-out pictures: PSNR at each QP, and BD-rate."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

from torch import Tensor

from course_utils.codec import metrics
from course_utils.codec.loop_filter.filter_data import FilterData, TestPicture
from course_utils.codec.quantisation import TEST_QPS


@dataclass(frozen=True)
class Evaluation:
    """By picture: PSNR in dB at the four QPs, BD-rate in percent against no filter and against deblocking + SAO."""

    psnr: dict[str, list[float]]
    against_off: dict[str, float]
    against_filtered: dict[str, float]

    @property
    def off(self) -> float:
        """Mean BD-rate against no filter."""
        return mean(self.against_off.values())

    @property
    def filtered(self) -> float:
        """Mean BD-rate against deblocking + SAO."""
        return mean(self.against_filtered.values())


def evaluate_pictures(
    apply: Callable[[TestPicture], Tensor], data: FilterData, *, side_bits: dict[str, list[float]] | None = None
) -> Evaluation:
    """What `apply` does, from a test picture to its four filtered pictures (4, H, W) uint8.

    side_bits: bits that the filter sends along, by picture and QP
    """
    psnrs, against_off, against_filtered = {}, {}, {}
    for name, test in data.tests.items():
        psnrs[name] = _psnrs(apply(test), test)
        extra = side_bits[name] if side_bits is not None else [0.0] * len(TEST_QPS)
        bits = [slices + side for slices, side in zip(test.bits, extra, strict=True)]
        off = _psnrs(test.decoded, test)
        against_off[name] = metrics.bd_rate(test.bits, off, bits, psnrs[name])
        against_filtered[name] = metrics.bd_rate(test.filtered_bits, test.filtered_psnr, bits, psnrs[name])
    return Evaluation(psnrs, against_off, against_filtered)


def _psnrs(pictures: Tensor, test: TestPicture) -> list[float]:
    """PSNR in dB of pictures (4, H, W) uint8."""
    return metrics.psnr(pictures, test.original.to(pictures.device).expand_as(pictures)).tolist()
