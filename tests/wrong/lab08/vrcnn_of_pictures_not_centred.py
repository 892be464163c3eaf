"""The picture goes in as it is."""
# fails: vrcnn_with_given_weights


# %% vrcnn
class VRCNN(nn.Module):
    """Pictures (N, 1, H, W) in [0, 1] and QPs (N,) to filtered pictures (N, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(1, 64, 5, padding=2)
        self.layer2a = nn.Conv2d(64, 16, 5, padding=2)
        self.layer2b = nn.Conv2d(64, 32, 3, padding=1)
        self.layer3a = nn.Conv2d(48, 16, 3, padding=1)
        self.layer3b = nn.Conv2d(48, 32, 1)
        self.layer4 = nn.Conv2d(48, 1, 3, padding=1)
        nn.init.zeros_(self.layer4.weight)
        nn.init.zeros_(self.layer4.bias)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        x = self.layer1(pictures).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x), qp)
