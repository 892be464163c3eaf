"""Rounds to the nearest level."""
# fails: reconstructions, bits_of_levels


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp, rounding=0.5)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits
