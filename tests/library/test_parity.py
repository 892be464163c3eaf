"""course_utils.parity: equal networks pass to rounding, and every kind of wrong one is caught."""

from math import inf

import pytest
import torch
import torchvision
from torch import nn

from course_utils import parity
from course_utils.errors import CourseError

SHAPE = (2, 3, 32, 32)


def resnet() -> nn.Module:
    return torchvision.models.resnet18(weights=None)


def test_equal_networks_agree_exactly():
    assert parity.relative_error(resnet(), resnet(), SHAPE) == 0


def with_wrong_stride(model):
    model.layer2[0].conv1.stride = (1, 1)
    model.layer2[0].downsample[0].stride = (1, 1)


def with_wrong_epsilon(model):
    model.layer4[1].bn2.eps = 1e-3


def without_one_activation(model):
    model.layer3[0].relu = nn.Identity()


@pytest.mark.parametrize("wrong", [with_wrong_stride, with_wrong_epsilon, without_one_activation])
def test_a_wrong_network_is_caught(wrong):
    model = resnet()
    wrong(model)
    assert parity.relative_error(model, resnet(), SHAPE) > 1e-6


def test_a_missing_layer_is_named():
    model = resnet()
    model.layer1[0].bn2 = nn.Identity()
    with pytest.raises(CourseError, match=r"layer1\.1\.conv1\.weight is .* but layer1\.0\.bn2\.weight is \(64,\)"):
        parity.relative_error(model, resnet(), SHAPE)


def test_a_surplus_layer_is_named():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    with pytest.raises(CourseError, match=r"1\.weight has no counterpart: 2 tensors there, 4 here"):
        parity.copy_state(nn.Sequential(nn.Linear(3, 3)), model)


def test_outputs_of_another_shape_are_as_wrong_as_can_be():
    column = nn.Sequential(nn.Linear(3, 2), nn.Unflatten(1, (2, 1)))
    assert parity.relative_error(column, nn.Linear(3, 2), (4, 3)) == inf


def test_a_comparison_that_proves_nothing_is_refused():
    def constant() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4), nn.Threshold(1e9, 0.0))

    with pytest.raises(ValueError, match="would prove nothing"):
        parity.relative_error(constant(), constant(), SHAPE)


def test_randomizing_moves_the_statistics_of_batch_norm():
    layer = nn.BatchNorm2d(8)
    parity.randomize(layer)
    assert layer.running_mean.std() > 0.05 and layer.running_var.std() > 0.05 and layer.weight.std() > 0.05
    assert torch.all(layer.running_var > 0)
