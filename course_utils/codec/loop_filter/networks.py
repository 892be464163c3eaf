"""Networks that filter decoded luma, all called alike: pictures (N, 1, H, W) in [0, 1] and their QPs (N,).

Each adds a correction of about a quantiser step to its input. Its last convolution starts at zero, so an untrained
network changes nothing.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from course_utils import embedded
from course_utils.errors import CourseError

BLOCK = 64  # pixels: the gates look at blocks of this side, HEVC's largest coding tree unit
MIDDLE_QP = 29.5  # of 22 to 37
OUTPUT_SCALE = 0.25  # quantiser steps: about the root mean square of what is to be corrected
SHIPPED_FILE = "loop_filter.safetensors"
SHIPPED_SHA256 = "a42cfd8e68f754501f18121c4f2e0edc629bdb41fb68031dc8aa3e1b4bf2bc25"


def step_size(qp: Tensor) -> Tensor:
    """The quantiser's step on the scale of [0, 1] pictures: 2^((QP - 4) / 6) / 255, of any shape."""
    return torch.exp2((qp - 4) / 6) / 255


def centred(pictures: Tensor) -> Tensor:
    """[0, 1] to [-2, 2]: about unit variance, as convolutions like their input."""
    return (pictures - 0.5) * 4


def block_mean(features: Tensor, size: int) -> Tensor:
    """Mean of each block of `size`: (N, C, H, W) to (N, C, ⌈H/size⌉, ⌈W/size⌉); blocks at the border may be smaller."""
    if max(features.shape[-2:]) <= size:
        return features.mean(dim=(-2, -1), keepdim=True)
    return F.avg_pool2d(features, size, ceil_mode=True, count_include_pad=False)


def per_pixel(values: Tensor, size: int, height: int, width: int) -> Tensor:
    """A value per block repeated for its pixels: (N, C, R, S) to (N, C, height, width)."""
    if values.shape[-2:] == (1, 1):
        return values  # broadcasting repeats it
    return values.repeat_interleave(size, dim=-2).repeat_interleave(size, dim=-1)[..., :height, :width]


class LoopFilter(nn.Module):
    """A network that `build` makes.

    name: one of `NAMES`
    """

    name: str


class VRCNN(LoopFilter):
    """Variable-filter-size residue-learning CNN (Dai, Liu and Wu 2017, table 1): 54,673 parameters.

    Its features do not know the QP. Only its output is scaled by the quantiser's step, as that of the other networks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 64, 5, padding=2)
        self.second = nn.ModuleList([nn.Conv2d(64, 16, 5, padding=2), nn.Conv2d(64, 32, 3, padding=1)])
        self.third = nn.ModuleList([nn.Conv2d(48, 16, 3, padding=1), nn.Conv2d(48, 32, 1)])
        self.last = nn.Conv2d(48, 1, 3, padding=1)
        start_at_zero(self.last)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        x = F.relu(self.first(centred(pictures)))
        for branches in (self.second, self.third):
            x = F.relu(torch.cat([branch(x) for branch in branches], dim=1))
        return pictures + self.last(x) * (OUTPUT_SCALE * step_size(qp)).view(-1, 1, 1, 1)


class Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018, §3) per block of the picture, fed with side information.

    forward: features (N, C, H, W), side (N, S, R, Q) with a value per block, to the scaled features. S may be 0, and
    then it is plain squeeze-and-excitation.
    """

    def __init__(self, channels: int, side: int, *, hidden: int = 8, block: int) -> None:
        super().__init__()
        self.block = block
        self.squeeze = nn.Conv2d(channels + side, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = block_mean(features, self.block)
        gates = self.excite(F.relu(self.squeeze(torch.cat([means, side.to(means.dtype)], dim=1))))
        return features * per_pixel(2 * gates.sigmoid(), self.block, *features.shape[-2:])  # about 1 at the start


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions, gated, and the identity."""

    def __init__(self, channels: int, side: int, *, block: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = Gate(channels, side, block=block)

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        return x + self.gate(self.second(F.relu(self.first(x))), side)


class GatedFilter(LoopFilter):
    """Three blocks of 32 channels on a picture of half the size (2× pixel-unshuffle), gated by QP and block activity.

    59.6 k parameters, 14.9 kMAC a pixel. A block's activity is log2(1 + standard deviation in grey levels): the decoder
    computes it from its own picture, so it costs no bit.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, channels, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(channels, 2, block=BLOCK // 2) for _ in range(3))
        self.last = nn.Conv2d(channels, 4, 3, padding=1)
        start_at_zero(self.last)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        height, width = pictures.shape[-2:]
        even = F.pad(pictures, (0, width % 2, 0, height % 2), mode="replicate") if height % 2 or width % 2 else pictures
        x = F.pixel_unshuffle(centred(even), 2)  # (N, 4, H/2, W/2)
        correction = F.pixel_shuffle(self.correction(x, self._side(x, qp)), 2)[..., :height, :width]
        return pictures + correction * (OUTPUT_SCALE * step_size(qp)).view(-1, 1, 1, 1)

    def correction(self, x: Tensor, side: Tensor) -> Tensor:
        """Unshuffled pictures (N, 4, H/2, W/2) and side information (N, 2, R, S) to what is added, (N, 4, H/2, W/2)."""
        x = F.relu(self.first(x))
        for block in self.blocks:
            x = block(x, side)
        return self.last(x)

    def _side(self, x: Tensor, qp: Tensor) -> Tensor:
        """QP and activity of each block, both about in [-1, 1]."""
        x = x.float()
        mean = block_mean(x, BLOCK // 2).mean(dim=1, keepdim=True)
        square = block_mean(x.square(), BLOCK // 2).mean(dim=1, keepdim=True)
        deviation = (square - mean.square()).clamp(min=0).sqrt() * (255 / 4)  # grey levels
        activity = torch.log2(1 + deviation) / 3 - 1
        return torch.cat([((qp - MIDDLE_QP) / 7.5).view(-1, 1, 1, 1).expand_as(activity), activity], dim=1)


NAMES = ("residual", "vrcnn")


def build(name: str) -> LoopFilter:
    """A network by name, untrained: one of `NAMES`. Raises `CourseError` for an unknown name."""
    if name not in NAMES:
        raise CourseError(f"no network is called {name!r}: choose one of {', '.join(NAMES)}")
    net: LoopFilter = VRCNN() if name == "vrcnn" else GatedFilter()
    net.name = name
    return net


@torch.no_grad()
def filtered(net: nn.Module, pictures: Tensor, qp: float | Tensor) -> Tensor:
    """Decoded pictures (N, H, W) uint8 after the filter, (N, H, W) uint8, rounded as a decoder would put them out.

    qp: one for all, or (N,)
    """
    if pictures.dtype != torch.uint8 or pictures.ndim != 3 or not pictures.numel():
        raise CourseError(f"pictures are (N, H, W) uint8, not {tuple(pictures.shape)} of {pictures.dtype}")
    device = next(net.parameters()).device
    qps = torch.as_tensor(qp, dtype=torch.float32, device=device).expand(len(pictures))
    out = net(pictures.to(device)[:, None].float() / 255, qps)[:, 0]
    return (out * 255).round().clamp(0, 255).to(pictures.device, torch.uint8)


def load(path: Path | str, *, build: Callable[[str], LoopFilter] = build) -> LoopFilter:
    """The network in a checkpoint, in evaluation mode, made by its name with `build`.

    Raises `CourseError` for a file that is no checkpoint of a loop filter.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            net = build((file.metadata() or {}).get("network", ""))
            net.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CourseError(f"{path} is no checkpoint of a loop filter ({str(error).splitlines()[0]})") from None
    return net.eval()


def shipped() -> LoopFilter:
    """The trained network that travels with the course: "residual", made by `solutions/lab08/study/loop_filter.py`."""
    embedded.read(SHIPPED_FILE, SHIPPED_SHA256)  # a damaged file is found here, with a clear line
    return load(embedded.FOLDER / SHIPPED_FILE)


def start_at_zero(convolution: nn.Conv2d) -> None:
    """So that an untrained network changes nothing."""
    for parameter in convolution.parameters():
        nn.init.zeros_(parameter)
