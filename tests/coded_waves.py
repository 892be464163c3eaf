"""A small data set for loop filters, made without an encoder."""

import torch

from course_utils.codec.loop_filter import filter_data


def coded_waves() -> filter_data.FilterData:
    """Six crops and one test picture that look as if they had been coded: waves, with noise that grows with the QP."""
    generator = torch.Generator().manual_seed(0)
    steps = torch.arange(64.0)
    waves = 128 + 60 * torch.sin(steps / torch.arange(3, 9).view(-1, 1, 1)) * torch.cos(steps / 7).view(1, -1, 1)
    originals = waves.round().to(torch.uint8)
    qps = torch.tensor([22.0, 37.0]).view(2, 1).expand(2, 6)
    noise = torch.randn(2, 6, 64, 64, generator=generator) * torch.tensor([2.0, 8.0]).view(2, 1, 1, 1)
    decoded = (originals + noise).round().clamp(0, 255).to(torch.uint8)
    levels = torch.tensor([2.0, 4.0, 6.0, 8.0]).view(4, 1, 1)
    coded = originals[0] + levels * torch.randn(4, 64, 64, generator=generator)
    test = filter_data.TestPicture(
        original=originals[0],
        decoded=coded.round().clamp(0, 255).to(torch.uint8),
        bits=[8000.0, 4000.0, 2000.0, 1000.0],
        filtered_bits=[8100.0, 4100.0, 2100.0, 1100.0],
        filtered_psnr=[44.0, 37.0, 33.0, 31.0],
    )
    return filter_data.FilterData(originals, decoded, qps, {"waves": test})
