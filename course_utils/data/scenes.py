"""Scenes for detection and segmentation: Fashion-MNIST items in front of real photographs, with exact boxes and masks.

Composed when asked for, in seconds, from data that is already here, so nothing is stored: items from `fashion_mnist`
(MIT), backgrounds from `photographs` (credits and licences there). Training scenes use training items and `TRAIN`
photographs, test scenes use test items and `TEST` photographs: no item and no photograph is on both sides.

Few photographs have to make many backgrounds: every fourth test scene has the same one behind it, so a class that looks
like a part of it is hard for that reason, at every seed. The backgrounds of training scenes are turned, exchange their
colours and change their gamma, and up to three shapes cut from other backgrounds lie on them: not all that lies in
front of a background is an item. Such distractors are due to Tremblay et al. (2018), *Training deep networks with
synthetic data: bridging the reality gap by domain randomization*, CVPR workshops. Test backgrounds are plain crops.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data import fashion_mnist, photographs
from course_utils.data.detection_set import ABSENT, DetectionSet
from course_utils.data.image_set import ImageSet
from course_utils.errors import CourseError

TRAIN = (
    *("coffee", "chelsea", "rocket", "hubble", "flower", "brick", "gravel"),
    *("retina", "tissue", "coins", "handwriting"),
)
TEST = ("astronaut", "china", "camera", "grass")
SIDE = 64
TRAIN_SHRINKS = (1, 2, 3, 4, 5, 6)  # a background is a crop of the photograph at one of these reductions
TEST_SHRINKS = (1, 2, 3)
SHAPES = 3  # places for a shape on a training background, each taken with chance 1/2
LEAST_VISIBLE = 0.6  # an item of which less would be seen is left out
CHUNK = 250  # scenes composed at a time, in float64: about 150 MB


def load(
    *,
    train: int = 4_000,
    test: int = 500,
    seed: int = 0,
    most_items: int = 4,
    item_sides: tuple[int, int] = (18, 36),
    device: torch.device | str = "cpu",
) -> tuple[DetectionSet, DetectionSet]:
    """`train` training and `test` test scenes of 64×64 RGB pixels, each with 1 to `most_items` items.

    train, test: how many; 0 gives an empty set
    item_sides: least and greatest side of an item's square before it is cut out, in pixels
    The same arguments give the same scenes on every device. Raises `CourseError` for sides that no scene can hold.
    """
    if train < 0 or test < 0:
        raise CourseError(f"a set has 0 scenes or more, not train={train}, test={test}")
    least, greatest = item_sides
    if not 4 <= least <= greatest <= SIDE or most_items < 1:
        raise CourseError(f"items need sides 4 ≤ least ≤ greatest ≤ {SIDE} and most_items ≥ 1, not {item_sides}")
    train_items, test_items = fashion_mnist.load()
    return (
        _compose(train_items, TRAIN, train, 2 * seed, most_items, item_sides, varied=True).to(device),
        _compose(test_items, TEST, test, 2 * seed + 1, most_items, item_sides, varied=False).to(device),
    )


def _compose(
    items: ImageSet,
    names: tuple[str, ...],
    count: int,
    seed: int,
    most_items: int,
    item_sides: tuple[int, int],
    *,
    varied: bool,
) -> DetectionSet:
    generator = torch.Generator().manual_seed(seed)
    shades = items.images.double()
    # Dark parts inside an item belong to it: close gaps of up to two pixels in its silhouette.
    opacity = -F.max_pool2d(-F.max_pool2d(shades, 3, stride=1, padding=1), 3, stride=1, padding=1)
    sources = torch.cat([shades, (4 * opacity).clamp(max=1)], dim=1)  # (items, 2, 28, 28)
    shrinks = TRAIN_SHRINKS if varied else TEST_SHRINKS
    pyramids = [_pyramid(photographs.load(name), shrinks) for name in names]
    parts = [_place(sources, items.labels, torch.zeros(0, 3, SIDE, SIDE), most_items, item_sides, generator)]
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        behind = _crops(pyramids, size, generator)
        if varied:
            behind = _with_shapes(_varied(behind, generator), generator)
        parts.append(_place(sources, items.labels, behind, most_items, item_sides, generator))
    images, boxes, labels, class_maps = (torch.cat(part) for part in zip(*parts, strict=True))
    return DetectionSet(images=images, boxes=boxes, labels=labels, class_maps=class_maps, classes=items.classes)


def _pyramid(photograph: Tensor, shrinks: tuple[int, ...]) -> list[Tensor]:
    """The photograph, RGB float64 in [0, 1], at each reduction that still holds a scene."""
    image = photograph.expand(3, -1, -1).double()[None] / 255
    reduced = [F.avg_pool2d(image, shrink)[0] for shrink in shrinks]
    return [picture for picture in reduced if min(picture.shape[1:]) >= SIDE]


def _crops(pyramids: list[list[Tensor]], count: int, generator: torch.Generator) -> Tensor:
    """Random crops (count, 3, 64, 64) of random photographs at random reduction, flip and brightness."""
    draws = torch.rand(count, 6, generator=generator, dtype=torch.float64).tolist()
    crops = []
    for photograph, shrink, top, left, flip, light in draws:
        pyramid = pyramids[int(photograph * len(pyramids))]
        image = pyramid[int(shrink * len(pyramid))]
        y, x = (int(at * (length - SIDE + 1)) for at, length in zip((top, left), image.shape[1:], strict=True))
        crop = image[:, y : y + SIDE, x : x + SIDE] * (0.5 + 0.5 * light)
        crops.append(crop.flip(-1) if flip < 0.5 else crop)
    return torch.stack(crops)


def _varied(crops: Tensor, generator: torch.Generator) -> Tensor:
    """The crops (C, 3, 64, 64), each turned by quarters, its channels exchanged, its gamma between 1/2 and 2."""
    turns = torch.randint(4, (len(crops),), generator=generator).tolist()
    turned = torch.stack([crop.rot90(turn, dims=(1, 2)) for crop, turn in zip(crops, turns, strict=True)])
    channels = torch.rand(len(crops), 3, generator=generator, dtype=torch.float64).argsort(dim=1)
    exchanged = turned.gather(1, channels[:, :, None, None].expand_as(turned))
    octaves = 2 * torch.rand(len(crops), 1, 1, 1, generator=generator, dtype=torch.float64) - 1
    return exchanged ** (2**octaves)


def _with_shapes(behind: Tensor, generator: torch.Generator) -> Tensor:
    """Up to `SHAPES` ellipses and rectangles on each background (C, 3, 64, 64): of one colour or not, some striped."""
    count = len(behind)

    def draw(low: float = 0.0, high: float = 1.0, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(count, channels, 1, 1, generator=generator, dtype=torch.float64)

    centres = torch.arange(SIDE, dtype=torch.float64) + 0.5
    shown = behind
    for place in range(1, SHAPES + 1):
        x, y = centres - draw(0, SIDE), centres[:, None] - draw(0, SIDE)
        angle, along, across = draw(0, math.pi), draw(4, 24), draw(4, 24)  # half axes in pixels
        u, v = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()  # (C, 1, 64, 64)
        ellipse = ((u / along).square() + (v / across).square()).sqrt()
        rectangle = torch.maximum((u / along).abs(), (v / across).abs())
        outward = torch.where(draw() < 0.5, ellipse, rectangle)  # 1 on the outline
        cover = ((1 - outward) * torch.minimum(along, across) + 0.5).clamp(0, 1)
        striped = (draw() < 0.3) & (u % 6 >= 3)
        cover = cover * ~striped * (draw() < 0.5)
        other = behind.roll(place, dims=0)
        plain = other.mean(dim=(2, 3), keepdim=True).expand_as(other)
        surface = torch.where(draw() < 0.5, plain, other) * draw(0.3, 1.2, channels=3)
        shown = shown * (1 - cover) + cover * surface.clamp(max=1)
    return shown


def _place(
    sources: Tensor,
    item_labels: Tensor,
    behind: Tensor,
    most_items: int,
    item_sides: tuple[int, int],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Put items in front of `behind` (C, 3, 64, 64), the nearest first: images, boxes, labels and class maps."""
    count = len(behind)
    wanted = torch.randint(1, most_items + 1, (count,), generator=generator)
    seen_through = torch.ones(count, 1, SIDE, SIDE, dtype=torch.float64)
    taken = torch.zeros(count, SIDE, SIDE, dtype=torch.bool)
    painted = torch.zeros_like(behind)
    class_maps = torch.zeros(count, SIDE, SIDE, dtype=torch.uint8)
    boxes = torch.zeros(count, most_items, 4)
    labels = torch.full((count, most_items), ABSENT)
    for slot in range(most_items):
        items = torch.randint(len(sources), (count,), generator=generator)
        tints = 0.4 + 0.6 * torch.rand(count, 3, 1, 1, generator=generator, dtype=torch.float64)
        shade, alpha = _on_canvas(sources[items], item_sides, generator).split(1, dim=1)  # (C, 1, 64, 64) each
        silhouette = alpha[:, 0] > 0.5
        visible = silhouette & ~taken
        enough = visible.sum(dim=(1, 2)) >= LEAST_VISIBLE * silhouette.sum(dim=(1, 2)).clamp(min=1)
        placed = (wanted > slot) & enough & silhouette.any(dim=(1, 2))
        alpha, visible = alpha * placed[:, None, None, None], visible & placed[:, None, None]
        painted += seen_through * alpha * tints * (0.2 + 0.8 * shade)
        seen_through = seen_through * (1 - alpha)
        taken |= visible
        class_maps += visible * (item_labels[items] + 1).to(torch.uint8)[:, None, None]
        labels[:, slot] = torch.where(placed, item_labels[items], ABSENT)
        boxes[:, slot] = torch.where(placed[:, None], _tight_box(visible), 0)
    images = ((painted + seen_through * behind) * 255).round().float() / 255
    order = (labels == ABSENT).long().argsort(dim=1, stable=True)  # present objects first
    return images, boxes.gather(1, order[..., None].expand(-1, -1, 4)), labels.gather(1, order), class_maps


def _on_canvas(sources: Tensor, item_sides: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Each source (C, 2, 28, 28), resized to a random side, at a random whole-pixel place on a canvas, half flipped."""
    count = len(sources)
    least, greatest = item_sides
    sides = torch.randint(least, greatest + 1, (count, 1), generator=generator).double()
    corners = torch.rand(count, 2, generator=generator, dtype=torch.float64)
    corners = (corners * (SIDE - sides + 1)).floor()  # x, y of the upper left corner
    flip = torch.where(torch.rand(count, 1, generator=generator, dtype=torch.float64) < 0.5, -1.0, 1.0)
    centres = torch.arange(SIDE, dtype=torch.float64) + 0.5
    # A pixel of the canvas, in the item's own coordinates: -1 at its left or upper edge, 1 at its right or lower one.
    x, y = (2 * (centres - corners[:, [axis]]) / sides - 1 for axis in (0, 1))
    grid = torch.stack(torch.broadcast_tensors((flip * x)[:, None, :], y[:, :, None]), dim=-1)  # (C, 64, 64, 2)
    return F.grid_sample(sources, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _tight_box(mask: Tensor) -> Tensor:
    """The smallest box around each mask (C, H, W), as (C, 4) float32; zero where a mask is empty."""
    columns, rows = mask.any(dim=1).int(), mask.any(dim=2).int()  # (C, W), (C, H)
    first = torch.stack([columns.argmax(1), rows.argmax(1)], dim=1)
    last = torch.stack([filled.shape[1] - filled.flip(1).argmax(1) for filled in (columns, rows)], dim=1)
    return torch.cat([first, last], dim=1).float() * mask.any(dim=(1, 2))[:, None]
