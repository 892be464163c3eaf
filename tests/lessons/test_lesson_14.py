"""What lesson 14 builds, taken from the notebook and held against torch and against sums over everything."""

import itertools
import math

import pytest
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_tools.notebook_code import definitions

lesson = definitions(ROOT / "lessons" / "14_sequences_rnn.ipynb")
lesson.codes.__globals__["V"] = 5  # a small alphabet, where the notebook has 62 characters


def random_rows(*shape: int, seed: int) -> torch.Tensor:
    return lesson.random64(*shape, seed=seed).softmax(-1)


@given(states=st.integers(1, 3), symbols=st.integers(2, 4), steps=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_forward_algorithm_is_the_sum_over_all_histories(states, symbols, steps, seed):
    start, phase, emit = (random_rows(*s, seed=seed) for s in ((states,), (states, states), (states, symbols)))
    x = torch.randint(symbols, (steps,), generator=torch.Generator().manual_seed(seed))
    total = 0.0
    for history in itertools.product(range(states), repeat=steps):
        p = start[history[0]] * emit[history[0], x[0]]
        for t in range(1, steps):
            p = p * phase[history[t - 1], history[t]] * emit[history[t], x[t]]
        total += float(p)
    assert lesson.forward_algorithm(x[None], start, phase, emit).sum().item() == pytest.approx(math.log2(total))


@pytest.fixture(scope="module")
def characters():
    return torch.randint(5, (300,), generator=torch.Generator().manual_seed(0)).clamp(max=3)  # 4 never occurs


def test_counts_are_those_of_a_dictionary(characters):
    table = lesson.Counts(characters, 3)
    seen = {}
    for window in zip(*(characters[i:].tolist() for i in range(3)), strict=False):
        seen[window] = seen.get(window, 0) + 1
    assert dict(zip(table.keys.tolist(), table.counts.tolist(), strict=True)) == {
        25 * a + 5 * b + c: count for (a, b, c), count in seen.items()
    }
    followers = {(a, b): {w[2] for w in seen if w[:2] == (a, b)} for a, b, _ in seen}
    assert sorted(map(len, followers.values())) == sorted(table.kinds.tolist())


@pytest.mark.parametrize("past", list(itertools.product(range(5), repeat=2)))
def test_both_smoothings_sum_to_one_and_forbid_nothing(characters, past):
    tables = [lesson.Counts(characters, n) for n in (1, 2, 3)]
    windows = torch.tensor([[*past, c] for c in range(5)])
    for p in (lesson.add_one(tables[2], windows), *lesson.witten_bell(tables, windows)):
        assert p.sum().item() == pytest.approx(1) and p.min() > 0


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_rnn_is_torchs_in_outputs_and_all_gradients(layers, bidirectional, steps):
    assert lesson.rnn_error(lesson.RNN(5, 6, layers, bidirectional), layers, bidirectional, steps) < 1e-9


def wrong_cell(change):
    """An RNNLayer with one mistake in its step, `change(layer, x_t, h)`."""

    class Wrong(lesson.RNNLayer):
        def forward(self, x, h):
            states = []
            for t in range(x.shape[1]):
                h = change(self, x[:, t], h)
                states.append(h)
            return torch.stack(states, 1), h

    return Wrong(5, 6)


MISTAKES = {
    "recurrent matrix not transposed": lambda s, x, h: torch.tanh(
        x @ s.weight_ih.T + s.bias_ih + h @ s.weight_hh + s.bias_hh
    ),
    "one bias forgotten": lambda s, x, h: torch.tanh(x @ s.weight_ih.T + s.bias_ih + h @ s.weight_hh.T + 0 * s.bias_hh),
    "half of the old state detached": lambda s, x, h: torch.tanh(
        x @ s.weight_ih.T + s.bias_ih + (h + h.detach()) / 2 @ s.weight_hh.T + s.bias_hh
    ),
    "sigmoid for tanh": lambda s, x, h: torch.sigmoid(x @ s.weight_ih.T + s.bias_ih + h @ s.weight_hh.T + s.bias_hh),
    "old state kept in part": lambda s, x, h: (
        0.01 * h + torch.tanh(x @ s.weight_ih.T + s.bias_ih + h @ s.weight_hh.T + s.bias_hh)
    ),
}


def with_layer(layer):
    net = lesson.RNN(5, 6)
    net.layers[0][0] = layer
    return net


def test_a_right_cell_in_the_same_harness_passes():
    def right(s, x, h):
        return torch.tanh(x @ s.weight_ih.T + s.bias_ih + h @ s.weight_hh.T + s.bias_hh)

    assert lesson.rnn_error(with_layer(wrong_cell(right)), 1, False) < 1e-9


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_cell_is_caught(mistake):
    assert lesson.rnn_error(with_layer(wrong_cell(MISTAKES[mistake])), 1, False) > 1e-6


def test_a_backward_direction_that_is_not_turned_round_is_caught():
    net = lesson.RNN(5, 6, 2, True)
    for layer in net.layers:
        layer[1].reverse = False
    assert lesson.rnn_error(net, 2, True) > 1e-6


@pytest.mark.parametrize("window", [None, 1, 5, 8, 24])
def test_bptt_by_hand_is_autograd(window):
    assert lesson.bptt_error(window=window) < 1e-9


def slope_forgotten(layer, x, states, h0, grad, window):
    return lesson.bptt(layer, x, states * 0, h0, grad, window)


def cut_one_step_late(layer, x, states, h0, grad, window):
    return lesson.bptt(layer, x, states, h0, grad, window + 1)


def never_cut(layer, x, states, h0, grad, window):
    return lesson.bptt(layer, x, states, h0, grad, None)


def start_state_forgotten(layer, x, states, h0, grad, window):
    return lesson.bptt(layer, x, states, h0 * 0, grad, window)


@pytest.mark.parametrize("wrong", [slope_forgotten, cut_one_step_late, never_cut, start_state_forgotten])
def test_a_wrong_bptt_is_caught(wrong):
    assert lesson.bptt_error(wrong, window=8) > 1e-6


@pytest.mark.parametrize("window", [1, 3, 8])
def test_no_gradient_crosses_a_cut_and_all_others_stay(window):
    full, cut = lesson.influence(12, steps=12), lesson.influence(window, steps=12)
    place = torch.arange(12) // window
    outside = place[:, None] > place[None, :]
    assert bool((cut[outside] == 0).all())
    assert torch.allclose(cut[~outside], full[~outside], rtol=1e-9)
    assert (cut > 0).sum() == sum(t % window + 1 for t in range(12))


@pytest.mark.parametrize("kind", ["default", "orthogonal", "orthogonal × 1.4"])
@pytest.mark.parametrize("noise", [0.0, 0.3, 2.0])
def test_the_singular_value_bounds_every_jacobian(kind, noise):
    weight = lesson.recurrent(kind, 12, seed=1)
    norms = lesson.jacobian_norms(weight, noise, 20)
    bound = lesson.sigma(weight)
    assert all(norm <= bound**k * (1 + 1e-9) for k, norm in enumerate(norms))
    if noise == 0:  # the state stays zero, so the network is linear there
        power = lesson.sigma(torch.linalg.matrix_power(weight, 20))
        assert norms[20] == pytest.approx(power)


@given(limit=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_clipping_is_torchs(limit):
    assert lesson.clip_error(lesson.clip_gradient, limit) < 1e-9


def clip_each_alone(parameters, limit):
    norms = [float(nn.utils.clip_grad_norm_([p], limit)) for p in parameters]
    return math.hypot(*norms)


def clip_values(parameters, limit):
    norm = float(torch.cat([p.grad.flatten() for p in parameters]).norm())
    nn.utils.clip_grad_value_(parameters, limit)
    return norm


def scale_always(parameters, limit):
    norm = float(torch.cat([p.grad.flatten() for p in parameters]).norm())
    for p in parameters:
        p.grad *= limit / (norm + 1e-6)
    return norm


@pytest.mark.parametrize(("wrong", "limit"), [(clip_each_alone, 2.0), (clip_values, 0.5), (scale_always, 50.0)])
def test_a_wrong_clipping_is_caught(wrong, limit):
    assert lesson.clip_error(wrong, limit) > 1e-6
