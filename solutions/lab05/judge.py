"""Hidden tests of lab 05, SDPA and MHA. Points per exercise are those of the notebook's checks."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, expect_values, hidden_test, pick
from course_utils.compare import same


def _reference(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Outputs and weights in the plain way; zeros where a query may look at nothing."""
    scores = torch.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
        empty = ~allowed.any(dim=-1, keepdim=True).expand(*scores.shape[:-1], 1)
        scores = torch.where(empty, torch.zeros_like(scores), scores)
    weights = scores.softmax(dim=-1)
    if allowed is not None:
        weights = torch.where(empty, torch.zeros_like(weights), weights)
    return weights @ v, weights


def _lookup(generator, *leading: int) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v with different lengths and sizes: more keys than queries, or fewer."""
    queries, keys = pick(generator, 1, 5), pick(generator, 6, 9)
    if pick(generator, 0, 1):
        queries, keys = keys, queries
    d_k, d_v = pick(generator, 2, 5), pick(generator, 6, 8)
    return (
        draw(generator, *leading, queries, d_k),
        draw(generator, *leading, keys, d_k),
        draw(generator, *leading, keys, d_v),
    )


def _some(generator, *shape: int) -> Tensor:
    """A random mask in which every query may look at something."""
    mask = torch.rand(shape, generator=generator) < 0.5
    mask[..., pick(generator, 0, shape[-1] - 1)] = True
    return mask


@hidden_test(
    "check_attention", points=1.5, hint="any number of axes before the last two, and d_k is the size of a query"
)
def attention_of_every_shape(student, generator):
    for leading in ((), (2,), (2, 3), (1, 1), (2, 1, 3)):
        q, k, v = _lookup(generator, *leading)
        same(student.attention(q, k, v), _reference(q, k, v), f"attention of q {tuple(q.shape)}, k {tuple(k.shape)}")
    q, k, v = draw(generator, 2, 4, 1), draw(generator, 2, 1, 1), draw(generator, 2, 1, 3)
    same(student.attention(q, k, v), _reference(q, k, v), "one key of one channel")
    q, k, v = 4000 * draw(generator, 3, 8), draw(generator, 5, 8), draw(generator, 5, 2)
    same(student.attention(q, k, v), _reference(q, k, v), "scores of thousands")


@hidden_test("check_attention", points=1, hint="a mask broadcasts, and what it forbids weighs nothing at any score")
def attention_under_masks(student, generator):
    q, k, v = _lookup(generator, 2, 3)
    T, S = q.shape[-2], k.shape[-2]
    for shape in ((T, S), (S,), (2, 1, 1, S), (3, T, S), (2, 3, T, S)):
        allowed = _some(generator, *shape)
        same(student.attention(q, k, v, allowed), _reference(q, k, v, allowed), f"a mask of shape {shape}")
        low = (-3e4 * q.abs(), k.abs(), v)  # every score lies far below zero
        same(student.attention(*low, allowed), _reference(*low, allowed), f"low scores under a mask of shape {shape}")
    everything = torch.ones(T, S, dtype=torch.bool)
    same(student.attention(q, k, v, everything), _reference(q, k, v), "a mask that forbids nothing")


@hidden_test("check_attention", points=0.5, hint="weights and outputs are zero there, and gradients stay finite")
def attention_of_a_query_that_may_look_at_nothing(student, generator):
    q, k, v = _lookup(generator, 2, 2)
    allowed = _some(generator, 2, 1, q.shape[-2], k.shape[-2])
    allowed[0, 0, pick(generator, 0, q.shape[-2] - 1)] = False
    for mask in (allowed, torch.zeros_like(allowed)):
        same(student.attention(q, k, v, mask), _reference(q, k, v, mask), "an empty row")
        _same_gradients(student, q, k, v, mask, generator)


def _same_gradients(student, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, generator) -> None:
    outputs = _reference(*(each.requires_grad_() for each in (q, k, v)), mask)
    cotangents = [draw(generator, *each.shape) for each in outputs]
    expected = torch.autograd.grad(outputs, (q, k, v), cotangents)
    inputs = [each.detach() for each in (q, k, v)]
    _, came = student.gradient("attention", *inputs, *([] if mask is None else [mask]), cotangents=cotangents)
    same(came, expected, "gradients in q, k and v")


@hidden_test("check_attention", points=1, hint="the gradient must reach q, k and v, through outputs and weights")
def attention_gradients(student, generator):
    for _ in range(3):
        q, k, v = _lookup(generator, 2)
        _same_gradients(student, q, k, v, None, generator)
        _same_gradients(
            student, q.detach(), k.detach(), v.detach(), _some(generator, *q.shape[:2], k.shape[1]), generator
        )


@hidden_test("check_causal_mask", points=1, hint="query t sees the keys 0 to t, whichever of T and S is greater")
def mask_without_past(student, generator):
    for _ in range(4):
        for T, S in ((pick(generator, 1, 5), pick(generator, 6, 9)), (pick(generator, 6, 9), pick(generator, 1, 5))):
            expected = torch.tensor([[s <= t for s in range(S)] for t in range(T)])
            same(student.causal_mask(T, S), expected, f"{T} × {S}", same_dtype=True)
    same(student.causal_mask(1, 1), torch.tensor([[True]]), "1 × 1", same_dtype=True)


@hidden_test("check_causal_mask", points=1, hint="the first query stands at place `past`, and sees that place, too")
def mask_after_a_past(student, generator):
    for _ in range(5):
        past, T = pick(generator, 1, 6), pick(generator, 1, 5)
        for S in (past + T, past + T + 2, past + 1):
            expected = torch.tensor([[s <= past + t for s in range(S)] for t in range(T)])
            same(student.causal_mask(T, S, past=past), expected, f"{T} × {S} after {past}", same_dtype=True)


@hidden_test("check_causal_mask", points=1, hint="one mask for each sequence; both rules hold; a length may be 0")
def mask_with_lengths(student, generator):
    for past in (0, 3):
        T = pick(generator, 2, 4)
        S = past + T
        lengths = [S, pick(generator, 1, S - 1), 0]
        rows = [[[[s <= past + t and s < length for s in range(S)] for t in range(T)]] for length in lengths]
        mask = student.causal_mask(T, S, past=past, lengths=torch.tensor(lengths))
        same(mask, torch.tensor(rows), f"{T} × {S} after {past}, lengths {lengths}", same_dtype=True)
    mask = student.causal_mask(2, 2, 0, torch.tensor([1]))
    same(mask, torch.tensor([[[[True, False], [True, False]]]]), "one sequence", same_dtype=True)


def _attentions(student, d: int, heads: int, generator):
    """The student's module and torch's with the same weights, none of them zero."""
    ours = student.new("MultiHeadAttention", d, heads).double()
    theirs = nn.MultiheadAttention(d, heads, batch_first=True).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(0.3 * draw(generator, *parameter.shape))
    ours.load(dict(theirs.state_dict()))
    return ours, theirs


@hidden_test("check_MultiHeadAttention", points=1, hint="cut the channels of each place first, then swap the axes")
def heads_are_channels(student, generator):
    for d, heads in ((12, 3), (8, 1), (6, 6), (10, 2)):
        ours, theirs = _attentions(student, d, heads, generator)
        x, memory = draw(generator, 2, 4, d), draw(generator, 2, 3, d)
        rows = zip((x, memory, memory), theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3), strict=True)
        expected = [
            torch.stack([part[..., i * (d // heads) : (i + 1) * (d // heads)] for i in range(heads)], dim=1)
            for part in (F.linear(*each) for each in rows)
        ]
        same(ours.method("project", x, memory), expected, f"{heads} heads of {d} channels")
        y = draw(generator, 2, heads, 4, d // heads)
        side_by_side = torch.cat([y[:, i] for i in range(heads)], dim=-1)
        same(ours.method("merge", y), theirs.out_proj(side_by_side), f"{heads} heads merged")


@hidden_test("check_MultiHeadAttention", points=1, hint="the scale is that of one head, not of all channels")
def self_attention_of_torch(student, generator):
    for d, heads, batch, length in ((12, 3, 2, 5), (8, 1, 1, 4), (6, 6, 3, 1), (16, 4, 1, 7)):
        ours, theirs = _attentions(student, d, heads, generator)
        x = draw(generator, batch, length, d)
        same(ours(x, x), theirs(x, x, x)[0], f"self-attention, {heads} heads of {d} channels")


@hidden_test("check_MultiHeadAttention", points=1, hint="x asks; memory answers, and may be longer or shorter than x")
def cross_attention_and_masks_of_torch(student, generator):
    for T, S in ((3, 6), (5, 2)):
        ours, theirs = _attentions(student, 12, 3, generator)
        x, memory = draw(generator, 2, T, 12), draw(generator, 2, S, 12)
        same(ours(x, memory), theirs(x, memory, memory)[0], f"{T} queries, {S} keys")
        allowed = _some(generator, T, S)
        expected = theirs(x, memory, memory, attn_mask=~allowed)[0]
        same(ours(x, memory, allowed), expected, "one mask for all")
        lengths = torch.tensor([S, 1])
        padded = torch.arange(S) >= lengths[:, None]
        expected = theirs(x, memory, memory, attn_mask=~allowed | padded[:, None].repeat_interleave(3, dim=0))[0]
        usable = (allowed & ~padded[:, None])[:, None]
        came = expect_tensor(ours(x, memory, usable), tuple(expected.shape), "a mask for each sequence")
        sees = usable.any(dim=-1)[:, 0]  # (N, T): torch says nan where a query may look at nothing
        same(came[sees], expected[sees], "a mask for each sequence")


@hidden_test("check_MultiHeadAttention", points=1.5, hint="every parameter must be used, and none detached")
def gradients_of_torch(student, generator):
    for T, S in ((4, 4), (3, 5)):
        ours, theirs = _attentions(student, 8, 2, generator)
        x, memory = draw(generator, 2, T, 8), draw(generator, 2, S, 8)
        cotangents = draw(generator, 2, T, 8)
        _, inputs, weights = ours.gradient(x, memory, cotangents=cotangents)
        x.requires_grad_(), memory.requires_grad_()
        names = dict(theirs.named_parameters())
        expected = torch.autograd.grad(theirs(x, memory, memory)[0], (x, memory, *names.values()), cotangents)
        same(inputs, expected[:2], "gradients in x and memory")
        check(set(weights) == set(names), f"the parameters are {sorted(weights)}")
        same(weights, dict(zip(names, expected[2:], strict=True)), "gradients of the parameters")


@hidden_test("check_MultiHeadAttention", points=0.5, hint="names and shapes of the table; random numbers at the start")
def parameters_of_torch(student, generator):
    for d, heads in ((48, 4), (30, 5)):
        ours = student.new("MultiHeadAttention", d, heads, seed=pick(generator, 0, 10**6))
        wanted = {name: tuple(value.shape) for name, value in nn.MultiheadAttention(d, heads).state_dict().items()}
        state = ours.state()
        came = {name: tuple(value.shape) for name, value in state.items()}
        check(came == wanted, f"the state holds {came}")
        spread = state["in_proj_weight"].double().std().item() * math.sqrt(d)
        check(0.1 <= spread <= 10, f"in_proj_weight starts with a spread of {spread:.3g} / √d")
        thirds = [third.double().std().item() for third in state["in_proj_weight"].chunk(3)]
        check(min(thirds) > 0, "a third of in_proj_weight starts constant")
        weights = ours.gradient(torch.ones(1, 2, d), torch.ones(1, 2, d), cotangents=torch.ones(1, 2, d))[2]
        check(set(weights) == set(wanted), f"only {sorted(weights)} are parameters")


def _sinusoids(start: int, stop: int, d: int) -> Tensor:
    rows = []
    for place in range(start, stop):
        angles = [place / 10_000 ** (2 * (channel // 2) / d) for channel in range(d)]
        rows.append([math.cos(a) if channel % 2 else math.sin(a) for channel, a in enumerate(angles)])
    return torch.tensor(rows, dtype=torch.float64).reshape(stop - start, d)


@hidden_test("check_positions", points=1.5, hint="sine and cosine in turn; an odd d ends with a sine; d may be 1")
def positions_from_the_first_place(student, generator):
    for d in (2 * pick(generator, 2, 9), 2 * pick(generator, 2, 9) + 1, 1, 2, 3):
        stop = pick(generator, 1, 30)
        same(student.positions(0, stop, d), _sinusoids(0, stop, d), f"positions(0, {stop}, {d})", tolerance=1e-5)


@hidden_test("check_positions", points=1, hint="row 0 is place `start`, and `stop` itself is left out")
def positions_from_anywhere(student, generator):
    for d in (6, 7):
        start = pick(generator, 1, 300)
        for stop in (start + 1, start + pick(generator, 2, 20)):
            came = student.positions(start, stop, d)
            same(came, _sinusoids(start, stop, d), f"positions({start}, {stop}, {d})", tolerance=1e-4)
    expect_tensor(student.positions(4, 4, 6), (0, 6), "no place at all")


@hidden_test("check_positions", points=0.5, hint="in which dtype are place and frequency multiplied?", asks_dtype=True)
def positions_far_away(student, generator):
    start = 100_000 + pick(generator, 0, 1000)
    came, expected = student.positions(start, start + 3, 10), _sinusoids(start, start + 3, 10)
    same(came, expected, f"positions({start}, {start + 3}, 10)", same_dtype=True)


def _randomized(module: nn.Module, generator) -> nn.Module:
    """With every parameter drawn anew: fresh layer norms have weight 1 and bias 0, and hide mistakes."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            parameter.copy_(centre + 0.3 * draw(generator, *parameter.shape))
    return module


def _torch_layer(d: int, heads: int, hidden: int) -> nn.TransformerEncoderLayer:
    options = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
    return nn.TransformerEncoderLayer(d, heads, hidden, **options).double()


def _layers(student, generator, d: int = 12, heads: int = 3, hidden: int = 20):
    theirs = _randomized(_torch_layer(d, heads, hidden), generator)
    ours = student.new("DecoderLayer", d, heads, hidden).double()
    ours.load(dict(theirs.state_dict()))
    return ours, theirs


def _later(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool).triu(1)


def _in_pieces(module, x: Tensor, sizes: list[int], channels: int):
    """Outputs (N, T, channels) of the pieces of x (N, T, …) side by side, and the caches after each."""
    cache, outputs, caches = None, [], []
    for piece in x.split(sizes, dim=1):
        came = module(piece) if cache is None else module(piece, cache)
        y, cache = expect_values(came, 2, "output and cache")
        outputs.append(expect_tensor(y, (*piece.shape[:2], channels), "outputs of the new places"))
        caches.append(cache)
    return torch.cat(outputs, dim=1), caches


@hidden_test("check_DecoderLayer", points=1, hint="norm, attention, plus; norm, feed-forward, plus; causal")
def layer_at_once(student, generator):
    for batch, length, sizes in ((2, 6, (12, 3, 20)), (1, 1, (8, 1, 5)), (3, 4, (6, 6, 7))):
        ours, theirs = _layers(student, generator, *sizes)
        x = draw(generator, batch, length, sizes[0])
        expected = theirs(x, src_mask=_later(length))
        same(_in_pieces(ours, x, [length], sizes[0])[0], expected, f"{length} places at once")


@hidden_test("check_DecoderLayer", points=1.5, hint="the cache holds the keys and values of every place, oldest first")
def layer_step_by_step(student, generator):
    for batch, length in ((2, 5), (1, 7)):
        ours, theirs = _layers(student, generator)
        x = draw(generator, batch, length, 12)
        came, caches = _in_pieces(ours, x, [1] * length, 12)
        same(came, theirs(x, src_mask=_later(length)), f"{length} places, one at a time")
        weight, bias = theirs.self_attn.in_proj_weight[12:], theirs.self_attn.in_proj_bias[12:]
        projected = F.linear(theirs.norm1(x), weight, bias).unflatten(2, (6, 4)).transpose(1, 2)  # keys, then values
        for place, cache in enumerate(caches, start=1):
            same(cache, list(projected[:, :, :place].chunk(2, dim=1)), f"the cache after {place} places")


@hidden_test("check_DecoderLayer", points=1, hint="inside a piece nobody looks ahead either; the past is open to all")
def layer_in_pieces(student, generator):
    ours, theirs = _layers(student, generator)
    x = draw(generator, 2, 8, 12)
    expected = theirs(x, src_mask=_later(8))
    first = pick(generator, 2, 5)
    for sizes in ([first] + [1] * (8 - first), [first, 8 - first], [1, 7], [3, 1, 4], [8]):
        same(_in_pieces(ours, x, sizes, 12)[0], expected, f"pieces of {sizes}")


@hidden_test("check_DecoderLayer", points=0.5, hint="a decoder is trained through this pass: nothing may be detached")
def layer_gradients(student, generator):
    ours, theirs = _layers(student, generator)
    x, cotangents = draw(generator, 2, 5, 12), draw(generator, 2, 5, 12)
    _, (grad,), weights = ours.gradient(x, cotangents=[cotangents, None])
    x.requires_grad_()
    names = dict(theirs.named_parameters())
    expected = torch.autograd.grad(theirs(x, src_mask=_later(5)), (x, *names.values()), cotangents)
    same(grad, expected[0], "gradient in x")
    same(weights, dict(zip(names, expected[1:], strict=True)), "gradients of the parameters")


class _TorchDecoder(nn.Module):
    """The decoder of torch's layers: tokens (N, T) to scores (N, T, vocabulary), no cache."""

    def __init__(self, vocabulary: int, d: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        self.layers = nn.ModuleList([_torch_layer(d, heads, hidden) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens) + _sinusoids(0, tokens.shape[1], self.embedding.embedding_dim)
        for layer in self.layers:
            x = layer(x, src_mask=_later(tokens.shape[1]))
        return self.head(self.norm(x))


def _decoders(student, generator, depth: int = 2, vocabulary: int = 9):
    sizes = {"vocabulary": vocabulary, "d": 12, "heads": 3, "hidden": 20, "depth": depth}
    theirs = _TorchDecoder(**sizes).double()
    with torch.no_grad():
        _randomized(theirs, generator)
    ours = student.new("Decoder", **sizes).double()
    ours.load(dict(theirs.state_dict()))
    return ours, theirs


@hidden_test("check_Decoder", points=1, hint="embedding plus positions, every layer, the last norm, the head")
@torch.no_grad()
def decoder_at_once(student, generator):
    for depth, batch, length in ((1, 2, 5), (3, 1, 8), (2, 3, 1)):
        ours, theirs = _decoders(student, generator, depth)
        tokens = torch.randint(9, (batch, length), generator=generator)
        same(_in_pieces(ours, tokens, [length], 9)[0], theirs(tokens), f"{depth} layers, {length} tokens")


@hidden_test("check_Decoder", points=1, hint="each layer has its own cache, and the places are counted from the start")
@torch.no_grad()
def decoder_in_pieces(student, generator):
    for depth in (2, 1):
        ours, theirs = _decoders(student, generator, depth)
        tokens = torch.randint(9, (2, 9), generator=generator)
        for sizes in ([1] * 9, [4, 1, 1, 1, 1, 1], [2, 4, 3]):
            came, caches = _in_pieces(ours, tokens, sizes, 9)
            same(came, theirs(tokens), f"{depth} layers, pieces of {sizes}")
            expect_values(caches[-1], depth, "a cache for each layer")


@hidden_test("check_Decoder", points=1, hint="the newest place says what comes next; the prompt stays in front")
@torch.no_grad()
def generated_tokens(student, generator):
    for batch, given, length in ((2, 4, 7), (1, 1, 9), (3, 6, 1)):
        ours, theirs = _decoders(student, generator, vocabulary=30)
        prompt = torch.randint(30, (batch, given), generator=generator)
        expected = prompt
        for _ in range(length):
            expected = torch.cat([expected, theirs(expected)[:, -1:].argmax(dim=-1)], dim=1)
        came, calls = student.trace("Decoder.forward", "generate", ours, prompt, length)
        same(came, expected, f"{length} tokens after {given}", tolerance=0)
        sent = sum(shape[1] for call in calls for shape in call if shape is not None and len(shape) == 2)
        check(sent <= given + length, f"{sent} tokens went through the decoder, for {given} and {length} more")
