"""The natural logarithm."""
# fails: proxies_of_levels, bits_of_coded_blocks


# %% rate
def rate_proxy(levels: Tensor) -> Tensor:
    """Σ log2(1 + |level|) of blocks (…, n, n): (…)."""
    return torch.log1p(levels.abs()).sum(dim=(-2, -1))


def exp_golomb_bits(levels: Tensor) -> Tensor:
    """Bits of the whole-numbered levels (…, n, n) as signed Exp-Golomb codes: (…)."""
    lengths = 2 * torch.log2(2 * levels.abs() + 1).floor() + 1
    return lengths.sum(dim=(-2, -1))
