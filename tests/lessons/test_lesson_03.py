"""What lesson 03 writes out, taken from the notebook: AlexNet against torchvision's, and LRN, crops, counts."""

import copy

import pytest
import torch
import torchvision
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_tools.notebook_code import definitions
from course_utils import costs, parity

lesson = definitions(ROOT / "lessons" / "03_alexnet.ipynb")
SHAPE = (2, 3, 96, 96)


@pytest.fixture(scope="module")
def alexnet() -> nn.Module:
    return lesson.AlexNet()


@pytest.fixture(scope="module")
def torchvisions() -> nn.Module:
    return torchvision.models.alexnet(weights=None)


def test_alexnet_is_torchvisions(alexnet, torchvisions):
    assert parity.relative_error(alexnet, torchvisions, SHAPE) < 1e-9


def test_the_parameters_are_right_to_the_unit():
    with torch.device("meta"):
        counts = [costs.parameters(lesson.AlexNet()), costs.parameters(lesson.AlexNet2012())]
        ungrouped = costs.parameters(lesson.AlexNet2012(groups=1))
    assert (*counts, ungrouped) == (61_100_840, 60_965_224, 62_378_344)
    assert lesson.total(lesson.ONE_TOWER)[0] == 61_100_840
    assert lesson.total(lesson.TWO_TOWERS)[0] == 60_965_224


def with_wrong_stride(features):
    features[0].stride = (3, 3)


def with_wrong_padding(features):
    features[3].padding = (1, 1)


def with_pooling_that_does_not_overlap(features):
    features[5] = nn.MaxPool2d(2, stride=2)


def without_one_activation(features):
    features[9] = nn.Identity()


def with_average_pooling(features):
    features[12] = nn.AvgPool2d(3, stride=2)


@pytest.mark.parametrize(
    "wrong",
    [
        with_wrong_stride,
        with_wrong_padding,
        with_pooling_that_does_not_overlap,
        without_one_activation,
        with_average_pooling,
    ],
)
def test_a_wrong_alexnet_is_caught(wrong, alexnet, torchvisions):
    features = copy.deepcopy(alexnet.features)
    wrong(features)
    assert parity.relative_error(features, torchvisions.features, SHAPE) > 1e-6


def test_a_wrong_classifier_is_caught(torchvisions):
    classifier = copy.deepcopy(torchvisions.classifier)
    classifier[2] = nn.Identity()
    assert parity.relative_error(classifier, torchvisions.classifier, (2, 9216)) > 1e-6


def test_the_two_towers_end_in_six_by_six_maps():
    with torch.device("meta"):
        net = lesson.AlexNet2012()
        assert net.features(torch.empty(1, 3, 227, 227)).shape == (1, 256, 6, 6)
        assert net(torch.empty(1, 3, 227, 227)).shape == (1, 1000)


@given(
    channels=st.integers(1, 9),
    n=st.sampled_from([1, 3, 5, 7]),
    alpha=st.floats(1e-4, 1),
    k=st.floats(0.5, 3),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_local_response_normalisation_is_torchs(channels, n, alpha, k, seed):
    x = torch.randn(2, channels, 3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ours = lesson.LocalResponseNorm(n=n, alpha=alpha, beta=0.75, k=k)(x)
    assert torch.allclose(ours, nn.LocalResponseNorm(n, alpha=n * alpha, beta=0.75, k=k)(x), rtol=1e-9)


@given(margin=st.integers(0, 3), height=st.integers(3, 6), width=st.integers(3, 6), seed=st.integers(0, 99))
@settings(deadline=None)
def test_each_crop_is_its_picture_shifted_by_at_most_the_margin(margin, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(4, 2, height, width, generator=generator)
    padded = nn.functional.pad(pictures, (margin,) * 4, value=float(pictures.min()))
    for crop, whole in zip(lesson.random_crops(pictures, generator, margin=margin), padded, strict=True):
        places = [(r, c) for r in range(2 * margin + 1) for c in range(2 * margin + 1)]
        assert any(torch.equal(crop, whole[:, r : r + height, c : c + width]) for r, c in places)


def test_mirroring_swaps_left_and_right_in_about_half_of_the_pictures():
    pictures = torch.arange(12.0).view(1, 1, 3, 4).repeat(400, 1, 1, 1)
    changed = lesson.random_mirror(pictures, torch.Generator().manual_seed(0))
    mirrored = [torch.equal(picture, pictures[0].flip(2)) for picture in changed]
    assert all(torch.equal(picture, pictures[0]) for picture, m in zip(changed, mirrored, strict=True) if not m)
    assert 160 < sum(mirrored) < 240


def test_pca_colour_shifts_along_the_components_alone():
    values, vectors = torch.tensor([0.0, 0.0, 0.2]).double(), torch.eye(3).double()
    pictures = torch.rand(50, 3, 4, 4).double()
    shift = lesson.pca_colour(pictures, values, vectors, torch.Generator().manual_seed(0)) - pictures
    assert torch.allclose(shift[:, :2], torch.zeros(()).double())
    assert torch.allclose(shift, shift[:, :, :1, :1].expand_as(shift))
    assert 0.01 < shift[:, 2, 0, 0].std() < 0.03  # 0.1 times the eigenvalue is 0.02
