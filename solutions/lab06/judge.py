"""Hidden tests of lab 06, Transform and SATD. Points per exercise are those of the notebook's checks."""

import numpy as np
import scipy.fft
import scipy.linalg
import torch
from torch import Tensor

from course_tools.grader.judge.hidden_tests import (
    check,
    draw,
    expect_tensor,
    expect_values,
    hidden_test,
    leaves_alone,
    pick,
    raises,
)
from course_utils.codec import quantisation, transforms
from course_utils.compare import same

BATCHES = ((), (1,), (5,), (2, 3), (2, 1, 3))  # no batch at all is one, too


def _dct(residual: Tensor, *, inverse: bool = False) -> Tensor:
    transform = scipy.fft.idctn if inverse else scipy.fft.dctn
    return torch.from_numpy(transform(residual.numpy(), axes=(-2, -1), norm="ortho"))


def _square(batch: tuple[int, ...], size: int, generator) -> Tensor:
    return draw(generator, *batch, size, size)


# --- the DCT


@hidden_test(
    "check_dct", points=1.5, hint="the number of samples need be neither even nor a power of two", asks_dtype=True
)
def matrices_of_the_dct(student, generator):
    for size in (1, 2, 3, 4, 7, 8, 16, 32):
        expected = torch.from_numpy(scipy.fft.dct(np.eye(size), axis=0, norm="ortho"))
        same(student.dct_matrix(size), expected, f"dct_matrix({size})", same_dtype=True)


@hidden_test("check_dct", points=1.5, hint="only the last two dimensions are the block; they are not interchangeable")
def blocks_through_the_dct(student, generator):
    for batch in BATCHES:
        for size in (1, 4, 5, 8):
            residual = _square(batch, size, generator)
            same(student.dct(residual), _dct(residual), f"dct of {tuple(residual.shape)}")
    residual = 200 * _square((3,), 32, generator)
    same(student.dct(residual), _dct(residual), "dct of 32×32 blocks")
    same(student.dct(torch.empty(0, 8, 8, dtype=torch.float64)), torch.empty(0, 8, 8), "dct of no block at all")


@hidden_test("check_dct", points=1, hint="going back is no second time forwards")
def blocks_back_from_the_dct(student, generator):
    for batch in BATCHES:
        for size in (1, 3, 8, 16):
            coefficients = _square(batch, size, generator)
            expected = _dct(coefficients, inverse=True)
            same(student.idct(coefficients), expected, f"idct of {tuple(coefficients.shape)}")


@hidden_test(
    "check_dct", points=1, hint="what comes in as float32 goes out as float32, float64 as float64", asks_dtype=True
)
def dtypes_through_the_dct(student, generator):
    for name in ("dct", "idct"):
        for dtype in (torch.float32, torch.float64):
            blocks = _square((2,), 8, generator).to(dtype)
            expect_tensor(getattr(student, name)(blocks), (2, 8, 8), f"{name} of {dtype}", dtype=dtype)


# --- Hadamard


@hidden_test("check_hadamard", points=1, hint="the order of the rows is that of the doubling")
def matrices_of_hadamard(student, generator):
    for size in (1, 2, 4, 8, 16, 32):
        expected = torch.from_numpy(scipy.linalg.hadamard(size))
        same(student.hadamard_matrix(size), expected, f"hadamard_matrix({size})", tolerance=0)


@hidden_test("check_hadamard", points=0.5, hint="even is not enough, and there is no matrix of nothing")
def hadamard_of_other_sizes_is_refused(student, generator):
    for size in (0, 3, 6, 12, 24, 31, -4):
        raises(lambda size=size: student.hadamard_matrix(size), "ValueError", f"hadamard_matrix({size})")


@hidden_test("check_hadamard", points=1.5, hint="both sides of the block, and nothing divided", asks_dtype=True)
def blocks_through_hadamard(student, generator):
    for batch in BATCHES:
        for size in (1, 2, 4, 8, 16):
            residual = _square(batch, size, generator)
            matrix = torch.from_numpy(scipy.linalg.hadamard(size)).double()
            expected = torch.einsum("ij,...jk,kl->...il", matrix, residual, matrix)
            same(student.hadamard(residual), expected, f"hadamard of {tuple(residual.shape)}", same_dtype=True)
    came = student.hadamard(_square((2,), 4, generator).float())
    expect_tensor(came, (2, 4, 4), "hadamard of float32", dtype=torch.float32)


# --- the quantiser


@hidden_test("check_quantise", points=1, hint="every whole QP has a step, and 0 and 51 are the ends")
def steps_of_every_qp(student, generator):
    for qp in range(52):
        same(student.step(qp), 2.0 ** ((qp - 4) / 6), f"step({qp})")
    for qp in (-1, 52, 63):
        raises(lambda qp=qp: student.step(qp), "ValueError", f"step({qp})")


@hidden_test(
    "check_quantise",
    points=1.5,
    hint="negative and positive coefficients give levels of the same size",
    asks_dtype=True,
)
def levels_of_random_coefficients(student, generator):
    for batch in BATCHES:
        qp = pick(generator, 0, 51)
        coefficients = 4 * quantisation.step(qp) * draw(generator, *batch, 4, 6)
        expected = quantisation.quantise(coefficients, qp)
        same(student.quantise(coefficients, qp), expected, f"levels at QP {qp}", tolerance=0, same_dtype=True)
        same(student.quantise(-coefficients, qp), -expected, f"levels of the negatives at QP {qp}", tolerance=0)
    leaves_alone(student, "levels")
    levels = student.quantise(draw(generator, 3, 3).float(), 22)
    expect_tensor(levels, (3, 3), "levels of float32", dtype=torch.float32)


@hidden_test("check_quantise", points=0.5, hint="the width of the dead zone is the caller's choice; a half goes up")
def levels_with_another_rounding(student, generator):
    for rounding in (0.0, 1 / 6, 0.5):
        qp = pick(generator, 10, 40)
        coefficients = 3 * quantisation.step(qp) * draw(generator, 50)
        expected = quantisation.quantise(coefficients, qp, rounding=rounding)
        same(student.quantise(coefficients, qp, rounding), expected, f"levels with rounding {rounding}", tolerance=0)
    # The step at QP 22 is 8: these lie exactly on the border between two levels.
    borders = torch.tensor([-20.0, -12, -4, 0, 4, 12, 20, 28], dtype=torch.float64)
    expected = torch.tensor([-3, -2, -1, 0, 1, 2, 3, 4])
    same(student.quantise(borders, 22, 0.5), expected, "levels on a border", tolerance=0)
    same(student.quantise(2 * borders, 22, 0.0), torch.tensor([-5, -3, -1, 0, 1, 3, 5, 7]), "rounded down", tolerance=0)


@hidden_test(
    "check_quantise", points=1, hint="a level counts steps, and the same QP gives the same step", asks_dtype=True
)
def coefficients_of_levels(student, generator):
    for batch in BATCHES:
        qp = pick(generator, 0, 51)
        levels = (5 * draw(generator, *batch, 3, 5)).round()
        expected = levels * 2.0 ** ((qp - 4) / 6)
        same(student.dequantise(levels, qp), expected, f"coefficients at QP {qp}", same_dtype=True)
    leaves_alone(student, "coefficients")
    coefficients = student.dequantise(levels.float(), 30)
    expect_tensor(coefficients, tuple(levels.shape), "coefficients of float32", dtype=torch.float32)


# --- SAD, SSE, SATD


def _rectangle(batch: tuple[int, ...], sides: tuple[int, int], generator) -> Tensor:
    return 50 * draw(generator, *batch, *sides)


@hidden_test("check_satd", points=1, hint="a difference of unsigned numbers may be negative, or need more than 8 bits")
def residuals_have_a_sign(student, generator):
    for dtype, most in ((torch.uint8, 255), (torch.int16, 1023), (torch.int64, 1023)):
        shape = (2, 3, 5, 6)
        original, prediction = torch.randint(most + 1, (2, *shape), generator=generator).to(dtype)
        expected = (original.long() - prediction.long()).float()
        same(student.residual_of(original, prediction), expected, f"residual of {dtype}", tolerance=0, same_dtype=True)
    expected = original.long()[:, :1] - prediction.long()
    same(student.residual_of(original[:, :1], prediction), expected, "residual of shapes that broadcast", tolerance=0)


@hidden_test("check_satd", points=1, hint="one number for each block, and each block's own")
def sums_over_each_block(student, generator):
    for batch in BATCHES:
        for sides in ((8, 8), (3, 5), (1, 7), (16, 4)):
            residual = _rectangle(batch, sides, generator)
            absolute = np.abs(residual.numpy()).sum(axis=(-2, -1))
            squared = (residual.numpy() ** 2).sum(axis=(-2, -1))
            same(student.sad(residual), torch.as_tensor(absolute), f"sad of {tuple(residual.shape)}")
            same(student.sse(residual), torch.as_tensor(squared), f"sse of {tuple(residual.shape)}")


@hidden_test("check_satd", points=1, hint="three tiles, three divisors: a flat block of ones is 2 · tile in each")
def satd_of_one_tile(student, generator):
    for tile in (2, 4, 8):
        same(student.satd(torch.ones(tile, tile, dtype=torch.float64)), 2 * tile, f"satd of {tile}×{tile} ones")
        for batch in BATCHES:
            residual = _rectangle(batch, (tile, tile), generator)
            same(student.satd(residual), transforms.satd(residual), f"satd of {tuple(residual.shape)}")


@hidden_test(
    "check_satd", points=1.5, hint="the larger tile is taken where it fits both sides, and tiles do not overlap"
)
def satd_of_several_tiles(student, generator):
    for batch in BATCHES:
        for sides in ((16, 8), (8, 24), (12, 20), (12, 16), (16, 4), (6, 10), (10, 8), (8, 6)):
            residual = _rectangle(batch, sides, generator)
            same(student.satd(residual), transforms.satd(residual), f"satd of {tuple(residual.shape)}")
    for tile in (2, 4, 8):
        residual = _rectangle((3,), (16, 24), generator)
        expected = transforms.satd(residual, tile=tile)
        same(student.satd(residual, tile), expected, f"satd of 16×24 in tiles of {tile}")
        same(student.satd(residual, tile=tile), expected, f"satd with tile={tile}")
    same(student.satd(torch.empty(0, 8, 8, dtype=torch.float64)), torch.empty(0), "satd of no block at all")


@hidden_test("check_satd", points=0.5, hint="nothing is cropped, and nothing is filled up")
def satd_refuses_what_does_not_fit(student, generator):
    for sides, options in (((7, 8), {}), ((8, 3), {}), ((1, 1), {}), ((12, 16), {"tile": 8}), ((16, 6), {"tile": 4})):
        residual = _rectangle((2,), sides, generator)
        raises(lambda r=residual, o=options: student.satd(r, **o), "ValueError", f"satd of {sides} {options}")


# --- what levels cost


@hidden_test("check_rate", points=1, hint="a sum over the block of the logarithm of each level, to base 2")
def proxies_of_levels(student, generator):
    for batch in BATCHES:
        for size in (1, 4, 8):
            levels = (6 * _square(batch, size, generator)).round()
            expected = np.log2(1 + np.abs(levels.numpy())).sum(axis=(-2, -1))
            same(student.rate_proxy(levels), torch.as_tensor(expected), f"proxy of {tuple(levels.shape)}")


@hidden_test("check_rate", points=0.5, hint="levels may be fractions, and a block may be empty of them")
def proxies_of_fractions(student, generator):
    levels = _square((4,), 8, generator)
    expected = torch.log2(1 + levels.abs()).sum(dim=(-2, -1))
    same(student.rate_proxy(levels), expected, "proxy of fractions")
    same(student.rate_proxy(torch.zeros(3, 4, 4, dtype=torch.float64)), torch.zeros(3), "proxy of zeros")


@hidden_test("check_rate", points=1.5, hint="each code has a whole, odd number of bits; a doubled level costs two more")
def bits_of_levels(student, generator):
    for level in (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 127, 128, 2047, 2048, 32767):
        code = f"{2 * level + 1:b}"  # its first 1 follows as many zeros as digits follow it
        for signed in (level, -level):
            block = torch.full((1, 1), float(signed), dtype=torch.float64)
            same(student.exp_golomb_bits(block), 2 * len(code) - 1, f"bits of {signed}", tolerance=0)
    for batch in BATCHES:
        levels = (9 * _square(batch, 8, generator)).round()
        expected = quantisation.exp_golomb_bits(levels)
        same(student.exp_golomb_bits(levels), expected, f"bits of {tuple(levels.shape)}", tolerance=0)


# --- the cheapest prediction


def _cost(residual: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    coefficients = _dct(residual)
    levels = quantisation.quantise(coefficients, qp)
    lost = coefficients - quantisation.dequantise(levels, qp)
    return transforms.sse(lost), quantisation.BITS_PER_UNIT * quantisation.rate_proxy(levels)


@hidden_test(
    "check_cheapest", points=1, hint="the distortion is what the decoder's copy lacks, not the residual itself"
)
def distortion_of_decoded_blocks(student, generator):
    for batch in BATCHES:
        qp, size = pick(generator, 5, 45), 2 ** pick(generator, 2, 4)
        residual = 3 * quantisation.step(qp) * _square(batch, size, generator)
        distortion, _ = expect_values(student.coding_cost(residual, qp), 2, "coding cost")
        same(distortion, _cost(residual, qp)[0], f"distortion of {tuple(residual.shape)} at QP {qp}")


@hidden_test("check_cheapest", points=1, hint="it is the levels that are sent")
def bits_of_coded_blocks(student, generator):
    for batch in BATCHES:
        qp, size = pick(generator, 5, 45), 2 ** pick(generator, 2, 4)
        residual = 3 * quantisation.step(qp) * _square(batch, size, generator)
        _, bits = expect_values(student.coding_cost(residual, qp), 2, "coding cost")
        same(bits, _cost(residual, qp)[1], f"bits of {tuple(residual.shape)} at QP {qp}")


def _candidates(batch: tuple[int, ...], count: int, generator) -> tuple[Tensor, Tensor]:
    """Blocks and predictions that miss them by noise, by an offset, or by both, uint8: no one measure ranks them."""
    original = torch.randint(256, (*batch, 8, 8), generator=generator)
    noise = draw(generator, *batch, count, 1, 1).abs() * 8 * draw(generator, *batch, count, 8, 8)
    offset = 30 * draw(generator, *batch, count, 1, 1)
    predictions = (original.unsqueeze(-3) + noise + offset).round().clamp(0, 255)
    return original.to(torch.uint8), predictions.to(torch.uint8)


def _chosen(student, original: Tensor, predictions: Tensor, qp: int) -> None:
    """Raise `Different` unless each choice has the least J. Two predictions may cost the same: then either is right."""
    distortion, bits = _cost(original.double().unsqueeze(-3) - predictions.double(), qp)
    j = distortion + 0.57 * 2 ** ((qp - 12) / 3) * bits  # (…, M)
    shape = tuple(original.shape[:-2])
    chosen = expect_tensor(student.cheapest(original, predictions, qp), shape, "choices")
    check(not chosen.is_floating_point(), f"choices: expected whole numbers, got {chosen.dtype}")
    check(bool(((chosen >= 0) & (chosen < j.shape[-1])).all()), "a choice that is not among the predictions")
    reached = j.gather(-1, chosen.long().unsqueeze(-1)).squeeze(-1)
    check(bool((reached <= j.amin(dim=-1) * (1 + 1e-4)).all()), f"not the least J for all of {shape} at QP {qp}")


@hidden_test(
    "check_cheapest", points=1.5, hint="at low QP the distortion decides, at high QP the bits; λ keeps the balance"
)
def choices_of_least_cost(student, generator):
    for qp in (8, 17, 22, 27, 32, 37, 42):
        _chosen(student, *_candidates((60,), 7, generator), qp)


@hidden_test("check_cheapest", points=0.5, hint="one block alone, several dimensions of blocks, a single prediction")
def choices_in_every_batch(student, generator):
    for batch, count in (((), 5), ((1,), 4), ((4, 3), 6), ((3,), 1), ((3,), 3), ((3, 3), 3)):
        _chosen(student, *_candidates(batch, count, generator), 30)
