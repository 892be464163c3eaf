"""Means over the batch, too."""
# fails: gates_of_each_picture


# %% gate
class Gate(nn.Module):
    """Features (N, C, H, W) and side information (N, S) to the scaled features (N, C, H, W)."""

    def __init__(self, channels: int, side: int, hidden: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels + side, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = features.mean(dim=(0, 2, 3))[None].expand(len(features), -1)  # (N, C)
        hidden = self.squeeze(torch.cat([means, side], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]
