"""The activation writes into the features that later layers and the output still need."""
# fails: dense_block_in_evaluation, dense_block_at_the_edge


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
            x = torch.cat([x, layer(F.relu_(x))], dim=1)
        return x
