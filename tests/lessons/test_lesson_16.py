"""The attention that lesson 16 writes out: torch's in outputs and gradients, and mistakes are caught."""

import math

import nbformat
import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from torch import nn

from course_tools.notebook_code import definitions
from course_utils import costs

PATH = ROOT / "lessons" / "16_attention.ipynb"
lesson = definitions(PATH)
LOOK = {
    "nothing": None,
    "causal": torch.ones(5, 5, dtype=torch.bool).tril(),
    "padding": torch.tensor([[True, True, True, False, False]]),
    "added": torch.linspace(-2, 3, 25, dtype=torch.float64).sin().view(5, 5),
}


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def mutated(tmp_path):
    """The lesson's definitions after one piece of its code was replaced by another."""

    def mutate(old: str, new: str):
        notebook = nbformat.read(PATH, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source]
        assert sum(cell.source.count(old) for cell in code) == 1, "the mutation must hit one place"
        code[0].source = code[0].source.replace(old, new)
        nbformat.write(notebook, tmp_path / PATH.name)
        return definitions(tmp_path / PATH.name)

    return mutate


def attention_error(module, mask: torch.Tensor | None) -> float:
    """Greatest relative error of outputs and the gradients of q, k and v."""
    inputs = [numbers(2, 3, 5, 4, seed=seed).requires_grad_() for seed in range(3)]
    ours, theirs = module.attention(*inputs, mask)[0], F.scaled_dot_product_attention(*inputs, attn_mask=mask)
    pairs = [(ours, theirs), *zip(module.gradients(ours, inputs), module.gradients(theirs, inputs), strict=True)]
    return max(module.relative(*pair) for pair in pairs)


def multi_head_error(module, *, options: dict | None = None, masks: dict | None = None, x=None) -> float:
    """Greatest relative error of outputs, weights and all gradients against nn.MultiheadAttention."""
    module.draw = lambda *shape: numbers(*shape, seed=sum(shape))
    module.mha_error.__globals__["draw"] = module.draw
    ours = module.MultiHeadAttention(12, 3, **(options or {})).double()
    theirs = nn.MultiheadAttention(12, 3, batch_first=True, **(options or {})).double()
    x = x or [numbers(2, 6, 12).requires_grad_()] * 3
    return module.mha_error(ours, theirs, x, **(masks or {}))


@pytest.mark.parametrize("mask", LOOK.values(), ids=LOOK)
def test_attention_is_torchs(mask):
    assert attention_error(lesson, mask) < 1e-9


@pytest.mark.parametrize("lengths", [(1, 1), (3, 8), (8, 3)])
def test_attention_takes_unequal_lengths_and_sizes(lengths):
    q, k, v = numbers(2, lengths[0], 4), numbers(2, lengths[1], 4, seed=1), numbers(2, lengths[1], 9, seed=2)
    y, weights = lesson.attention(q, k, v)
    assert torch.allclose(y, F.scaled_dot_product_attention(q, k, v), rtol=1e-10)
    assert weights.shape == (2, *lengths) and torch.allclose(weights.sum(-1), torch.ones(2, lengths[0]).double())


@pytest.mark.parametrize("kind", ["boolean", "numbers"])
def test_a_query_that_may_look_at_nothing_gets_zeros_and_finite_gradients(kind):
    mask = torch.ones(5, 5, dtype=torch.bool)
    mask[2] = False
    if kind == "numbers":
        mask = torch.zeros(5, 5, dtype=torch.float64).masked_fill(~mask, -math.inf)
    inputs = [numbers(1, 5, 4, seed=seed).requires_grad_() for seed in range(3)]
    y, weights = lesson.attention(*inputs, mask)
    assert not y[:, 2].any() and not weights[:, 2].any()
    assert all(each.isfinite().all() for each in lesson.gradients(y, inputs))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale", "scale = 1.0"),
        ("        weights = scores.softmax(dim=-1)\n", "        weights = scores.softmax(dim=-2)\n"),
    ],
    ids=["no scale", "softmax over the queries"],
)
def test_wrong_attention_is_caught(mutated, old, new):
    assert attention_error(mutated(old, new), None) > 1e-3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scores.masked_fill(~mask, -math.inf)", "scores.masked_fill(mask, -math.inf)"),
        ("scores.masked_fill(~mask, -math.inf)", "scores.masked_fill(~mask.tril(-1), -math.inf)"),
        ("scores.masked_fill(~mask, -math.inf)", "scores.masked_fill(~mask, 0.0)"),
    ],
    ids=["inverted", "causal without the diagonal", "score zero"],
)
def test_a_wrong_mask_is_caught(mutated, old, new):
    assert attention_error(mutated(old, new), LOOK["causal"]) > 1e-3


LATE = torch.ones(6, 6, dtype=torch.bool).triu(1)
PAD = torch.arange(6) >= torch.tensor([[6], [4]])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "masks",
    [
        {},
        {"attn_mask": LATE},
        {"key_padding_mask": PAD},
        {"attn_mask": LATE, "key_padding_mask": PAD},
        {"attn_mask": numbers(6, 6)},
    ],
    ids=["nothing", "causal", "padding", "both", "added"],
)
def test_multi_head_attention_is_torchs(bias, masks):
    assert multi_head_error(lesson, options={"bias": bias}, masks=masks) < 1e-9


def test_keys_and_values_may_have_their_own_sizes():
    x = [numbers(2, length, size, seed=size).requires_grad_() for length, size in ((6, 12), (4, 10), (4, 7))]
    assert multi_head_error(lesson, options={"kdim": 10, "vdim": 7}, x=x) < 1e-9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x.view(batch, length, self.heads, d // self.heads)", "x.view(batch, self.heads, length, -1).transpose(1, 2)"),
        ("y.transpose(1, 2).flatten(2)", "y.reshape(x.shape)".replace("x.shape", "query.shape")),
        ("self.split(self.value(value))", "self.split(F.linear(value, self.value.weight) + 0 * self.value(value))"),
        ("return attention(q, k, v, mask)", "return attention(q, k, v, mask, scale=1 / math.sqrt(12))"),
        ("return attention(q, k, v, mask)", "return attention(q, k, v, mask, scale=1.0)"),
    ],
    ids=["heads by a view alone", "heads not joined back", "bias dropped", "scale of all channels", "no scale"],
)
def test_wrong_multi_head_attention_is_caught(mutated, old, new):
    wrong = mutated(*unique(old, new))
    assert multi_head_error(wrong) > 1e-3


def unique(old: str, new: str) -> tuple[str, str]:
    """The piece with enough of its surroundings to be found once in the notebook."""
    context = {
        "x.view(batch, length, self.heads, d // self.heads)": ("x = ", "  # (N, T, h, d/h)"),
        "return attention(q, k, v, mask)": ("", "\n\n    def forward"),
    }
    before, after = context.get(old, ("", ""))
    return before + old + after, before + new + after


@pytest.mark.parametrize("which", ["attn_mask", "key_padding_mask"])
def test_a_mask_read_the_other_way_round_is_caught(mutated, which):
    wrong = mutated("        mask, -math.inf\n", "        ~mask, -math.inf\n")
    mask = {"attn_mask": LATE.tril(-1) | LATE, "key_padding_mask": PAD}[which]
    error = multi_head_error(wrong, masks={which: mask})
    assert not error < 1e-3  # an inverted padding mask leaves the full sequence without keys: torch answers nan


@pytest.mark.parametrize("heads", [1, 2, 4, 8])
def test_the_number_of_heads_is_not_in_the_number_of_parameters(heads):
    assert costs.parameters(lesson.MultiHeadAttention(32, heads)) == 4 * 32**2 + 4 * 32


def test_attention_moves_with_its_tokens():
    module, x, order = lesson.MultiHeadAttention(12, 3).double(), numbers(2, 6, 12), torch.tensor([3, 0, 5, 1, 4, 2])
    moved = x[:, order]
    assert torch.allclose(module(moved, moved, moved)[0], module(x, x, x)[0][:, order], rtol=1e-10)


def test_the_sinusoidal_table_is_the_papers():
    table = lesson.sinusoidal(20, 8)
    assert table.shape == (20, 8) and table.dtype == torch.float64
    for place, pair in ((0, 0), (3, 1), (19, 3)):
        angle = place / 10_000 ** (2 * pair / 8)
        assert table[place, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-12)
        assert table[place, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-12)


def test_rotary_keeps_lengths_and_scores_by_distance_alone():
    q, k = numbers(16), numbers(16, seed=1)
    turned_q, turned_k = lesson.rotary(q.expand(30, 16)), lesson.rotary(k.expand(30, 16))
    assert torch.allclose(turned_q.norm(dim=-1), q.norm().expand(30), rtol=1e-12)
    scores = turned_q @ turned_k.T
    assert torch.allclose(scores[:-7, :-7], scores[7:, 7:], rtol=1e-9, atol=1e-10)
    assert not torch.allclose(scores[0, 0], scores[0, 5])


@pytest.mark.parametrize("block", [1, 3, 50, 64, 1000])
def test_online_attention_is_exact_for_every_block(block):
    q, k, v = 5 * numbers(2, 50, 8), numbers(2, 50, 8, seed=1), numbers(2, 50, 8, seed=2)
    y, log_sum = lesson.online_attention(q, k, v, block=block)
    assert torch.allclose(y, lesson.naive(q, k, v), rtol=1e-10)
    assert torch.allclose(log_sum, (q @ k.mT / math.sqrt(8)).logsumexp(-1, keepdim=True), rtol=1e-12)


@pytest.mark.parametrize("length", [5, 128, 300])
def test_gradients_without_the_table_are_torchs(length):
    inputs = [numbers(1, 2, length, 4, seed=seed).requires_grad_() for seed in range(3)]
    ours, theirs = lesson.FlashAttention.apply(*inputs), F.scaled_dot_product_attention(*inputs)
    for here, there in zip(lesson.gradients(ours, inputs), lesson.gradients(theirs, inputs), strict=True):
        assert lesson.relative(here, there) < 1e-9


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("y = y * shrink + powers", "y = y + powers"),
        ("weights * (dy @ v[part].mT - D) * scale", "weights * (dy @ v[part].mT) * scale"),
        ("weights * (dy @ v[part].mT - D) * scale", "weights * (dy @ v[part].mT - D)"),
    ],
    ids=["old output not shrunk", "no D", "no scale in the gradient"],
)
def test_wrong_blockwise_attention_is_caught(mutated, old, new):
    wrong = mutated(old, new)
    inputs = [3 * numbers(1, 2, 300, 4, seed=seed).requires_grad_() for seed in range(3)]
    ours, theirs = wrong.FlashAttention.apply(*inputs), F.scaled_dot_product_attention(*inputs)
    pairs = [(ours, theirs), *zip(wrong.gradients(ours, inputs), wrong.gradients(theirs, inputs), strict=True)]
    assert max(wrong.relative(*pair) for pair in pairs) > 1e-3


def test_the_answers_of_the_tasks_are_right():
    right = lesson.answers(torch.tensor([[3, 1, 3, 0, 2]]))
    assert right["reverse"].tolist() == [[2, 0, 3, 1, 3]] and right["sort"].tolist() == [[0, 1, 2, 3, 3]]
    assert right["count"].tolist() == [[2, 1, 2, 1, 1]] and right["position"].tolist() == [[0, 1, 2, 3, 4]]
    assert right["1 left"].tolist() == [[2, 3, 1, 3, 0]] and right["1 right"].tolist() == [[1, 3, 0, 2, 3]]


@pytest.mark.parametrize("positions", ["none", "learned", "sinusoidal"])
def test_only_positions_make_the_encoder_see_the_order(positions):
    model = lesson.Encoder({"sort": 10}, positions).double().eval()
    tokens, order = torch.arange(12)[None] % 10, torch.arange(11, -1, -1)
    same = torch.allclose(model(tokens[:, order])["sort"], model(tokens)["sort"][:, order], rtol=1e-9)
    assert same == (positions == "none")


def test_a_causal_encoder_does_not_look_ahead():
    model = lesson.Encoder({"sort": 10}, causal=True).double().eval()
    one, two = torch.zeros(1, 6, dtype=torch.int64), torch.tensor([[0, 0, 0, 0, 7, 0]])
    here, there = model(one)["sort"], model(two)["sort"]
    assert torch.equal(here[:, :4], there[:, :4]) and not torch.equal(here[:, 4:], there[:, 4:])
