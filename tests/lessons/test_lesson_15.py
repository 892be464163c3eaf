"""The LSTM and GRU that lesson 15 writes out: torch's, with gradients, and the usual mistakes are caught."""

import pytest
import torch
from conftest import ROOT
from torch import nn

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "15_lstm.ipynb")
EQUAL, FAR = 1e-9, 1e-3
UNEQUAL = [3, 7, 1, 5]


def error(ours: type, theirs: type, lengths: list[int] | None = None, layers: int = 1, directions: int = 2) -> float:
    """Worst relative error of outputs, final states and gradients of the lesson's network against torch's."""
    torch.manual_seed(0)
    pair = [make(5, 6, layers, bidirectional=directions == 2) for make in (ours, theirs)]
    return lesson.worst_error(*pair, lengths)


@pytest.mark.parametrize("lengths", [None, UNEQUAL])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_network_equals_torchs_with_all_gradients(kind, layers, directions, lengths):
    assert error(getattr(lesson, kind), getattr(nn, kind), lengths, layers, directions) < EQUAL


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_weights_have_torchs_names_and_shapes(kind):
    ours, theirs = (getattr(library, kind)(5, 6, 2, bidirectional=True) for library in (lesson, nn))
    assert [(n, p.shape) for n, p in ours.named_parameters()] == [(n, p.shape) for n, p in theirs.named_parameters()]


@pytest.mark.parametrize("mistake", ["SwappedGates", "OneBias", "BareCell", "DirectionsSwapped"])
@pytest.mark.parametrize("lengths", [[7, 7, 7, 7], UNEQUAL])
def test_a_wrong_lstm_is_caught(mistake, lengths):
    assert error(getattr(lesson, mistake), nn.LSTM, lengths) > FAR


@pytest.mark.parametrize("mistake", ["PaddingRead", "NeverBackward"])
def test_reading_the_padding_is_caught_and_harmless_without_any(mistake):
    assert error(getattr(lesson, mistake), nn.LSTM, UNEQUAL) > FAR
    assert error(getattr(lesson, mistake), nn.LSTM, [7, 7, 7, 7]) < EQUAL


def test_the_papers_gru_is_not_torchs():
    assert error(lesson.ChoGRU, nn.GRU) > FAR


class LinearCandidate(lesson.LSTM):
    @staticmethod
    def step(x, h, c, weights):
        i, f, g, o = lesson.stack_of(x, h, weights)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * g
        return torch.sigmoid(o) * torch.tanh(c), c


class KeepAndWriteSwapped(lesson.GRU):
    @staticmethod
    def step(x, h, c, weights):
        new, _ = lesson.gru_step(x, h, c, weights)
        r_z_n = x @ weights[0].T + weights[2] + h @ weights[1].T + weights[3]
        z = torch.sigmoid(r_z_n.chunk(3, dim=1)[1])
        candidate = (new - z * h) / (1 - z)
        new = z * candidate + (1 - z) * h
        return new, new


@pytest.mark.parametrize(("wrong", "right"), [(LinearCandidate, nn.LSTM), (KeepAndWriteSwapped, nn.GRU)])
def test_other_wrong_steps_are_caught(wrong, right):
    assert error(wrong, right) > FAR


@pytest.mark.parametrize(("bias", "steps"), [(0, 1.0), (1, 2.21), (5, 103.2)])
def test_half_life_of_the_cell(bias, steps):
    assert lesson.half_life(bias) == pytest.approx(steps, rel=0.01)


def test_the_gradient_along_the_cell_is_the_product_of_the_gates():
    torch.manual_seed(0)
    net, x = nn.LSTM(3, 4).double(), torch.randn(9, 2, 3, dtype=torch.float64)
    cells, gates = lesson.forget_gates(x, 4, tuple(net.parameters()))
    (gradient,) = torch.autograd.grad(cells[-1].sum(), cells[2])
    assert torch.allclose(gradient, torch.stack(gates[2:]).prod(dim=0), rtol=1e-12, atol=0)


def test_setting_the_forget_bias_leaves_the_other_gates_alone():
    lstm = nn.LSTM(4, 3)
    before = [p.detach().clone() for p in lstm.parameters()]
    total = sum(list(lesson.set_forget_bias(lstm, 1).parameters())[2:])
    assert torch.equal(total[3:6], torch.ones(3))
    for rest in (slice(0, 3), slice(6, None)):
        assert torch.equal(total[rest], (before[2] + before[3])[rest])


@pytest.mark.parametrize(("uniform", "character"), [(0.0, 0), (0.49, 0), (0.5, 1), (0.74, 1), (0.76, 2), (0.9999, 2)])
def test_pick_takes_the_character_whose_stretch_holds_the_number(uniform, character):
    assert lesson.pick(torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64).log(), 1.0, uniform) == character


def test_a_low_temperature_picks_the_likeliest():
    scores = torch.tensor([1.0, 3.0, 2.0])
    assert {lesson.pick(scores, 0.01, uniform) for uniform in (0.001, 0.3, 0.6, 0.99)} == {1}


def test_readable_features_follow_the_text():
    features = lesson.readable_features("And he said, Go\nSo")
    assert features["place in verse"][:3] == [1, 2, 3] and features["place in verse"][-3:] == [0, 1, 2]
    assert features["place in word"] == [1, 2, 3, 0, 1, 2, 0, 1, 2, 3, 4, 0, 0, 1, 2, 0, 1, 2]
    assert features["capitalised word"] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1]
    assert features["after 'said'"] == [0.0] * 11 + [1.0] * 4 + [0.0] * 3


def test_correlation_is_one_for_a_scaled_copy_and_minus_one_for_its_negative():
    feature = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    cells = torch.stack([2 * feature + 1, -feature], dim=2)
    assert lesson.correlations(cells, feature).tolist() == pytest.approx([1, -1])
