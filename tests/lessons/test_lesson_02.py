"""The convolutions that lesson 02 writes out, taken from the notebook and held against torch on many shapes."""

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "02_the_convolution.ipynb")


@st.composite
def convolutions(draw) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, dict[str, int]]:
    """Input, weight, bias and options of a small convolution, square or not, that leaves at least one output."""
    options = {name: draw(st.integers(1, 3)) for name in ("stride", "dilation", "groups")}
    options["padding"] = draw(st.integers(0, 3))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    for n, k in zip(size, kernel, strict=True):
        assume(n + 2 * options["padding"] >= options["dilation"] * (k - 1) + 1)
    groups = options["groups"]
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x = numbers(draw(st.integers(1, 2)), channels, *size)
    return x, numbers(filters, channels // groups, *kernel), numbers(filters), options


@pytest.mark.parametrize("name", ["conv2d_loops", "conv2d_unfold"])
@settings(max_examples=60)
@given(case=convolutions())
def test_the_written_out_convolution_equals_torchs(name, case):
    x, weight, bias, options = case
    ours = getattr(lesson, name)(x, weight, bias, **options)
    theirs = F.conv2d(x, weight, bias, **options)
    assert ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@given(
    size=st.integers(1, 300),
    kernel=st.integers(1, 15),
    stride=st.integers(1, 6),
    padding=st.integers(0, 8),
    dilation=st.integers(1, 4),
)
def test_the_output_size_formula_is_torchs(size, kernel, stride, padding, dilation):
    assume(size + 2 * padding >= dilation * (kernel - 1) + 1)
    x, weight = torch.empty(1, 1, size, 1, device="meta"), torch.empty(1, 1, kernel, 1, device="meta")
    rows = F.conv2d(x, weight, stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1)).shape[2]
    assert lesson.output_size(size, kernel, stride=stride, padding=padding, dilation=dilation) == rows
