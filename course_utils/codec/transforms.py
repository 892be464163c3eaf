"""Transforms of residual blocks, and the costs SAD, SATD and SSE.

Blocks are the last two dimensions, (..., n, n); everything before them is a batch. Integer functions take and return
int64, floating-point ones keep the dtype. The section numbers are those of Rec. ITU-T H.265.
"""

import math

import torch
from torch import Tensor

from course_utils.codec import blocks
from course_utils.errors import CourseError

BIT_DEPTH = 8
DCT_SIZES = (4, 8, 16, 32)
COEFFICIENT_RANGE = (-(2**15), 2**15 - 1)  # coeffMin, coeffMax: a coefficient is stored in 16 bits

# transMatrix (§8.6.4.2) by angle: entry k·(2j+1) = m has the size of column m. They are near 64·√2·cos(m·π/64), and
# tuned by hand so that the rows are more nearly orthogonal than rounding makes them (Budagavi et al. 2013, §IV).
_BY_ANGLE = dict(zip(range(1, 32, 2), (90, 90, 88, 85, 82, 78, 73, 67, 61, 54, 46, 38, 31, 22, 13, 4), strict=True))
_BY_ANGLE |= dict(zip(range(2, 32, 4), (90, 87, 80, 70, 57, 43, 25, 9), strict=True))
_BY_ANGLE |= dict(zip(range(4, 32, 8), (89, 75, 50, 18), strict=True))
_BY_ANGLE |= {8: 83, 24: 36, 16: 64, 0: 64}

DST_MATRIX = ((29, 55, 74, 84), (74, 74, 0, -74), (84, -29, -74, 55), (55, -84, 74, -29))


# --- HEVC's integer transforms


def hevc_matrix(size: int, kind: str = "dct", *, device: torch.device | str = "cpu") -> Tensor:
    """HEVC's transform matrix (size, size) int64, a basis vector in each row (§8.6.4.2).

    kind: "dct" for sizes 4, 8, 16, 32, or "dst" (type VII, size 4), which H.265 takes for intra luma blocks of 4×4.
    """
    if kind == "dst" and size == 4:
        return torch.tensor(DST_MATRIX, device=device)
    if kind != "dct" or size not in DCT_SIZES:
        raise CourseError(f"HEVC has the dct of sizes 4, 8, 16 and 32 and the dst of size 4, not {kind!r} of {size}")
    return torch.tensor([[_entry(k * (32 // size), j, size) for j in range(size)] for k in range(size)], device=device)


def _entry(k: int, j: int, size: int) -> int:
    """Row k of the 32-point matrix at sample j of `size`: smaller matrices are rows of it, k = 0, 32/size, …"""
    angle = k * (2 * j + 1) % 128  # in units of π/64; the cosine has the period 128
    angle = min(angle, 128 - angle)
    return _BY_ANGLE[angle] if angle < 32 else -_BY_ANGLE[64 - angle]


def hevc_forward(residual: Tensor, kind: str = "dct") -> Tensor:
    """Residual (..., n, n) integers to coefficients int64, with the shifts of the reference encoder HM.

    The standard says only how to go back; an encoder may do as it likes. These shifts keep 16 bits after each of the
    two passes. A coefficient is the orthonormal one times 2^(7 - log2 n).
    """
    size = _square(residual)
    matrix = hevc_matrix(size, kind, device=residual.device)
    log2 = size.bit_length() - 1
    columns = _shift(_product(matrix, residual), log2 + BIT_DEPTH - 9)
    return _shift(_product(columns, matrix.T), log2 + 6)


def hevc_inverse(coefficients: Tensor, kind: str = "dct") -> Tensor:
    """Scaled coefficients (..., n, n) integers to the residual int64, bit for bit as every HEVC decoder (§8.6.4.2)."""
    matrix = hevc_matrix(_square(coefficients), kind, device=coefficients.device)
    columns = _shift(_product(matrix.T, coefficients), 7).clamp(*COEFFICIENT_RANGE)
    return _shift(_product(columns, matrix), 20 - BIT_DEPTH)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """The matrix product of integers. Float64 is exact below 2^53; these sums stay below 32 · 2^15 · 90 < 2^27."""
    # Integer products are not written for CUDA, and MPS has no float64.
    device = torch.device("cpu") if left.device.type == "mps" else left.device
    return (left.to(device).double() @ right.to(device).double()).long().to(left.device)


def _shift(values: Tensor, bits: int) -> Tensor:
    """values / 2^bits, rounded to the nearest, halves upwards."""
    return (values + (1 << bits >> 1)) >> bits


# --- orthonormal transforms


def dct_matrix(size: int, *, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu") -> Tensor:
    """The orthonormal DCT-II (size, size), a basis vector in each row (Ahmed, Natarajan and Rao 1974)."""
    if size < 1:
        raise CourseError(f"a DCT has at least one point, not {size}")
    k, j = torch.arange(size, dtype=torch.float64)[:, None], torch.arange(size, dtype=torch.float64)
    matrix = torch.cos(math.pi * k * (2 * j + 1) / (2 * size)) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.to(dtype=dtype, device=device)


def dct(residual: Tensor) -> Tensor:
    """Orthonormal two-dimensional DCT of (..., n, n), any n. Floating point; integers give float32."""
    residual = residual if residual.is_floating_point() else residual.float()
    matrix = dct_matrix(_square(residual), dtype=residual.dtype, device=residual.device)
    return matrix @ residual @ matrix.T


def idct(coefficients: Tensor) -> Tensor:
    """Undoes `dct`."""
    coefficients = coefficients if coefficients.is_floating_point() else coefficients.float()
    matrix = dct_matrix(_square(coefficients), dtype=coefficients.dtype, device=coefficients.device)
    return matrix.T @ coefficients @ matrix


def hadamard_matrix(size: int, *, dtype: torch.dtype = torch.int64, device: torch.device | str = "cpu") -> Tensor:
    """The Hadamard matrix (size, size) of ±1 in natural order (Sylvester), size a power of two; H·Hᵀ = size·I."""
    if size < 1 or size & (size - 1):
        raise CourseError(f"this Hadamard matrix has a power of two as its size, not {size}")
    matrix = torch.ones(1, 1, dtype=dtype, device=device)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix


def hadamard(residual: Tensor) -> Tensor:
    """Two-dimensional Hadamard transform H·d·H of (..., n, n), not normalised. Floats keep their dtype, else int64."""
    size = _square(residual)
    if residual.is_floating_point():
        matrix = hadamard_matrix(size, dtype=residual.dtype, device=residual.device)
        return matrix @ residual @ matrix
    matrix = hadamard_matrix(size, device=residual.device)
    return _product(_product(matrix, residual.long()), matrix)


# --- costs of a residual, one number per block


def sad(residual: Tensor) -> Tensor:
    """Sum of absolute differences of (..., H, W): (...). Integers give int64."""
    return _signed(residual).abs().sum(dim=(-2, -1))


def sse(residual: Tensor) -> Tensor:
    """Sum of squared errors of (..., H, W): (...). Integers give int64."""
    return _signed(residual).square().sum(dim=(-2, -1))


def satd(residual: Tensor, *, tile: int | None = None) -> Tensor:
    """Sum of absolute Hadamard-transformed differences of (..., H, W): (...), in tiles of `tile` pixels a side.

    tile: 8 where both sides divide by 8, else 4, else 2, as HM chooses it (`TComRdCost::xGetHADs`).
    Normalised as in HM and x265: a tile's sum Σ|H·d·H| is divided by 1 (tile 2), 2 (tile 4), 4 (tile 8), which is
    tile/2, and rounded for integers, which give int64. The orthonormal transform would divide by `tile`, so SATD is
    twice the L1 norm of the orthonormal coefficients. (x265's `satd` of 8×8 is four 4×4 tiles; its `sa8d` is this one.)
    """
    height, width = residual.shape[-2:]
    if tile is None:
        tile = next((side for side in (8, 4) if not (height % side or width % side)), 2)
    parts = blocks.cut(_signed(residual), tile)
    sums = hadamard(parts).abs().sum(dim=(-2, -1))  # (..., H/tile, W/tile)
    divisor = max(tile // 2, 1)
    sums = sums / divisor if residual.is_floating_point() else (sums + divisor // 2) // divisor
    return sums.sum(dim=(-2, -1))


def _signed(residual: Tensor) -> Tensor:
    """The residual, int64 where it is of integers. Raises `CourseError` for an unsigned one: it has wrapped round."""
    if residual.dtype == torch.uint8:
        raise CourseError("a residual has a sign: convert the pictures before you subtract, for instance with .int()")
    return residual if residual.is_floating_point() else residual.long()


def _square(block: Tensor) -> int:
    if block.ndim < 2 or block.shape[-1] != block.shape[-2]:
        raise CourseError(f"blocks are square, (..., n, n), not {tuple(block.shape)}")
    return block.shape[-1]
