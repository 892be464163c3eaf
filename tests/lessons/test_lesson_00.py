"""What lesson 00 writes out, held against torch on fresh numbers; and that a beginner can read it from the top."""

import re

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from course_tools.notebook_code import definitions
from course_utils.command import notebooks

PATH = ROOT / "lessons" / "00_a_network_learns.ipynb"
CELLS = notebooks.read(PATH).cells
lesson = definitions(PATH)


def numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(pictures=st.integers(1, 20), classes=st.integers(1, 12), seed=st.integers(0, 99))
def test_softmax_and_the_loss_are_torchs(pictures, classes, seed):
    scores = 3 * numbers(seed, pictures, classes)
    labels = torch.randint(classes, (pictures,), generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(lesson.softmax(scores), scores.softmax(1), rtol=1e-12, atol=1e-12)
    assert torch.allclose(lesson.cross_entropy(scores, labels), F.cross_entropy(scores, labels), rtol=1e-12)


def gradients(seed: int, pictures: int, pixels: int, width: int, backward) -> tuple[list, list]:
    """Ours and autograd's of W1, b1, W2, b2 for a network of ten classes."""
    weights = [numbers(seed + n, *s) for n, s in enumerate([(pixels, width), (width,), (width, 10), (10,)])]
    x, labels = numbers(seed + 9, pictures, pixels), torch.arange(pictures) % 10
    leaves = [weight.clone().requires_grad_() for weight in weights]
    loss = F.cross_entropy(F.linear(F.relu(F.linear(x, leaves[0].T, leaves[1])), leaves[2].T, leaves[3]), labels)
    return list(backward(x, labels, *weights)), list(torch.autograd.grad(loss, leaves))


@given(seed=st.integers(0, 99), pictures=st.integers(1, 12), pixels=st.integers(1, 9), width=st.integers(1, 9))
def test_the_hand_written_backward_pass_is_autograds(seed, pictures, pixels, width):
    ours, theirs = gradients(seed, pictures, pixels, width, lesson.backward)
    assert all(torch.allclose(*pair, rtol=0, atol=1e-9) for pair in zip(ours, theirs, strict=True))


def test_without_the_relu_on_the_way_back_it_is_not():
    ours, theirs = gradients(0, 12, 9, 9, lesson.backward_without_relu)
    assert not torch.allclose(ours[0], theirs[0], rtol=0, atol=1e-3)
    assert torch.allclose(ours[2], theirs[2], rtol=0, atol=1e-9)  # the mistake is below the second layer


def test_the_first_falling_curve_comes_before_cell_30_and_before_the_middle():
    place = next(index for index, cell in enumerate(CELLS) if 'title="It learns"' in cell.source)
    assert place < min(30, len(CELLS) / 2)
    assert any("image/png" in output.get("data", {}) for output in CELLS[place].outputs)


DEFINITION = re.compile(r"\*([A-Za-z][\w -]*)\*\s\([가-힣 ]+\)")
TEXT = "\n".join(cell.source for cell in CELLS[2:] if cell.cell_type == "markdown")  # the goals name what will come
TERMS = [match[1] for match in DEFINITION.finditer(TEXT)]


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_defined_where_it_is_used_first(term):
    first = re.search(rf"\b{term}", TEXT, flags=re.IGNORECASE)
    assert TEXT[first.start() - 1] == "*", TEXT[first.start() - 60 : first.end() + 20]


def test_the_terms_of_a_training_are_all_defined():
    assert {"network", "loss", "gradient", "learning rate", "batch", "epoch", "overfitting"} <= set(TERMS)
