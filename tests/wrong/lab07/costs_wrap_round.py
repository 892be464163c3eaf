"""Subtracts unsigned integers: 3 - 5 is 254 where both are uint8."""
# fails: sad_of_modes, satd_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = (original.unsqueeze(-3) - predictions).float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }
