"""Two linear layers in a row, and nothing between them."""
# fails: squeeze_excitation_gates


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the means of all channels: (N, channels, H, W) to the same shape."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // ratio)
        self.expand = nn.Linear(channels // ratio, channels)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, channels, H, W)"""
        squeezed = x.mean(dim=(2, 3))  # (N, C)
        gates = torch.sigmoid(self.expand(self.reduce(squeezed)))  # (N, C)
        return x * gates[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (N, inputs, H, W) to (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.gate = SqueezeExcitation(outputs, ratio) if ratio else nn.Identity()
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.gate(self.bn2(self.conv2(y)))
        return F.relu(y + self.shortcut(x))
