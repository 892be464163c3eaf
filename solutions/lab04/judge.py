"""Hidden tests of lab 04, LSTM. Points per exercise are those of the notebook's checks."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, expect_values, hidden_test, pick
from course_utils.compare import same

NO_LIMIT = 1e6  # no gradient norm of these tests comes near it


def _weights(generator, inputs: int, width: int) -> list[Tensor]:
    """Weights of one layer in torch's order and shapes; both biases are drawn, so that each must be used."""
    return [draw(generator, *shape) for shape in ((4 * width, inputs), (4 * width, width), (4 * width,), (4 * width,))]


def _load(module: nn.Module, weights: list[Tensor]) -> nn.Module:
    """`module` in float64 with these weights."""
    module = module.double()
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
    return module


def _step_case(generator) -> tuple[nn.LSTMCell, list[Tensor]]:
    """torch's cell, and x, h, c and its weights; batch, inputs and width all differ."""
    n, inputs, width = pick(generator, 1, 3), pick(generator, 4, 6), pick(generator, 7, 9)
    weights = _weights(generator, inputs, width)
    states = [draw(generator, n, size) for size in (inputs, width, width)]
    return _load(nn.LSTMCell(inputs, width), weights), [*states, *weights]


@hidden_test("check_lstm_step", points=1.5, hint="two biases, gates stacked as i, f, g, o, and a tanh on the way out")
def step_gives_the_next_h_and_c(student, generator):
    for _ in range(4):
        cell, (x, h, c, *weights) = _step_case(generator)
        for _ in range(3):
            expected = [state.detach() for state in cell(x, (h, c))]
            same(student.lstm_step(x, h, c, *weights), expected, "h and c")
            h, c = expected
    x, h, c, *weights = (draw(generator, *shape) for shape in ((1, 1), (1, 1), (1, 1), (4, 1), (4, 1), (4,), (4,)))
    expected = _load(nn.LSTMCell(1, 1), weights)(x, (h, c))
    same(student.lstm_step(x, h, c, *weights), expected, "h and c of one unit that reads one number")


@hidden_test("check_lstm_step", points=1.5, hint="the gradient goes through h, through c, and to every weight")
def step_passes_gradients_to_everything(student, generator):
    for _ in range(3):
        cell, operands = _step_case(generator)
        cotangents = [draw(generator, *operands[1].shape) for _ in range(2)]
        x, h, c = (each.clone().requires_grad_() for each in operands[:3])
        outputs = cell(x, (h, c))
        expected = torch.autograd.grad(outputs, [x, h, c, *cell.parameters()], cotangents)
        _, came = student.gradient("lstm_step", *operands, cotangents=cotangents)
        same(came, list(expected), "gradients in x, h, c and the four weights")


@hidden_test("check_lstm_step", points=1, hint="a gate that is shut is 0 and one that is open is 1, not nan")
def step_survives_saturated_gates(student, generator):
    cell, operands = _step_case(generator)
    operands = [*operands[:3], *(500 * each for each in operands[3:])]
    cell = _load(cell, operands[3:])
    cotangents = [draw(generator, *operands[1].shape) for _ in range(2)]
    x, h, c = (each.clone().requires_grad_() for each in operands[:3])
    outputs = cell(x, (h, c))
    expected = torch.autograd.grad(outputs, [x, h, c], cotangents)
    came, gradients = student.gradient("lstm_step", *operands, cotangents=cotangents)
    same(came, [each.detach() for each in outputs], "h and c")
    same(gradients[:3], list(expected), "gradients in x, h and c")


def _layer_case(generator, steps: int, n: int) -> tuple[nn.LSTM, list[Tensor]]:
    """torch's layer, and x, start h and c and its weights."""
    inputs, width = pick(generator, 2, 3), pick(generator, 4, 5)
    weights = _weights(generator, inputs, width)
    operands = [draw(generator, steps, n, inputs), draw(generator, n, width), draw(generator, n, width), *weights]
    return _load(nn.LSTM(inputs, width), weights), operands


def _packed(layer: nn.LSTM, x: Tensor, lengths: Tensor, h: Tensor, c: Tensor) -> list[Tensor]:
    """Outputs (T, N, H), final h and c (N, H) of torch's layer on the packed batch."""
    packed, final = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), (h[None], c[None]))
    return [pad_packed_sequence(packed, total_length=len(x))[0], *(state[0] for state in final)]


def _unequal(generator, steps: int, n: int) -> Tensor:
    """Lengths that are neither sorted nor all alike; none fills the rectangle where steps > 5."""
    lengths = torch.randint(1, min(steps, 5) + 1, (n,), generator=generator)
    lengths[0], lengths[1] = 1, min(steps, 5)
    return lengths


@hidden_test("check_lstm", points=1, hint="the start state is given; one step, or one sequence, is the least")
def layer_on_full_sequences(student, generator):
    for steps, n in ((5, 3), (1, 2), (4, 1), (1, 1)):
        layer, (x, h, c, *weights) = _layer_case(generator, steps, n)
        lengths = torch.full((n,), steps)
        came = student.lstm(x, lengths, h, c, *weights)
        same(came, _packed(layer, x, lengths, h, c), "outputs, final h and final c")


@hidden_test("check_lstm", points=1.5, hint="0 behind the end, whatever the padding holds and however x is long")
def layer_outputs_of_unequal_lengths(student, generator):
    for steps, n in ((5, 4), (7, 3), (2, 5)):
        layer, (x, h, c, *weights) = _layer_case(generator, steps, n)
        lengths = _unequal(generator, steps, n)
        x[torch.arange(steps)[:, None] >= lengths] *= 100  # the padding is not zero
        outputs, _, _ = expect_values(student.lstm(x, lengths, h, c, *weights), 3, "what lstm returns")
        same(outputs, _packed(layer, x, lengths, h, c)[0], f"outputs, lengths {lengths.tolist()} of {steps}")


@hidden_test("check_lstm", points=1.5, hint="h and c of a sequence stand still after its own last step")
def layer_final_states_of_unequal_lengths(student, generator):
    for steps, n in ((5, 4), (7, 3), (2, 5)):
        layer, (x, h, c, *weights) = _layer_case(generator, steps, n)
        lengths = _unequal(generator, steps, n)
        _, *final = expect_values(student.lstm(x, lengths, h, c, *weights), 3, "what lstm returns")
        same(final, _packed(layer, x, lengths, h, c)[1:], f"final h and c, lengths {lengths.tolist()} of {steps}")


@hidden_test("check_lstm", points=1, hint="autograd must see every step; the padding has the gradient 0")
def layer_gradients(student, generator):
    for steps, n in ((4, 3), (6, 2)):
        layer, operands = _layer_case(generator, steps, n)
        lengths = _unequal(generator, steps, n)
        x, h, c = (each.clone().requires_grad_() for each in operands[:3])
        outputs = _packed(layer, x, lengths, h, c)
        cotangents = [draw(generator, *each.shape) for each in outputs]
        expected = torch.autograd.grad(outputs, [x, h, c, *layer.parameters()], cotangents)
        x, *rest = operands
        _, came = student.gradient("lstm", x, lengths, *rest, cotangents=cotangents)
        same(came, list(expected), f"gradients, lengths {lengths.tolist()} of {steps}")


def _clip(student, gradients: list[Tensor | None], most: float, walk_once: bool = False):
    """What the student's function returns, and the gradients after it."""
    values = [torch.zeros(3) if gradient is None else torch.zeros_like(gradient) for gradient in gradients]
    holder = student.new("nn.ParameterList", values)
    for index, gradient in enumerate(gradients):
        if gradient is not None:
            holder.method(f"{index}.__setattr__", "grad", gradient)
    norm = student.clip_gradients(holder.method("parameters") if walk_once else holder, most)
    return norm, [holder.get(f"{index}.grad") for index in range(len(gradients))]


def _clip_by_torch(gradients: list[Tensor | None], most: float) -> tuple[Tensor, list[Tensor | None]]:
    parameters = [nn.Parameter(torch.zeros(3) if each is None else torch.zeros_like(each)) for each in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    norm = nn.utils.clip_grad_norm_(parameters, most)
    return norm, [parameter.grad for parameter in parameters]


@hidden_test("check_clip_gradients", points=1.5, hint="one norm and one factor for all, even if one can walk only once")
def clipping_scales_to_the_limit(student, generator):
    for most, walk_once in ((1.0, False), (0.01, True), (2.5, True)):
        gradients = [3 * draw(generator, *shape) for shape in ((4, 3), (5,), (2, 3, 1), (1,))]
        expected_norm, expected = _clip_by_torch(gradients, most)
        norm, came = _clip(student, gradients, most, walk_once)
        same(norm, expected_norm, "the norm before")
        same(came, expected, f"gradients at the limit {most}", tolerance=1e-4)  # torch adds 1e-6 to the norm


@hidden_test("check_clip_gradients", points=0.75, hint="shorter than the limit: not a bit may change")
def clipping_leaves_short_gradients_alone(student, generator):
    for most in (1.0, 50.0):
        gradients = [draw(generator, *shape) for shape in ((4, 3), (5,))]
        length = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        gradients = [gradient * (0.9 * most / length) for gradient in gradients]
        norm, came = _clip(student, gradients, most)
        same(norm, 0.9 * most, "the norm before")
        for index, (after, before) in enumerate(zip(came, gradients, strict=True)):
            same(after, before, f"gradient {index}", tolerance=0)


@hidden_test("check_clip_gradients", points=0.75, hint="what if a parameter has no gradient, or if all are 0?")
def clipping_without_some_gradients(student, generator):
    gradients = [None, draw(generator, 4, 2), None, draw(generator, 3)]
    expected_norm, expected = _clip_by_torch(gradients, 0.5)
    norm, came = _clip(student, gradients, 0.5)
    same(norm, expected_norm, "the norm before")
    same(came, expected, "gradients", tolerance=1e-4)
    norm, came = _clip(student, [torch.zeros(3), torch.zeros(2, 2)], 0.5)
    same(norm, 0.0, "the norm of zeros")
    same(came, [torch.zeros(3), torch.zeros(2, 2)], "gradients that are all 0", tolerance=0)
    norm, _ = _clip(student, [None, None], 0.5)
    same(norm, 0.0, "the norm of nothing")


class _CharacterLSTM(nn.Module):
    """The set-up cell's network, with the same names."""

    def __init__(self, characters: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(characters, width // 2)
        self.lstm = nn.LSTM(width // 2, width)
        self.head = nn.Linear(width, characters)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        outputs, state = self.lstm(self.embed(x), state)
        return self.head(outputs), state


def _networks(student, generator, characters: int, width: int):
    """The student's side's network and ours, in float64, with the same weights.

    Small biases and large embeddings: what it predicts depends on what it has read, not on what it likes.
    """
    ours = student.new("CharacterLSTM", characters, width=width).double()
    theirs = _CharacterLSTM(characters, width).double()
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            size = 0.1 if "bias" in name else {"embed": 2.0, "lstm": 1.0, "head": 3.0}[name.split(".")[0]]
            parameter.copy_(size * draw(generator, *parameter.shape))
    ours.load(theirs.state_dict())
    return ours, theirs


def _train_by_torch(net: nn.Module, text: Tensor, window: int, limit: float, lr: float) -> list[float]:
    optimizer, losses, state = torch.optim.SGD(net.parameters(), lr=lr), [], None
    for inputs, targets in zip(text[:-1].split(window), text[1:].split(window), strict=True):
        scores, state = net(inputs, state)
        state = tuple(part.detach() for part in state)
        loss = F.cross_entropy(scores.permute(0, 2, 1), targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    return losses


def _train(student, generator, *, steps: int, n: int, window: int, limit: float, lr: float):
    """Losses and parameters after training: the student's pair, and ours."""
    characters = pick(generator, 4, 6)
    ours, theirs = _networks(student, generator, characters, width=6)
    text = torch.randint(characters, (steps + 1, n), generator=generator)
    optimizer = student.new("torch.optim.SGD", ours.method("parameters"), lr=lr)
    losses = student.train_windows(ours, optimizer, text, window, limit)
    expected = _train_by_torch(theirs, text, window, limit, lr)
    if isinstance(losses, Tensor):
        losses = list(expect_tensor(losses, (len(expected),), "losses"))
    return (losses, ours.state()), (expected, dict(theirs.state_dict()))


@hidden_test("check_train_windows", points=1.5, hint="the state goes on, and the target is the next character")
def windows_lose_what_one_pass_would(student, generator):
    for steps, n, window in ((12, 3, 4), (9, 2, 3), (6, 1, 1)):
        (came, _), (expected, _) = _train(student, generator, steps=steps, n=n, window=window, limit=NO_LIMIT, lr=0.0)
        same(came, expected, f"losses of {steps} predictions in windows of {window}, nothing learnt")


@hidden_test("check_train_windows", points=0.5, hint="every prediction belongs to one window, the last may be short")
def windows_need_not_fit_the_text(student, generator):
    for steps, window in ((10, 4), (5, 4), (3, 8), (1, 2)):
        (came, _), (expected, _) = _train(student, generator, steps=steps, n=2, window=window, limit=NO_LIMIT, lr=0.0)
        same(came, expected, f"losses of {steps} predictions in windows of {window}")


@hidden_test("check_train_windows", points=2, hint="a window's gradient is its own: no leftover, none over a border")
def windows_learn_from_their_own_gradient(student, generator):
    for steps, n, window in ((8, 3, 4), (9, 2, 3), (5, 1, 1), (7, 2, 4)):
        (_, came), (_, expected) = _train(student, generator, steps=steps, n=n, window=window, limit=NO_LIMIT, lr=0.3)
        same(came, expected, f"parameters after {steps} predictions in windows of {window}")


@hidden_test("check_train_windows", points=1, hint="clip after the gradient is there and before the step")
def windows_are_clipped(student, generator):
    for limit in (0.05, 0.4):
        came, expected = _train(student, generator, steps=12, n=2, window=4, limit=limit, lr=1.0)
        same(came, expected, f"losses and parameters at the limit {limit}", tolerance=1e-4)


def _generator(student, seed: int):
    """A generator that lives on the student's side."""
    made = student.new("torch.Generator")
    made.method("manual_seed", seed)
    return made


def _numbers(came, count: int, characters: int, what: str) -> Tensor:
    """`came` as (count,) int64; fails where it is something else."""
    expect_tensor(came, (count,), what, dtype=torch.int64)
    check(bool(((came >= 0) & (came < characters)).all()), f"{what}: a number outside 0 … {characters - 1}")
    return came


@hidden_test("check_sample", points=1.5, hint="divide the scores, then softmax over the characters, each row by itself")
def draws_follow_the_softmax(student, generator):
    draws, rows, characters = 4000, 3, 5
    for temperature in (0.5, 1.0, 1.7):
        scores = draw(generator, rows, characters)
        many = scores.repeat(draws, 1)
        came = student.sample(many, temperature, _generator(student, pick(generator, 0, 10**6)))
        came = _numbers(came, draws * rows, characters, "draws").view(draws, rows)
        p = torch.softmax(scores / temperature, dim=1)
        shares = torch.stack([came[:, row].bincount(minlength=characters) for row in range(rows)]) / draws
        # Six standard deviations, and three draws more for what is rare: one right answer in a million fails.
        allowed = 6 * torch.sqrt(p * (1 - p) / draws) + 3 / draws
        off = ((shares - p).abs() - allowed).max().item()
        check(off <= 0, f"temperature {temperature}: a share is off by {off:.4f} more than chance allows")
        pairs = (came[:-1] == came[1:]).double().mean(dim=0)  # are draws independent of each other?
        allowed = 6 * math.sqrt(0.5 / draws) + 3 / draws
        check(bool(((pairs - p.square().sum(dim=1)).abs() <= allowed).all()), "draws depend on each other")


@hidden_test("check_sample", points=1, hint="at 0, and as good as at 0, the greatest score wins")
def draws_without_temperature(student, generator):
    scores = torch.stack([torch.randperm(7, generator=generator).double() for _ in range(40)])
    for temperature in (0, 0.0, 1e-3):
        came = student.sample(scores, temperature, _generator(student, 1))
        same(_numbers(came, 40, 7, "draws"), scores.argmax(dim=1), f"draws at temperature {temperature}", tolerance=0)
    same(
        _numbers(student.sample(scores[:1], 0, _generator(student, 1)), 1, 7, "draws"), scores[:1].argmax(dim=1), "one"
    )


@hidden_test("check_sample", points=1, hint="all chance comes from the generator passed in; it moves on at each draw")
def draws_come_from_the_generator(student, generator):
    scores = draw(generator, 60, 6)

    def drawn(source, seed: int) -> Tensor:
        # The seed is that of torch's own, global chance, which must not matter.
        came = student.ask("call", None, "sample", args=[scores, 1.0, source], kwargs={}, seed=seed)
        return _numbers(came, 60, 6, "draws")

    first = _generator(student, 5)
    once, next_draw = drawn(first, 1), drawn(first, 1)
    check(bool((once == drawn(_generator(student, 5), 2)).all()), "the same seed gave other draws")
    check(not bool((once == drawn(_generator(student, 6), 1)).all()), "another seed gave the same draws")
    check(not bool((once == next_draw).all()), "a generator that was used gave the same draws again")


@hidden_test("check_sample", points=0.5, hint="a softmax that subtracts the greatest score cannot overflow")
def draws_from_extreme_scores(student, generator):
    scores = torch.tensor([[1000.0, -math.inf, 1000.0], [-2000.0, -2001.0, -math.inf]], dtype=torch.float64)
    came = student.sample(scores.repeat(500, 1), 0.8, _generator(student, pick(generator, 0, 10**6)))
    came = _numbers(came, 1000, 3, "draws").view(500, 2)
    check(not bool((came[:, 0] == 1).any() | (came[:, 1] == 2).any()), "a forbidden character was drawn")
    share = (came[:, 0] == 0).double().mean().item()
    check(abs(share - 0.5) < 6 * math.sqrt(0.25 / 500), f"two equal scores of 1000: shares {share:.2f}")
    check(bool((came[:, 1] == 0).any()) and bool((came[:, 1] == 1).any()), "scores near -2000: one was never drawn")


@torch.no_grad()
def _greedy(net: nn.Module, start: Tensor, length: int) -> Tensor:
    """The likeliest continuation, everything read again for each character."""
    text = start
    for _ in range(length):
        text = torch.cat([text, net(text.unsqueeze(1))[0][-1].argmax(dim=1)])
    return text[len(start) :]


@hidden_test("check_write", points=1.5, hint="read all of the start; return as many new characters as asked, no others")
def writing_at_temperature_0(student, generator):
    for letters, length in ((1, 20), (6, 20), (15, 1), (9, 20), (3, 20), (4, 20), (2, 20), (1, 20), (2, 20), (5, 20)):
        ours, theirs = _networks(student, generator, characters=11, width=12)
        start = torch.randint(11, (letters,), generator=generator)
        came = student.write(ours, start, length, 0.0, _generator(student, 0))
        expected = _greedy(theirs, start, length)
        same(_numbers(came, length, 11, "text"), expected, f"{length} characters after {letters}", tolerance=0)


@hidden_test("check_write", points=1.5, hint="what was drawn is what the network must read next, with its state")
def writing_draws_from_what_was_written(student, generator):
    length, characters = 80, 4
    for temperature in (2.0, 3.0, 3.0, 4.0, 5.0, 6.0):
        ours, theirs = _networks(student, generator, characters=characters, width=8)
        start = torch.randint(characters, (4,), generator=generator)
        came = student.write(ours, start, length, temperature, _generator(student, pick(generator, 0, 10**6)))
        came = _numbers(came, length, characters, "text")
        text = torch.cat([start, came])
        with torch.no_grad():
            scores, _ = theirs(text[:-1].unsqueeze(1))
        p = torch.softmax(scores[len(start) - 1 :, 0] / temperature, dim=1)  # (length, V): of what was written at last
        surplus = F.one_hot(came, characters) - p
        # Were a's successors drawn with their own chances? Of all pairs (a, b): how far off, and how far may it be?
        before = F.one_hot(text[len(start) - 1 : -1], characters).double()  # (length, V)
        off, allowed = before.T @ surplus, 6 * (before.T @ (p * (1 - p))).sqrt() + 3
        check(bool((off.abs() <= allowed).all()), f"temperature {temperature}: successors are not as likely as drawn")
        logs = p.log()
        expected = (p * logs).sum(dim=1)  # of the logarithm of a draw's chance
        spread = ((p * logs.square()).sum(dim=1) - expected.square()).sum().sqrt().item()
        error = (surplus * logs).sum().abs().item()
        check(error <= 6 * spread, f"temperature {temperature}: {error / spread:.0f} deviations from its own chances")


@hidden_test("check_write", points=1, hint="pass the generator on: a seed repeats a text, another writes another")
def writing_repeats_with_its_seed(student, generator):
    ours, _ = _networks(student, generator, characters=8, width=6)
    start = torch.randint(8, (3,), generator=generator)

    def written(seed: int, of_torch: int) -> Tensor:
        arguments = [ours, start, 40, 5.0, _generator(student, seed)]
        came = student.ask("call", None, "write", args=arguments, kwargs={}, seed=of_torch)
        return _numbers(came, 40, 8, "text")

    once = written(3, 1)
    check(bool((once == written(3, 2)).all()), "the same seed wrote another text")
    check(not bool((once == written(4, 1)).all()), "another seed wrote the same text")
