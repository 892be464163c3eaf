"""Activity and QP in the other order."""
# fails: side_information_of_pictures


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([torch.log2(1 + deviation) / 3 - 1, (qp - 29.5) / 7.5], dim=1)


class ResidualFilter(nn.Module):
    """Pictures (N, 1, H, W) in [0, 1] and QPs (N,) to filtered pictures (N, 1, H, W)."""

    def __init__(self, qp_at: str = "everywhere", channels: int = 32, blocks: int = 3) -> None:
        super().__init__()
        told = {"early": [0], "middle": [blocks // 2], "late": [blocks - 1], "everywhere": range(blocks), "nowhere": []}
        self.told = [index in told[qp_at] for index in range(blocks)]
        self.blind = qp_at == "nowhere"
        self.first = nn.Conv2d(4, channels, 3, padding=1)
        self.pairs = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)) for _ in range(blocks)
        )
        self.gates = nn.ModuleList(Gate(channels, 2 if each else 0) for each in self.told)
        self.last = nn.Conv2d(channels, 4, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        height, width = pictures.shape[2:]
        side = side_information(pictures, qp)
        even = F.pad(pictures, (0, width % 2, 0, height % 2), mode="replicate")
        x = self.first(F.pixel_unshuffle(centred(even), 2)).relu()  # (N, C, H/2, W/2)
        for told, (one, two), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)
