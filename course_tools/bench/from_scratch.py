"""What the lessons write out to be read, timed against torch's own: how much speed does clarity cost?"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from course_tools.bench.page import Comparison
from course_tools.bench.timing import median_seconds
from course_tools.notebook_code import definitions
from course_utils import runtime
from course_utils.command import notebooks
from course_utils.errors import CourseError

BOXES = 1000


@dataclass(frozen=True)
class Definition:
    """A function or class that a lesson writes out, and the lesson's name."""

    lesson: str
    call: Callable[..., Any]


def run(repeats: int = 11, *, device: torch.device) -> tuple[list[Comparison], str]:
    """Convolution, attention, LSTM, suppression and pooling of regions, each on the same input as torch's."""
    generator = runtime.seed(0)
    written = _written_out("conv2d_unfold", "conv2d_loops", "nms", "nms_loop", "roi_align", "LSTM", "attention")
    wait = torch.cuda.synchronize if device.type == "cuda" else None
    rows = []

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    def compare(
        what: str,
        lesson: str,
        written_out: Callable[[], object],
        peer: Callable[[], object],
        peer_is: str,
        times: int = repeats,
    ) -> None:
        one, two = (1000 * median_seconds(function, repeats=times, wait=wait) for function in (written_out, peer))
        rows.append(Comparison(f"{what}, {lesson}", one, two, "ms", "lesson", peer_is))

    x, weight, bias = draw(32, 16, 28, 28), draw(32, 16, 3, 3), draw(32)
    product, loops = written["conv2d_unfold"], written["conv2d_loops"]
    compare(
        "convolution as a matrix product",
        product.lesson,
        lambda: product.call(x, weight, bias, padding=1),
        lambda: F.conv2d(x, weight, bias, padding=1),
        "F.conv2d",
    )
    few, thin = draw(1, 4, 14, 14), draw(8, 4, 3, 3)
    compare(
        "convolution by loops, 14×14",
        loops.lesson,
        lambda: loops.call(few, thin, padding=1),
        lambda: F.conv2d(few, thin, padding=1),
        "F.conv2d",
        3,
    )
    boxes, scores = _boxes(generator), torch.rand(BOXES, generator=generator)
    for name, kind in (("nms", "vectorised"), ("nms_loop", "loop")):
        suppress = written[name]
        compare(
            f"suppression of {BOXES:,} boxes, {kind}",
            suppress.lesson,
            partial(suppress.call, boxes, scores, 0.5),
            lambda: torchvision.ops.nms(boxes, scores, 0.5),
            "torchvision",
        )
    features, regions = draw(8, 64, 16, 16), (_boxes(generator)[:160] * 0.6).view(8, 20, 4).to(device)
    rois = torch.cat([torch.arange(8.0, device=device).repeat_interleave(20)[:, None], regions.flatten(0, 1)], dim=1)
    align = written["roi_align"]
    compare(
        "RoI align of 160 regions",
        align.lesson,
        lambda: align.call(features, regions, 5, 0.25, 2, True),
        lambda: torchvision.ops.roi_align(features, rois, 5, 0.25, 2, True),
        "torchvision",
    )
    torch.manual_seed(0)
    lstm = nn.LSTM(64, 128).to(device)
    own_lstm = written["LSTM"].call(64, 128).to(device)
    own_lstm.load_state_dict(lstm.state_dict())
    sequence = draw(64, 32, 64)
    compare(
        "LSTM, 64 steps, with gradients",
        written["LSTM"].lesson,
        lambda: own_lstm(sequence)[0].sum().backward(),
        lambda: lstm(sequence)[0].sum().backward(),
        "nn.LSTM",
    )
    attention = written["attention"]
    for length in (128, 1024):
        q, k, v = (draw(4, 8, length, 32) for _ in range(3))
        compare(
            f"attention over {length:,} places",
            attention.lesson,
            partial(attention.call, q, k, v),
            partial(F.scaled_dot_product_attention, q, k, v),
            "F.scaled_dot_product_attention",
        )
    note = "Written to be read, and equal to torch's results (the lessons show it); float32."
    return rows, note


def _written_out(*names: str) -> dict[str, Definition]:
    """For each name the lesson that defines it, the first where several do, and what it defines.

    Raises `CourseError` for a name that no lesson defines.
    """
    root = notebooks.course_root()
    defining: dict[str, Path] = {}
    for path in notebooks.find([root / "lessons"], root):
        source = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code")
        for name in names:
            if re.search(rf"^(def|class) {name}\b", source, flags=re.MULTILINE):
                defining.setdefault(name, path)
    missing = [name for name in names if name not in defining]
    if missing:
        raise CourseError(f"no lesson defines {', '.join(missing)}: nothing to compare")
    modules = {path: definitions(path) for path in set(defining.values())}
    return {
        name: Definition(f"lesson {path.stem.split('_')[0]}", getattr(modules[path], name))
        for name, path in defining.items()
    }


def _boxes(generator: torch.Generator) -> Tensor:
    """Boxes (1000, 4) in a picture of 100×100, sides from 10 to 40."""
    corner = 60 * torch.rand(BOXES, 2, generator=generator)
    return torch.cat([corner, corner + 10 + 30 * torch.rand(BOXES, 2, generator=generator)], dim=1)
