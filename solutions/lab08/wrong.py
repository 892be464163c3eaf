"""Wrong answers to lab08: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === activity_before_qp
# Activity and QP in the other order.
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


# === activity_in_unit_range
# The deviation of [0, 1], not of grey levels.
# fails: side_information_of_pictures


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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


# === activity_is_the_variance
# The variance for the deviation.
# fails: side_information_of_pictures


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).var(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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


# === activity_of_the_batch
# The deviation of the whole batch.
# fails: side_information_of_pictures


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.std(correction=0).expand(len(pictures))  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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


# === activity_with_bessel
# The deviation of a sample (divided by n - 1).
# fails: side_information_of_pictures


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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


# === bits_are_the_number_of_flags
# One bit a flag.
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return torch.full_like(entropy, chosen[0].numel())


# === bits_in_nats
# The natural logarithm: nats, not bits.
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share))
    return entropy * chosen[0].numel()


# === bits_not_a_number
# 0 times the logarithm of 0 is not a number.
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(share * share.log() + (1 - share) * (1 - share).log()) / math.log(2)
    return entropy * chosen[0].numel()


# === bits_of_all_pictures
# One share for all pictures.
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean().expand(len(chosen))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === bits_of_one_flag
# The entropy of one flag, not of all.
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    return -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)


# === bits_of_one_side
# Only the flags that are on are counted.
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -torch.xlogy(share, share) / math.log(2)
    return entropy * chosen[0].numel()


# === blind_but_scaled_by_the_qp
# The blind network's correction is scaled by the true step.
# fails: the_blind_filter_does_not_know_the_qp


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        return corrected(pictures, correction, qp)


# === centred_after_scaling
# The half is taken away after the factor.
# fails: pictures_are_centred


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * pictures - 0.5


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === centred_on_one
# Centred, but not scaled.
# fails: pictures_are_centred


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return pictures - 0.5


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === corrections_along_the_width
# QPs are broadcast along the last dimension, the width.
# fails: corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === corrections_are_clamped
# The sum is clamped, which takes the gradient away.
# fails: corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return (pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction).clamp(0, 1)


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === corrections_by_the_first_qp
# The first picture's QP for all.
# fails: corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp[0]) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === corrections_in_grey_levels
# The correction is scaled by the step in grey levels, 255 times too strong.
# fails: corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === corrections_in_whole_steps
# The quarter is forgotten.
# fails: corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === early_is_everywhere
# Every gate is told, whatever is asked for.
# fails: weights_by_place


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


class ResidualFilter(nn.Module):
    """Pictures (N, 1, H, W) in [0, 1] and QPs (N,) to filtered pictures (N, 1, H, W)."""

    def __init__(self, qp_at: str = "everywhere", channels: int = 32, blocks: int = 3) -> None:
        super().__init__()
        told = {"early": [0], "middle": [blocks // 2], "late": [blocks - 1], "everywhere": range(blocks), "nowhere": []}
        self.told = [bool(told[qp_at]) for _ in range(blocks)]
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


# === flags_by_absolute_errors
# Absolute errors in place of squares.
# fails: flags_that_an_encoder_wants


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).abs() - (on.float() - original.float()).abs()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === flags_of_the_harm
# On where the filter harms.
# fails: flags_that_an_encoder_wants


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) < 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === flags_of_unsigned_numbers
# Subtracts in uint8, where 3 - 5 is 254.
# fails: flags_that_an_encoder_wants


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off - original).square().float() - (on - original).square().float()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === flags_of_whole_blocks_only
# Blocks at the border are left out.
# fails: flags_that_an_encoder_wants


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = gain[:, : height - height % size, : width - width % size]  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === flags_on_ties
# A tie is on.
# fails: flags_that_an_encoder_wants


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) >= 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === flat_are_kept
# Keeps what is flat.
# fails: patches_that_are_kept


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) < least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === flat_border_is_dropped
# A patch exactly at the border is dropped.
# fails: patches_that_are_kept


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) > least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === flat_by_the_variance
# The variance is compared with grey levels.
# fails: patches_that_are_kept


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).var(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === flat_ignores_the_border
# Always 4 grey levels.
# fails: patches_that_are_kept


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= 4


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === gate_gives_the_gates
# Returns the gates, not the gated features.
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
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return gates[:, :, None, None].expand_as(features)


# === gate_hidden_is_fixed
# Hidden is 8, whatever is asked for.
# fails: gates_with_given_weights


# %% gate
class Gate(nn.Module):
    """Features (N, C, H, W) and side information (N, S) to the scaled features (N, C, H, W)."""

    def __init__(self, channels: int, side: int, hidden: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels + side, 8)
        self.excite = nn.Linear(8, channels)

    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = features.mean(dim=(2, 3))  # (N, C)
        hidden = self.squeeze(torch.cat([means, side], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]


# === gate_ignores_what_it_is_told
# The side information is replaced by zeros.
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
        hidden = self.squeeze(torch.cat([means, 0 * side], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]


# === gate_never_opens
# The sigmoid without the factor 2.
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
        gates = self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]


# === gate_of_the_whole_batch
# Means over the batch, too.
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


# === gate_on_the_sum
# The gate scales the identity, too.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
            x = gate(x + two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === gate_side_before_means
# The side information stands before the means.
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


# === gate_softmax
# A softmax over the channels in place of the sigmoid.
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


# === gate_takes_the_maximum
# Squeezes by the maximum.
# fails: gates_with_given_weights


# %% gate
class Gate(nn.Module):
    """Features (N, C, H, W) and side information (N, S) to the scaled features (N, C, H, W)."""

    def __init__(self, channels: int, side: int, hidden: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels + side, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = features.amax(dim=(2, 3))  # (N, C)
        hidden = self.squeeze(torch.cat([means, side], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]


# === gate_without_relu
# Two linear maps with nothing between them are one.
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
        hidden = self.squeeze(torch.cat([means, side], dim=1))  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]


# === grey_levels_cut_off
# Converted without rounding: every second level is one too low.
# fails: grey_levels_of_a_decoder


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).clamp(0, 255).to(torch.uint8)


# === grey_levels_of_256
# White is taken for 256.
# fails: grey_levels_of_a_decoder


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (256 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === grey_levels_wrap_round
# Converted without a clamp: what is above white becomes black.
# fails: grey_levels_of_a_decoder


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().to(torch.uint8)


# === late_is_the_third
# The last block is taken for number 2.
# fails: weights_by_place


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


class ResidualFilter(nn.Module):
    """Pictures (N, 1, H, W) in [0, 1] and QPs (N,) to filtered pictures (N, 1, H, W)."""

    def __init__(self, qp_at: str = "everywhere", channels: int = 32, blocks: int = 3) -> None:
        super().__init__()
        told = {"early": [0], "middle": [blocks // 2], "late": [2], "everywhere": range(blocks), "nowhere": []}
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


# === losers_by_the_mean
# One verdict for the whole batch.
# fails: samples_that_lose


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return (after.mean() > before.mean()).expand(len(after))


# === losers_win
# Marks those that gain.
# fails: samples_that_lose


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after < before


# === losers_without_change
# No change counts as harm.
# fails: samples_that_lose


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after >= before


# === loss_broadcasts_errors
# Errors are broadcast along the width.
# fails: losses_of_random_pictures


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2)) / error[:, None].T[:, :1]).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === loss_is_a_sum
# A sum over the pictures.
# fails: losses_of_random_pictures


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).sum()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === loss_of_absolute_errors
# Absolute errors in place of squares.
# fails: losses_of_random_pictures


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).abs().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).abs().mean(dim=(1, 2, 3))
    return after > before


# === loss_of_all_qps_together
# The error of the batch over the mean of the errors: QP 37 rules.
# fails: losses_of_random_pictures


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return (filtered - original).square().mean() / error.mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === middle_is_the_first
# The middle of four is taken one too early.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


class ResidualFilter(nn.Module):
    """Pictures (N, 1, H, W) in [0, 1] and QPs (N,) to filtered pictures (N, 1, H, W)."""

    def __init__(self, qp_at: str = "everywhere", channels: int = 32, blocks: int = 3) -> None:
        super().__init__()
        told = {
            "early": [0],
            "middle": [(blocks - 1) // 2],
            "late": [blocks - 1],
            "everywhere": range(blocks),
            "nowhere": [],
        }
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


# === mixed_the_other_way
# Filtered where the flag is off.
# fails: pictures_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, off, on)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === mixed_turns_the_blocks
# Repeats rows along the columns.
# fails: pictures_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat(1, size, size)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / math.log(2)
    return entropy * chosen[0].numel()


# === no_identity_beside_a_block
# The blocks have no identity beside them.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
            x = gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === no_relu_after_the_first
# No ReLU after the first convolution.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        x = self.first(F.pixel_unshuffle(centred(even), 2))  # (N, C, H/2, W/2)
        for told, (one, two), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === no_relu_in_the_blocks
# No ReLU between the two convolutions.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
            x = x + gate(two(one(x)), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === odd_sides_are_cropped
# The last row and column of odd pictures are lost.
# fails: untrained_residual_filter_changes_nothing


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        even = pictures[:, :, : height - height % 2, : width - width % 2]
        x = self.first(F.pixel_unshuffle(centred(even), 2)).relu()  # (N, C, H/2, W/2)
        for told, (one, two), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(
            pictures[:, :, : height - height % 2, : width - width % 2],
            correction,
            torch.full_like(qp, BLIND_QP) if self.blind else qp,
        )


# === odd_sides_get_zeros
# Odd sides are padded with black.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        even = F.pad(pictures, (0, width % 2, 0, height % 2))
        x = self.first(F.pixel_unshuffle(centred(even), 2)).relu()  # (N, C, H/2, W/2)
        for told, (one, two), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === one_convolution_twice_in_a_block
# The second convolution of a block is its first again.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        for told, (one, _), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(one(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === one_pair_for_all_blocks
# Every block runs the convolutions of the first; the others are never used.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        for told, gate in zip(self.told, self.gates, strict=True):
            one, two = self.pairs[0]
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === residual_not_centred
# The picture goes in as it is.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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
        x = self.first(F.pixel_unshuffle(even, 2)).relu()  # (N, C, H/2, W/2)
        for told, (one, two), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === residual_starts_at_random
# The last convolution starts at random.
# fails: untrained_residual_filter_changes_nothing


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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


# === step_by_whole_sixths
# Whole sixths: the QPs between two doublings share a step.
# fails: steps_at_any_qp


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) // 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === step_without_the_four
# The step at QP 0 is taken for 1.
# fails: steps_at_any_qp, corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** (qp / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === turned_has_four
# Never mirrors.
# fails: orientations_of_patches


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    return torch.rot90(patches, k % 4, dims=(-2, -1))


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === turned_mirrors_first
# Mirrors before it turns.
# fails: orientations_of_patches


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = patches.flip(-1) if k >= 4 else patches
    return torch.rot90(patches, k % 4, dims=(-2, -1))


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === turned_over_the_batch
# Turns the first two dimensions, rot90's default.
# fails: orientations_of_patches


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4)
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === turned_upside_down
# Mirrors top to bottom.
# fails: orientations_of_patches


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-2) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before


# === vrcnn_branches_in_the_other_order
# Branches joined in the other order.
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
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2b(x), self.layer2a(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x), qp)


# === vrcnn_of_pictures_not_centred
# The picture goes in as it is.
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


# === vrcnn_starts_at_random
# The last layer starts at random.
# fails: untrained_vrcnn_changes_nothing


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
        nn.init.zeros_(self.layer4.bias)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x), qp)


# === vrcnn_with_a_relu_at_the_end
# A ReLU on the correction: it can only brighten.
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
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x).relu(), qp)


# === vrcnn_without_bias
# Convolutions without bias.
# fails: weights_of_vrcnn


# %% vrcnn
class VRCNN(nn.Module):
    """Pictures (N, 1, H, W) in [0, 1] and QPs (N,) to filtered pictures (N, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(1, 64, 5, padding=2, bias=False)
        self.layer2a = nn.Conv2d(64, 16, 5, padding=2)
        self.layer2b = nn.Conv2d(64, 32, 3, padding=1)
        self.layer3a = nn.Conv2d(48, 16, 3, padding=1)
        self.layer3b = nn.Conv2d(48, 32, 1)
        self.layer4 = nn.Conv2d(48, 1, 3, padding=1)
        nn.init.zeros_(self.layer4.weight)
        nn.init.zeros_(self.layer4.bias)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x), qp)


# === vrcnn_without_relu_after_layer_3
# No ReLU after layer 3.
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
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1)  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x), qp)


# === vrcnn_without_residue
# The network predicts the picture, not the correction.
# fails: untrained_vrcnn_changes_nothing


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
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return self.layer4(x)


# === corrections_without_a_gradient
# Right numbers, through which nothing can be trained.
# fails: corrections_count_steps


# %% scale
def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step in grey levels at QPs of any shape."""
    return 2 ** ((qp - 4) / 6)


def centred(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] to [-2, 2]."""
    return 4 * (pictures - 0.5)


@torch.no_grad()
def corrected(pictures: Tensor, correction: Tensor, qp: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) in [0, 1] plus corrections (N, 1, H, W), which count quarters of a step at the QPs (N,)."""
    return pictures + 0.25 * step_size(qp).view(-1, 1, 1, 1) / 255 * correction


def to_picture(pictures: Tensor) -> Tensor:
    """What a decoder puts out: (N, 1, H, W) in about [0, 1] to the nearest grey levels, (N, H, W) uint8."""
    return (255 * pictures[:, 0]).round().clamp(0, 255).to(torch.uint8)


# === vrcnn_without_a_gradient
# Right numbers, through which nothing can be trained.
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

    @torch.no_grad()
    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        x = self.layer1(centred(pictures)).relu()  # (N, 64, H, W)
        x = torch.cat([self.layer2a(x), self.layer2b(x)], dim=1).relu()  # (N, 48, H, W)
        x = torch.cat([self.layer3a(x), self.layer3b(x)], dim=1).relu()  # (N, 48, H, W)
        return corrected(pictures, self.layer4(x), qp)


# === gate_without_a_gradient
# Right numbers, through which nothing can be trained.
# fails: gates_with_given_weights


# %% gate
class Gate(nn.Module):
    """Features (N, C, H, W) and side information (N, S) to the scaled features (N, C, H, W)."""

    def __init__(self, channels: int, side: int, hidden: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels + side, hidden)
        self.excite = nn.Linear(hidden, channels)

    @torch.no_grad()
    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = features.mean(dim=(2, 3))  # (N, C)
        hidden = self.squeeze(torch.cat([means, side], dim=1)).relu()  # (N, hidden)
        gates = 2 * self.excite(hidden).sigmoid()  # (N, C)
        return features * gates[:, :, None, None]


# === filter_without_a_gradient
# Right numbers, through which nothing can be trained.
# fails: residual_filter_with_given_weights


# %% residual
def side_information(pictures: Tensor, qp: Tensor) -> Tensor:
    """QP and activity of pictures (N, 1, H, W) in [0, 1], both about in [-1, 1]: (N, 2)."""
    deviation = 255 * pictures.flatten(1).std(dim=1, correction=0)  # (N,)
    return torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)


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

    @torch.no_grad()
    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        height, width = pictures.shape[2:]
        side = side_information(pictures, qp)
        even = F.pad(pictures, (0, width % 2, 0, height % 2), mode="replicate")
        x = self.first(F.pixel_unshuffle(centred(even), 2)).relu()  # (N, C, H/2, W/2)
        for told, (one, two), gate in zip(self.told, self.pairs, self.gates, strict=True):
            x = x + gate(two(one(x).relu()), side if told else side[:, :0])
        correction = F.pixel_shuffle(self.last(x), 2)[:, :, :height, :width]
        return corrected(pictures, correction, torch.full_like(qp, BLIND_QP) if self.blind else qp)


# === loss_without_a_gradient
# The right number, which nothing can be trained with.
# fails: losses_of_random_pictures


# %% training
@torch.no_grad()
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = torch.rot90(patches, k % 4, dims=(-2, -1))
    return patches.flip(-1) if k >= 4 else patches


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before
