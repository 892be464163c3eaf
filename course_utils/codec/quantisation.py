"""From coefficients to levels and back, and what levels cost.

QP (0 to 51) sets the step: six more double it. The functions without `hevc_` work on orthonormal coefficients
(`transforms.dct`) in floating point; those with it on HEVC's integers, bit for bit.
"""

import torch
from torch import Tensor

from course_utils.codec.transforms import BIT_DEPTH, COEFFICIENT_RANGE, DCT_SIZES
from course_utils.errors import CourseError

QP_RANGE = (0, 51)
TEST_QPS = (22, 27, 32, 37)  # of the common test conditions (Bossen 2013)
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of `rate_proxy`: measured in the lab on transforms
# What is added before rounding down, in steps: the dead zone around 0 is wider than a step (HM, `TComTrQuant`).
INTRA_ROUNDING = 1 / 3
INTER_ROUNDING = 1 / 6

QUANT_SCALE = (26214, 23302, 20560, 18396, 16384, 14564)  # HM's g_quantScales: 2^20 / LEVEL_SCALE
LEVEL_SCALE = (40, 45, 51, 57, 64, 72)  # H.265 §8.6.3: 64 · 2^((k - 4) / 6)


def step(qp: int) -> float:
    """The quantiser's step size on orthonormal coefficients, 2^((QP - 4) / 6). Raises `CourseError` outside 0 to 51."""
    return 2 ** ((_valid(qp) - 4) / 6)


def lagrange_multiplier(qp: int) -> float:
    """λ in J = SSE + λ·bits for intra pictures, 0.57 · 2^((QP - 12) / 3), as HM has it."""
    return 0.57 * 2 ** ((_valid(qp) - 12) / 3)


def quantise(coefficients: Tensor, qp: int, *, rounding: float = INTRA_ROUNDING) -> Tensor:
    """Levels sign(c) · ⌊|c| / step + rounding⌋ of any shape, in the coefficients' floating-point dtype.

    rounding: 1/2 is the nearest level; 1/3 (intra) and 1/6 (inter) widen the dead zone, in which a level is 0.

    >>> quantise(torch.tensor([5.0, -9.0, 20.0]), qp=22)  # in steps of 8
    tensor([ 0., -1.,  2.])
    """
    return coefficients.sign() * (coefficients.abs() / step(qp) + rounding).floor()


def dequantise(levels: Tensor, qp: int) -> Tensor:
    """Coefficients levels · step. Integers give float32."""
    return (levels if levels.is_floating_point() else levels.float()) * step(qp)


def hevc_quantise(coefficients: Tensor, qp: int, *, intra: bool = True) -> Tensor:
    """Levels int64 of the integer coefficients (..., n, n) of `transforms.hevc_forward`, as HM without RDOQ."""
    shift = 14 + _valid(qp) // 6 + 15 - BIT_DEPTH - _log2(coefficients)
    offset = (171 if intra else 85) << (shift - 9)  # 171/512 and 85/512: a third and a sixth
    levels = (coefficients.long().abs() * QUANT_SCALE[qp % 6] + offset) >> shift
    return (coefficients.sign() * levels).clamp(*COEFFICIENT_RANGE)


def hevc_dequantise(levels: Tensor, qp: int) -> Tensor:
    """Scaled coefficients int64 of levels (..., n, n), bit for bit as every HEVC decoder without scaling lists."""
    shift = BIT_DEPTH + _log2(levels) - 5
    flat = 16  # m[x][y]: the scaling factor where no list is sent
    scaled = levels.long() * flat * (LEVEL_SCALE[_valid(qp) % 6] << qp // 6)
    return ((scaled + (1 << shift - 1)) >> shift).clamp(*COEFFICIENT_RANGE)


def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) over the last two dimensions, (..., n, n) to (...): a smooth stand-in for bits.

    It grows with the logarithm of a level, as arithmetic coding makes it. It takes levels that are not whole numbers
    too: with c / step in their place it is the log-cost of a residual. Multiply by a factor fitted on real streams
    before you add it to anything in bits.
    """
    return torch.log2(1 + (levels if levels.is_floating_point() else levels.float()).abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Length in bits of the levels (..., n, n) as signed Exp-Golomb codes (H.265 §9.2, se(v)): (...) int64.

    A level 0 costs 1 bit, ±1 costs 3, ±2 and ±3 cost 5. An upper bound for what an arithmetic coder needs.

    >>> exp_golomb_bits(torch.tensor([[0, 1], [-2, 0]]))
    tensor(10)
    """
    code = 2 * levels.abs().long()  # 2·|k| - 1 for positive k, 2·|k| for the others; a code c takes 2⌊log2(c + 1)⌋ + 1
    code = torch.where(levels > 0, code - 1, code)
    exponent = torch.frexp((code + 1).float()).exponent  # ⌊log2⌋ + 1, exact where a logarithm would round
    return (2 * exponent.long() - 1).sum(dim=(-2, -1))


def _valid(qp: int) -> int:
    if isinstance(qp, bool) or not isinstance(qp, int) or not QP_RANGE[0] <= qp <= QP_RANGE[1]:
        raise CourseError(f"QP is a whole number from {QP_RANGE[0]} to {QP_RANGE[1]}, not {qp!r}")
    return qp


def _log2(blocks: Tensor) -> int:
    if blocks.shape[-1] != blocks.shape[-2] or blocks.shape[-1] not in DCT_SIZES:
        raise CourseError(f"HEVC quantises blocks of 4, 8, 16 or 32 pixels a side, not {tuple(blocks.shape[-2:])}")
    return blocks.shape[-1].bit_length() - 1
