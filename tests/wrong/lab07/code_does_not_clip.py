"""Pixels below 0 and above 255."""
# fails: pixels_are_clipped


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits
