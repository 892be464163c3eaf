"""Pictures cut into square blocks, and put together again.

Nothing is cropped: a picture that is no multiple of the block size is a clear error, and `pad` makes it one.
"""

import torch
from torch import Tensor

from course_utils.errors import CourseError


def cut(pictures: Tensor, size: int) -> Tensor:
    """Blocks of (..., H, W): (..., H/size, W/size, size, size), a view where torch can make one.

    Raises `CourseError` where H or W is no multiple of `size`.

    >>> cut(torch.arange(16).view(4, 4), 2)[0, 1]
    tensor([[2, 3],
            [6, 7]])
    """
    height, width = pictures.shape[-2:]
    if size < 1 or height % size or width % size or not height or not width:
        raise CourseError(f"a picture of {height}×{width} does not divide into {size}×{size} blocks: pad it first")
    rows = pictures.unflatten(-2, (height // size, size)).unflatten(-1, (width // size, size))
    return rows.transpose(-3, -2)  # (..., H/s, s, W/s, s) to (..., H/s, W/s, s, s)


def join(blocks: Tensor) -> Tensor:
    """The picture (..., R·size, C·size) of its blocks (..., R, C, size, size): undoes `cut`."""
    return blocks.transpose(-3, -2).flatten(-2).flatten(-3, -2)  # (..., R, s, C, s) to (..., R·s, C·s)


def pad(pictures: Tensor, multiple: int) -> Tensor:
    """(..., H, W) with its last row and column repeated until both sides divide by `multiple`.

    Undo it with `padded[..., :height, :width]`.
    """
    height, width = pictures.shape[-2:]
    if not height or not width:
        raise CourseError(f"a picture of {height}×{width} has no pixels to pad")
    for dim, length in ((-2, height), (-1, width)):
        places = torch.arange(length + -length % multiple, device=pictures.device).clamp(max=length - 1)
        pictures = pictures.index_select(dim, places)  # F.pad does not repeat integers, and not on every device
    return pictures
