"""Colour for codecs: known values of the two standards, Pillow's JPEG colours, and halves that fit together again."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from course_utils.codec import colour
from course_utils.errors import CourseError


def pixel(red: int, green: int, blue: int) -> torch.Tensor:
    return torch.tensor([red, green, blue], dtype=torch.uint8).reshape(3, 1, 1)


# Full-saturation bars in limited range, as every table of colour bars has them (EBU, SMPTE RP 219).
@pytest.mark.parametrize(
    ("standard", "rgb", "ycbcr"),
    [
        ("bt709", (255, 255, 255), [235, 128, 128]),
        ("bt709", (0, 0, 0), [16, 128, 128]),
        ("bt709", (255, 0, 0), [63, 102, 240]),
        ("bt709", (0, 255, 0), [173, 42, 26]),
        ("bt709", (0, 0, 255), [32, 240, 118]),
        ("bt601", (255, 0, 0), [81, 90, 240]),
        ("bt601", (0, 255, 0), [145, 54, 34]),
        ("bt601", (0, 0, 255), [41, 240, 110]),
    ],
)
def test_the_colour_bars_have_the_values_of_the_standards(standard, rgb, ycbcr):
    values = colour.to_uint8(colour.rgb_to_ycbcr(pixel(*rgb), standard=standard))
    assert values.flatten().tolist() == ycbcr


def test_full_range_bt601_is_the_colour_space_of_jpeg():
    rgb = torch.randint(0, 256, (3, 40, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    jpeg = colour.to_uint8(colour.rgb_to_ycbcr(rgb, standard="bt601", full_range=True))
    pillow = np.array(Image.fromarray(rgb.permute(1, 2, 0).numpy()).convert("YCbCr"))
    assert (jpeg.permute(1, 2, 0).int() - torch.from_numpy(pillow).int()).abs().max() <= 1  # Pillow's fixed point


@given(
    standard=st.sampled_from(sorted(colour.LUMA_WEIGHTS)),
    full_range=st.booleans(),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
)
def test_ycbcr_and_back_gives_the_colours_back(standard, full_range, height, width):
    rgb = 255 * torch.rand(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    there = colour.rgb_to_ycbcr(rgb, standard=standard, full_range=full_range)
    assert torch.allclose(colour.ycbcr_to_rgb(there, standard=standard, full_range=full_range), rgb, atol=1e-9)


def test_halved_chroma_is_the_mean_of_four_pixels_and_an_odd_side_repeats_its_last():
    chroma = torch.tensor([[1.0, 3.0, 10.0], [5.0, 7.0, 20.0], [2.0, 4.0, 30.0]])
    assert colour.downsample_420(chroma).tolist() == [[4, 15], [3, 30]]


@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_chroma_of_any_size_comes_back_in_its_size_and_a_flat_one_unchanged(height, width):
    flat = torch.full((2, height, width), 77.0)
    assert torch.equal(colour.upsample_420(colour.downsample_420(flat), height, width), flat)


def test_a_grey_picture_survives_420():
    grey = torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8).repeat(1, 3, 1, 1) * 3
    pictures = colour.rgb_to_420(grey, full_range=True)
    assert torch.equal(pictures.y, grey[:, 0]) and pictures.cb.unique().tolist() == [128]
    assert torch.equal(colour.rgb_from_420(pictures, full_range=True), grey)


def test_luma_of_a_grey_picture_is_the_picture():
    grey = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 4)
    assert torch.equal(colour.luma(grey), grey[0]) and torch.equal(colour.luma(grey.repeat(3, 1, 1)), grey[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: colour.rgb_to_ycbcr(torch.zeros(4, 2, 2)), r"RGB pictures have shape"),
        (lambda: colour.rgb_to_ycbcr(torch.zeros(3, 2, 2, dtype=torch.int16)), "must be uint8"),
        (lambda: colour.ycbcr_to_rgb(torch.zeros(2, 2)), r"YCbCr pictures have shape .*, not \(2, 2\)"),
        (lambda: colour.rgb_to_ycbcr(torch.zeros(3, 2, 2), standard="bt2020"), "no colour standard 'bt2020'"),
        (lambda: colour.upsample_420(torch.zeros(2, 2), 5, 4), "does not belong to a picture of 5×4"),
        (lambda: colour.rgb_to_420(torch.zeros(3, 2, 2)), r"shape \(N, 3, H, W\)"),
        (lambda: colour.luma(torch.zeros(1, 2, 2, dtype=torch.int16)), "must be uint8"),
    ],
)
def test_bad_colours_are_a_clear_error(call, message):
    with pytest.raises(CourseError, match=message):
        call()
