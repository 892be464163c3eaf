"""On or off per block: which blocks gain by a filter, and how many bits it takes to tell the decoder.

Pictures are (N, H, W) and blocks `size` pixels a side; at the right and lower border a block may be smaller, as coding
tree units are, so any picture size will do.
"""

import math

import torch
from torch import Tensor

from course_utils.codec import blocks, transforms
from course_utils.errors import CourseError


def block_sse(pictures: Tensor, original: Tensor, size: int) -> Tensor:
    """Sum of squared errors of each block, (N, ⌈H/size⌉, ⌈W/size⌉) float64 (float32 on a device without it)."""
    if pictures.shape != original.shape or pictures.ndim != 3:
        raise CourseError(
            f"compare pictures (N, H, W) of one shape, not {tuple(pictures.shape)} with {tuple(original.shape)}"
        )
    dtype = torch.float32 if pictures.device.type == "mps" else torch.float64
    error = pictures.to(dtype) - original.to(pictures.device, dtype)
    height, width = error.shape[-2:]
    whole = error.new_zeros(len(error), -(-height // size) * size, -(-width // size) * size)
    whole[:, :height, :width] = error  # zeros beyond the border add no error
    return transforms.sse(blocks.cut(whole, size))


def choose(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """The flags of an encoder that wants the least error: (N, R, C) bool, true where `on` is closer to `original`.

    off, on: (N, H, W), the pictures without and with the filter, of one range. A tie is off.
    """
    return block_sse(on, original, size) < block_sse(off, original, size)


def apply(flags: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The picture (N, H, W) with the blocks of `on` where the flag (N, R, C) is true, and those of `off` elsewhere."""
    height, width = off.shape[-2:]
    if off.shape != on.shape or flags.shape != (len(off), -(-height // size), -(-width // size)):
        raise CourseError(
            f"flags {tuple(flags.shape)} do not belong to pictures {tuple(off.shape)}, {tuple(on.shape)} "
            f"in blocks of {size}"
        )
    mask = flags.repeat_interleave(size, dim=-2).repeat_interleave(size, dim=-1)[:, :height, :width]
    return torch.where(mask, on, off)


def bits(flags: Tensor) -> Tensor:
    """What an adaptive binary arithmetic coder needs for the flags of each picture: (N, R, C) bool to (N,) float64.

    Each flag is coded in one of three contexts: how many of its neighbours left and above are on. In every context the
    coder starts at even odds and learns by counting (Krichevsky and Trofimov 1981: probability (count + 1/2) / (total
    + 1)). The ideal code length of such a coder depends on the counts alone, so no flag has to be coded to know it.
    CABAC comes within a few percent of it. A picture whose flags are all alike still pays some bits to learn so.
    """
    if flags.ndim != 3 or flags.dtype != torch.bool:
        raise CourseError(f"flags are (N, R, C) of bool, not {tuple(flags.shape)} of {flags.dtype}")
    flags = flags.cpu()  # float64, and too little work for a GPU
    above, left = torch.zeros_like(flags, dtype=torch.int64), torch.zeros_like(flags, dtype=torch.int64)
    above[:, 1:] = flags[:, :-1].long()
    left[:, :, 1:] = flags[:, :, :-1].long()
    context = above + left
    total = torch.zeros(len(flags), dtype=torch.float64)
    for neighbours in range(3):
        on = (flags & (context == neighbours)).sum(dim=(1, 2)).double()
        off = (~flags & (context == neighbours)).sum(dim=(1, 2)).double()
        total -= torch.lgamma(on + 0.5) + torch.lgamma(off + 0.5) - torch.lgamma(on + off + 1) - math.log(math.pi)
    return total / math.log(2)
