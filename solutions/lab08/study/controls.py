"""The networks that the study trains: the course's own two, and the controls that each lack one idea of the first."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from course_utils.codec.loop_filter import networks
from course_utils.codec.loop_filter.networks import BLOCK, Gate, GatedFilter, LoopFilter, ResidualBlock
from course_utils.errors import CourseError


class InvertedBlock(nn.Module):
    """1×1 convolution to more channels, 3×3 depthwise, back (Sandler et al. 2018, §3.3), gated, plus the identity."""

    def __init__(self, channels: int, side: int, *, block: int, expansion: int = 4) -> None:
        super().__init__()
        wide = expansion * channels
        self.expand = nn.Conv2d(channels, wide, 1)
        self.depthwise = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.project = nn.Conv2d(wide, channels, 1)
        self.gate = Gate(channels, side, block=block)

    def forward(self, x: Tensor, side: Tensor) -> Tensor:
        return x + self.gate(self.project(F.relu(self.depthwise(F.relu(self.expand(x))))), side)


class Control(GatedFilter):
    """The gated filter with fewer gates that are told, the QP in another place, or other blocks.

    told: for each block, whether its gate is told the QP and the activity
    plane: whether the QP is one more input channel
    blind: the output is not scaled by the QP's step either
    """

    def __init__(
        self,
        told: Sequence[bool],
        *,
        kind: type[nn.Module] = ResidualBlock,
        plane: bool = False,
        blind: bool = False,
        channels: int = 32,
    ) -> None:
        super().__init__(channels)
        self.told, self.plane, self.blind = told, plane, blind
        self.first = nn.Conv2d(4 + plane, channels, 3, padding=1)
        self.blocks = nn.ModuleList(kind(channels, 2 if tells else 0, block=BLOCK // 2) for tells in told)

    def forward(self, pictures: Tensor, qp: Tensor) -> Tensor:
        return super().forward(pictures, torch.full_like(qp, networks.MIDDLE_QP) if self.blind else qp)

    def correction(self, x: Tensor, side: Tensor) -> Tensor:
        """As in the gated filter, where a gate that is not told gets no side information."""
        if self.plane:
            x = torch.cat([x, side[:, :1, :1, :1].expand(-1, -1, *x.shape[-2:]).to(x.dtype)], dim=1)
        x = F.relu(self.first(x))
        for block, tells in zip(self.blocks, self.told, strict=True):
            x = block(x, side if tells else side[:, :0])
        return self.last(x)


CONTROLS = {
    "early": lambda: Control([True, False, False]),
    "middle": lambda: Control([False, True, False]),
    "late": lambda: Control([False, False, True]),
    "plane": lambda: Control([False] * 3, plane=True),
    "blind": lambda: Control([False] * 3, blind=True),
    "depthwise": lambda: Control([True] * 6, kind=InvertedBlock),
}
NAMES = (*networks.NAMES, *CONTROLS)


def build(name: str) -> LoopFilter:
    """A network by name, untrained: one of `NAMES`. "residual" is told the QP everywhere, "blind" nowhere.

    Raises `CourseError` for an unknown name.
    """
    if name not in NAMES:
        raise CourseError(f"no network is called {name!r}: choose one of {', '.join(NAMES)}")
    if name in networks.NAMES:
        return networks.build(name)
    net = CONTROLS[name]()
    net.name = name
    return net


def save(net: LoopFilter, path: Path | str, **notes: str) -> None:
    """Write the weights and the network's name as safetensors; `notes` go into the file's metadata."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    save_file(tensors, str(path), metadata={"network": net.name, "notes": json.dumps(notes)})


def load(path: Path | str) -> LoopFilter:
    """The network that `save` wrote, in evaluation mode. Raises `CourseError` for a file that is none."""
    return networks.load(path, build=build)
