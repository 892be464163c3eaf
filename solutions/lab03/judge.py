"""Hidden tests of lab 03, Detection. Points per exercise are those of the notebook's checks."""

import contextlib
import io

import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor
from torchvision import ops

from course_tools.grader.judge.hidden_tests import draw, expect_tensor, hidden_test, pick
from course_utils.compare import same


def _uniform(generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def _boxes(generator, *shape: int, side: float = 64) -> Tensor:
    """Boxes (*shape, 4) inside a picture, with sides between a sixth and a half of the picture's."""
    sides = side * (1 / 6 + _uniform(generator, *shape, 2) / 3)
    corner = _uniform(generator, *shape, 2) * (side - sides)
    return torch.cat([corner, corner + sides], dim=-1)


def _tensor(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


@hidden_test("check_iou", points=1, hint="the numbers of boxes may differ, and boxes may have negative coordinates")
def iou_of_random_boxes(student, generator):
    for many, others in ((30, 40), (1, 7), (5, 1)):
        a, b = _boxes(generator, many) - 20, _boxes(generator, others) - 20
        same(student.iou(a, b), ops.box_iou(a, b), "iou")
    one, two = a.float(), b.float()
    same(student.iou(one, two), ops.box_iou(one, two), "iou of float32 boxes")


@hidden_test("check_iou", points=1, hint="boxes without area, touching, identical, of any unit, and no boxes at all")
def iou_at_the_edge(student, generator):
    square, touching, corner = [0, 0, 8, 8], [8, 0, 16, 8], [8, 8, 12, 12]
    point, line, inside = [3, 3, 3, 3], [1, 4, 7, 4], [2, 2, 4, 6]
    a = _tensor(square, touching, corner, point, line, inside)
    right = ops.box_iou(a, a).nan_to_num(0)
    same(student.iou(a, a), right, "iou of degenerate boxes")
    tiny = 1e-3 * _boxes(generator, 6, side=1)
    same(student.iou(tiny, tiny), ops.box_iou(tiny, tiny), "iou of boxes in shares of a picture")
    same(student.iou(a, a[:0]), torch.zeros(6, 0), "iou with no boxes")
    same(student.iou(a[:0], a[:2]), torch.zeros(0, 2), "iou of no boxes")


@hidden_test("check_iou", points=1, hint="index from the end, so that what stands before is kept")
def iou_with_leading_dimensions(student, generator):
    for leading in ((3,), (1,), (2, 3)):
        a, b = _boxes(generator, *leading, 4), _boxes(generator, *leading, 5)
        pairs = zip(a.reshape(-1, 4, 4), b.reshape(-1, 5, 4), strict=True)
        right = torch.stack([ops.box_iou(*pair) for pair in pairs]).reshape(*leading, 4, 5)
        same(student.iou(a, b), right, f"iou of {leading} times 4 and 5 boxes")


def _survivors(boxes: Tensor, scores: Tensor, threshold: float, labels: Tensor | None = None) -> Tensor:
    """Indices of the boxes that greedy suppression keeps."""
    overlap = ops.box_iou(boxes, boxes).nan_to_num(0)
    kept: list[int] = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k].item()):  # sorted is stable
        rivals = [j for j in kept if labels is None or labels[j] == labels[k]]
        if not (overlap[k, rivals] > threshold).any():
            kept.append(k)
    return torch.tensor(kept, dtype=torch.int64)


@hidden_test("check_nms", points=1, hint="several thresholds, many boxes; the order of the answer counts, too")
def nms_of_random_boxes(student, generator):
    for threshold in (0.2, 0.5, 0.7):
        boxes, scores = _boxes(generator, 40), _uniform(generator, 40)
        right = _survivors(boxes, scores, threshold)
        same(student.nms(boxes, scores, threshold), right, f"nms at {threshold}", tolerance=0)


@hidden_test("check_nms", points=1, hint="equal scores, equal boxes, an IoU equal to the threshold, one box, no box")
def nms_at_the_edge(student, generator):
    for threshold in (0.3, 0.5):
        boxes = _boxes(generator, 30, side=24).round()
        boxes = torch.cat([boxes, boxes])
        scores = (4 * _uniform(generator, 60)).round()
        right = _survivors(boxes, scores, threshold)
        same(student.nms(boxes, scores, threshold), right, "nms with equal scores", tolerance=0)
    same(student.nms(boxes[:1], scores[:1], 0.5), torch.tensor([0]), "nms of one box", tolerance=0)
    expect_tensor(student.nms(boxes[:0], scores[:0], 0.5), (0,), "nms of no box")
    identical = boxes[:1].expand(5, 4).clone()
    same(student.nms(identical, torch.ones(5), 0.5), torch.tensor([0]), "nms of identical boxes", tolerance=0)
    same(student.nms(identical, torch.ones(5), 1.0), torch.arange(5), "nms at threshold 1", tolerance=0)
    halves = _tensor([0, 0, 8, 8], [0, 0, 8, 4], [8, 0, 16, 8])
    scores = torch.tensor([0.2, -0.5, 0.1])
    same(student.nms(halves, scores, 0.5), torch.tensor([0, 2, 1]), "an IoU equal to the threshold", tolerance=0)
    same(student.nms(halves, scores, 0.0), torch.tensor([0, 2]), "nms at threshold 0", tolerance=0)


@hidden_test("check_nms", points=1, hint="boxes of two classes never meet, wherever they lie")
def nms_by_class(student, generator):
    for shift, classes in ((0, 3), (-500, 2), (-40, 5)):
        boxes, scores = _boxes(generator, 50) + shift, _uniform(generator, 50)
        labels = torch.randint(classes, (50,), generator=generator)
        right = _survivors(boxes, scores, 0.4, labels)
        same(student.nms(boxes, scores, 0.4, labels), right, f"nms of {classes} classes", tolerance=0)
        same(student.nms(boxes, scores, 0.4), _survivors(boxes, scores, 0.4), "nms without labels", tolerance=0)


def _verdicts(boxes: Tensor, truth: Tensor, threshold: float) -> list[bool]:
    """COCO's matching: each detection takes the free object that it overlaps best."""
    free, right = set(range(len(truth))), []
    overlap = ops.box_iou(boxes, truth)
    for row in overlap:
        best = max(free, key=lambda m: row[m].item(), default=None)
        right.append(best is not None and row[best].item() >= threshold)
        if right[-1]:
            free.remove(best)
    return right


def _near(generator, truth: Tensor, count: int, spread: float = 3) -> Tensor:
    """`count` boxes near random ones of truth."""
    which = torch.randint(len(truth), (count,), generator=generator)
    return truth[which] + spread * draw(generator, count, 4)


@hidden_test("check_average_precision", points=1.5, hint="each object is taken once, and only free ones count")
def true_positives_of_random_detections(student, generator):
    for threshold in (0.3, 0.5, 0.75):
        for objects, detections in ((1, 4), (5, 1), (6, 25), (9, 40)):
            truth = _boxes(generator, objects)
            boxes = _near(generator, truth, detections)
            right = torch.tensor(_verdicts(boxes, truth, threshold)).int()
            what = f"true positives, {detections} detections of {objects} objects"
            same(student.true_positives(boxes, truth, threshold), right, what, tolerance=0)


@hidden_test("check_average_precision", points=1, hint="no objects, no detections, second detections, an IoU just met")
def true_positives_at_the_edge(student, generator):
    truth = _tensor([0, 0, 8, 8], [20, 0, 28, 8])
    half = _tensor([0, 0, 8, 4], [20, 0, 28, 8], [20, 0, 28, 8], [0, 0, 8, 8])
    same(
        student.true_positives(half, truth, 0.5), torch.tensor([1, 1, 0, 0]), "IoU equal to the threshold", tolerance=0
    )
    same(student.true_positives(half, truth, 0.55), torch.tensor([0, 1, 0, 1]), "IoU below the threshold", tolerance=0)
    same(student.true_positives(half, truth[:0], 0.5), torch.zeros(4), "no objects", tolerance=0)
    same(student.true_positives(half[:0], truth, 0.5), torch.zeros(0), "no detections", tolerance=0)
    close = _tensor([0, 0, 8, 8], [2, 0, 10, 8])
    pair = _tensor([0, 0, 8, 8], [0.5, 0, 8.5, 8], [2, 0, 10, 8])
    right = torch.tensor([1, 1, 0])
    same(student.true_positives(pair, close, 0.5), right, "an object that is taken leaves the next best", tolerance=0)
    pair = _tensor([2, 0, 10, 8], [-2, 0, 6, 8])
    same(student.true_positives(pair, close, 0.5), torch.ones(2), "the best object, not the first", tolerance=0)


def _mark(scores: Tensor, right: Tensor, objects: int) -> float:
    """Average precision, reading by reading."""
    order = sorted(range(len(scores)), key=lambda d: -scores[d].item())
    found, points = 0, []
    for place, d in enumerate(order, start=1):
        found += int(right[d])
        points.append((found / objects, found / place))
    readings = [max((p for r, p in points if r >= k / 100), default=0.0) for k in range(101)]
    return sum(readings) / 101


# Numbers of objects that share no factor with 100: then no recall but 0 and 1 falls on a reading, and the rounding of
# the readings does not matter.
OBJECTS = (1, 3, 7, 13, 21)


@hidden_test(
    "check_average_precision", points=1.5, hint="scores come in any order and may be equal; recall may end early"
)
def average_precision_of_random_verdicts(student, generator):
    for objects in OBJECTS:
        for digits in (1, 100):
            count = objects + pick(generator, 3, 20)
            right = torch.zeros(count, dtype=torch.bool)
            right[torch.randperm(count, generator=generator)[: pick(generator, 1, objects)]] = True
            scores = (digits * _uniform(generator, count)).round() / digits
            came = student.average_precision(scores, right, objects)
            same(came, _mark(scores, right, objects), f"average precision of {objects} objects")
    scores, all_right = _uniform(generator, 7), torch.ones(7, dtype=torch.bool)
    same(student.average_precision(scores, all_right, 7), 1.0, "all right, all found")
    same(student.average_precision(scores, ~all_right, 7), 0.0, "nothing right")
    same(student.average_precision(scores[:0], all_right[:0], 7), 0.0, "no detections")
    same(student.average_precision(scores[:1], all_right[:1], 1), 1.0, "one detection of one object")


def _rows(pictures: list[Tensor], scores: list[Tensor] | None = None) -> list[dict]:
    """What pycocotools reads: a row for each box, x y width height."""
    rows = []
    for picture, boxes in enumerate(pictures):
        for k, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            size = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
            rows.append({"id": len(rows) + 1, "image_id": picture, "category_id": 1, **size})
            if scores is not None:
                rows[-1]["score"] = scores[picture][k].item()
    return rows


def _coco(truth: list[Tensor], boxes: list[Tensor], scores: list[Tensor], threshold: float) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        pictures = [{"id": k} for k in range(len(truth))]
        coco.dataset = {"info": {}, "images": pictures, "annotations": _rows(truth), "categories": [{"id": 1}]}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(_rows(boxes, scores)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    at = int(((threshold - 0.5) / 0.05) + 0.5)
    return float(evaluation.eval["precision"][at, :, 0, 0, -1].mean())


@hidden_test(
    "check_average_precision", points=1, hint="both functions together, over several pictures, as COCO does it"
)
def average_precision_is_that_of_coco(student, generator):
    counts = (3, 1, 0, 5, 4)  # 13 objects
    truth = [_boxes(generator, count) for count in counts]
    boxes = [
        torch.cat([_boxes(generator, 4), *([_near(generator, each, 9, 2)] if len(each) else [])]) for each in truth
    ]
    scores = [(10 * _uniform(generator, len(each))).round().sort(descending=True).values / 10 for each in boxes]
    for threshold in (0.5, 0.75):
        right = [
            expect_tensor(student.true_positives(*pair, threshold), (len(pair[0]),), "true positives")
            for pair in zip(boxes, truth, strict=True)
        ]
        came = student.average_precision(torch.cat(scores), torch.cat(right), sum(counts))
        same(came, _coco(truth, boxes, scores, threshold), "average precision over five pictures")


def _bilinear(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """A hat of width two around each point: weights over rows times weights over columns."""

    def weights(at: Tensor, length: int) -> Tensor:
        hat = 1 - (at.clamp(0, length - 1)[:, None] - torch.arange(length)).abs()
        return hat.clamp(min=0) * ((at >= -1) & (at <= length))[:, None]  # (P, length)

    return torch.einsum("ph,chw,pw->cp", weights(y, features.shape[1]), features, weights(x, features.shape[2]))


@hidden_test("check_roi_align", points=1, hint="maps need not be square, and points may lie exactly on a cell")
def bilinear_inside_the_map(student, generator):
    for channels, height, width in ((3, 6, 9), (1, 8, 5)):
        features = draw(generator, channels, height, width)
        y, x = (_uniform(generator, 40) * (length - 1) for length in (height, width))
        same(student.bilinear(features, y, x), _bilinear(features, y, x), "bilinear")
    y, x = (each.flatten().double() for each in torch.meshgrid(torch.arange(8), torch.arange(5), indexing="ij"))
    same(student.bilinear(features, y, x), features.flatten(1), "bilinear at the cells")


@hidden_test("check_roi_align", points=1, hint="up to one cell outside the border counts, farther away reads 0")
def bilinear_at_the_border(student, generator):
    for channels, height, width in ((2, 4, 7), (1, 1, 1), (3, 1, 6)):
        features = draw(generator, channels, height, width)
        y = torch.cat(
            [_tensor([-0.5, -0.99, -1.01, height - 0.5, height - 0.01, height + 0.01, -3, height + 9])[0]] * 8
        )
        x = _tensor([-0.5, -0.99, -1.01, width - 0.5, width - 0.01, width + 0.01, 0, width + 9])[0].repeat_interleave(8)
        same(student.bilinear(features, y, x), _bilinear(features, y, x), "bilinear at the border")
        y, x = _tensor([-1, height, 0, height, 0])[0], _tensor([0, 0, width, -1, -1])[0]
        what = "bilinear exactly one cell outside"
        same(student.bilinear(features, y, x), _bilinear(features, y, x), what)


@hidden_test("check_roi_align", points=2, hint="scale, half a cell, bins and samples; x runs over columns, y over rows")
def roi_align_of_random_boxes(student, generator):
    for size, scale, samples in ((2, 0.25, 2), (3, 0.5, 1), (5, 0.125, 3), (1, 1.0, 4)):
        height, width = pick(generator, 6, 9), pick(generator, 11, 14)
        features = draw(generator, pick(generator, 2, 4), height, width)
        boxes = _boxes(generator, 6, side=height / scale)
        boxes[:, [0, 2]] *= width / height
        right = ops.roi_align(features[None], [boxes], size, scale, samples, aligned=True)
        same(student.roi_align(features, boxes, size, scale, samples), right, "roi_align")
    right = ops.roi_align(features[None], [boxes], 2, 1.0, 2, aligned=True)
    same(student.roi_align(features, boxes, 2), right, "the scale and samples that nobody named")


@hidden_test("check_roi_align", points=1, hint="no box, one channel, a box without area, over the border, outside")
def roi_align_at_the_edge(student, generator):
    features = draw(generator, 1, 7, 10)
    boxes = _tensor([-30, -9, 70, 44], [12, 9, 12, 9], [5, 3, 5, 20], [400, 400, 440, 430], [-4, 10, 8, 40])
    right = ops.roi_align(features[None], [boxes], 3, 0.25, 2, aligned=True)
    same(student.roi_align(features, boxes, 3, 0.25), right, "roi_align of unusual boxes")
    same(student.roi_align(features, boxes[:1], 3, 0.25), right[:1], "roi_align of one box")
    same(student.roi_align(features, boxes[:0], 3, 0.25), torch.zeros(0, 1, 3, 3), "roi_align of no box")
    cotangents = draw(generator, 5, 1, 3, 3)
    wanted = features.clone().requires_grad_()
    outputs = ops.roi_align(wanted[None], [boxes], 3, 0.25, 2, aligned=True)
    (right,) = torch.autograd.grad(outputs, wanted, cotangents)
    options = {"boxes": boxes, "size": 3, "spatial_scale": 0.25}
    _, (came,) = student.gradient("roi_align", features, cotangents=cotangents, **options)
    same(came, right, "gradient in the features")


def _anchors(sides: list, ratios: list, height: int, width: int, stride: float) -> Tensor:
    rows = []
    for row in range(height):
        for column in range(width):
            x, y = (column + 0.5) * stride, (row + 0.5) * stride
            for ratio in ratios:
                for side in sides:
                    w, h = side / ratio**0.5, side * ratio**0.5
                    rows.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return _tensor(*rows)


@hidden_test("check_grid_anchors", points=1, hint="the ratio is height over width, and the area does not depend on it")
def anchors_at_one_position(student, generator):
    for ratio in (1, 0.5, 3, 2.25):
        side = pick(generator, 5, 40)
        same(student.grid_anchors([side], [ratio], 1, 1, 16), _anchors([side], [ratio], 1, 1, 16), "one anchor")


@hidden_test("check_grid_anchors", points=1, hint="the map need not be square, and the centre is the position's middle")
def anchors_over_a_map(student, generator):
    for height, width, stride in ((3, 5, 8), (4, 1, 16), (1, 6, 4), (2, 3, 6.4)):
        right = _anchors([20], [1], height, width, stride)
        same(student.grid_anchors([20], [1], height, width, stride), right, "squares over a map")


@hidden_test("check_grid_anchors", points=1, hint="sides run fastest, then ratios, then columns, then rows")
def anchors_in_order(student, generator):
    for sides, ratios in (([16, 28], [0.5, 1, 2]), ([32, 8.5, 70], [2, 0.3]), ([9], [1, 2, 3, 4]), ([64, 16], [1.5])):
        height, width = pick(generator, 2, 3), pick(generator, 4, 5)
        right = _anchors(sides, ratios, height, width, 8)
        what = f"{len(sides)} sides and {len(ratios)} ratios"
        same(student.grid_anchors(sides, ratios, height, width, 8), right, what)


def _targets(boxes: Tensor, labels: Tensor, grid: int, side: float, classes: int, per_cell: int = 2) -> Tensor:
    """The target, one object at a time."""
    target = torch.zeros(len(boxes), grid, grid, 5 * per_cell + classes, dtype=torch.float64)
    for n, m in (labels >= 0).nonzero().flip(0).tolist():  # the earlier object is written last
        x1, y1, x2, y2 = boxes[n, m].tolist()
        x, y = (x1 + x2) / 2 * grid / side, (y1 + y2) / 2 * grid / side
        column, row = min(int(x), grid - 1), min(int(y), grid - 1)
        box = [x - column, y - row, ((x2 - x1) / side) ** 0.5, ((y2 - y1) / side) ** 0.5, 1]
        kind = [float(k == labels[n, m]) for k in range(classes)]
        target[n, row, column] = torch.tensor([*box * per_cell, *kind], dtype=torch.float64)
    return target


def _objects(generator, pictures: int, most: int, classes: int, side: float = 64) -> tuple[Tensor, Tensor]:
    """Boxes (N, M, 4) and labels (N, M), about a third of them absent, in any place."""
    labels = torch.randint(classes, (pictures, most), generator=generator)
    absent = _uniform(generator, pictures, most) < 0.3
    return _boxes(generator, pictures, most, side=side), labels.where(~absent, -1)


@hidden_test("check_yolo", points=1.5, hint="rows before columns, any grid, any number of boxes in a cell and classes")
def targets_of_random_boxes(student, generator):
    for pictures, most, grid, side, classes, per_cell in (
        (3, 4, 8, 64, 10, 2),
        (2, 3, 7, 100, 3, 1),
        (1, 2, 5, 64, 4, 3),
    ):
        boxes, labels = _objects(generator, pictures, most, classes, side)
        labels[:, 0] = pick(generator, 0, classes - 1)
        right = _targets(boxes, labels, grid, side, classes, per_cell)
        came = student.encode_targets(boxes, labels, grid, side, classes, per_cell)
        same(came, right, f"targets of {pictures} pictures")
    boxes, labels = _objects(generator, 2, 3, 6)
    right = _targets(boxes, labels, 8, 64, 6)
    same(student.encode_targets(boxes, labels, 8, 64, 6), right, "boxes per cell that nobody named")


@hidden_test("check_yolo", points=1.5, hint="a shared cell, no object, centres on a line between cells or on the edge")
def targets_at_the_edge(student, generator):
    boxes, labels = _objects(generator, 3, 6, 5)
    right = _targets(boxes, labels, 2, 64, 5)
    same(student.encode_targets(boxes, labels, 2, 64, 5), right, "targets of a crowd")
    none = torch.full((3, 6), -1)
    same(student.encode_targets(boxes, none, 4, 64, 5), torch.zeros(3, 4, 4, 15), "targets without objects")
    same(student.encode_targets(boxes[:, :0], none[:, :0], 4, 64, 5), torch.zeros(3, 4, 4, 15), "targets of no rows")
    on_lines = _tensor([8, 8, 24, 24], [40, 0, 56, 16], [60, 60, 68, 68], [60, 20, 68, 28], [16, 60, 24, 68])[None]
    labels = torch.tensor([[0, 1, 2, 0, 1]])
    right = _targets(on_lines, labels, 4, 64, 3)
    same(student.encode_targets(on_lines, labels, 4, 64, 3), right, "targets of centres on lines")
    point = _tensor([20, 20, 20, 20])[None]
    right = _targets(point, labels[:, :1], 4, 64, 3)
    same(student.encode_targets(point, labels[:, :1], 4, 64, 3), right, "target of a box without area")


def _terms(
    out: Tensor, target: Tensor, side: float, per_cell: int = 2, coord: float = 5.0, noobj: float = 0.5
) -> Tensor:
    """The five sums, one box at a time."""
    sums = [out.new_zeros(()) for _ in range(5)]
    pictures, grid = out.shape[:2]

    def box(numbers: Tensor, row: int, column: int) -> Tensor:
        x, y = (column + numbers[0]) * side / grid, (row + numbers[1]) * side / grid
        w, h = numbers[2] ** 2 * side, numbers[3] ** 2 * side
        return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2])[None]

    for n, row, column in torch.cartesian_prod(torch.arange(pictures), *[torch.arange(grid)] * 2).tolist():
        guess, right = out[n, row, column], target[n, row, column]
        parts = [guess[5 * j : 5 * j + 5] for j in range(per_cell)]
        best = None
        if right[4] > 0:
            truth = box(right, row, column)
            overlaps = [ops.box_iou(box(part.detach(), row, column), truth).nan_to_num(0).item() for part in parts]
            best = overlaps.index(max(overlaps))
            sums[4] = sums[4] + (guess - right)[5 * per_cell :].square().sum()
        for j, part in enumerate(parts):
            if j != best:
                sums[3] = sums[3] + noobj * part[4] ** 2
                continue
            sums[0] = sums[0] + coord * (part[:2] - right[:2]).square().sum()
            sums[1] = sums[1] + coord * (part[2:4] - right[2:4]).square().sum()
            sums[2] = sums[2] + (part[4] - overlaps[j]) ** 2
    return torch.stack(sums) / pictures


def _output(generator, target: Tensor) -> Tensor:
    return 0.2 + 0.6 * _uniform(generator, *target.shape)


def _same_terms(came: object, right: Tensor, what: str) -> None:
    """Each term by itself, so that the greatest does not hide an error of the smallest."""
    terms = expect_tensor(came, (5,), what)
    for name, term, expected in zip(("place", "size", "object", "empty", "class"), terms, right, strict=True):
        same(term, expected, f"{what}, {name}")


@hidden_test("check_yolo", points=2, hint="any grid and number of boxes in a cell, and other weights than 5 and 0.5")
def loss_of_random_outputs(student, generator):
    for pictures, grid, per_cell, weights in ((3, 4, 2, {}), (2, 5, 3, {"coord": 2.0}), (1, 3, 1, {"noobj": 0.3})):
        boxes, labels = _objects(generator, pictures, 4, 6)
        labels[0, 0] = 1
        target = _targets(boxes, labels, grid, 64, 6, per_cell)
        out = _output(generator, target)
        came = student.yolo_terms(out, target, 64, per_cell, **weights)
        _same_terms(came, _terms(out, target, 64, per_cell, **weights), f"loss with {per_cell} boxes in a cell")
    target = _targets(boxes, labels, 3, 64, 6)
    out = _output(generator, target)
    _same_terms(student.yolo_terms(out, target, 64), _terms(out, target, 64), "loss, boxes per cell not named")


@hidden_test("check_yolo", points=1, hint="no objects, equal IoUs, and what no gradient may flow through")
def loss_at_the_edge(student, generator):
    boxes, labels = _objects(generator, 2, 3, 4)
    labels[0, 0] = 2
    empty = torch.zeros(2, 4, 4, 14, dtype=torch.float64)
    out = _output(generator, empty)
    _same_terms(student.yolo_terms(out, empty, 64), _terms(out, empty, 64), "loss without objects")
    target = _targets(boxes, labels, 4, 64, 4)
    out[..., 5:9] = out[..., :4]  # both boxes of a cell alike: the first is responsible
    _same_terms(student.yolo_terms(out, target, 64), _terms(out, target, 64), "loss with equal boxes")
    out = _output(generator, target)
    cotangents = _uniform(generator, 5)
    wanted = out.clone().requires_grad_()
    (right,) = torch.autograd.grad(_terms(wanted, target, 64), wanted, cotangents)
    _, (came,) = student.gradient("yolo_terms", out, cotangents=cotangents, target=target, side=64)
    same(came, right, "gradient in the output")
