"""The networks that lesson 04 builds, taken from the notebook: torchvision's to the unit, and mistakes are caught."""

import pytest
import torch
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision import models

from course_tools.notebook_code import definitions
from course_utils import costs, parity
from course_utils.errors import CourseError

lesson = definitions(ROOT / "lessons" / "04_vgg.ipynb")
SHAPE = (2, 3, 64, 64)


def undrawn(make) -> nn.Module:
    """The network without values: `relative_error` draws them, so initialising would be wasted time."""
    with torch.device("meta"):
        net = make()
    return net.double().to_empty(device="cpu")


def features(depth: int, *, norm: bool = False) -> nn.Sequential:
    return undrawn(lambda: lesson.VGG(lesson.STAGES[f"VGG-{depth}"], norm=norm)).features


def torchvision_features(depth: int, *, norm: bool = False) -> nn.Sequential:
    return undrawn(lambda: models.get_model(f"vgg{depth}{'_bn' if norm else ''}", weights=None)).features


@pytest.mark.parametrize(
    ("depth", "count"), [(11, 132_863_336), (13, 133_047_848), (16, 138_357_544), (19, 143_667_240)]
)
def test_parameters_are_torchvisions_to_the_unit(depth, count):
    with torch.device("meta"):
        ours = lesson.VGG(lesson.STAGES[f"VGG-{depth}"])
        theirs = models.get_model(f"vgg{depth}", weights=None)
    assert costs.parameters(ours) == costs.parameters(theirs) == count


def test_network_c_has_the_papers_134_million_parameters():
    with torch.device("meta"):
        assert round(costs.parameters(lesson.VGG(last_kernels=(3, 3, 1, 1, 1))) / 1e6) == 134


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batch norm"])
def test_the_convolutional_part_equals_torchvisions(depth, norm):
    ours, theirs = features(depth, norm=norm), torchvision_features(depth, norm=norm)
    assert parity.relative_error(ours, theirs, (2, 3, 32, 32)) < 1e-9


def test_the_whole_network_equals_torchvisions():
    ours, theirs = undrawn(lesson.VGG), undrawn(lambda: models.vgg16(weights=None))
    for mine, other in zip(ours.classifier, theirs.classifier, strict=True):
        if isinstance(mine, nn.Linear):  # 0.8 GB that need not be there twice
            mine.weight, mine.bias = other.weight, other.bias
    assert parity.relative_error(ours, theirs, SHAPE) < 1e-9


def without_one_relu(net):
    net[4][3] = nn.Identity()


def with_a_relu_before_the_batch_norm(net):
    net[2][1], net[2][2] = net[2][2], net[2][1]


def with_one_mean_pooling(net):
    net[1][-1] = nn.AvgPool2d(2)


def with_one_stride_moved_into_the_convolution(net):
    net[0][-1] = nn.Identity()
    net[0][-4 if isinstance(net[0][1], nn.BatchNorm2d) else -3].stride = (2, 2)


def with_zeros_left_out_at_one_border(net):
    net[2][0].padding = (1, 0)


def with_another_epsilon(net):
    net[2][1].eps = 1e-3


@pytest.mark.parametrize(
    ("wrong", "norm"),
    [
        (without_one_relu, False),
        (with_one_mean_pooling, False),
        (with_one_stride_moved_into_the_convolution, False),
        (with_zeros_left_out_at_one_border, False),
        (with_another_epsilon, True),
    ],
)
def test_a_wrong_network_is_caught(wrong, norm):
    ours = features(16, norm=norm)
    wrong(ours)
    assert parity.relative_error(ours, torchvision_features(16, norm=norm), SHAPE) > 1e-6


def test_relu_and_batch_norm_in_the_wrong_order_are_caught():
    ours = features(11, norm=True)
    with_a_relu_before_the_batch_norm(ours)
    assert parity.relative_error(ours, torchvision_features(11, norm=True), SHAPE) > 1e-6


def test_a_missing_batch_norm_is_caught():
    ours = features(11, norm=True)
    ours[3][1] = nn.Identity()
    with pytest.raises(CourseError, match=r"counterpart|one order"):
        parity.relative_error(ours, torchvision_features(11, norm=True), SHAPE)


@given(layers=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=4))
def test_the_receptive_field_is_the_patch_with_a_gradient(layers):
    field = lesson.receptive_field(layers)
    weights = [torch.ones(1, 1, kernel, dtype=torch.float64) for kernel, _ in layers]
    x = torch.zeros(1, 1, field, dtype=torch.float64, requires_grad=True)
    out = x
    for weight, (_, stride) in zip(weights, layers, strict=True):
        out = nn.functional.conv1d(out, weight, stride=stride)
    assert out.shape[2] == 1  # the smallest input with one output
    out.sum().backward()
    assert x.grad[0, 0, 0] != 0 and x.grad[0, 0, -1] != 0


@pytest.mark.parametrize("middle", [1, 2])
def test_embedding_the_kernels_is_the_convolution_of_the_pairs(middle):
    first, second = torch.randn(2, middle, 3, 3, dtype=torch.float64)
    stacked = nn.functional.conv2d(first[:, None], second[:, None].flip(2, 3), padding=2, groups=1)  # (M, M, 5, 5)
    expected = sum(stacked[m, m] for m in range(middle))
    assert torch.allclose((lesson.embed(second) @ first.flatten()).view(5, 5), expected)


@pytest.mark.parametrize("options", [{}, {"norm": True}, {"kernel": 5}, {"global_mean": True}, {"response_norm": True}])
def test_every_small_network_answers_ten_numbers(options):
    net = lesson.SmallVGG(lesson.STAGES["VGG-11"], **options)
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_he_draws_every_weight_with_variance_two_over_fan_in():
    net = lesson.he(nn.Sequential(nn.Conv2d(64, 256, 3), nn.Linear(500, 800)))
    for layer, fan_in in zip(net, (576, 500), strict=True):
        assert abs(layer.weight.square().mean() * fan_in / 2 - 1) < 0.02 and not layer.bias.any()
