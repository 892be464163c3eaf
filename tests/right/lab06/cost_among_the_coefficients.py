"""The distortion is measured among the coefficients, where it is the same (Parseval); the choice by a loop over M."""

# %% cheapest
BITS_PER_UNIT = 3.0


def coding_cost(residual, qp):
    coefficients = dct(residual)
    levels = quantise(coefficients, qp)
    return [sse(coefficients - dequantise(levels, qp)), rate_proxy(levels) * 3]


def cheapest(original, predictions, qp):
    least = torch.full(original.shape[:-2], math.inf)
    choice = torch.zeros(original.shape[:-2], dtype=torch.int32)
    for index in range(predictions.shape[-3]):
        difference = residual_of(original, predictions[..., index, :, :])
        distortion, bits = coding_cost(difference, qp)
        j = distortion + 0.57 * math.pow(2, (qp - 12) / 3) * bits
        better = j < least
        least = torch.where(better, j, least)
        choice[better] = index
    return choice
