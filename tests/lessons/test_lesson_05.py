"""The networks that lesson 05 builds, taken from the notebook: torchvision's to the unit, and mistakes are caught."""

import pytest
import torch
from conftest import ROOT
from torch import nn

from course_tools.notebook_code import definitions
from course_utils import costs, parity
from course_utils.errors import CourseError

lesson = definitions(ROOT / "lessons" / "05_nin_googlenet.ipynb")
SHAPE = (2, 3, 64, 64)


def undrawn(make) -> nn.Module:
    """The network without values: `relative_error` draws them, so initialising would be wasted time."""
    with torch.device("meta"):
        net = make()
    return net.double().to_empty(device="cpu")


@pytest.mark.parametrize(("heads", "count"), [(False, 6_624_904), (True, 13_004_888)])
def test_parameters_are_torchvisions_to_the_unit(heads, count):
    with torch.device("meta"):
        ours, theirs = lesson.GoogLeNet(heads=heads), lesson.reference(heads=heads)
    assert costs.parameters(ours) == costs.parameters(theirs) == count


@pytest.mark.parametrize("side", [64, 79])
def test_the_whole_network_equals_torchvisions(side):
    ours, theirs = undrawn(lesson.GoogLeNet), undrawn(lesson.reference)
    assert parity.relative_error(ours, theirs, (2, 3, side, side)) < 1e-9


def with_heads() -> tuple[nn.Module, nn.Module]:
    ours, theirs = (undrawn(lambda make=make: make(heads=True)) for make in (lesson.GoogLeNet, lesson.reference))
    return lesson.Answers(ours), lesson.Answers(theirs)


def test_the_answers_of_the_heads_equal_torchvisions():
    assert parity.relative_error(*with_heads(), SHAPE) < 1e-9


def test_heads_in_the_wrong_order_are_caught():
    ours, theirs = with_heads()
    together = ours.net.forward
    ours.net.forward = lambda x: [together(x)[place] for place in (0, 2, 1)]
    assert parity.relative_error(ours, theirs, SHAPE) > 1e-6


def test_the_heads_answer_in_training_only():
    net = lesson.GoogLeNet(10, heads=True)
    images = torch.rand(2, 3, 64, 64)
    assert [tuple(answer.shape) for answer in net.train()(images)] == [(2, 10)] * 3
    assert net.eval()(images).shape == (2, 10)


def with_a_stride_moved_into_the_stem(net):
    net.stem[3][0].stride = (2, 2)
    net.stem[4] = nn.Identity()


def with_one_mean_pooling(net):
    net.blocks["4b"].branch4[0] = nn.AvgPool2d(3, stride=1, padding=1)


def with_a_relu_before_the_batch_norm(net):
    layer = net.blocks["5a"].branch1
    layer[1], layer[2] = layer[2], layer[1]


def with_the_greatest_instead_of_the_mean(net):
    net.blocks["5b"].register_forward_hook(lambda module, inputs, maps: maps.amax(dim=(2, 3), keepdim=True))


@pytest.mark.parametrize(
    "wrong",
    [
        lesson.usual_epsilon,
        lesson.floor_pools,
        lesson.with_response_norm,
        lesson.swapped_branches,
        lesson.no_relu,
        with_a_stride_moved_into_the_stem,
        with_one_mean_pooling,
        with_a_relu_before_the_batch_norm,
        with_the_greatest_instead_of_the_mean,
    ],
    ids=lambda wrong: wrong.__name__,
)
def test_a_wrong_network_is_caught(wrong):
    ours = undrawn(lesson.GoogLeNet)
    wrong(ours)
    assert parity.relative_error(ours, undrawn(lesson.reference), (2, 3, 96, 96)) > 1e-6


@pytest.mark.parametrize(
    "wrong", [lesson.true_five, lambda net: net.blocks["3b"].branch1.__setitem__(1, nn.Identity())]
)
def test_weights_that_do_not_fit_are_caught(wrong):
    ours = lesson.GoogLeNet()
    wrong(ours)
    with pytest.raises(CourseError, match=r"counterpart|one order"):
        parity.relative_error(ours, undrawn(lesson.reference), SHAPE)


@pytest.mark.parametrize("make", [lesson.mini_googlenet, lesson.plain, lesson.nin, lambda: lesson.nin(pointwise=False)])
@pytest.mark.parametrize("side", [28, 56])
def test_every_small_network_answers_ten_numbers_at_any_size(make, side):
    assert make()(torch.zeros(2, 1, side, side)).shape == (2, 10)


def test_the_mean_of_the_class_maps_is_the_answer():
    net = lesson.mini_googlenet().double().eval()
    parity.randomize(net)
    images = torch.rand(2, 1, 56, 56, dtype=torch.float64)
    assert torch.allclose(lesson.class_maps(net, images).mean(dim=(2, 3)), net(images), rtol=1e-9, atol=1e-9)


def test_without_weight_the_heads_do_not_reach_the_loss():
    net = lesson.DeepInception(norm=True, weight=0.0)
    net.loss(net(torch.rand(4, 1, 28, 28)), torch.arange(4)).backward()
    assert all(parameter.grad is None for parameter in net.heads.parameters())
