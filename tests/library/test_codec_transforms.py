"""Blocks, transforms and costs, held against SciPy, written-out matrices and the standard's rounding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import fft, linalg

from course_utils.codec import blocks, transforms
from course_utils.errors import CourseError

# Rec. ITU-T H.265 §8.6.4.2, written out.
DCT_8 = [
    [64, 64, 64, 64, 64, 64, 64, 64],
    [89, 75, 50, 18, -18, -50, -75, -89],
    [83, 36, -36, -83, -83, -36, 36, 83],
    [75, -18, -89, -50, 50, 89, 18, -75],
    [64, -64, -64, 64, 64, -64, -64, 64],
    [50, -89, 18, 75, -75, -18, 89, -50],
    [36, -83, 83, -36, -36, 83, -83, 36],
    [18, -50, 75, -89, 89, -75, 50, -18],
]
DCT_16_ROW_1 = [90, 87, 80, 70, 57, 43, 25, 9, -9, -25, -43, -57, -70, -80, -87, -90]
DCT_32_ROW_1 = [90, 90, 88, 85, 82, 78, 73, 67, 61, 54, 46, 38, 31, 22, 13, 4]
DCT_32_ROW_3 = [90, 82, 67, 46, 22, -4, -31, -54, -73, -85, -90, -88, -78, -61, -38, -13]


def random_residual(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(-255, 256, shape, generator=torch.Generator().manual_seed(seed))


# --- blocks


@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    size=st.integers(1, 5),
    batch=st.lists(st.integers(1, 3), max_size=2),
)
def test_cutting_and_joining_gives_the_picture_back(rows, columns, size, batch):
    picture = torch.arange(rows * columns * size * size).reshape(rows * size, columns * size).expand(*batch, -1, -1)
    cut = blocks.cut(picture, size)
    assert cut.shape == (*batch, rows, columns, size, size)
    assert torch.equal(cut[..., -1, 0, :, :], picture[..., (rows - 1) * size :, :size])
    assert torch.equal(blocks.join(cut), picture)


@given(height=st.integers(1, 9), width=st.integers(1, 9), multiple=st.integers(1, 8))
def test_padding_repeats_the_border_up_to_a_multiple_and_keeps_the_dtype(height, width, multiple):
    picture = torch.arange(height * width, dtype=torch.uint8).reshape(height, width)
    padded = blocks.pad(picture, multiple)
    assert padded.dtype == torch.uint8 and torch.equal(padded[:height, :width], picture)
    assert all(
        0 <= new - old < multiple and new % multiple == 0 for new, old in zip(padded.shape, picture.shape, strict=True)
    )
    assert (padded[height:] == padded[height - 1]).all() and (padded[:, width:] == padded[:, width - 1 : width]).all()


@pytest.mark.parametrize("shape", [(9, 8), (8, 9), (0, 8)])
def test_a_picture_that_does_not_divide_is_a_clear_error_and_never_cropped(shape):
    with pytest.raises(CourseError, match=r"does not divide into 4×4 blocks: pad it first"):
        blocks.cut(torch.zeros(shape), 4)


# --- HEVC's integers


def test_the_integer_dct_is_the_standards_matrix():
    assert transforms.hevc_matrix(8).tolist() == DCT_8
    assert transforms.hevc_matrix(4).tolist() == [row[:4] for row in DCT_8[::2]]
    assert transforms.hevc_matrix(16)[1].tolist() == DCT_16_ROW_1
    assert transforms.hevc_matrix(32)[1, :16].tolist() == DCT_32_ROW_1
    assert transforms.hevc_matrix(32)[3, :16].tolist() == DCT_32_ROW_3


@pytest.mark.parametrize("size", transforms.DCT_SIZES)
def test_the_integer_dct_is_near_the_cosine_one_and_nearly_orthogonal(size):
    integers = transforms.hevc_matrix(size).double()
    assert (integers - 64 * size**0.5 * transforms.dct_matrix(size)).abs().max() < 1.5
    gram = integers @ integers.T / (64**2 * size)
    assert (gram - torch.eye(size, dtype=torch.float64)).abs().max() < 0.005


def test_the_dst_is_the_sine_transform_that_starts_at_the_edge():
    i, j = torch.arange(1, 5, dtype=torch.float64)[:, None], torch.arange(1, 5, dtype=torch.float64)
    sine = 128 * 2 / 3 * torch.sin(torch.pi * (2 * i - 1) * j / 9)
    assert torch.equal(transforms.hevc_matrix(4, "dst"), sine.round().long())


@pytest.mark.parametrize(
    ("size", "kind", "error"), [(4, "dct", 1), (4, "dst", 1), (8, "dct", 1), (16, "dct", 3), (32, "dct", 5)]
)
def test_the_integer_transform_inverts_within_the_standards_rounding(size, kind, error):
    residual = random_residual(200, size, size)
    back = transforms.hevc_inverse(transforms.hevc_forward(residual, kind), kind)
    assert (back - residual).abs().max() <= error
    flat = torch.full((1, size, size), 255)
    assert (transforms.hevc_inverse(transforms.hevc_forward(flat, kind), kind) - flat).abs().max() <= 1


@pytest.mark.parametrize("size", transforms.DCT_SIZES)
def test_integer_coefficients_are_orthonormal_ones_times_a_power_of_two(size):
    residual = random_residual(50, size, size)
    scale = 2 ** (8 - size.bit_length())
    difference = transforms.hevc_forward(residual) / scale - transforms.dct(residual.double())
    assert difference.abs().max() < 16  # of coefficients up to 255 · size; the matrices differ by a percent


# --- orthonormal


@given(size=st.integers(1, 33), seed=st.integers(0, 9))
def test_the_orthonormal_dct_is_scipys_and_inverts(size, seed):
    residual = torch.randn(2, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    coefficients = transforms.dct(residual)
    assert torch.allclose(coefficients, torch.from_numpy(fft.dctn(residual.numpy(), axes=(2, 3), norm="ortho")))
    assert torch.allclose(transforms.idct(coefficients), residual)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 32])
def test_the_hadamard_matrix_is_scipys(size):
    assert torch.equal(transforms.hadamard_matrix(size), torch.from_numpy(linalg.hadamard(size)).long())


@pytest.mark.parametrize("dtype", [torch.int32, torch.float64])
def test_the_hadamard_transform_is_two_matrix_products(dtype):
    residual, matrix = random_residual(5, 8, 8), torch.from_numpy(linalg.hadamard(8)).long()
    assert torch.equal(transforms.hadamard(residual.to(dtype)).long(), matrix @ residual @ matrix)


# --- costs


def satd_of_hm(residual: torch.Tensor) -> int:
    """HM's xCalcHADs8x8 for 8×8 and xCalcHADs4x4 for 4×4, in SciPy."""
    size = len(residual)
    matrix = linalg.hadamard(size)
    total = int(abs(matrix @ residual.numpy() @ matrix).sum())
    return (total + 2) >> 2 if size == 8 else (total + 1) >> 1


@pytest.mark.parametrize("size", [4, 8])
def test_satd_is_normalised_as_in_hm(size):
    residual = random_residual(20, size, size)
    assert transforms.satd(residual).tolist() == [satd_of_hm(block) for block in residual]


def test_satd_of_a_larger_block_is_the_sum_over_tiles():
    residual = random_residual(16, 24)
    parts = [satd_of_hm(residual[y : y + 8, x : x + 8]) for y in (0, 8) for x in (0, 8, 16)]
    assert transforms.satd(residual) == sum(parts)
    small = [satd_of_hm(residual[y : y + 4, x : x + 4]) for y in range(0, 16, 4) for x in range(0, 24, 4)]
    assert transforms.satd(residual, tile=4) == sum(small)


def test_satd_is_twice_the_l1_norm_of_the_orthonormal_hadamard_coefficients():
    residual = torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(transforms.satd(residual), 2 * transforms.hadamard(residual / 8).abs().sum())


def test_sad_and_sse_are_sums_over_the_block_alone():
    residual = random_residual(3, 2, 5, 7)
    assert torch.equal(transforms.sad(residual), residual.abs().sum((2, 3)))
    assert torch.equal(transforms.sse(residual.to(torch.int16)), (residual**2).sum((2, 3)))  # no overflow in 16 bits


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transforms.hevc_matrix(64), "not 'dct' of 64"),
        (lambda: transforms.hevc_matrix(8, "dst"), "not 'dst' of 8"),
        (lambda: transforms.dct_matrix(0), "a DCT has at least one point, not 0"),
        (lambda: blocks.pad(torch.zeros(1, 0, 5), 8), "a picture of 0×5 has no pixels to pad"),
        (lambda: transforms.hadamard_matrix(6), "power of two as its size, not 6"),
        (lambda: transforms.dct(torch.zeros(4, 8)), r"blocks are square.*\(4, 8\)"),
        (lambda: transforms.sad(torch.zeros(4, 4, dtype=torch.uint8)), "a residual has a sign"),
        (lambda: transforms.satd(torch.zeros(5, 8)), "a picture of 5×8 does not divide into 2×2 blocks"),
    ],
)
def test_bad_blocks_are_a_clear_error(call, message):
    with pytest.raises(CourseError, match=message):
        call()
