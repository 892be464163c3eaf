"""A softmax over the channels in place of the sigmoid."""
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
        hidden = self.squeeze(torch.cat([means, side], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).softmax(dim=1)  # (N, C)
        return features * gates[:, :, None, None]
