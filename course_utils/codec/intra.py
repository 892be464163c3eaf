"""The 35 intra prediction modes of HEVC for luma, as batched tensor code (Rec. ITU-T H.265 §8.4.4.2).

A block of n×n pixels, n = 4, 8, 16 or 32, is predicted from 4n + 1 reference samples around it. They are one vector
here, from the lowest on the left, up to the corner, and on to the right:

    index      0 … n-1       n … 2n-1   2n       2n+1 … 3n   3n+1 … 4n
    pixels     below left    left       corner   above       above right

Modes: 0 planar, 1 DC, 2 to 34 the angles, from below left (2) by horizontal (10) and the diagonal (18) to vertical (26)
and above right (34). Pixels have 8 bits. Predictions are int64; references may be any integer dtype.
"""

from functools import cache

import torch
from torch import Tensor

from course_utils.codec.transforms import BIT_DEPTH
from course_utils.errors import CourseError

SIZES = (4, 8, 16, 32)
MODES = 35
PLANAR, DC, HORIZONTAL, VERTICAL = 0, 1, 10, 26

# intraPredAngle of modes 2 to 34 (table 8-5), in 1/32 pixel per row; invAngle is 8192 / angle, rounded (table 8-6).
_ANGLES_2_TO_18 = (32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26, -32)
ANGLES = (*_ANGLES_2_TO_18, *_ANGLES_2_TO_18[-2::-1])
# A mode is smoothed where it lies further than this from horizontal and vertical (table 8-4: intraHorVerDistThres).
SMOOTHING_DISTANCE = {8: 7, 16: 1, 32: 0}


# --- from a picture to reference samples


def coding_order(rows: int, columns: int, per_ctu: int, *, device: torch.device | str = "cpu") -> Tensor:
    """At which place each block of a grid is coded, (rows, columns) int64: z-scan within a CTU, CTUs row by row.

    per_ctu: blocks along the side of a coding tree unit, a power of two; 1 gives the raster order. The numbers have
    gaps where the grid ends inside a CTU; only their order counts (§6.5.2).
    """
    if per_ctu < 1 or per_ctu & (per_ctu - 1):
        raise CourseError(f"a CTU has a power of two blocks a side, not {per_ctu}")
    row, column = torch.arange(rows, device=device)[:, None], torch.arange(columns, device=device)
    order = (row // per_ctu * (-(-columns // per_ctu)) + column // per_ctu) * per_ctu**2
    for bit in range(per_ctu.bit_length() - 1):
        order = order + ((row >> bit & 1) << 2 * bit + 1) + ((column >> bit & 1) << 2 * bit)
    return order


def wavefronts(rows: int, columns: int) -> list[Tensor]:
    """Blocks that can be coded at once in raster order (ctu = n): a list of (K, 2) int64 tensors of row, column.

    A block waits for its neighbour above right, so block (r, c) belongs to step 2r + c; the steps come in order.

    >>> [front.tolist() for front in wavefronts(2, 3)]
    [[[0, 0]], [[0, 1]], [[0, 2], [1, 0]], [[1, 1]], [[1, 2]]]
    """
    grid = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
    step = 2 * grid[:, 0] + grid[:, 1]
    return [grid[step == number] for number in range(2 * (rows - 1) + columns)]


def references(reconstruction: Tensor, size: int, *, ctu: int, at: Tensor | None = None) -> Tensor:
    """Reference samples of the blocks of `size` pixels a side: substituted where missing, not smoothed.

    reconstruction: (H, W) integers in [0, 255], a picture before the loop filter, H and W multiples of `size`
    ctu: pixels along the side of a coding tree unit, which decides what is coded before what; `size` for raster order
    at: (K, 2) int64 row and column of blocks, all by default
    Returns (K, 4·size + 1) int64, K = H/size · W/size row by row by default.

    A sample counts as missing where its block is coded later, or lies outside the picture (§6.4.1, §8.4.4.2.2). That is
    so when all blocks of the picture have `size`; with blocks of mixed sizes the order between them differs.
    """
    height, width = _picture_sides(reconstruction, size)
    if ctu % size:
        raise CourseError(f"a CTU of {ctu} pixels does not hold whole blocks of {size}")
    device = reconstruction.device
    rows, columns = height // size, width // size
    if at is None:
        at = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
    at = at.to(device)
    along = torch.arange(2 * size, device=device)
    corner = torch.full((1,), -1, device=device)
    dy = torch.cat([along.flip(0), corner, torch.full_like(along, -1)])  # (4n + 1,) offsets from the block's corner
    dx = torch.cat([torch.full_like(along, -1), corner, along])
    y, x = at[:, :1] * size + dy, at[:, 1:] * size + dx  # (K, 4n + 1)
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    order = coding_order(rows, columns, ctu // size, device=device)
    earlier = order[y // size, x // size] < order[at[:, 0], at[:, 1]][:, None]
    return substitute(reconstruction[y, x].long(), inside & earlier)


def substitute(samples: Tensor, available: Tensor) -> Tensor:
    """Fill the gaps: a missing sample takes the value before it, at the start the first that is there (§8.4.4.2.2).

    samples: (..., 4n + 1) integers; available: (..., 4n + 1) bool. Where none is available all become 128.
    """
    place = torch.arange(samples.shape[-1], device=samples.device).expand(samples.shape)
    latest = torch.where(available, place, -1).cummax(dim=-1).values
    first = torch.where(available, place, samples.shape[-1] - 1).amin(dim=-1, keepdim=True)
    filled = samples.gather(-1, torch.where(latest < 0, first, latest))
    return torch.where(available.any(dim=-1, keepdim=True), filled, 1 << BIT_DEPTH - 1)


# --- from reference samples to predictions


def smooth(samples: Tensor, *, strong: bool = False) -> Tensor:
    """Reference samples (..., 4n + 1) through the filter 1-2-1, the two ends kept (§8.4.4.2.3).

    strong: for n = 32, a straight line between the corner and each end where the samples are nearly one anyway
    (strong_intra_smoothing_enabled_flag; the reference encoders switch it on).
    """
    samples = samples.long()
    size = _block_size(samples)
    middle = (samples[..., :-2] + 2 * samples[..., 1:-1] + samples[..., 2:] + 2) >> 2
    smoothed = torch.cat([samples[..., :1], middle, samples[..., -1:]], dim=-1)
    if not strong or size != 32:
        return smoothed
    low, corner, high = samples[..., :1], samples[..., 64:65], samples[..., 128:]
    weight = torch.arange(1, 64, device=samples.device)
    left = ((64 - weight) * low + weight * corner + 32) >> 6
    above = ((64 - weight) * corner + weight * high + 32) >> 6
    line = torch.cat([low, left, corner, above, high], dim=-1)
    limit = 1 << BIT_DEPTH - 5
    bent_left = (corner + low - 2 * samples[..., 32:33]).abs() >= limit
    bent_above = (corner + high - 2 * samples[..., 96:97]).abs() >= limit
    return torch.where(bent_left | bent_above, smoothed, line)


def is_smoothed(mode: int, size: int) -> bool:
    """Whether HEVC predicts a luma block of this size and mode from smoothed samples (§8.4.4.2.3)."""
    if mode == DC or size == 4:
        return False
    distance = min(abs(mode - HORIZONTAL), abs(mode - VERTICAL))
    return distance > SMOOTHING_DISTANCE[size]


def predict(samples: Tensor, mode: int, *, strong_smoothing: bool = False) -> Tensor:
    """One mode's prediction from reference samples (..., 4n + 1) that are not smoothed: (..., n, n) int64.

    Raises `CourseError` for a mode outside 0 to 34 and for another number of samples.
    """
    if not 0 <= mode < MODES:
        raise CourseError(f"HEVC's intra modes are 0 to {MODES - 1}, not {mode}")
    size = _block_size(samples)
    samples = samples.long()
    chosen = smooth(samples, strong=strong_smoothing) if is_smoothed(mode, size) else samples
    if mode == PLANAR:
        return planar(chosen)
    if mode == DC:
        return dc(chosen)
    return angular(chosen, mode)


def predict_all(samples: Tensor, *, strong_smoothing: bool = False) -> Tensor:
    """All 35 predictions from reference samples (..., 4n + 1) that are not smoothed: (..., 35, n, n) int64."""
    size = _block_size(samples)
    samples = samples.long()
    smoothed = smooth(samples, strong=strong_smoothing)
    pairs = torch.stack([samples, smoothed], dim=-2).flatten(-2)  # (..., 2·(4n + 1)): both, for one gather
    first, second, weight = (table.to(samples.device) for table in _all_angles(size))  # (33, n, n) each
    angles = ((32 - weight) * pairs[..., first] + weight * pairs[..., second] + 16) >> 5  # (..., 33, n, n)
    if size < 32:
        angles[..., HORIZONTAL - 2, :, :] = angular(samples, HORIZONTAL)
        angles[..., VERTICAL - 2, :, :] = angular(samples, VERTICAL)
    flat = planar(smoothed if is_smoothed(PLANAR, size) else samples)
    return torch.cat([flat[..., None, :, :], dc(samples)[..., None, :, :], angles], dim=-3)


def planar(samples: Tensor) -> Tensor:
    """Mode 0: the mean of two linear ramps, across and down (§8.4.4.2.4). samples: (..., 4n + 1) int64."""
    size = _block_size(samples)
    left, above = _left(samples, size)[..., :, None], _above(samples, size)[..., None, :]
    above_right, below_left = samples[..., 3 * size + 1, None, None], samples[..., size - 1, None, None]
    x, y = torch.arange(size, device=samples.device), torch.arange(size, device=samples.device)[:, None]
    across = (size - 1 - x) * left + (x + 1) * above_right
    down = (size - 1 - y) * above + (y + 1) * below_left
    return (across + down + size) >> size.bit_length()


def dc(samples: Tensor) -> Tensor:
    """Mode 1: the mean of the samples left and above; up to 16×16 two edges are softened (§8.4.4.2.5)."""
    size = _block_size(samples)
    left, above = _left(samples, size), _above(samples, size)
    mean = (left.sum(-1) + above.sum(-1) + size) >> size.bit_length()  # (...)
    block = mean[..., None, None].repeat(*[1] * mean.ndim, size, size)
    if size < 32:
        block[..., 0, :] = (above + 3 * mean[..., None] + 2) >> 2
        block[..., :, 0] = (left + 3 * mean[..., None] + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean + above[..., 0] + 2) >> 2
    return block


def angular(samples: Tensor, mode: int) -> Tensor:
    """Modes 2 to 34: the samples carried along one direction, 1/32 pixel exact (§8.4.4.2.6).

    samples: (..., 4n + 1) int64, smoothed already where the mode wants it. Up to 16×16 the exactly horizontal and
    vertical modes soften the edge that they run along.
    """
    size = _block_size(samples)
    first, second, weight = (table.to(samples.device) for table in _angle(mode, size))
    block = ((32 - weight) * samples[..., first] + weight * samples[..., second] + 16) >> 5
    if mode in (HORIZONTAL, VERTICAL) and size < 32:
        left, above = _left(samples, size), _above(samples, size)
        corner, limit = samples[..., 2 * size, None], (1 << BIT_DEPTH) - 1
        if mode == VERTICAL:
            block[..., :, 0] = (above[..., :1] + ((left - corner) >> 1)).clamp(0, limit)
        else:
            block[..., 0, :] = (left[..., :1] + ((above - corner) >> 1)).clamp(0, limit)
    return block


@cache
def _angle(mode: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where mode 2 to 34 reads each pixel: index of two samples and the second's weight in 1/32, (n, n) each."""
    angle = ANGLES[mode - 2]
    # ref[k]: the sample at place k along the main side, k = 0 the corner; for negative k, one of the other side.
    side = 1 if mode >= 18 else -1  # the main side runs up the vector for modes from above, down for those from left
    inverse = round(8192 / angle) if angle else 0
    reference = {k: 2 * size + side * k for k in range(2 * size + 1)}
    reference |= {k: 2 * size - side * ((k * inverse + 128) >> 8) for k in range((size * angle) >> 5, 0)}
    first, second, weight = torch.zeros(3, size, size, dtype=torch.int64)
    for line in range(size):
        whole, part = divmod((line + 1) * angle, 32)
        for along in range(size):
            y, x = (line, along) if mode >= 18 else (along, line)
            weight[y, x] = part
            first[y, x] = reference[along + whole + 1]
            second[y, x] = reference[along + whole + 2] if part else first[y, x]
    return first, second, weight


@cache
def _all_angles(size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The tables of all angles, (33, n, n) each; modes that are smoothed read from the second 4n + 1 samples."""
    tables = [_angle(mode, size) for mode in range(2, MODES)]
    first, second, weight = (torch.stack(parts) for parts in zip(*tables, strict=True))
    offset = torch.tensor([(4 * size + 1) * is_smoothed(mode, size) for mode in range(2, MODES)])[:, None, None]
    return first + offset, second + offset, weight


def _left(samples: Tensor, size: int) -> Tensor:
    """The samples beside the block from top to bottom, (..., n)."""
    return samples[..., size : 2 * size].flip(-1)


def _above(samples: Tensor, size: int) -> Tensor:
    """The samples above the block from left to right, (..., n)."""
    return samples[..., 2 * size + 1 : 3 * size + 1]


def _block_size(samples: Tensor) -> int:
    size, rest = divmod(samples.shape[-1] - 1, 4)
    if rest or size not in SIZES:
        raise CourseError(f"blocks of 4, 8, 16, 32 have 17, 33, 65, 129 reference samples, not {samples.shape[-1]}")
    return size


def _picture_sides(picture: Tensor, size: int) -> tuple[int, int]:
    if picture.ndim != 2 or picture.is_floating_point():
        raise CourseError(f"a picture is (H, W) of integers here, not {tuple(picture.shape)} of {picture.dtype}")
    height, width = picture.shape
    if size not in SIZES or not height or not width or height % size or width % size:
        raise CourseError(f"{height}×{width} pixels do not divide into blocks of {size} (4, 8, 16 or 32): pad them")
    return height, width
