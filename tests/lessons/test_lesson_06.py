"""The residual networks that lesson 06 writes out: torchvision's to the unit, and mistakes are caught."""

import math

import pytest
import torch
from conftest import ROOT
from torch import nn
from torchvision import models

from course_tools.notebook_code import definitions
from course_utils import costs, parity
from course_utils.errors import CourseError

lesson = definitions(ROOT / "lessons" / "06_resnet.ipynb")
SHAPE = (2, 3, 64, 64)


def undrawn(make) -> nn.Module:
    """The network without values: `relative_error` draws them, so initialising would be wasted time."""
    with torch.device("meta"):
        net = make()
    return net.double().to_empty(device="cpu")


def error(depth: int, mistake=None, **options) -> float:
    """Relative error of the lesson's ResNet against torchvision's, after `mistake` was made in it."""
    ours = undrawn(lambda: lesson.resnet(depth, **options))
    if mistake is not None:
        mistake(ours)
    return parity.relative_error(ours, undrawn(lambda: models.get_model(f"resnet{depth}")), SHAPE)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_parameters_are_torchvisions_to_the_unit(depth):
    with torch.device("meta"):
        ours, theirs = lesson.resnet(depth), models.get_model(f"resnet{depth}")
    assert costs.parameters(ours) == costs.parameters(theirs) == lesson.PARAMETERS[depth]


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_the_network_equals_torchvisions(depth):
    assert error(depth) < 1e-9


def test_the_papers_stride_is_another_network_of_the_same_size():
    with torch.device("meta"):
        assert costs.parameters(lesson.resnet(50, stride_on=1)) == lesson.PARAMETERS[50]
    assert error(50, stride_on=1) > 1e-6


def with_another_epsilon(net):
    net.stages[1][0].bn2.eps = 1e-3


def with_the_stride_on_the_second_layer(net):
    block = net.stages[2][0]
    block.conv1.stride, block.conv2.stride = (1, 1), (2, 2)


def with_mean_pooling_in_the_stem(net):
    net.stem[3] = nn.AvgPool2d(3, stride=2, padding=1)


def without_the_relu_of_the_stem(net):
    net.stem[2] = nn.Identity()


@pytest.mark.parametrize(
    "mistake",
    [
        with_another_epsilon,
        with_the_stride_on_the_second_layer,
        with_mean_pooling_in_the_stem,
        without_the_relu_of_the_stem,
    ],
)
def test_a_wrong_network_is_caught(mistake):
    assert error(18, mistake) > 1e-6


def test_a_missing_batch_norm_is_caught():
    def without_one(net):
        net.stages[1][1].bn2 = nn.Identity()

    with pytest.raises(CourseError, match=r"counterpart|one order"):
        error(18, without_one)


@pytest.mark.parametrize("option", ["A", "C"])
def test_other_shortcuts_do_not_fit_torchvisions_weights(option):
    with pytest.raises(CourseError, match=r"counterpart|one order"):
        error(18, shortcut=option)


class WithoutShortcut(lesson.BasicBlock):
    def forward(self, x):
        return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


class WithReluBeforeTheSum(lesson.BasicBlock):
    def forward(self, x):
        y = torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))
        return y + (x if self.shortcut is None else self.shortcut(x))


@pytest.mark.parametrize("block", [WithoutShortcut, WithReluBeforeTheSum])
def test_a_block_with_the_sum_in_the_wrong_place_is_caught(block):
    ours = undrawn(lambda: lesson.ResNet(block, (2, 2, 2, 2)))
    assert parity.relative_error(ours, undrawn(models.resnet18), SHAPE) > 1e-6


def test_option_a_keeps_the_old_channels_and_adds_zeros():
    block = lesson.BasicBlock(4, 6, stride=2, shortcut="A").eval()
    nn.init.zeros_(block.bn2.weight)  # the branch is silent: what is left is the shortcut
    x = torch.rand(2, 4, 7, 7)
    y = block(x)
    assert torch.equal(y[:, :4], x[:, :, ::2, ::2]) and not y[:, 4:].any() and y.shape == (2, 6, 4, 4)


@pytest.mark.parametrize("option", ["A", "B", "C"])
def test_every_shortcut_fits_the_small_network(option):
    assert lesson.SmallResNet(option)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("depth", [8, 20])
def test_plain_and_residual_networks_differ_in_the_sum_alone(depth):
    plain, residual = (lesson.DeepNet(depth, kind).eval() for kind in (False, True))
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(2, 1, 28, 28)
    assert not torch.allclose(plain(x), residual(x))
    for block in residual.blocks:
        block.residual = False
    assert torch.equal(plain(x), residual(x))


def test_the_identity_block_hands_on_what_a_relu_gives():
    x = torch.rand(2, 5, 4, 4, dtype=torch.float64)
    assert torch.allclose(lesson.identity_block(5)(x), x, rtol=1e-12)


def test_a_zero_last_scale_silences_every_residual_block():
    net = lesson.zero_last_scale(lesson.DeepNet(20, True))
    x = torch.rand(2, 16, 4, 4)
    assert torch.equal(net.blocks(x), x)


def test_a_deleted_block_comes_back():
    net = lesson.DeepNet(8, True)
    block = net.blocks[1]
    with lesson.deleted(net, 1):
        assert isinstance(net.blocks[1], nn.Identity)
    assert net.blocks[1] is block


def test_the_signal_of_an_untrained_network_has_no_surprise():
    lengths = lesson.block_gradients(lesson.fresh(8, "residual"), torch.randn(4, 1, 28, 28).double(), torch.arange(4))
    assert len(lengths) == 3 and all(math.isfinite(length) and length > 0 for length in lengths)
