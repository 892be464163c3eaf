"""The 1×1 reductions are left linear."""
# fails: inception_in_evaluation, inception_in_training


# %% Inception
class Inception(nn.Module):
    """Four branches side by side: (N, inputs, H, W) to (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

        self.branch1 = conv(inputs, one, 1)
        self.branch2 = nn.Sequential(*conv(inputs, reduce3, 1)[:2], conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(*conv(inputs, reduce5, 1)[:2], conv(reduce5, five, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, inputs, H, W)"""
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)
