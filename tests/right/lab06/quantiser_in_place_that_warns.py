"""The quantiser with masks, in place, by truncation, with a warning on every call; bits by counting."""

# %% quantise
import warnings


def step(qp):
    if qp < 0 or qp > 51:
        raise ValueError("QP")
    return math.exp2((qp - 4) / 6)


def quantise(coefficients, qp, rounding=1 / 3):
    warnings.warn("levels are floating point", stacklevel=2)
    levels = coefficients / step(qp)
    negative = levels < 0
    levels.abs_()
    levels += rounding
    levels.trunc_()
    levels[negative] *= -1
    return levels


def dequantise(levels, qp):
    coefficients = levels.clone()
    coefficients *= step(qp)
    return coefficients


# %% rate
def rate_proxy(levels):
    return (levels.abs().log1p() / math.log(2)).flatten(-2).sum(-1)


def exp_golomb_bits(levels):
    """By counting: one bit, and two more for each power of two that the size reaches."""
    bits = torch.ones_like(levels, dtype=torch.int64)
    for power in range(16):
        bits += 2 * (levels.abs() >= 2**power)
    return bits.sum(dim=-1).sum(dim=-1)
