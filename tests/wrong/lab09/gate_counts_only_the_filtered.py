"""Only blocks coded with the filter count: it trusts itself."""
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[0, 0] / self.sums[0, 1]).log().item()
        self.is_open = self.balance <= self.threshold
