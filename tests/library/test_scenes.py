"""course_utils.data.scenes: composed scenes whose boxes and class maps are exact."""

import pytest
import torch

from course_utils.data import scenes
from course_utils.data.detection_set import ABSENT, VOID
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def both():
    return scenes.load(train=120, test=60)


def test_scenes_have_their_shapes_ranges_and_classes(both):
    train, test = both
    assert train.images.shape == (120, 3, 64, 64) and len(test) == 60 and len(train.classes) == 10
    assert train.images.dtype == torch.float32 and train.images.min() >= 0 and train.images.max() <= 1
    assert train.boxes.shape == (120, 4, 4) and train.labels.shape == (120, 4)
    assert train.class_maps.max() <= 10 and VOID not in train.class_maps


def test_every_scene_has_an_item_and_present_items_come_first(both):
    for scene_set in both:
        present = scene_set.labels != ABSENT
        assert present[:, 0].all()
        assert (present.int().diff(dim=1) <= 0).all()
        assert (scene_set.boxes[~present] == 0).all()


def test_boxes_lie_in_the_picture_and_have_an_area(both):
    boxes = both[0].boxes[both[0].labels != ABSENT]
    assert boxes.min() >= 0 and boxes.max() <= 64
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_the_box_of_a_lonely_item_is_the_tight_box_of_its_mask():
    train, _ = scenes.load(train=50, test=0, most_items=1)
    for index in range(len(train)):
        (box,), (label,) = train.objects(index)
        rows, columns = (train.class_maps[index] == label + 1).nonzero(as_tuple=True)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_the_class_map_holds_exactly_the_classes_of_the_boxes(both):
    for index in range(len(both[0])):
        _, labels = both[0].objects(index)
        assert set(both[0].class_maps[index].unique().tolist()) - {0} == {label + 1 for label in labels.tolist()}


def test_pixels_outside_the_boxes_are_background(both):
    train = both[0]
    for index in range(len(train)):
        inside = torch.zeros(64, 64, dtype=torch.bool)
        for x1, y1, x2, y2 in train.objects(index)[0].int().tolist():
            inside[y1:y2, x1:x2] = True
        assert (train.class_maps[index][~inside] == 0).all()


def test_the_same_seed_gives_the_same_scenes_and_another_seed_others(both):
    again, _ = scenes.load(train=120, test=60)
    other, _ = scenes.load(train=120, test=60, seed=1)
    assert torch.equal(both[0].images, again.images) and torch.equal(both[0].boxes, again.boxes)
    assert not torch.equal(both[0].images, other.images)


def test_training_and_test_backgrounds_are_disjoint():
    assert not set(scenes.TRAIN) & set(scenes.TEST)


def test_an_items_side_keeps_within_the_limits_asked_for():
    small, _ = scenes.load(train=60, test=0, most_items=8, item_sides=(8, 12))
    boxes = small.boxes[small.labels != ABSENT]
    assert (boxes[:, 2:] - boxes[:, :2]).max() <= 12
    assert (small.labels != ABSENT).sum(dim=1).max() > 4


def test_a_set_may_be_left_out_and_the_other_is_as_ever(both):
    train, test = scenes.load(train=0, test=60, most_items=3)
    assert train.images.shape == (0, 3, 64, 64) and train.boxes.shape == (0, 3, 4) and train.labels.shape == (0, 3)
    assert train.class_maps.dtype == torch.uint8 and train.images.dtype == torch.float32
    assert train.labels.dtype == torch.int64 and list(train.batches(batch_size=4))[1:] == []
    assert torch.equal(scenes.load(train=0, test=60)[1].images, both[1].images) and len(test) == 60


def test_a_negative_number_of_scenes_is_a_clear_error():
    with pytest.raises(CourseError, match="a set has 0 scenes or more, not train=10, test=-1"):
        scenes.load(train=10, test=-1)


@pytest.mark.parametrize("wrong", [{"item_sides": (30, 20)}, {"item_sides": (18, 65)}, {"most_items": 0}])
def test_sides_that_no_scene_can_hold_are_a_clear_error(wrong):
    with pytest.raises(CourseError, match="items need sides"):
        scenes.load(train=1, test=1, **wrong)


def test_batches_hold_pictures_and_their_targets_in_one_order(both):
    train = both[0]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(3))
    images, targets = next(iter(train.batches(batch_size=50, shuffle=True, generator=torch.Generator().manual_seed(3))))
    assert torch.equal(images, train.images[order[:50]])
    assert torch.equal(targets["boxes"], train.boxes[order[:50]])
    assert torch.equal(targets["class_maps"], train.class_maps[order[:50]])


def test_the_first_pictures_are_a_set_of_their_own(both):
    part = both[0].first(7)
    assert len(part) == 7 and torch.equal(part.objects(6)[0], both[0].objects(6)[0])
