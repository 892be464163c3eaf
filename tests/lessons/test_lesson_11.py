"""The pieces that lesson 11 writes out are the library's, on cases drawn at random, and mistakes are caught."""

import math

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torchmetrics.classification import MulticlassJaccardIndex

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "11_fully_convolutional.ipynb")
WAYS = (lesson.conv_transpose2d_loops, lesson.conv_transpose2d_zeros)
few = settings(deadline=None, max_examples=40)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@st.composite
def transposed_cases(draw):
    """Shapes and options that F.conv_transpose2d accepts: (x, weight, options)."""
    size, stride, dilation, groups = (draw(st.integers(1, most)) for most in (4, 3, 3, 3))
    options = {"stride": stride, "dilation": dilation, "groups": groups}
    options["padding"] = draw(st.integers(0, dilation * (size - 1)))
    options["output_padding"] = draw(st.integers(0, max(stride, dilation) - 1))
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    for side in (height, width):
        reach = (side - 1) * stride - 2 * options["padding"] + dilation * (size - 1) + 1
        assume(reach + options["output_padding"] > 0)
    x = drawn(2, groups * draw(st.integers(1, 2)), height, width)
    return x, drawn(x.shape[1], draw(st.integers(1, 2)), size, size, seed=1), options


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@few
@given(case=transposed_cases())
def test_the_transposed_convolution_is_torchs(way, case):
    x, weight, options = case
    theirs = F.conv_transpose2d(x, weight, **options)
    assert torch.allclose(way(x, weight, **options), theirs, atol=1e-12)
    assert way(x, weight, **options).shape == theirs.shape


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "mistake",
    [
        lambda x, weight, o: (x, weight.flip(-1), o),
        lambda x, weight, o: (x, weight, o | {"padding": 0}),
        lambda x, weight, o: (x, weight, o | {"output_padding": 0}),
        lambda x, weight, o: (x, weight, o | {"stride": 1}),
        lambda x, weight, o: (x, weight, o | {"dilation": 1}),
    ],
    ids=["kernel turned", "no padding", "no output padding", "no stride", "no dilation"],
)
def test_a_wrong_transposed_convolution_is_caught(way, mistake):
    x, weight = drawn(1, 2, 4, 4), drawn(2, 1, 3, 3, seed=1)
    options = {"stride": 3, "padding": 1, "output_padding": 1, "dilation": 2, "groups": 1}
    theirs = F.conv_transpose2d(x, weight, **options)
    wrong_x, wrong_weight, wrong_options = mistake(x, weight, options)
    wrong = way(wrong_x, wrong_weight, **wrong_options)
    assert wrong.shape != theirs.shape or not torch.allclose(wrong, theirs)


@pytest.mark.parametrize(
    ("side", "size", "stride", "padding"), [(4, 3, 1, 0), (5, 3, 2, 1), (7, 4, 3, 2), (6, 2, 2, 0)]
)
def test_the_matrix_is_the_convolution_and_its_transpose_the_gradient(side, size, stride, padding):
    kernel, x = drawn(size, size), drawn(side, side, seed=1).requires_grad_()
    matrix = lesson.convolution_matrix(kernel, side, stride, padding)
    y = F.conv2d(x[None, None], kernel[None, None], stride=stride, padding=padding)
    assert torch.allclose(matrix @ x.flatten(), y.flatten())
    incoming = drawn(*y.shape, seed=2)
    (gradient,) = torch.autograd.grad(y, x, incoming)
    assert torch.allclose(matrix.T @ incoming.flatten(), gradient.flatten())


@pytest.mark.parametrize("kernel", [1, 2, 4])
def test_a_linear_layer_as_a_convolution_gives_the_same_numbers(kernel):
    linear = nn.Linear(6 * kernel**2, 5).double()
    maps = drawn(3, 6, kernel, kernel)
    assert torch.allclose(lesson.as_convolution(linear, kernel)(maps)[:, :, 0, 0], linear(maps.flatten(1)))


@torch.no_grad()
def test_the_dense_network_says_what_the_crop_network_says_of_each_crop():
    net = lesson.CropNet(4).double().eval()
    picture = drawn(1, 3, 44, 40)
    dense = lesson.fully_convolutional(net)(picture)
    assert dense.shape == (1, 4, 4, 3)
    for row, column in ((0, 0), (3, 2), (1, 1)):
        crop = picture[..., 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
        assert torch.allclose(dense[..., row, column], net(crop))


def test_crops_are_cut_where_they_were_asked_for():
    images, scene, corner = drawn(2, 3, 64, 64), torch.tensor([1, 0]), torch.tensor([[3, 20], [32, 0]])
    crops = lesson.crops_at(images, scene, corner)
    assert torch.equal(crops[0], images[1, :, 3:35, 20:52]) and torch.equal(crops[1], images[0, :, 32:, :32])


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
def test_the_tent_interpolates_bilinearly_inside_and_everywhere_once_edges_are_repeated(factor):
    layer, maps = lesson.bilinear_upsampling(2, factor, torch.float64), drawn(1, 2, 6, 5)
    theirs = F.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)
    edge = factor // 2
    inside = (..., slice(edge, 6 * factor - edge), slice(edge, 5 * factor - edge))
    assert torch.allclose(layer(maps)[inside], theirs[inside], atol=1e-12)
    repeated = layer(F.pad(maps, (1,) * 4, mode="replicate"))[..., factor:-factor, factor:-factor]
    assert torch.allclose(repeated, theirs, atol=1e-12)
    assert factor == 1 or not torch.allclose(layer(maps), theirs)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_unpooling_is_torchs_and_pooling_undoes_it(size):
    x = drawn(2, 3, 4 * size, 3 * size).abs()
    values, places = lesson.max_pool_with_places(x, size)
    their_values, their_places = F.max_pool2d(x, size, return_indices=True)
    assert torch.equal(values, their_values) and torch.equal(places, their_places)
    unpooled = lesson.max_unpool(values, places, 4 * size, 3 * size)
    assert torch.equal(unpooled, F.max_unpool2d(values, places, size))
    assert torch.equal(F.max_pool2d(unpooled, size), values)


@few
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 6))
def test_iou_is_torchmetrics_and_void_does_not_count(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    prediction, truth = (torch.randint(classes, (2, 12, 12), generator=generator) for _ in range(2))
    truth[torch.rand(truth.shape, generator=generator) < 0.2] = lesson.VOID
    matrix = lesson.confusion_matrix(prediction, truth, classes)
    theirs = MulticlassJaccardIndex(classes, average=None, ignore_index=lesson.VOID)(prediction, truth)
    assert torch.allclose(lesson.iou_per_class(matrix).float(), theirs, atol=1e-6)
    assert matrix.sum() == (truth != lesson.VOID).sum()
    assert not torch.equal(matrix, lesson.confusion_matrix(prediction, truth.where(truth != lesson.VOID, 0), classes))


def test_a_confusion_matrix_has_the_truth_in_its_rows():
    matrix = lesson.confusion_matrix(torch.tensor([1, 1, 0]), torch.tensor([0, 1, 0]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert lesson.pixel_accuracy(matrix) == pytest.approx(2 / 3)
    iou = lesson.iou_per_class(matrix).tolist()
    assert iou[:2] == [0.5, 0.5] and math.isnan(iou[2])


def test_merged_classes_keep_their_pixels():
    names = ("background", "sandal", "bag", "sneaker")
    matrix = torch.arange(16).reshape(4, 4)
    merged = lesson.merged(matrix, names)
    assert merged.shape == (3, 3) and merged.sum() == matrix.sum()
    assert merged[1, 1] == matrix[1, 1] + matrix[1, 3] + matrix[3, 1] + matrix[3, 3]


def test_edges_are_the_pixels_within_two_of_another_class():
    class_map = torch.zeros(1, 12, 12, dtype=torch.uint8)
    class_map[:, :, 6:] = 3
    assert lesson.near_edges(class_map)[0].sum(dim=0).tolist() == [0, 0, 0, 0, 12, 12, 12, 12, 0, 0, 0, 0]


def test_a_coarse_map_keeps_what_fits_its_cells_and_loses_the_rest():
    fits = torch.zeros(1, 16, 16, dtype=torch.uint8)
    fits[:, :8] = 1
    assert torch.equal(lesson.squeezed(fits, 4, 2), fits.long())
    dot = torch.zeros(1, 16, 16, dtype=torch.uint8)
    dot[:, 5, 5] = 1
    assert not lesson.squeezed(dot, 8, 2).any() and torch.equal(lesson.squeezed(dot, 1, 2), dot.long())


@pytest.mark.parametrize("side", [32, 64, 96])
@pytest.mark.parametrize("make", [lambda: lesson.FCN(7, 0), lambda: lesson.FCN(7, 3), lambda: lesson.UNet(7)])
def test_networks_give_a_score_for_each_pixel_of_any_size(make, side):
    net = make().eval()
    assert net(torch.zeros(1, 3, side, 64)).shape == (1, 7, side, 64)


def test_each_skip_reaches_the_scores():
    net, x = lesson.FCN(3, 2).eval(), torch.rand(1, 3, 32, 32)
    before = net(x)
    for score in net.scores:
        with torch.no_grad():
            score.bias.add_(1.0)
        after = net(x)
        assert not torch.allclose(before, after)
        before = after
