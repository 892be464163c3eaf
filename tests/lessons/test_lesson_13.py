"""YOLO's target tensor, its inverse and its loss, as lesson 13 writes them; mistakes in them are caught."""

import math
import re

import pytest
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops

from course_tools.notebook_code import definitions
from course_utils.command import notebooks

lesson = definitions(ROOT / "lessons" / "13_yolo.ipynb")
SIDE, CLASSES = 64, 10
few = settings(deadline=None, max_examples=60)


@st.composite
def scenes(draw):
    """Boxes (2, 3, 4) in float64, labels (2, 3) with absent ones last, a grid and a number of boxes per cell."""
    boxes, labels = torch.zeros(2, 3, 4, dtype=torch.float64), torch.full((2, 3), -1)
    for picture in range(2):
        for slot in range(draw(st.integers(0, 3))):
            x1, y1 = (draw(st.integers(0, 2 * SIDE - 2)) / 2 for _ in range(2))
            x2, y2 = (low + draw(st.integers(1, int(2 * (SIDE - low)))) / 2 for low in (x1, y1))
            boxes[picture, slot] = torch.tensor([x1, y1, x2, y2])
            labels[picture, slot] = draw(st.integers(0, CLASSES - 1))
    return boxes, labels, draw(st.sampled_from([4, 7, 8, 16])), draw(st.integers(1, 3))


def homes(boxes, labels, grid) -> dict:
    """(picture, row, column) of each centre, by plain arithmetic, to the first object there."""
    first = {}
    for picture, slot in (labels >= 0).nonzero().tolist():
        x1, y1, x2, y2 = boxes[picture, slot].tolist()
        column, row = (min(grid - 1, int((low + high) / 2 * grid / SIDE)) for low, high in ((x1, x2), (y1, y2)))
        first.setdefault((picture, row, column), slot)
    return first


def check_round_trip(encode, decode) -> None:
    """Raise where a box does not come back, comes from another cell, or an empty cell speaks."""

    @few
    @given(scenes())
    def same(case):
        boxes, labels, grid, per_cell = case
        target = encode(boxes, labels, grid=grid, side=SIDE, classes=CLASSES, per_cell=per_cell)
        assert target.shape == (2, grid, grid, 5 * per_cell + CLASSES)
        back, confidence, kinds = decode(target, SIDE, per_cell)
        expected = homes(boxes, labels, grid)
        assert {tuple(cell) for cell in (confidence[..., 0] == 1).nonzero().tolist()} == set(expected)
        assert confidence.sum() == per_cell * len(expected)
        for (picture, row, column), slot in expected.items():
            assert torch.allclose(back[picture, row, column], boxes[picture, slot], atol=1e-9)
            assert kinds[picture, row, column].nonzero()[:, 0].tolist() == [labels[picture, slot].item()]
            assert (target[picture, row, column, :2] < 1 + 1e-12).all()

    same()


def test_boxes_come_back_from_their_cell():
    check_round_trip(lesson.encode_targets, lesson.decode)


def with_rows_and_columns_exchanged(boxes, labels, **how):
    return lesson.encode_targets(boxes, labels, **how).transpose(1, 2)


def with_x_and_y_exchanged(boxes, labels, **how):
    target = lesson.encode_targets(boxes, labels, **how).clone()
    target[..., [0, 1]] = target[..., [1, 0]]
    return target


def with_the_size_in_cells(boxes, labels, *, grid, per_cell, **how):
    target = lesson.encode_targets(boxes, labels, grid=grid, per_cell=per_cell, **how).clone()
    for j in range(per_cell):
        target[..., 5 * j + 2 : 5 * j + 4] *= math.sqrt(grid)
    return target


def one_cell_off(boxes, labels, **how):
    return lesson.encode_targets(boxes, labels, **how).roll(1, dims=2)


def without_the_root(boxes, labels, *, per_cell, **how):
    target = lesson.encode_targets(boxes, labels, per_cell=per_cell, **how).clone()
    for j in range(per_cell):
        target[..., 5 * j + 2 : 5 * j + 4] **= 2
    return target


@pytest.mark.parametrize(
    "mistake",
    [
        with_rows_and_columns_exchanged,
        with_x_and_y_exchanged,
        with_the_size_in_cells,
        one_cell_off,
        without_the_root,
    ],
)
def test_a_wrong_target_is_caught(mistake):
    with pytest.raises(AssertionError):
        check_round_trip(mistake, lesson.decode)


@few
@given(scenes())
def test_neighbours_report_the_same_box_beside_home(case):
    boxes, labels, grid, per_cell = case
    how = {"grid": grid, "side": SIDE, "classes": CLASSES, "per_cell": per_cell}
    alone = lesson.encode_targets(boxes, labels, **how)
    target = lesson.encode_targets(boxes, labels, **how, neighbours=True)
    expected = homes(boxes, labels, grid)
    for picture, row, column in expected:
        assert torch.equal(target[picture, row, column], alone[picture, row, column])
    back, confidence, _ = lesson.decode(target, SIDE, per_cell)
    for picture, row, column in (confidence[..., 0] == 1).nonzero().tolist():
        mine = back[picture, row, column, 0]
        assert (boxes[picture] - mine).abs().amax(dim=1).min() < 1e-9
        near = [abs(r - row) + abs(c - column) for p, r, c in expected if p == picture]
        assert min(near) <= 1
    assert (confidence[..., 0].flatten(1).sum(dim=1) <= 3 * (labels >= 0).sum(dim=1)).all()


def random_case(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An output and a target (3, 8, 8, 20) in float64."""
    generator = torch.Generator().manual_seed(seed)
    low = 40 * torch.rand(3, 4, 2, generator=generator, dtype=torch.float64)
    high = low + 4 + 20 * torch.rand(3, 4, 2, generator=generator, dtype=torch.float64)
    labels = torch.tensor([[1, 2, 3, 4], [5, -1, -1, -1], [-1, -1, -1, -1]])
    target = lesson.encode_targets(torch.cat([low, high], dim=-1), labels, grid=8, side=SIDE, classes=CLASSES)
    return torch.rand(target.shape, generator=generator, dtype=torch.float64), target


def loss_gap(terms) -> float:
    """Greatest difference of a loss term to the slow loop."""
    gaps = []
    for seed in range(3):
        out, target = random_case(seed)
        slow = lesson.yolo_terms_loop(out, target, SIDE)
        gaps += [abs(float(value) - slow[name]) for name, value in terms(out, target, SIDE).items()]
    return max(gaps)


def test_the_loss_is_the_slow_loops():
    assert loss_gap(lesson.yolo_terms) < 1e-10


def no_object_weight_on_object_cells(out, target, side):
    terms = lesson.yolo_terms(out, target, side)
    return terms | {"object": 0.5 * terms["object"]}


def empty_boxes_of_object_cells_forgotten(out, target, side):
    has = target[..., 4] > 0
    empty = out[..., [4, 9]].square().sum(dim=-1)[~has].sum() * 0.5 / len(out)
    return lesson.yolo_terms(out, target, side) | {"empty": empty}


def sizes_without_roots(out, target, side):
    squared = [each.clone() for each in (out, target)]
    for each in squared:
        each[..., [2, 3, 7, 8]] **= 2
    return lesson.yolo_terms(out, target, side) | {"size": lesson.yolo_terms(*squared, side)["size"]}


def the_first_box_always_responsible(out, target, side):
    globals_of_lesson = lesson.yolo_terms.__globals__
    kept = globals_of_lesson["responsible"]

    def first(out, target, side, per_cell=2):
        mine, overlap = kept(out, target, side, per_cell)
        has = mine.any(dim=-1)
        return torch.stack([has, torch.zeros_like(has)], dim=-1), overlap

    globals_of_lesson["responsible"] = first
    try:
        return lesson.yolo_terms(out, target, side)
    finally:
        globals_of_lesson["responsible"] = kept


@pytest.mark.parametrize(
    "mistake",
    [
        no_object_weight_on_object_cells,
        empty_boxes_of_object_cells_forgotten,
        sizes_without_roots,
        the_first_box_always_responsible,
    ],
)
def test_a_wrong_loss_is_caught(mistake):
    assert loss_gap(mistake) > 1e-3


def test_one_box_is_responsible_for_each_object_and_it_is_the_better_one():
    out, target = random_case(0)
    mine, overlap = lesson.responsible(out, target, SIDE)
    has = target[..., 4] > 0
    assert torch.equal(mine.sum(dim=-1), has.long())
    assert torch.equal(overlap[mine], overlap.amax(dim=-1)[has])


def test_generalised_iou_is_torchvisions():
    generator = torch.Generator().manual_seed(0)
    low = 40 * torch.rand(2, 200, 2, generator=generator, dtype=torch.float64)
    high = low + 0.5 + 20 * torch.rand(2, 200, 2, generator=generator, dtype=torch.float64)
    a, b = torch.cat([low, high], dim=-1)
    ours = lesson.pair_iou(a, b, generalised=True)
    assert torch.allclose(ours, ops.generalized_box_iou(a, b).diagonal(), atol=1e-12)
    assert torch.allclose(lesson.pair_iou(a, b), ops.box_iou(a, b).diagonal(), atol=1e-12)


@pytest.mark.parametrize("recipe", ["yolo_terms", "squares_and_giou", "later_terms"])
def test_every_term_is_finite_without_an_object_and_reaches_the_output(recipe):
    out, target = random_case(1)
    out.requires_grad_()
    terms = getattr(lesson, recipe)(out, target, SIDE)
    for name, value in terms.items():
        (gradient,) = torch.autograd.grad(value, out, retain_graph=True)
        assert gradient.isfinite().all() and gradient.abs().sum() > 0, name
    nothing = getattr(lesson, recipe)(out, torch.zeros_like(target), SIDE)
    assert all(value.isfinite() for value in nothing.values())
    assert [name for name, value in nothing.items() if value > 0] == ["empty"]


def test_clusters_of_equal_shapes_are_those_shapes():
    sizes = torch.tensor([[4.0, 20.0]] * 10 + [[20.0, 8.0]] * 10 + [[30.0, 30.0]] * 10, dtype=torch.float64)
    assert lesson.dimension_clusters(sizes, 3).tolist() == [[4.0, 20.0], [20.0, 8.0], [30.0, 30.0]]


def test_the_rows_quoted_from_lesson_12_are_those_that_it_stores():
    quoted = lesson.LESSON_12
    stored = notebooks.read(ROOT / "lessons" / "12_rcnn_to_faster.ipynb")
    texts = [output.text for cell in stored.cells for output in cell.get("outputs", []) if "text" in output]
    (table,) = [text for text in texts if "MMACs" in text and "Fast R-CNN" in text.splitlines()[0]]
    names, *rows = (re.split(r" {2,}|(?<=[SN]) (?=F)", line.strip()) for line in table.splitlines()[:8])
    columns = dict(zip(names, zip(*(row[1:] for row in rows), strict=True), strict=True))
    for name, row in quoted.items():
        numbers = [float(number.replace(",", "")) for number in columns[name]]
        at_50, at_50_95, any_class, rate, _, parameters, mmacs = numbers
        assert [row["mAP@0.5"], row["mAP@0.5:0.95"], row["any class@0.5"]] == [at_50, at_50_95, any_class]
        assert (row["images/s"], row["parameters"], round(row["MMACs"])) == (rate, parameters, mmacs)
