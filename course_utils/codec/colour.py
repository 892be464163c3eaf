"""RGB and YCbCr of 8 bits, and the halving of chroma.

A video encoder codes luma Y and two colour differences Cb, Cr, since the eye sees colour less sharply than light.
`standard` is "bt601" (ITU-R BT.601-7, table 3: standard definition, JPEG) or "bt709" (ITU-R BT.709-6, §3.2-3.4:
high definition). Full range spreads Y over 0 to 255 (JPEG); limited range over 16 to 235, and Cb, Cr over 16 to 240
(broadcast, most video files).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.errors import CourseError

# Weights of red and blue in luma; green has the rest.
LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


class YCbCr420(NamedTuple):
    """Pictures in 4:2:0. y: (N, H, W) uint8; cb, cr: (N, H/2, W/2) uint8, each rounded up for an odd side."""

    y: Tensor
    cb: Tensor
    cr: Tensor


def rgb_to_ycbcr(rgb: Tensor, *, standard: str = "bt709", full_range: bool = False) -> Tensor:
    """(..., 3, H, W) RGB to YCbCr in 8-bit code values, not rounded.

    rgb: uint8, or floating point in [0, 255]. Returns floating point (float32 for uint8), white at Y = 255 (full range)
    or 235 (limited), grey at Cb = Cr = 128; `to_uint8` rounds it. In full range a saturated colour reaches 255.5.
    """
    if rgb.ndim < 3 or rgb.shape[-3] != 3:
        raise CourseError(f"RGB pictures have shape (..., 3, H, W), not {tuple(rgb.shape)}")
    rgb = rgb if rgb.is_floating_point() else _eight_bits(rgb).float()
    offset, scale = _offset_and_scale(full_range, rgb)
    return torch.einsum("yc,...chw->...yhw", _matrix(standard, rgb) * scale, rgb) + offset


def ycbcr_to_rgb(ycbcr: Tensor, *, standard: str = "bt709", full_range: bool = False) -> Tensor:
    """(..., 3, H, W) YCbCr, uint8 or floating point in code values, to RGB in [0, 255], not rounded, not clipped.

    Some code values mean a colour outside RGB; `to_uint8` clips it. Undoes `rgb_to_ycbcr`.
    """
    if ycbcr.ndim < 3 or ycbcr.shape[-3] != 3:
        raise CourseError(f"YCbCr pictures have shape (..., 3, H, W), not {tuple(ycbcr.shape)}")
    ycbcr = ycbcr if ycbcr.is_floating_point() else _eight_bits(ycbcr).float()
    offset, scale = _offset_and_scale(full_range, ycbcr)
    inverse = torch.linalg.inv((_matrix(standard, ycbcr) * scale).cpu().double()).to(ycbcr)
    return torch.einsum("cy,...yhw->...chw", inverse, ycbcr - offset)


def luma(rgb: Tensor, *, standard: str = "bt709", full_range: bool = True) -> Tensor:
    """The luma (..., H, W) uint8 of pictures (..., C, H, W) uint8 with C = 3 (RGB), or 1, which is luma already."""
    if rgb.ndim >= 3 and rgb.shape[-3] == 1:
        return _eight_bits(rgb).select(-3, 0)
    return to_uint8(rgb_to_ycbcr(rgb, standard=standard, full_range=full_range).select(-3, 0))


def to_uint8(values: Tensor) -> Tensor:
    """Code values rounded to the nearest of 0 to 255, as uint8."""
    return values.round().clamp(0, 255).to(torch.uint8)


def downsample_420(chroma: Tensor) -> Tensor:
    """Half of each side, rounded up: (..., H, W) to (..., ⌈H/2⌉, ⌈W/2⌉), each the mean of a 2×2 square.

    Chroma then lies in the middle of four luma pixels, as in JPEG and MPEG-1. The last row or column of an odd side
    is repeated. Any floating point range; uint8 gives float32, not rounded.
    """
    height, width = chroma.shape[-2:]
    flat = chroma.reshape(1, -1, height, width)
    flat = flat if flat.is_floating_point() else _eight_bits(flat).float()
    squares = F.pad(flat, (0, width % 2, 0, height % 2), mode="replicate")
    small = F.avg_pool2d(squares, 2)
    return small.reshape(*chroma.shape[:-2], *small.shape[-2:])


def upsample_420(chroma: Tensor, height: int, width: int) -> Tensor:
    """(..., ⌈H/2⌉, ⌈W/2⌉) to (..., H, W), bilinear between the places that `downsample_420` says."""
    if chroma.shape[-2:] != (-(-height // 2), -(-width // 2)):
        raise CourseError(f"chroma of {tuple(chroma.shape[-2:])} does not belong to a picture of {height}×{width}")
    flat = chroma.reshape(1, -1, *chroma.shape[-2:])
    flat = flat if flat.is_floating_point() else _eight_bits(flat).float()
    large = F.interpolate(flat, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return large.reshape(*chroma.shape[:-2], height, width)


def rgb_to_420(rgb: Tensor, *, standard: str = "bt709", full_range: bool = False) -> YCbCr420:
    """RGB pictures (N, 3, H, W) uint8 in 4:2:0, as a video encoder takes them."""
    if rgb.ndim != 4:
        raise CourseError(f"RGB pictures have shape (N, 3, H, W), not {tuple(rgb.shape)}")
    y, cb, cr = rgb_to_ycbcr(rgb, standard=standard, full_range=full_range).unbind(1)
    return YCbCr420(to_uint8(y), to_uint8(downsample_420(cb)), to_uint8(downsample_420(cr)))


def rgb_from_420(pictures: YCbCr420, *, standard: str = "bt709", full_range: bool = False) -> Tensor:
    """RGB pictures (N, 3, H, W) uint8 of 4:2:0."""
    height, width = pictures.y.shape[-2:]
    chroma = [upsample_420(plane, height, width) for plane in (pictures.cb, pictures.cr)]
    ycbcr = torch.stack([pictures.y.float(), *chroma], dim=1)
    return to_uint8(ycbcr_to_rgb(ycbcr, standard=standard, full_range=full_range))


def _matrix(standard: str, like: Tensor) -> Tensor:
    """RGB to Y in [0, 1] and Cb, Cr in [-1/2, 1/2] as a matrix (3, 3), for RGB in [0, 1]."""
    if standard not in LUMA_WEIGHTS:
        raise CourseError(f"no colour standard {standard!r}: choose one of {', '.join(LUMA_WEIGHTS)}")
    red, blue = LUMA_WEIGHTS[standard]
    green = 1 - red - blue
    rows = [
        [red, green, blue],
        [-red / (2 * (1 - blue)), -green / (2 * (1 - blue)), 1 / 2],
        [1 / 2, -green / (2 * (1 - red)), -blue / (2 * (1 - red))],
    ]
    return torch.tensor(rows, dtype=torch.float64).to(like)


def _offset_and_scale(full_range: bool, like: Tensor) -> tuple[Tensor, Tensor]:
    """What is added to, and multiplies, each of Y, Cb, Cr in code values: (3, 1, 1) and (3, 1)."""
    offset = [0, 128, 128] if full_range else [16, 128, 128]
    scale = [1, 1, 1] if full_range else [219 / 255, 224 / 255, 224 / 255]
    return like.new_tensor(offset)[:, None, None], like.new_tensor(scale)[:, None]


def _eight_bits(pictures: Tensor) -> Tensor:
    """The same pictures. Raises `CourseError` unless they are uint8: other integers would have another range."""
    if pictures.dtype != torch.uint8:
        raise CourseError(f"integer pictures must be uint8 (8 bits), not {pictures.dtype}")
    return pictures
