"""What a loop filter is trained and tested on: pictures decoded without loop filters, their originals, the bits."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.codec.metrics import psnr
from course_utils.codec.quantisation import TEST_QPS

TRAINING_QPS = (22, 24, 27, 29, 32, 34, 37)  # also between those of the test: one network for all


@dataclass(frozen=True)
class TestPicture:
    """A held-out picture and its four encodes at `TEST_QPS`.

    original: (H, W) uint8; decoded: (4, H, W) uint8, without loop filters
    bits: of those four streams; filtered_bits, filtered_psnr: of the four with HEVC's deblocking and SAO (dB)
    """

    original: Tensor
    decoded: Tensor
    bits: list[float]
    filtered_bits: list[float]
    filtered_psnr: list[float]


@dataclass(frozen=True)
class FilterData:
    """Training crops and test pictures, on the CPU.

    originals: (N, S, S) uint8; decoded: (K, N, S, S) uint8, each crop coded K times without loop filters
    qps: (K, N) float32, the QP of each of them; tests: by name
    """

    originals: Tensor
    decoded: Tensor
    qps: Tensor
    tests: dict[str, TestPicture]


def prepare(crops: Tensor, pictures: Mapping[str, Tensor], *, qps: Tensor | None = None) -> FilterData:
    """Encode training crops and held-out pictures with x265, without its loop filters, in about half a minute.

    crops: (N, S, S) uint8, such as `codec_pictures.training()`
    pictures: (H, W) uint8 by name, such as `codec_pictures.held_out()`
    qps: (K, N) whole QPs, each crop coded at K of them; `TRAINING_QPS` for every crop where None
    """
    from course_utils.codec import encoders  # here, since training needs no PyAV

    def decoded_luma(stream: encoders.Stream) -> Tensor:
        luma = encoders.decode(stream)
        assert isinstance(luma, Tensor)  # as what was encoded
        return luma

    if qps is None:
        qps = torch.tensor(TRAINING_QPS)[:, None].expand(-1, len(crops))
    decoded = torch.zeros(len(qps), *crops.shape, dtype=torch.uint8)
    for row, wanted in zip(decoded, qps, strict=True):
        for qp in wanted.unique().tolist():
            stream = encoders.x265(crops[wanted == qp], int(qp), deblock=False, sao=False)
            row[wanted == qp] = decoded_luma(stream)
    results = {}
    for name, original in pictures.items():
        plain = [encoders.x265(original[None], qp, deblock=False, sao=False) for qp in TEST_QPS]
        filtered = [encoders.x265(original[None], qp) for qp in TEST_QPS]
        results[name] = TestPicture(
            original=original,
            decoded=torch.cat([decoded_luma(stream) for stream in plain]),
            bits=[float(stream.bits) for stream in plain],
            filtered_bits=[float(stream.bits) for stream in filtered],
            filtered_psnr=[psnr(decoded_luma(stream), original[None]).item() for stream in filtered],
        )
    return FilterData(crops, decoded, qps.float(), results)
