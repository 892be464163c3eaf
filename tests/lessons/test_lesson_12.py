"""The parts of detectors that lesson 12 writes out: equal to torchvision and pycocotools; mistakes are caught."""

import contextlib
import io
import math

import numpy as np
import pytest
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision import ops
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "12_rcnn_to_faster.ipynb")
globals_of_lesson = lesson.iou.__globals__
globals_of_lesson |= {"generator": torch.Generator().manual_seed(0), "SIDE": 64, "CLASSES": 10, "PIXELS": 64 * 64}

QUARTERS = st.integers(0, 40).map(lambda value: value / 4)
BOX = st.tuples(QUARTERS, QUARTERS, QUARTERS, QUARTERS)  # often touching, identical or without area
BOXES = st.lists(BOX, max_size=12)


def as_boxes(corners) -> torch.Tensor:
    """Boxes (K, 4) in float64 from any two corners each."""
    corners = torch.tensor(corners, dtype=torch.float64).reshape(-1, 2, 2)
    return torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)


@given(BOXES, BOXES)
def test_iou_is_torchvisions_and_zero_where_that_is_nan(first, second):
    a, b = as_boxes(first), as_boxes(second)
    assert torch.allclose(lesson.iou(a, b), ops.box_iou(a, b).nan_to_num(0), rtol=0, atol=1e-12)


def test_iou_takes_batches():
    a, b = lesson.random_boxes(3, 5), lesson.random_boxes(3, 7)
    assert torch.equal(lesson.iou(a, b), torch.stack([lesson.iou(x, y) for x, y in zip(a, b, strict=True)]))


@given(BOXES)
def test_centre_form_and_edge_form_are_inverse(corners):
    boxes = as_boxes(corners)
    assert torch.allclose(lesson.edges(lesson.centred(boxes)), boxes, atol=1e-12)


def keeps_the_same(function, boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> bool:
    """Whether `function` keeps the boxes that torchvision keeps, in its order."""
    return function(boxes, scores, threshold).tolist() == ops.nms(boxes, scores, threshold).tolist()


def suppression_cases() -> list[tuple[torch.Tensor, torch.Tensor, float]]:
    """Crowded boxes with equal scores, and two with an IoU of exactly the threshold."""
    at_threshold = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 5]], dtype=torch.float64)
    cases = [(at_threshold, torch.tensor([1.0, 0.0], dtype=torch.float64), 0.5)]
    for count in range(10, 50):
        corners = torch.rand(count, 4, generator=torch.Generator().manual_seed(count), dtype=torch.float64)
        boxes = torch.cat([5 * corners[:, :2], 10 + 5 * corners[:, 2:]], dim=1)
        cases.append((boxes, (boxes[:, 0] * 7 % 4).floor(), 0.6))
    return cases


def in_small_blocks(boxes, scores, threshold):
    return lesson.nms(boxes, scores, threshold, block=3)


SUPPRESSIONS = (lesson.nms, lesson.nms_loop, in_small_blocks)


@settings(max_examples=60)
@given(st.lists(st.tuples(BOX, st.integers(0, 3)), max_size=25), st.sampled_from([0.25, 0.5, 0.75]))
def test_suppression_is_torchvisions_for_touching_identical_and_empty_boxes(cases, threshold):
    boxes = as_boxes([box for box, _ in cases])
    scores = torch.tensor([score for _, score in cases], dtype=torch.float64)
    assert all(keeps_the_same(function, boxes, scores, threshold) for function in SUPPRESSIONS)


@pytest.mark.parametrize("function", SUPPRESSIONS)
def test_suppression_is_torchvisions_in_a_crowd(function):
    assert all(keeps_the_same(function, *case) for case in suppression_cases())


def with_the_later_of_equal_scores(boxes, scores, threshold):
    return len(boxes) - 1 - lesson.nms(boxes.flip(0), scores.flip(0), threshold)


def that_throws_out_at_the_threshold_too(boxes, scores, threshold):
    return lesson.nms(boxes, scores, threshold - 1e-9)


def in_one_round(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    over = (lesson.iou(boxes[order], boxes[order]) > threshold).triu(diagonal=1)
    return order[~over.any(dim=0)]  # a box that was itself suppressed still suppresses


@pytest.mark.parametrize(
    "mistake", [with_the_later_of_equal_scores, that_throws_out_at_the_threshold_too, in_one_round]
)
def test_a_wrong_suppression_is_caught(mistake):
    assert not all(keeps_the_same(mistake, *case) for case in suppression_cases())


def test_survivors_of_a_batch_are_those_of_each_picture():
    boxes = lesson.random_boxes(4, 30)
    each = torch.stack([lesson.survivors(its, 0.3) for its in boxes])
    assert torch.equal(lesson.survivors(boxes, 0.3), each) and not each.all()


def pycocotools_precision(guesses: list[dict], truth: list[dict]) -> np.ndarray:
    """AP (10 thresholds, 3 classes) by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": index} for index in range(len(truth))],
            "annotations": lesson.records(truth, False),
            "categories": [{"id": label} for label in range(3)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(lesson.records(guesses, True)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, :, 0, -1].mean(axis=1)


def ap_gap(seed: int, average_precision=None) -> float:
    """Greatest difference of 30 values to pycocotools on random detections, near the objects and of few scores."""
    generator = torch.Generator().manual_seed(seed)
    kept = {name: globals_of_lesson[name] for name in ("generator", "average_precision")}
    globals_of_lesson["generator"] = generator
    if average_precision is not None:
        globals_of_lesson["average_precision"] = average_precision
    try:
        truth, guesses = lesson.random_detections(8, 6, 3), lesson.random_detections(8, 80, 3)
        for real, guess in zip(truth, guesses, strict=True):
            count = min(len(real["boxes"]), len(guess["boxes"]))
            shift = 2 * torch.randn(count, 4, generator=generator, dtype=torch.float64)
            guess["boxes"][:count], guess["labels"][:count] = real["boxes"][:count] + shift, real["labels"][:count]
        thresholds = np.linspace(0.5, 0.95, 10)
        ours = [[lesson.class_average_precision(guesses, truth, k, t) for k in range(3)] for t in thresholds]
        return float(np.abs(np.array(ours) - pycocotools_precision(guesses, truth)).max())
    finally:
        globals_of_lesson.update(kept)


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_pycocotools(seed):
    assert ap_gap(seed) < 1e-9


SCORED = st.lists(st.tuples(BOX, st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=10)
LABELLED = st.lists(st.tuples(BOX, st.integers(0, 2)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SCORED, LABELLED), min_size=1, max_size=3))
def test_average_precision_is_pycocotools_for_touching_identical_and_empty_boxes(pictures):
    guesses, truth = [], []
    for scored, labelled in pictures:
        boxes, labels, scores = zip(*scored, strict=True)
        guesses.append({"boxes": as_boxes(boxes), "labels": torch.tensor(labels), "scores": torch.tensor(scores) / 4})
        labels = torch.tensor([label for _, label in labelled], dtype=torch.int64)
        boxes = as_boxes([box for box, _ in labelled])
        truth.append({"boxes": boxes, "labels": labels, "scores": torch.ones(len(boxes))})
    theirs = pycocotools_precision(guesses, truth)  # -1 for a class without an object
    for label in range(3):
        if any((real["labels"] == label).any() for real in truth):
            ours = [lesson.class_average_precision(guesses, truth, label, t) for t in np.linspace(0.5, 0.95, 10)]
            assert np.allclose(ours, theirs[:, label], rtol=0, atol=1e-9)


def without_filled_teeth(scores, right, objects, points=101):
    precision, recall = lesson.precision_recall(scores, right, objects)
    at = torch.searchsorted(recall, torch.from_numpy(np.linspace(0, 1, points)))
    return float(torch.cat([precision, precision.new_zeros(1)])[at].mean())


def over_the_whole_area(scores, right, objects, points=101):
    return lesson.average_precision(scores, right, objects, points=None)


@pytest.mark.parametrize("mistake", [without_filled_teeth, over_the_whole_area])
def test_another_average_precision_is_caught(mistake):
    assert ap_gap(0, mistake) > 1e-4


def test_a_second_box_on_one_object_is_a_false_positive():
    box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    assert lesson.true_positives(box.repeat(3, 1), box, 0.5).tolist() == [True, False, False]
    assert lesson.true_positives(box, box[:0], 0.5).tolist() == [False]


def pooling_case(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A map and 2 × 40 boxes, some across the border, outside, upside down, without area, on half cells."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 3, 9, 12, generator=generator, dtype=torch.float64)
    corner = 70 * torch.rand(2, 40, 2, generator=generator, dtype=torch.float64) - 12
    boxes = torch.cat([corner, corner + 40 * torch.rand(2, 40, 2, generator=generator, dtype=torch.float64)], dim=-1)
    boxes[:, 0] = boxes[:, 0, [2, 3, 0, 1]]
    boxes[:, 1, 2:] = boxes[:, 1, :2]
    boxes[:, 2] += 900
    boxes[:, 3:15] = (boxes[:, 3:15] / 2).round() * 2
    return maps, boxes


def align_gap(function=lesson.roi_align) -> float:
    """Greatest difference to torchvision's RoIAlign over settings."""
    gaps = []
    for seed, (ratio, aligned) in enumerate([(-1, True), (0, False), (1, True), (2, True), (2, False), (3, True)]):
        maps, boxes = pooling_case(seed)
        ours = function(maps, boxes, 4, 0.25, ratio, aligned).flatten(0, 1)
        gaps.append((ours - ops.roi_align(maps, list(boxes), 4, 0.25, ratio, aligned)).abs().max().item())
    return max(gaps)


def test_roi_align_is_torchvisions():
    assert align_gap() < 1e-12


@pytest.mark.parametrize("half", [0.25, -0.5])
def test_a_roi_align_that_is_moved_is_caught(half):
    assert align_gap(lambda maps, boxes, *rest: lesson.roi_align(maps, boxes + half, *rest)) > 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_roi_pooling_is_torchvisions(seed):
    maps, boxes = pooling_case(seed)
    ours = lesson.roi_pool(maps, boxes, 4, 0.25).flatten(0, 1)
    assert torch.equal(ours, ops.roi_pool(maps, list(boxes), 4, 0.25))


@settings(max_examples=60, deadline=None)
@given(BOXES, st.sampled_from([0.25, 0.5, 1.0]), st.integers(1, 5))
def test_pooling_is_torchvisions_for_touching_identical_and_empty_boxes(corners, scale, size):
    maps, boxes = pooling_case(0)[0][:1], as_boxes(corners)[None]
    assert torch.equal(lesson.roi_pool(maps, boxes, size, scale)[0], ops.roi_pool(maps, list(boxes), size, scale))
    for ratio, aligned in ((-1, True), (2, True), (2, False)):
        ours = lesson.roi_align(maps, boxes, size, scale, ratio, aligned)[0]
        theirs = ops.roi_align(maps, list(boxes), size, scale, ratio, aligned)
        assert ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_roi_pooling_with_half_to_even_is_caught():
    kept = globals_of_lesson["rounded"]
    globals_of_lesson["rounded"] = torch.round
    try:
        maps, boxes = pooling_case(0)
        assert not torch.equal(
            lesson.roi_pool(maps, boxes, 4, 0.25).flatten(0, 1), ops.roi_pool(maps, list(boxes), 4, 0.25)
        )
    finally:
        globals_of_lesson["rounded"] = kept


def test_roi_align_passes_gradients_to_the_map_like_torchvision():
    maps, boxes = pooling_case(5)
    ours, theirs = maps.clone().requires_grad_(), maps.clone().requires_grad_()
    lesson.roi_align(ours, boxes, 4, 0.25).square().sum().backward()
    ops.roi_align(theirs, list(boxes), 4, 0.25, 2, True).square().sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-12)


def test_a_pyramid_is_three_poolings():
    maps, boxes = torch.randn(1, 2, 16, 16, dtype=torch.float64), 0.9 * lesson.random_boxes(1, 20)
    each = torch.stack([lesson.spatial_pyramid(maps[0], box) for box in boxes[0]])
    assert torch.equal(lesson.fast_pyramid(maps, boxes)[0], each)


def test_offsets_are_torchvisions_and_lead_back():
    boxes, references = lesson.random_boxes(2, 200)
    offsets = lesson.encode(boxes, references)
    assert torch.allclose(offsets, BoxCoder((1.0, 1.0, 1.0, 1.0)).encode_single(boxes, references), atol=1e-12)
    assert torch.allclose(lesson.decode(offsets, references), boxes, atol=1e-9)


def test_a_wild_offset_stays_finite():
    assert lesson.decode(torch.tensor([[0.0, 0.0, 1e4, 1e4]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])).isfinite().all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([4, 8, 16]), st.tuples(st.integers(1, 7), st.integers(1, 7)))
def test_anchors_are_torchvisions_but_for_rounding_and_place(stride, size):
    generate = AnchorGenerator(sizes=((32, 64),), aspect_ratios=((0.5, 1.0, 2.0),))
    height, width = stride * size[0], stride * size[1]
    pictures = ImageList(torch.zeros(1, 3, height, width), [(height, width)])
    theirs = generate(pictures, [torch.zeros(1, 1, *size)])[0].double()
    cell = lesson.cell_anchors((32, 64), (0.5, 1.0, 2.0))
    assert torch.equal(lesson.grid_anchors(cell.round(), *size, stride, offset=0), theirs)
    shifted = lesson.grid_anchors(cell.round(), *size, stride)
    assert torch.equal(shifted, theirs + stride / 2)


def test_anchors_of_one_size_have_one_area():
    cell = lesson.cell_anchors((20,), (0.5, 1.0, 2.0))
    assert torch.allclose(lesson.area(cell), torch.full((3,), 400.0, dtype=torch.float64))


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Anchors (A, 4), objects (6, 4, 4) and labels (6, 4) with absent ones; the last scene has no object."""
    anchors = lesson.grid_anchors(lesson.cell_anchors((16, 28), (0.5, 1, 2)), 8, 8, 8)
    truth = lesson.random_boxes(6, 4)
    labels = torch.tensor([[1, 2, 3, 4], [5, -1, -1, -1], [0, 0, -1, -1], [9, 8, 7, -1], [3, 3, 3, 3], [-1] * 4])
    return anchors, truth * (labels >= 0)[..., None], labels


def test_anchor_targets_are_those_of_a_loop():
    anchors, truth, labels = scene()
    positive, negative, which = lesson.anchor_targets(anchors, truth, labels)
    for row in range(len(truth)):
        its = truth[row][labels[row] >= 0]
        overlap = ops.box_iou(anchors, its)
        wanted = (overlap >= 0.7).any(dim=1)
        for column in overlap.T:
            wanted |= column == column.max()
        assert torch.equal(positive[row], wanted)
        below = (overlap < 0.3).all(dim=1) & ~wanted
        assert torch.equal(negative[row], below)
        if len(its):
            assert torch.equal(which[row][wanted], overlap[wanted].argmax(dim=1))
    assert not positive[-1].any() and negative[-1].all()


def test_a_sample_is_of_the_wanted_size_and_at_most_half_positive():
    torch.manual_seed(0)
    positive = torch.rand(5, 300) < torch.tensor([0.0, 0.01, 0.1, 0.5, 0.9])[:, None]
    negative = ~positive & (torch.rand(5, 300) < 0.9)
    chosen, behind = lesson.sample(positive, negative, 32)
    assert not (chosen & ~positive).any() and not (behind & ~negative).any()
    assert (chosen.sum(dim=1) <= 16).all() and ((chosen | behind).sum(dim=1) <= 32).all()
    assert torch.equal(chosen.sum(dim=1), positive.sum(dim=1).clamp(max=16))
    again, _ = lesson.sample(positive, negative, 32)
    assert not torch.equal(chosen, again)


def test_class_targets_follow_the_best_object():
    truth = torch.tensor([[[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0], [0.0, 0.0, 0.0, 0.0]]])
    boxes = torch.tensor(
        [[[0.0, 0.0, 10.0, 6.0], [0.0, 0.0, 10.0, 4.0], [21.0, 20.0, 30.0, 30.0], [0.0, 0.0, 0.0, 0.0]]]
    )
    wanted, its = lesson.class_targets(boxes, truth, torch.tensor([[3, 0, -1]]))
    assert wanted.tolist() == [[4, 0, 1, 0]]
    assert its[0, 2].tolist() == [20.0, 20.0, 30.0, 30.0]


def test_padding_changes_no_loss():
    torch.manual_seed(0)
    truth, labels = lesson.random_boxes(2, 3).float(), torch.tensor([[1, 2, -1], [3, -1, -1]])
    truth = truth * (labels >= 0)[..., None]
    targets = {"boxes": truth, "labels": labels}
    boxes = torch.cat([truth + (labels >= 0)[..., None], lesson.random_boxes(2, 4).float()], dim=1)
    scores, offsets = torch.randn(2, 7, 11), torch.randn(2, 7, 4)

    def padded(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x.new_zeros(2, 5, *x.shape[2:])], dim=1)

    plain = lesson.region_losses(boxes, scores, offsets, targets)
    more = lesson.region_losses(padded(boxes), padded(scores) + 0.0, padded(offsets), targets)
    assert all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(plain, more, strict=True))


def test_selective_search_finds_two_plain_squares():
    picture = torch.full((3, 64, 64), 0.2)
    picture[0, 8:28, 8:28], picture[2, 30:58, 34:58] = 0.9, 0.9
    found = lesson.selective_search(picture)
    wanted = torch.tensor([[8.0, 8.0, 28.0, 28.0], [34.0, 30.0, 58.0, 58.0]])
    assert (lesson.iou(wanted, found).amax(dim=1) > 0.85).all()
    assert found[0].tolist() == [0.0, 0.0, 64.0, 64.0]  # all merged into one


def test_proposals_of_a_scene_are_within_it_and_each_once():
    generator = torch.Generator().manual_seed(0)
    boxes = lesson.proposals_of(torch.rand(2, 3, 64, 64, generator=generator, dtype=torch.float64))
    for its in boxes:
        its = its[lesson.area(its) > 0]
        assert len(its) == len(its.unique(dim=0)) and its.min() >= 0 and its.max() <= 64


def test_the_network_proposes_and_detects_without_boxes_from_outside():
    torch.manual_seed(0)
    net = lesson.FasterRCNN(10)
    pictures = torch.rand(3, 3, 64, 64)
    _, objectness, offsets = net.eval()(pictures)
    boxes = net.propose(objectness, offsets, count=16)
    assert boxes.shape == (3, 16, 4) and boxes.min() >= 0 and boxes.max() <= 64
    moved, scores = net.detect(pictures)
    assert moved.shape == (3, 16, 4) and scores.shape == (3, 16, 10) and moved.isfinite().all()


def test_all_four_losses_reach_the_backbone():
    _, truth, labels = scene()
    targets = {"boxes": truth.float(), "labels": labels}
    for term in range(4):
        torch.manual_seed(0)
        net = lesson.FasterRCNN(10)
        lesson.faster_losses(net, net(torch.rand(6, 3, 64, 64)), targets)[term].backward()
        assert net.backbone[0][0].weight.grad.abs().sum() > 0


def test_detections_of_different_classes_do_not_suppress_each_other():
    boxes = torch.tensor([[[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0]]])
    scores = torch.zeros(1, 2, 10)
    scores[0, 0, 1], scores[0, 1, 2] = 0.9, 0.8
    assert lesson.finish(boxes, scores, 0.1)[0]["labels"].tolist() == [1, 2]
    scores[0, 1] = scores[0, 0] - 0.1 * (scores[0, 0] > 0)
    assert lesson.finish(boxes, scores, 0.1)[0]["labels"].tolist() == [1]


def test_on_a_ramp_the_maximum_adds_half_a_bin_to_what_rounding_does():
    """The lesson says of its picture: 7.5 pixels by RoI pooling, 3.5 by the mean of the very same cells."""
    ramp = 4 * (torch.arange(16, dtype=torch.float64) + 0.5)
    centre = 21.5 + torch.arange(0, 16.5, 0.5, dtype=torch.float64)
    low, high = (lesson.rounded((centre + side) / 4)[None] for side in (-11.5, 11.5))
    cells = lesson.bin_mask(low, high, 5, 16)[0, :, 2]  # (33, 16): those of the middle bin
    largest = ramp.where(cells, -torch.inf).amax(dim=1)
    mean = (cells * ramp).sum(dim=1) / cells.sum(dim=1)
    assert (largest - centre).abs().max() == 7.5 and (mean - centre).abs().max() == 3.5
