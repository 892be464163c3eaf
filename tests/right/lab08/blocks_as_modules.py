"""The residual filter of modules of its own, padding always, the blind one by a constant."""


# %% residual
def side_information(pictures, qp):
    grey = 255 * pictures.view(len(pictures), -1)
    deviation = ((grey - grey.mean(1, keepdim=True)) ** 2).mean(1).sqrt()
    activity = (1 + deviation).log2() / 3 - 1
    return torch.cat([((qp - 29.5) / 7.5)[:, None], activity[:, None]], 1)


class Block(nn.Module):
    def __init__(self, channels, told):
        super().__init__()
        self.told = told
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1), nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1)
        )
        self.gate = Gate(channels, 2 * told)

    def forward(self, x, side):
        return x + self.gate(self.body(x), side[:, : 2 * self.told])


class ResidualFilter(nn.Module):
    def __init__(self, qp_at="everywhere", channels=32, blocks=3):
        super().__init__()
        place = {"early": 0, "middle": blocks // 2, "late": blocks - 1}.get(qp_at)
        self.qp_at = qp_at
        self.head = nn.Conv2d(4, channels, 3, padding=1)
        self.body = nn.ModuleList(Block(channels, int(qp_at == "everywhere" or n == place)) for n in range(blocks))
        self.tail = nn.Conv2d(channels, 4, 3, padding=1)
        self.tail.weight.data *= 0
        self.tail.bias.data *= 0

    def forward(self, pictures, qp):
        height, width = pictures.shape[-2:]
        side = side_information(pictures, qp)
        x = torch.cat([pictures, pictures[..., -1:]], -1) if width % 2 else pictures
        x = torch.cat([x, x[..., -1:, :]], -2) if height % 2 else x
        x = F.relu(self.head(F.pixel_unshuffle(centred(x), 2)))
        for block in self.body:
            x = block(x, side)
        x = F.pixel_shuffle(self.tail(x), 2)[..., :height, :width]
        if self.qp_at == "nowhere":
            qp = qp * 0 + 29.5
        return corrected(pictures, x, qp)
