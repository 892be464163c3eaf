"""The dense networks that lesson 07 writes out: torchvision's to the unit, and mistakes are caught."""

import math

import pytest
import torch
from conftest import ROOT
from torch import nn
from torchvision import models

from course_tools.notebook_code import definitions
from course_utils import costs, parity
from course_utils.errors import CourseError

lesson = definitions(ROOT / "lessons" / "07_densenet.ipynb")
SHAPE = (2, 3, 64, 64)


def error(depth: int = 121, mistake=None, **options) -> float:
    """Relative error of the lesson's DenseNet against torchvision's, after `mistake` was made in it."""
    ours = lesson.undrawn(lambda: lesson.DenseNet(**lesson.CONFIGURATIONS[depth] | options))
    if mistake is not None:
        mistake(ours)
    return parity.relative_error(ours, lesson.undrawn(lambda: models.get_model(f"densenet{depth}")), SHAPE)


@pytest.mark.parametrize("depth", [121, 169, 201, 161])
def test_parameters_are_torchvisions_to_the_unit(depth):
    with torch.device("meta"):
        ours, theirs = lesson.DenseNet(**lesson.CONFIGURATIONS[depth]), models.get_model(f"densenet{depth}")
    assert costs.parameters(ours) == costs.parameters(theirs) == lesson.PARAMETERS[depth]


@pytest.mark.parametrize("options", [{}, {"recompute": True}])
def test_the_network_equals_torchvisions(options):
    assert error(**options) < 1e-9


def test_densenet_161_equals_torchvisions():
    assert error(161) < 1e-9


def without_the_relu_of_the_stem(net):
    net.stem[2] = nn.Identity()


def with_a_strided_bottleneck(net):
    net.body[1].conv.stride, net.body[1].pool = (2, 2), nn.Identity()


def without_the_relu_of_a_transition(net):
    net.body[1].relu = nn.Identity()


@pytest.mark.parametrize(
    "mistake",
    [
        lesson.new_before_old,
        lesson.stem_stride_one,
        lesson.max_in_transition,
        without_the_relu_of_the_stem,
        with_a_strided_bottleneck,
        without_the_relu_of_a_transition,
    ],
)
def test_a_wrong_network_is_caught(mistake):
    assert error(mistake=mistake) > 1e-6


class WithoutTheSecondRelu(lesson.DenseLayer):
    def forward(self, features):
        return self.conv2(self.norm2(self.bottleneck(*features)))


def test_a_layer_without_its_second_relu_is_caught():
    def forget(net):
        net.body[2].layers[3].__class__ = WithoutTheSecondRelu

    assert error(mistake=forget) > 1e-6


@pytest.mark.parametrize("options", [{"compression": 1.0}, {"stem": 32}])
def test_other_widths_do_not_fit_torchvisions_weights(options):
    with pytest.raises(CourseError, match=r"counterpart|one order"):
        error(**options)


def test_a_missing_batch_norm_is_caught():
    with pytest.raises(CourseError, match=r"counterpart|one order"):
        error(mistake=lesson.missing_norm)


@pytest.mark.parametrize(("channels", "layers", "growth"), [(6, 1, 4), (10, 5, 3), (64, 6, 32)])
def test_the_closed_forms_count_what_is_there(channels, layers, growth):
    naive, frugal = (lesson.DenseBlock(channels, layers, growth, recompute=kind) for kind in (False, True))
    assert costs.parameters(naive) == lesson.block_parameters(channels, layers, growth)
    for block, kept in ((naive, lesson.kept_naive), (frugal, lesson.kept_recomputing)):
        bill = costs.predict(block, (2, channels, 5, 3))
        assert bill.activation_bytes == kept(channels, layers, growth, positions=2 * 5 * 3)


def test_a_block_hands_on_its_input_unchanged():
    x = torch.randn(2, 6, 5, 5)
    assert torch.equal(lesson.DenseBlock(6, 3, 4).eval()(x)[:, :6], x)


def test_recomputing_changes_no_gradient():
    naive, frugal = (lesson.DenseBlock(6, 3, 4, recompute=kind).double() for kind in (False, True))
    frugal.load_state_dict(naive.state_dict())
    x = torch.randn(4, 6, 5, 5, dtype=torch.float64)
    for block in (naive, frugal):
        block(x).square().mean().backward()
    for ours, theirs in zip(frugal.parameters(), naive.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-14)


@pytest.mark.parametrize(("sources", "widths"), [(1, [6, 4, 4, 4, 4]), (2, [6, 10, 8, 8, 8]), (3, [6, 10, 14, 12, 12])])
def test_a_layer_sees_its_last_sources_alone(sources, widths):
    block = lesson.DenseBlock(6, 5, 4, sources=sources).eval()
    assert [layer.norm1.num_features for layer in block.layers] == widths
    assert block(torch.randn(2, 6, 5, 5)).shape == (2, 26, 5, 5)


def test_all_sources_is_what_no_limit_means():
    free, limited = lesson.DenseBlock(6, 4, 3).eval(), lesson.DenseBlock(6, 4, 3, sources=5).eval()
    limited.load_state_dict(free.state_dict())
    x = torch.randn(2, 6, 5, 5)
    assert torch.equal(free(x), limited(x))


@pytest.mark.parametrize("net", [lesson.SmallDenseNet(4), lesson.SmallDenseNet(4, sources=2), lesson.SmallResNet(8)])
def test_the_small_networks_answer_ten_scores(net):
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_a_cut_connection_comes_back():
    net = lesson.SmallDenseNet(4)
    layer, cut = lesson.readers(net, 2)[3], lesson.columns(net, 2, 2)
    before = layer.weight.detach().clone()
    with lesson.without_connection(layer, cut):
        assert not layer.weight[:, cut].any() and layer.weight.any()
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("number", [1, 2])
def test_the_sources_of_a_reader_cover_its_channels(number):
    net = lesson.SmallDenseNet(4)
    for reader, layer in enumerate(lesson.readers(net, number)):
        assert lesson.columns(net, number, reader).stop == layer.weight.shape[1]


def test_an_even_map_has_the_effective_share_one():
    heat = torch.ones(7, 7, dtype=torch.float64)
    assert math.isclose(lesson.effective_share(heat), 1)
    heat[0] = 100
    assert lesson.effective_share(heat) < 0.7


def test_a_cost_is_read_between_its_neighbours():
    points = [(0.5, 10.0), (0.6, 20.0), (0.8, 60.0)]
    assert math.isclose(lesson.line_at(0.7, points), 40)
    assert math.isnan(lesson.line_at(0.9, points))
