"""The SSE of the residual before coding: it does not know the quantiser."""
# fails: distortion_of_decoded_blocks, choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    return sse(residual), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    lagrange_multiplier = 0.57 * 2 ** ((qp - 12) / 3)
    return (distortion + lagrange_multiplier * bits).argmin(dim=-1)
