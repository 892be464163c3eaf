"""What the lessons write out to be read, timed against torch's own: how much speed does clarity cost?"""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from course_utils import runtime
from course_utils.bench.record import Comparison, median_seconds
from course_utils.notebooks import files
from course_utils.notebooks.code import definitions

BOXES = 1000


def run(repeats: int = 11, *, device: torch.device) -> tuple[list[Comparison], str]:
    """Convolution, attention, LSTM, suppression and pooling of regions, each on the same input as torch's."""
    generator = runtime.seed(0)
    lessons = {number: _lesson(number) for number in ("02", "12", "15", "16")}
    wait = torch.cuda.synchronize if device.type == "cuda" else None
    rows = []

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    def compare(what: str, ours: object, theirs: object, other: str, repeats: int = repeats) -> None:
        one, two = (1000 * median_seconds(each, repeats=repeats, wait=wait) for each in (ours, theirs))
        rows.append(Comparison(what, one, two, "ms", "lesson", other))

    x, weight, bias = draw(32, 16, 28, 28), draw(32, 16, 3, 3), draw(32)
    compare(
        "convolution as a matrix product, lesson 02",
        lambda: lessons["02"].conv2d_unfold(x, weight, bias, padding=1),
        lambda: F.conv2d(x, weight, bias, padding=1),
        "F.conv2d",
    )
    few, thin = draw(1, 4, 14, 14), draw(8, 4, 3, 3)
    compare(
        "convolution by loops, 14×14, lesson 02",
        lambda: lessons["02"].conv2d_loops(few, thin, padding=1),
        lambda: F.conv2d(few, thin, padding=1),
        "F.conv2d",
        3,
    )
    boxes, scores = _boxes(generator), torch.rand(BOXES, generator=generator)
    for name, kind in (("nms", "vectorised"), ("nms_loop", "loop")):
        compare(
            f"suppression of {BOXES:,} boxes, {kind}, lesson 12",
            lambda name=name: getattr(lessons["12"], name)(boxes, scores, 0.5),
            lambda: torchvision.ops.nms(boxes, scores, 0.5),
            "torchvision",
        )
    features, regions = draw(8, 64, 16, 16), (_boxes(generator)[:160] * 0.6).view(8, 20, 4).to(device)
    rois = torch.cat([torch.arange(8.0, device=device).repeat_interleave(20)[:, None], regions.flatten(0, 1)], dim=1)
    compare(
        "RoI align of 160 regions, lesson 12",
        lambda: lessons["12"].roi_align(features, regions, 5, 0.25, 2, True),
        lambda: torchvision.ops.roi_align(features, rois, 5, 0.25, 2, True),
        "torchvision",
    )
    torch.manual_seed(0)
    theirs = nn.LSTM(64, 128).to(device)
    ours = lessons["15"].LSTM(64, 128).to(device)
    ours.load_state_dict(theirs.state_dict())
    sequence = draw(64, 32, 64)
    compare(
        "LSTM, 64 steps, with gradients, lesson 15",
        lambda: ours(sequence)[0].sum().backward(),
        lambda: theirs(sequence)[0].sum().backward(),
        "nn.LSTM",
    )
    for length in (128, 1024):
        q, k, v = (draw(4, 8, length, 32) for _ in range(3))
        compare(
            f"attention over {length:,} places, lesson 16",
            lambda q=q, k=k, v=v: lessons["16"].attention(q, k, v)[0],
            lambda q=q, k=k, v=v: F.scaled_dot_product_attention(q, k, v),
            "F.scaled_dot_product_attention",
        )
    note = "Written to be read, and equal to torch's results (the lessons show it); float32."
    return rows, note


def _lesson(number: str) -> SimpleNamespace:
    (path,) = (files.course_root() / "lessons").glob(f"{number}_*.ipynb")
    return definitions(path)


def _boxes(generator: torch.Generator) -> Tensor:
    """Boxes (1000, 4) in a picture of 100×100, sides from 10 to 40."""
    corner = 60 * torch.rand(BOXES, 2, generator=generator)
    return torch.cat([corner, corner + 10 + 30 * torch.rand(BOXES, 2, generator=generator)], dim=1)
