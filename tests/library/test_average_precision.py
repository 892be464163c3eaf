"""course_utils.average_precision: perfect, wrong and missing detections score as they must."""

from dataclasses import replace

import pytest
import torch

from course_utils.average_precision import average_precision
from course_utils.data import scenes


@pytest.fixture(scope="module")
def truth():
    return scenes.load(train=1, test=60)[1]


def perfect(truth) -> list[dict[str, torch.Tensor]]:
    """The truth itself, as detections of score 1."""
    objects = [truth.objects(index) for index in range(len(truth))]
    return [{"boxes": boxes, "labels": labels, "scores": torch.ones(len(labels))} for boxes, labels in objects]


def test_the_truth_itself_scores_one_everywhere(truth):
    score = average_precision(perfect(truth), truth)
    assert score.at_50 == score.at_50_95 == score.class_agnostic_at_50 == 1
    assert set(score.per_class_at_50) == set(truth.classes) and min(score.per_class_at_50.values()) == 1


def test_right_boxes_with_wrong_classes_score_only_without_classes(truth):
    wrong = [{**picture, "labels": (picture["labels"] + 1) % 10} for picture in perfect(truth)]
    score = average_precision(wrong, truth)
    assert score.at_50 < 0.1 and score.class_agnostic_at_50 == 1


def test_boxes_a_little_off_pass_the_low_threshold_and_fail_the_high_ones(truth):
    shifted = [{**picture, "boxes": picture["boxes"] + 2} for picture in perfect(truth)]
    score = average_precision(shifted, truth)
    assert score.at_50 > 0.9 and score.at_50_95 < 0.7


def test_no_detection_scores_zero(truth):
    nothing = [{name: value[:0] for name, value in picture.items()} for picture in perfect(truth)]
    assert average_precision(nothing, truth).at_50 == 0


def test_a_class_that_does_not_occur_in_the_truth_has_no_score(truth):
    kept = torch.where(truth.labels == 3, 4, truth.labels)
    score = average_precision(perfect(replace(truth, labels=kept)), replace(truth, labels=kept))
    assert "dress" not in score.per_class_at_50 and score.at_50 == 1


def test_another_number_of_pictures_is_an_error(truth):
    with pytest.raises(ValueError, match="59 pictures with detections, but 60"):
        average_precision(perfect(truth)[1:], truth)
