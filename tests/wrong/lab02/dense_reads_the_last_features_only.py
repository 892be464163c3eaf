"""Layer n normalises everything, but the first features are cut off from it."""
# fails: dense_block_in_training, dense_block_in_evaluation


# %% DenseBlock
class DenseBlock(nn.Module):
    """(N, channels, H, W) to (N, channels + layers · growth, H, W); each layer reads all features before it."""

    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number in range(layers):
            seen = channels + number * growth
            layer = nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                nn.Conv2d(seen, 4 * growth, kernel_size=1, bias=False),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False),
            )
            self.layers.append(layer)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        for layer in self.layers:
            seen = torch.cat([torch.zeros_like(x[:, :-1]), x[:, -1:]], dim=1)
            x = torch.cat([x, layer(seen)], dim=1)
        return x
