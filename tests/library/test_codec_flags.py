"""Block flags: the best choice per block, and the bits that an adaptive coder, run flag by flag, would spend."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.codec import flags
from course_utils.errors import CourseError


def adaptive_bits(picture: list[list[bool]]) -> float:
    """Code flag by flag with counts that start at 1/2, in the context of how many of left and above are on."""
    counts, total = [[0.5, 0.5] for _ in range(3)], 0.0
    for r, row in enumerate(picture):
        for c, flag in enumerate(row):
            context = counts[(r > 0 and picture[r - 1][c]) + (c > 0 and row[c - 1])]
            total -= math.log2(context[flag] / sum(context))
            context[flag] += 1
    return total


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), data=st.data())
def test_the_bits_are_those_of_an_adaptive_coder_run_flag_by_flag(rows, columns, data):
    row = st.lists(st.booleans(), min_size=columns, max_size=columns)
    pictures = data.draw(st.lists(st.lists(row, min_size=rows, max_size=rows), min_size=1, max_size=2))
    bits = flags.bits(torch.tensor(pictures))
    assert bits.tolist() == pytest.approx([adaptive_bits(picture) for picture in pictures])


def test_flags_that_are_all_alike_cost_little_and_random_ones_about_a_bit_each():
    alike = torch.ones(1, 32, 32, dtype=torch.bool)
    random = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0)) < 0.5
    assert flags.bits(alike) < 20 and 1024 < flags.bits(random) < 1060


@given(height=st.integers(1, 20), width=st.integers(1, 20), size=st.integers(1, 8), seed=st.integers(0, 5))
def test_the_mixed_picture_has_the_smaller_error_of_each_block(height, width, size, seed):
    off, on, original = torch.randint(0, 256, (3, 2, height, width), generator=torch.Generator().manual_seed(seed))
    chosen = flags.choose(off, on, original, size)
    mixed = flags.apply(chosen, off, on, size)
    error = flags.block_sse(mixed, original, size)
    best = torch.minimum(flags.block_sse(off, original, size), flags.block_sse(on, original, size))
    assert torch.equal(error, best)
    assert error.sum().item() == (mixed - original).square().sum().item()  # smaller blocks at the border, none lost


def test_a_tie_is_off():
    picture = torch.zeros(1, 8, 8)
    assert not flags.choose(picture, picture, picture + 1, 4).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flags.bits(torch.zeros(1, 2, 2)), r"flags are \(N, R, C\) of bool"),
        (lambda: flags.block_sse(torch.zeros(1, 2, 2), torch.zeros(1, 2, 3), 2), "compare pictures"),
        (
            lambda: flags.apply(torch.ones(1, 1, 1, dtype=torch.bool), torch.zeros(1, 5, 4), torch.zeros(1, 5, 4), 4),
            r"flags \(1, 1, 1\) do not belong",
        ),
    ],
)
def test_bad_flags_are_a_clear_error(call, message):
    with pytest.raises(CourseError, match=message):
        call()
