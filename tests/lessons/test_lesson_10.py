"""The folded layers and the fusion modules that lesson 10 writes out are exact, and mistakes in them are caught."""

import pytest
import torch
from conftest import ROOT
from torch import nn

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "10_transfer_side_information.ipynb")
GEOMETRIES = [
    {"kernel_size": 7, "stride": 2, "padding": 3},
    {"kernel_size": (3, 5), "padding": (1, 0)},
    {"kernel_size": 3, "padding": 2, "dilation": 2, "bias": False},
]


def drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def layer(channels: int = 3, **geometry) -> nn.Conv2d:
    conv = nn.Conv2d(channels, 5, **(geometry or GEOMETRIES[0])).double()
    for parameter in conv.parameters():
        parameter.data = drawn(*parameter.shape)
    return conv


@torch.no_grad()
def colour_error(folded: nn.Module, conv: nn.Conv2d, matrix: torch.Tensor, offset: torch.Tensor) -> float:
    x = drawn(2, 3, 13, 16)
    return (folded(lesson.convert(x, matrix, offset)) - conv(x)).abs().max().item()


def test_the_matrix_is_bt601():
    matrix, offset = lesson.bt601()
    red, green, blue, white = [*torch.eye(3).tolist(), [1.0, 1.0, 1.0]]
    colours = torch.tensor([red, green, blue, white], dtype=torch.float64)
    codes = colours @ matrix.T + offset
    assert torch.allclose(codes[:, 0], torch.tensor([0.299, 0.587, 0.114, 1.0], dtype=torch.float64))
    assert codes[2, 1] == pytest.approx(1) and codes[0, 2] == pytest.approx(1)  # the bluest blue, the reddest red
    assert codes[3, 1:].tolist() == pytest.approx([0.5, 0.5])
    back = torch.linalg.inv(matrix)
    assert back[:, 1].tolist() == pytest.approx([0, -0.344136, 1.772], abs=1e-6)  # JPEG File Interchange Format
    assert back[:, 2].tolist() == pytest.approx([1.402, -0.714136, 0], abs=1e-6)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_folded_layer_says_of_yuv_what_the_layer_says_of_rgb(geometry):
    conv = layer(**geometry)
    assert colour_error(lesson.fold_colour_matrix(conv, *lesson.bt601()), conv, *lesson.bt601()) < 1e-10


def test_any_invertible_matrix_and_offset_can_be_folded():
    conv, matrix, offset = layer(), drawn(3, 3), drawn(3)
    assert colour_error(lesson.fold_colour_matrix(conv, matrix, offset), conv, matrix, offset) < 1e-9


def test_the_transposed_matrix_is_caught():
    conv, (matrix, offset) = layer(), lesson.bt601()
    assert colour_error(lesson.fold_colour_matrix(conv, matrix.T, offset), conv, matrix, offset) > 0.1


def test_the_matrix_instead_of_its_inverse_is_caught():
    conv, (matrix, offset) = layer(), lesson.bt601()
    wrong = lesson.fold_colour_matrix(conv, torch.linalg.inv(matrix), offset)
    assert colour_error(wrong, conv, matrix, offset) > 0.1


def test_a_dropped_offset_is_caught():
    conv, (matrix, offset) = layer(), lesson.bt601()
    assert colour_error(lesson.fold_colour_matrix(conv, matrix, 0 * offset), conv, matrix, offset) > 0.1


def test_zero_padding_is_wrong_at_the_border_alone():
    conv, (matrix, offset) = layer(kernel_size=3, padding=1), lesson.bt601()
    folded = lesson.fold_colour_matrix(conv, matrix, offset)
    folded[0].value.zero_()
    x = drawn(1, 3, 9, 9)
    with torch.no_grad():
        error = (folded(lesson.convert(x, matrix, offset)) - conv(x)).abs().amax(dim=(0, 1))
    assert error[1:-1, 1:-1].max() < 1e-10
    assert (error > 1e-3).sum() == 9 * 9 - 7 * 7


def test_each_channel_is_padded_with_its_own_value():
    padded = lesson.PadWith((1, 2), torch.tensor([3.0, 5.0]))(torch.zeros(1, 2, 4, 4))
    assert padded.shape == (1, 2, 6, 8)
    assert (padded[0, 0, 0] == 3).all() and (padded[0, 1, :, :2] == 5).all()
    assert not padded[0, :, 1:-1, 2:-2].any()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_normalisation_can_be_folded(geometry):
    conv, x = layer(**geometry), drawn(2, 3, 12, 11)
    mean, std = drawn(3), drawn(3).abs() + 0.1
    folded = lesson.fold_normalisation(conv, mean, std)
    assert torch.allclose(folded(x), conv((x - mean[:, None, None]) / std[:, None, None]))
    assert not torch.allclose(lesson.fold_normalisation(conv, mean, 1 / std)(x), folded(x))


def test_grey_in_a_colour_network_is_the_sum_of_its_kernels():
    conv, plane = layer(), drawn(2, 1, 12, 12)
    assert torch.allclose(lesson.grey_input(conv)(plane), conv(plane.expand(-1, 3, -1, -1)))
    mean_instead = lesson.with_weight(conv, conv.weight.mean(dim=1, keepdim=True))
    assert not torch.allclose(mean_instead(plane), conv(plane.expand(-1, 3, -1, -1)))


def test_colour_in_a_grey_network_is_its_luma():
    conv, rgb = layer(1), drawn(2, 3, 12, 12)
    luma = lesson.convert(rgb, *lesson.bt601())[:, :1]
    assert torch.allclose(lesson.colour_input(conv)(rgb), conv(luma))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_new_channels_change_nothing_and_can_learn(geometry):
    conv, x, extra = layer(**geometry), drawn(2, 3, 12, 12), drawn(2, 2, 12, 12)
    wide = lesson.add_channels(conv, 2)
    outputs = wide(torch.cat([x, extra], dim=1))
    assert torch.allclose(outputs, conv(x))
    outputs.square().sum().backward()
    assert wide.weight.grad[:, 3:].abs().min() > 0
    assert not torch.allclose(wide(torch.cat([extra, x], dim=1)), conv(x))  # new channels come last


def test_a_silent_film_changes_nothing_and_needs_its_one():
    film, x, side = lesson.FiLM(4).double(), drawn(2, 4, 5, 6), drawn(2, lesson.SIDE)
    gamma, beta = film.generator(side)[:, :, None, None].chunk(2, dim=1)
    assert torch.allclose(film(x, side), x + gamma * x + beta)
    assert not torch.allclose(film(x, side), gamma * x + beta)
    for parameter in film.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(film(x, side), x)


def test_film_is_one_scale_and_shift_for_each_channel():
    film, side = lesson.FiLM(3).double(), drawn(2, lesson.SIDE)
    zero, one = (film(torch.full((2, 3, 4, 4), value).double(), side) for value in (0.0, 1.0))
    three = film(torch.full((2, 3, 4, 4), 3.0).double(), side)
    assert torch.allclose(three - zero, 3 * (one - zero))
    assert torch.allclose(zero, zero[:, :, :1, :1].expand_as(zero))
    assert not torch.allclose(zero[0], zero[1])


def test_the_gates_of_conditioned_se_see_the_vector():
    block, x = lesson.ConditionedSE(4).double(), drawn(2, 4, 5, 5)
    ratio = block(x, drawn(2, lesson.SIDE)) / x
    other = block(x, drawn(2, lesson.SIDE) + 1) / x
    assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio)) and ((ratio > 0) & (ratio < 1)).all()
    assert not torch.allclose(ratio, other)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "make",
    [
        lesson.LateFusion,
        lambda channels: lesson.LateFusion(channels, hidden=None),
        lesson.PlaneFusion,
        lesson.ModulatedFusion,
        lambda channels: lesson.ModulatedFusion(channels, lesson.ConditionedSE),
    ],
)
def test_every_fusion_uses_picture_and_vector(make, channels):
    net = make(channels).double().eval()
    image, side = drawn(3, channels, 28, 28), drawn(3, lesson.SIDE)
    scores = net(image, side)
    assert scores.shape == (3, lesson.OUTPUTS)
    assert torch.equal(lesson.FromTuple(net)((image, side)), scores)
    assert not torch.allclose(net(image.roll(1, 0), side), scores)
    assert not torch.allclose(net(image, side.roll(1, 0)), scores)


def test_late_fusion_has_the_widths_of_the_sketch():
    head = lesson.LateFusion(1).head
    assert [(part.in_features, part.out_features) for part in head if isinstance(part, nn.Linear)] == [
        (30, 60),
        (60, 5),
    ]


def test_one_linear_layer_after_concatenation_is_a_bias_and_a_hidden_layer_is_more():
    def mixed_difference(net):  # zero for every sum of a function of the picture and one of the vector
        image, side = drawn(2, 1, 28, 28), 3 * drawn(2, lesson.SIDE)
        with torch.no_grad():
            both = [[net(image[i : i + 1], side[j : j + 1]) for j in (0, 1)] for i in (0, 1)]
        return (both[0][0] - both[0][1] - both[1][0] + both[1][1]).abs().max().item()

    torch.manual_seed(0)
    assert mixed_difference(lesson.LateFusion(1, hidden=None).double().eval()) < 1e-12
    assert mixed_difference(lesson.LateFusion(1).double().eval()) > 1e-6


def test_a_frozen_module_stays_as_it_is_in_training_mode():
    norm = nn.Sequential(nn.BatchNorm2d(3))
    frozen = lesson.Frozen(norm)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    frozen.train()(5 + torch.rand(4, 3, 2, 2))
    assert frozen.training and not norm.training
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_freezing_parameters_alone_lets_batch_norm_move():
    norm = nn.Sequential(nn.BatchNorm2d(3))
    lesson.freeze(norm)
    norm.train()(5 + torch.rand(4, 3, 2, 2))
    assert norm[0].running_mean.min() > 0.4


def test_shuffled_weights_are_the_same_numbers_in_another_order():
    net = lesson.fresh(0, "cpu")
    mixed = lesson.shuffled(net, 1)
    for ours, theirs in zip(net.encoder, mixed.encoder, strict=True):
        assert not torch.equal(ours[0].weight, theirs[0].weight)
        assert torch.equal(ours[0].weight.flatten().sort().values, theirs[0].weight.flatten().sort().values)


def test_recounted_statistics_are_those_of_the_batch():
    norm = lesson.recount(nn.Sequential(nn.BatchNorm2d(2)), x := torch.rand(8, 2, 3, 3))[0]
    assert torch.allclose(norm.running_mean, x.mean(dim=(0, 2, 3)))
    assert norm.momentum == 0.1 and not norm.training


def test_the_shelf_needs_picture_and_vector():
    images = lesson.ImageSet(torch.rand(500, 1, 28, 28), torch.arange(500) % 10, lesson.fashion_mnist.CLASSES)
    data = lesson.shelf_task(images, 500, torch.Generator().manual_seed(0))
    shop = data.side.argmax(dim=1)
    assert torch.equal(data.target, (images.labels + shop) % 5)
    (image, side), target = next(iter(data))
    assert image.shape == (128, 1, 28, 28) and side.shape == (128, 10) and target.shape == (128,)
