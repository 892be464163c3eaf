"""The transformer that lesson 17 writes out, taken from the notebook and held against torch, and its wrong variants."""

import datetime
import math

import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_tools.notebook_code import definitions
from course_utils import parity

PATH = ROOT / "lessons" / "17_transformer.ipynb"
lesson = definitions(PATH)
ACTIVATIONS = [F.relu, F.gelu]


@pytest.fixture
def fresh():
    """The lesson's names in a namespace of their own, for tests that put a mistake into it."""
    return definitions(PATH)


@pytest.mark.parametrize("gap", ["encoder_gap", "decoder_gap", "transformer_gap"])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_and_all_gradients_equal_torchs(gap, norm_first, activation):
    assert getattr(lesson, gap)(norm_first, activation) < 1e-9


@settings(max_examples=15)
@given(
    heads=st.sampled_from([1, 2, 4]),
    width=st.integers(1, 3),
    hidden=st.integers(1, 9),
    places=st.integers(1, 6),
    source=st.integers(2, 7),  # of one place the softmax is 1: no gradient but rounding reaches the queries' norm
    norm_first=st.booleans(),
)
def test_a_decoder_layer_of_any_size_is_torchs(heads, width, hidden, places, source, norm_first):
    d = 4 * heads * width
    theirs = nn.TransformerDecoderLayer(d, heads, hidden, dropout=0.0, batch_first=True, norm_first=norm_first)
    mask = lesson.causal(places)
    gap = lesson.largest_gap(
        lesson.DecoderLayer(d, heads, hidden, norm_first, F.relu),
        theirs,
        lambda model, x, memory: model(x, memory, mask),
        lambda model, x, memory: model(x, memory, tgt_mask=~mask),
        [lesson.numbers(2, places, d), lesson.numbers(2, source, d, seed=1)],
    )
    assert gap < 1e-7  # a key's bias has no gradient but rounding: relative error means little there


class NoResidual(lesson.EncoderLayer):
    def forward(self, x, allowed=None, cache=None):
        y = self.norm1(x)
        x = x + self.attention(y, y, allowed, cache)
        return self.feed_forward(self.norm2(x))


class NormAfterTheSum(lesson.EncoderLayer):
    def forward(self, x, allowed=None, cache=None):
        x = self.norm1(x + self.attention(x, x, allowed, cache))
        return self.norm2(x + self.feed_forward(x))


class NormInsideThePostNorm(lesson.EncoderLayer):
    def forward(self, x, allowed=None, cache=None):
        x = x + self.norm1(self.attention(x, x, allowed, cache))
        return x + self.norm2(self.feed_forward(x))


class KeysNotNormed(lesson.EncoderLayer):
    def forward(self, x, allowed=None, cache=None):
        x = x + self.attention(self.norm1(x), x, allowed, cache)
        return x + self.feed_forward(self.norm2(x))


class MaskForgotten(lesson.EncoderLayer):
    def forward(self, x, allowed=None, cache=None):
        return super().forward(x, None, cache)


@pytest.mark.parametrize(
    "wrong", [NoResidual, NormAfterTheSum, NormInsideThePostNorm, KeysNotNormed, MaskForgotten, lesson.NormedShortcut]
)
def test_a_wrong_encoder_layer_is_caught(wrong):
    assert lesson.encoder_gap(True, F.gelu, ours=wrong) > 1e-3


def test_a_pre_norm_layer_is_not_a_post_norm_layer():
    class PreNorm(lesson.EncoderLayer):
        def __init__(self, d, heads, hidden, norm_first, activation):
            super().__init__(d, heads, hidden, not norm_first, activation)

    assert lesson.encoder_gap(False, F.relu, ours=PreNorm) > 1e-3


class CrossOfItself(lesson.DecoderLayer):
    def forward(self, x, memory, allowed=None, memory_allowed=None):
        y = self.norm1(x)
        x = x + self.attention(y, y, allowed)
        y = self.norm2(x)
        x = x + self.cross(y, y) + 0 * memory.sum()
        return x + self.feed_forward(self.norm3(x))


class MemoryNormed(lesson.DecoderLayer):
    def forward(self, x, memory, allowed=None, memory_allowed=None):
        return super().forward(x, self.norm2(memory), allowed, memory_allowed)


class PaddingSeen(lesson.DecoderLayer):
    def forward(self, x, memory, allowed=None, memory_allowed=None):
        return super().forward(x, memory, allowed, None)


class SelfAttentionUnmasked(lesson.DecoderLayer):
    def forward(self, x, memory, allowed=None, memory_allowed=None):
        return super().forward(x, memory, None, memory_allowed)


@pytest.mark.parametrize("wrong", [CrossOfItself, MemoryNormed, PaddingSeen, SelfAttentionUnmasked])
def test_a_wrong_decoder_layer_is_caught(wrong):
    assert lesson.decoder_gap(True, F.gelu, ours=wrong) > 1e-3


@pytest.mark.parametrize("diagonal", [-1, 1])
def test_a_causal_mask_that_is_off_by_one_is_caught(diagonal):
    def wrong(length, device=None):
        mask = torch.ones(length, length, dtype=torch.bool).tril(diagonal)
        mask[0, 0] = True  # a row without any place would be nan
        return mask

    class OffByOne(lesson.EncoderLayer):
        def forward(self, x, allowed=None, cache=None):
            shape = allowed.shape[-1]
            return super().forward(x, allowed.any(dim=-2, keepdim=True) & wrong(shape), cache)

    assert not torch.equal(wrong(5), lesson.causal(5))
    assert not lesson.encoder_gap(True, F.gelu, ours=OffByOne) < 1e-3


def toy(space, depth=2):
    model = space.GPT(7, 8, 2, depth).double()
    parity.randomize(model)
    return model


def cache_is_exact(space) -> bool:
    model, start = toy(space), torch.tensor([[1, 2, 3], [4, 5, 6]])
    (plain, scores), (cached, same) = (space.generate(model, start, 20, cached=flag) for flag in (False, True))
    return torch.equal(plain, cached) and torch.allclose(scores, same, rtol=1e-9, atol=1e-11)


def test_generation_with_the_cache_is_generation_without(fresh):
    assert cache_is_exact(fresh)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_cache_whose_position_is_off_by_one_is_caught(fresh, monkeypatch, shift):
    right = fresh.positions
    off = lambda start, stop, d: right(start, stop, d) if start == 0 else right(start + shift, stop + shift, d)  # noqa: E731
    monkeypatch.setitem(fresh.GPT.forward.__globals__, "positions", off)
    assert not cache_is_exact(fresh)


def test_a_cache_that_forgets_the_values_is_caught(fresh, monkeypatch):
    def forgetful(self, x, memory, allowed=None, cache=None):
        q, k, v = self.project(x, memory)
        if cache is not None:
            if cache:
                k = torch.cat([cache["k"], k], dim=2)
                v = torch.cat([v.expand_as(cache["v"]), v], dim=2)
            cache.update(k=k, v=v)
        return self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed).transpose(1, 2).flatten(2))

    monkeypatch.setattr(fresh.Attention, "forward", forgetful)
    assert not cache_is_exact(fresh)


@given(pieces=st.integers(1, 9))
def test_a_prompt_may_enter_the_cache_in_pieces_of_any_size(pieces):
    model, characters = toy(lesson), torch.randint(7, (2, 9), generator=torch.Generator().manual_seed(0))
    caches = [{} for _ in model.layers]
    parts = torch.cat([model(part, caches) for part in characters.split(pieces, dim=1)], dim=1)
    assert torch.allclose(parts, model(characters), rtol=1e-9, atol=1e-11)


def test_the_gpt_does_not_see_the_future():
    model, one = toy(lesson), torch.tensor([[1, 2, 3, 4, 5]])
    other = torch.tensor([[1, 2, 3, 6, 0]])
    assert torch.equal(model(one)[:, :3], model(other)[:, :3])
    assert not torch.equal(model(one)[:, 3], model(other)[:, 3])


@given(seed=st.integers(0, 99))
def test_the_widest_beam_is_exhaustive_search(seed):
    log_p = lesson.toy_model(seed)
    best, score = lesson.exhaustive(log_p, 0, 3, size=4, steps=4)
    path, found = lesson.beam_search(log_p, 0, 3, width=4**3, steps=4)
    assert math.isclose(found, score, rel_tol=1e-9)
    assert path == best or math.isclose(score, found)


@given(seed=st.integers(0, 99))
def test_a_beam_of_one_is_greedy(seed):
    log_p, path = lesson.toy_model(seed), [0]
    while len(path) < 6:
        path.append(3 if path[-1] == 3 else int(log_p(torch.tensor([path])).argmax()))
    assert lesson.beam_search(log_p, 0, 3, width=1, steps=5)[0] == path


@given(seed=st.integers(0, 99), size=st.integers(2, 20))
def test_label_smoothing_is_torchs_with_its_gradient(seed, size):
    scores = lesson.numbers(3, 4, size, seed=seed).requires_grad_()
    targets = torch.randint(size, (3, 4), generator=torch.Generator().manual_seed(seed))
    ours = lesson.smoothed_loss(scores, targets)
    theirs = F.cross_entropy(scores.flatten(0, 1), targets.flatten(), label_smoothing=0.1)
    assert torch.allclose(ours, theirs, rtol=1e-12)
    assert torch.allclose(*(torch.autograd.grad(each, scores)[0] for each in (ours, theirs)), rtol=1e-9, atol=1e-14)


@given(length=st.integers(1, 40), depth=st.integers(1, 3))
def test_the_chain_of_products_grows_with_time_in_a_loop_only(length, depth):
    x = torch.ones(1, length, 8)
    layers = [lesson.EncoderLayer(8, 2, 16) for _ in range(depth)]
    with lesson.sdpa_kernel(lesson.SDPBackend.MATH):
        y = x
        for layer in layers:
            y = layer(y)
        assert lesson.products_in_a_row(y) == 6 * depth
    assert lesson.products_in_a_row(lesson.Recurrent(8)(x)) == length


@pytest.mark.parametrize(
    ("number", "words"),
    [(5, "오"), (10, "십"), (11, "십일"), (29, "이십구"), (1987, "천구백팔십칠"), (2024, "이천이십사"), (2000, "이천")],
)
def test_numbers_are_spoken_in_korean(number, words):
    assert lesson.sino_korean(number) == words


def test_every_day_of_a_year_has_its_own_words_in_every_writing():
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=index) for index in range(366)]
    for writing in lesson_writings():
        assert len({writing(day) for day in days}) == 366
    assert {lesson.sino_month(month) for month in (6, 10)} == {"유월", "시월"}
    assert [lesson.ordinal(day) for day in (1, 12, 20, 21, 30, 31)] == [
        "first",
        "twelfth",
        "twentieth",
        "twenty-first",
        "thirtieth",
        "thirty-first",
    ]


def lesson_writings():
    """Writings put together from the lesson's functions, as its table of lambdas does."""
    return [
        lambda date: f"the {lesson.ordinal(date.day)} of {date.month}",
        lambda date: f"{lesson.sino_month(date.month)} {lesson.sino_korean(date.day)}일",
    ]


def test_patches_are_one_linear_layer():
    net = lesson.VisionTransformer(d=8, heads=2, hidden=8, depth=1).double()
    x = lesson.numbers(2, 1, 28, 28)
    patches = F.unfold(x, 7, stride=7).mT
    assert torch.allclose(
        F.linear(patches, net.patch.weight.flatten(1), net.patch.bias), net.patch(x).flatten(2).transpose(1, 2)
    )
    assert net(x).shape == (2, 10)
