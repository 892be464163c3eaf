"""Other names, float64 inside, J divided by lambda, the choice by sorting; step from its table of six."""

# %% quantise
SIX = [2 ** (k / 6) for k in range(-4, 2)]


def step(qp):
    if qp not in range(52):
        raise ValueError("no such QP")
    octave, place = divmod(qp, 6)
    return SIX[place] * (1 << octave)


def quantise(coefficients, qp, rounding=1 / 3):
    size = torch.floor(torch.div(torch.abs(coefficients), step(qp)) + rounding)
    return torch.copysign(size, coefficients)


def dequantise(levels, qp):
    return torch.mul(levels, step(qp))


# %% cheapest
BITS_PER_UNIT = 3.0


def coding_cost(residual, qp):
    levels = quantise(dct(residual), qp)
    error = idct(dequantise(levels, qp)) - residual
    return (error**2).sum((-1, -2)), rate_proxy(levels) * BITS_PER_UNIT


def cheapest(original, predictions, qp):
    d = original[..., None, :, :].double() - predictions.double()
    distortion, bits = coding_cost(d, qp)
    cost = distortion / (0.57 * 2.0 ** (qp / 3 - 4)) + bits
    return cost.sort(dim=-1).indices[..., 0]
