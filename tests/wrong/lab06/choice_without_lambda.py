"""J = D + R: squared grey levels and bits are added as they are."""
# fails: choices_of_least_cost

# %% cheapest
BITS_PER_UNIT = 3.0  # bits that x265 spends for one unit of the rate proxy


def coding_cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Distortion D and bits R, (…) each, of coding blocks (…, n, n) at a QP."""
    levels = quantise(dct(residual), qp)  # what is sent
    decoded = idct(dequantise(levels, qp))
    return sse(residual - decoded), BITS_PER_UNIT * rate_proxy(levels)


def cheapest(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """For blocks (…, n, n) and M predictions of each, (…, M, n, n), integers both: which has the least J, (…) int64."""
    distortion, bits = coding_cost(residual_of(original.unsqueeze(-3), predictions), qp)  # (…, M) each
    return (distortion + bits).argmin(dim=-1)
