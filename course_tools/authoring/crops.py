"""Training crops cut from photographs: which are worth having, and a larger set from a folder of pictures."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from course_utils.codec import blocks, colour
from course_utils.data.codec_pictures import SIDE
from course_utils.errors import CourseError

LEAST_DETAIL = 2.0  # grey levels


def detail(crops: Tensor) -> Tensor:
    """How much grey levels differ from pixel to pixel, down and across, on average: (N, H, W) to (N,).

    A crop with less than `LEAST_DETAIL`, such as clear sky, teaches little.
    """
    return torch.stack([crops.float().diff(dim=dim).abs().mean(dim=(1, 2)) for dim in (1, 2)]).sum(dim=0)


def from_folder(folder: Path | str, *, side: int = SIDE, shrink: int = 2) -> Tensor:
    """A larger training set from pictures of your own: crops (N, side, side) uint8, file by file in order of name.

    Every picture that Pillow can read is made `shrink` times smaller (the mean of `shrink`×`shrink` pixels), then cut
    into crops that do not overlap; what is left at the right and lower border is not used. Raises `CourseError` where
    the folder holds no picture that is large enough.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise CourseError(f"{folder} is no folder: name one with pictures of your own")
    if side < 1 or shrink < 1:
        raise CourseError(f"side and shrink are at least 1, not {side} and {shrink}")
    crops = []
    for path in sorted(entry for entry in folder.iterdir() if entry.is_file()):
        try:
            picture = Image.open(path).convert("RGB").reduce(shrink)
        except (UnidentifiedImageError, OSError):  # a text file, or a picture cut short
            continue
        y = colour.luma(torch.from_numpy(np.array(picture)).permute(2, 0, 1))
        rows, columns = (length // side for length in y.shape)
        if rows and columns:
            crops.append(blocks.cut(y[: rows * side, : columns * side], side).flatten(0, 1))
    if not crops:
        raise CourseError(f"{folder} holds no picture of at least {shrink * side}×{shrink * side} pixels")
    return torch.cat(crops)
