"""The MobileNetV2 and SE-ResNet-50 that lesson 08 writes out: torchvision's to the unit, and mistakes are caught."""

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from torch import nn
from torchvision import models, ops

from course_tools.notebook_code import definitions
from course_utils import costs, parity
from course_utils.errors import CourseError

lesson = definitions(ROOT / "lessons" / "08_se_mobilenet.ipynb")
SHAPE = (2, 3, 64, 64)


def undrawn(make) -> nn.Module:
    """The network without values: they are drawn later, so initialising would be wasted time."""
    with torch.device("meta"):
        net = make()
    return net.double().to_empty(device="cpu")


def error(mistake=None, **options) -> float:
    """Relative error of the lesson's MobileNetV2 against torchvision's, after `mistake` was made in it."""
    ours = undrawn(lambda: lesson.MobileNetV2(**options))
    if mistake is not None:
        mistake(ours)
    width = options.get("width", 1.0)
    return parity.relative_error(ours, undrawn(lambda: models.mobilenet_v2(width_mult=width)), SHAPE)


@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.0, 1.4])
def test_parameters_are_torchvisions_at_every_width(width):
    with torch.device("meta"):
        ours, theirs = lesson.MobileNetV2(width=width), models.mobilenet_v2(width_mult=width)
    assert costs.parameters(ours) == costs.parameters(theirs)
    assert costs.parameters(ours) == lesson.MOBILENET_PARAMETERS.get(width, costs.parameters(ours))


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_mobilenet_equals_torchvisions(width):
    assert error(width=width) < 1e-9


@pytest.mark.parametrize("value", [1, 8, 11.9, 12, 16.4, 17.8, 22.4, 33.6, 44.8, 1792.0])
def test_channels_are_rounded_as_torchvision_rounds(value):
    assert lesson.make_divisible(value) == models.mobilenetv2._make_divisible(value, 8)


def with_a_wrong_stride(net):
    net.features[4].layers[1][0].stride = (1, 1)


def with_relu6_at_one_bottleneck(net):
    net.features[5].layers.append(nn.ReLU6())


def with_relu_for_relu6(net):
    net.features[0][2] = nn.ReLU()


def without_the_relu_of_the_depthwise_layer(net):
    net.features[3].layers[1][2] = nn.Identity()


def without_one_addition(net):
    net.features[3].residual = False


@pytest.mark.parametrize(
    "mistake",
    [
        with_a_wrong_stride,
        with_relu6_at_one_bottleneck,
        with_relu_for_relu6,
        without_the_relu_of_the_depthwise_layer,
        without_one_addition,
    ],
)
def test_a_wrong_mobilenet_is_caught(mistake):
    assert error(mistake) > 1e-6


def test_a_missing_batch_norm_is_caught():
    def without_one(net):
        net.features[2].layers[3] = nn.Identity()

    with pytest.raises(CourseError, match=r"counterpart|one order"):
        error(without_one)


@pytest.mark.parametrize(("channels", "ratio"), [(16, 4), (64, 16), (48, 8)])
def test_the_block_equals_torchvisions(channels, ratio):
    theirs = ops.SqueezeExcitation(channels, channels // ratio)
    assert lesson.error_against(lesson.SqueezeExcitation(channels, ratio), theirs, (3, channels, 5, 7)) < 1e-12


class WithoutTheRelu(lesson.SqueezeExcitation):
    def gates(self, x):
        return torch.sigmoid(self.expand(self.reduce(x.mean(dim=(2, 3)))))


class WithMaxForMean(lesson.SqueezeExcitation):
    def gates(self, x):
        return torch.sigmoid(self.expand(F.relu(self.reduce(x.amax(dim=(2, 3))))))


class WithSoftmax(lesson.SqueezeExcitation):
    def gates(self, x):
        return torch.softmax(self.expand(F.relu(self.reduce(x.mean(dim=(2, 3))))), dim=1)


@pytest.mark.parametrize("wrong", [WithoutTheRelu, WithMaxForMean, WithSoftmax])
def test_a_wrong_block_is_caught(wrong):
    assert lesson.error_against(wrong(32, 4), ops.SqueezeExcitation(32, 8), (3, 32, 5, 7)) > 1e-3


def test_reduce_and_expand_the_wrong_way_round_do_not_fit():
    swapped = lesson.SqueezeExcitation(32, 4)
    swapped.reduce, swapped.expand = swapped.expand, swapped.reduce
    with pytest.raises(RuntimeError):
        lesson.error_against(swapped, ops.SqueezeExcitation(32, 8), (3, 32, 5, 7))


def test_se_resnet_has_the_papers_parameters():
    with torch.device("meta"):
        assert costs.parameters(lesson.SEResNet()) == lesson.SE_RESNET50 == 28_088_024
        assert costs.parameters(models.resnet50()) == lesson.RESNET50


def se_error(mistake=None) -> float:
    """Relative error of the lesson's SE-ResNet-50 against torchvision's parts, after `mistake`."""
    ours = undrawn(lesson.SEResNet)
    if mistake is not None:
        mistake(ours)
    return lesson.error_against(ours, undrawn(lesson.torchvision_se_resnet50), SHAPE)


def with_the_gate_after_the_addition(net):
    for block in net.blocks:
        block.__class__ = lesson.GateAfterSum


def with_the_stride_on_the_first_layer(net):
    block = net.blocks[3]
    block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)


def test_se_resnet_equals_torchvisions_parts():
    assert se_error() < 1e-9


@pytest.mark.parametrize("mistake", [with_the_gate_after_the_addition, with_the_stride_on_the_first_layer])
def test_a_wrong_se_resnet_is_caught(mistake):
    assert se_error(mistake) > 1e-6


def test_with_open_gates_it_is_the_plain_resnet():
    ours, theirs = undrawn(lesson.SEResNet), undrawn(models.resnet50)
    parity.randomize(ours)
    lesson.start_gates(ours, 40)
    kept = [value for name, value in ours.state_dict().items() if ".se." not in name]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), kept, strict=True)))
    x = torch.randn(SHAPE, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(x), theirs.eval()(x), rtol=1e-9)


def test_depthwise_is_a_grouped_convolution():
    x, kernels = torch.randn(2, 5, 6, 9).double(), torch.randn(5, 5, 5).double()
    assert torch.allclose(lesson.depthwise_loop(x, kernels), F.conv2d(x, kernels[:, None], padding=2, groups=5))


def test_nine_kernels_a_channel_are_enough_and_one_is_not():
    weight, x = torch.randn(7, 5, 3, 3).double(), torch.randn(2, 5, 6, 8).double()
    target = F.conv2d(x, weight, padding=1)
    assert torch.allclose(lesson.separate(weight, 7)(x), target)
    assert not torch.allclose(lesson.separate(weight, 1)(x), target)


def test_a_separable_kernel_is_kept_whole_by_one_kernel_a_channel():
    weight = torch.randn(8, 4, 1, 1) * torch.randn(1, 4, 3, 3)
    assert lesson.energy_kept(weight)[0] == pytest.approx(1)


def test_a_condition_moves_the_gates_and_only_where_it_differs():
    gate = lesson.ConditionalSE(16, 4, conditions=2)
    x = torch.rand(1, 16, 3, 3).expand(3, -1, -1, -1)
    gates = gate.gates(x, torch.tensor([[0.0, 1.0], [0.0, 1.0], [5.0, -5.0]]))
    assert torch.allclose(gates[0], gates[1]) and not torch.allclose(gates[0], gates[2])
    assert gate(x, torch.zeros(3, 2)).shape == x.shape


@pytest.mark.parametrize("place", lesson.PLACES)
def test_a_gate_of_one_half_stands_where_it_was_put(place):
    block = lesson.start_gates(lesson.GatedBlock(8, 8, place=place), 0).eval()
    nn.init.zeros_(block.bn2.weight)  # the branch is silent
    x = torch.rand(2, 8, 5, 5)
    expected = x / 2 if place in ("identity", "after") else x
    assert torch.allclose(block(x), expected)


def test_the_share_lost_is_a_binomial_sum():
    assert lesson.lost_share(2, 3) == 0.5
    assert lesson.lost_share(1, 10) == 2**-10
