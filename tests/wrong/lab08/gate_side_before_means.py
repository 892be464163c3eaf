"""The side information stands before the means."""
# fails: gates_with_given_weights


# %% gate
class Gate(nn.Module):
    """Features (N, C, H, W) and side information (N, S) to the scaled features (N, C, H, W)."""

    def __init__(self, channels: int, side: int, hidden: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels + side, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = features.mean(dim=(2, 3))  # (N, C)
        hidden = self.squeeze(torch.cat([side, means], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]
