"""The sum over the blocks."""
# fails: cross_entropies


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum()
