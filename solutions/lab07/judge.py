"""Hidden tests of lab 07, intra modes. Points per exercise are those of the notebook's checks."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, expect_values, hidden_test, pick
from course_utils.codec import intra, quantisation, transforms
from course_utils.compare import FLOAT32_TOLERANCE, numbers, same

BATCHES = ((), (1,), (5,), (2, 3))  # no batch at all is one, too


def _samples(batch: tuple[int, ...], size: int, generator) -> Tensor:
    return torch.randint(256, (*batch, 4 * size + 1), generator=generator)


# --- planar and DC


@hidden_test("check_planar", points=2, hint="two ramps: which sample does each of them run towards?")
def planar_blocks(student, generator):
    for batch in BATCHES:
        for size in intra.SIZES:
            samples = _samples(batch, size, generator)
            same(student.planar(samples), intra.planar(samples), f"planar, {batch} of {size}", tolerance=0)


@hidden_test("check_planar", points=1, hint="how many samples are in the mean, and how is it rounded?")
def means_of_the_samples(student, generator):
    for batch in BATCHES:
        samples = _samples(batch, 32, generator)
        same(student.dc(samples), intra.dc(samples), f"DC, {batch} of 32", tolerance=0)
        samples = _samples(batch, 8, generator)
        block = expect_tensor(student.dc(samples), (*batch, 8, 8), "DC of 8")
        same(block[..., 1:, 1:], intra.dc(samples)[..., 1:, 1:], "DC of 8, inside", tolerance=0)


@hidden_test("check_planar", points=1, hint="the row, the column and the corner have formulas of their own")
def softened_edges(student, generator):
    for batch in BATCHES:
        for size in (4, 8, 16):
            samples = _samples(batch, size, generator)
            same(student.dc(samples), intra.dc(samples), f"DC, {batch} of {size}", tolerance=0)


# --- angles


def _from_above(samples: Tensor, angle: int) -> Tensor:
    size = samples.shape[-1] // 4
    if angle == 0:  # the library softens the edge of mode 26, which the exercise does not
        return samples[..., None, 2 * size + 1 : 3 * size + 1].repeat(*[1] * (samples.ndim - 1), size, 1)
    return intra.angular(samples, intra.ANGLES.index(angle, 16) + 2)


ANGLES = intra.ANGLES[16:]  # of modes 18 to 34


@hidden_test("check_angular", points=1.5, hint="two neighbours on the line, weighted by 32nds, rounded once")
def angles_to_the_right(student, generator):
    for angle in ANGLES:
        if 0 < angle < 32:
            for size in intra.SIZES:
                samples = _samples((3,), size, generator)
                came = student.angular(samples, angle)
                same(came, _from_above(samples, angle), f"angle {angle}, size {size}", tolerance=0)


@hidden_test("check_angular", points=2, hint="beyond the corner the line goes on with samples from the left")
def angles_to_the_left(student, generator):
    for angle in ANGLES:
        if -32 < angle < 0:
            for size in intra.SIZES:
                samples = _samples((3,), size, generator)
                came = student.angular(samples, angle)
                same(came, _from_above(samples, angle), f"angle {angle}, size {size}", tolerance=0)


@hidden_test("check_angular", points=1, hint="three angles need no weights at all: try them on a ramp")
def straight_and_diagonal(student, generator):
    for angle in (-32, 0, 32):
        for size in intra.SIZES:
            samples = _samples((3,), size, generator)
            came = student.angular(samples, angle)
            same(came, _from_above(samples, angle), f"angle {angle}, size {size}", tolerance=0)


@hidden_test("check_angular", points=0.5, hint="one vector alone, several dimensions of vectors")
def angles_in_every_batch(student, generator):
    for batch in BATCHES:
        for angle in (-17, 13):
            samples = _samples(batch, 4, generator)
            same(student.angular(samples, angle), _from_above(samples, angle), f"{batch}, angle {angle}", tolerance=0)


# --- costs


def _blocks(batch: tuple[int, ...], count: int, size: int, generator) -> tuple[Tensor, Tensor]:
    """Blocks uint8, and predictions int64 that miss them by noise of very different strength, by an offset, or both."""
    original = torch.randint(256, (*batch, size, size), generator=generator)
    noise = 12 * draw(generator, *batch, count, 1, 1).abs() * draw(generator, *batch, count, size, size)
    predictions = original.unsqueeze(-3) + noise + 30 * draw(generator, *batch, count, 1, 1)
    return original.to(torch.uint8), predictions.round().clamp(0, 255).long()


def _residual(original: Tensor, predictions: Tensor) -> Tensor:
    return original.double().unsqueeze(-3) - predictions.double()


def _cost(student, name: str, generator, expected, *, sizes=(4, 8)) -> None:
    """Raise `Different` unless the student's cost `name` is `expected(residual, qp)` for every batch and size."""

    def compare(original: Tensor, predictions: Tensor, qp: int, what: str) -> None:
        costs = student.costs(original, predictions, qp)
        check(isinstance(costs, dict) and name in costs, f"no {name} among the costs")
        same(
            costs[name], expected(_residual(original, predictions), qp), f"{name}, {what}", tolerance=FLOAT32_TOLERANCE
        )

    for batch in BATCHES:
        for size in sizes:
            qp, count = pick(generator, 5, 48), pick(generator, 1, 6)
            compare(*_blocks(batch, count, size, generator), qp, f"{batch} of {size}")
    original, predictions = _blocks((3,), 3, 8, generator)  # as many predictions as blocks, and both narrow integers
    compare(original, predictions.to(torch.uint8), 30, "uint8")


@hidden_test("check_costs", points=1, hint="unsigned numbers wrap round; each block has its own predictions")
def sad_of_modes(student, generator):
    _cost(student, "SAD", generator, lambda residual, qp: residual.abs().sum(dim=(-2, -1)))


@hidden_test("check_costs", points=1, hint="the divisor depends on the size of the block")
def satd_of_modes(student, generator):
    _cost(student, "SATD", generator, lambda residual, qp: transforms.satd(residual))


@hidden_test("check_costs", points=1, hint="sizes of the coefficients, nothing divided")
def dct_l1_of_modes(student, generator):
    _cost(student, "DCT-L1", generator, lambda residual, qp: transforms.dct(residual).abs().sum(dim=(-2, -1)))


@hidden_test("check_costs", points=1, hint="in steps first, then the logarithm; nothing is rounded")
def log_cost_of_modes(student, generator):
    def expected(residual: Tensor, qp: int) -> Tensor:
        return torch.log2(1 + transforms.dct(residual).abs() / 2 ** ((qp - 4) / 6)).sum(dim=(-2, -1))

    _cost(student, "log-cost", generator, expected)


# --- the real cost

# At these QPs the step is irrational, so that no coefficient lies on the border between two levels.
QPS = (20, 23, 27, 32, 37, 43)


def _coded(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    levels = quantisation.quantise(transforms.dct(_residual(original, predictions)), qp)
    decoded = predictions + transforms.idct(quantisation.dequantise(levels, qp))
    return decoded.clamp(0, 255), quantisation.BITS_PER_UNIT * torch.log2(1 + levels.abs()).sum(dim=(-2, -1))


def _j(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    decoded, bits = _coded(original, predictions, qp)
    distortion = (original.double().unsqueeze(-3) - decoded).square().sum(dim=(-2, -1))
    return distortion + 0.57 * 2 ** ((qp - 12) / 3) * bits


def _cases(generator):
    for qp in QPS:
        batch, size = BATCHES[pick(generator, 0, 3)], 2 ** pick(generator, 2, 4)
        yield (*_blocks(batch, pick(generator, 1, 5), size, generator), qp)
    yield (*_blocks((3,), 3, 8, generator), 32)


@hidden_test("check_rd_cost", points=1, hint="what the decoder shows: a prediction and what is left of the residual")
def reconstructions(student, generator):
    for original, predictions, qp in _cases(generator):
        reconstruction, _ = expect_values(student.code(original, predictions, qp), 2, "code")
        same(
            reconstruction,
            _coded(original, predictions, qp)[0],
            f"reconstruction at QP {qp}",
            tolerance=FLOAT32_TOLERANCE,
        )


@hidden_test("check_rd_cost", points=1, hint="the levels are what is sent")
def bits_of_levels(student, generator):
    for original, predictions, qp in _cases(generator):
        _, bits = expect_values(student.code(original, predictions, qp), 2, "code")
        same(bits, _coded(original, predictions, qp)[1], f"bits at QP {qp}", tolerance=FLOAT32_TOLERANCE)


@hidden_test("check_rd_cost", points=0.5, hint="a decoder has no pixel below 0 or above 255")
def pixels_are_clipped(student, generator):
    original = 255 * torch.randint(2, (4, 8, 8), generator=generator)
    predictions = torch.randint(256, (4, 3, 8, 8), generator=generator)
    expected, _ = _coded(original, predictions, 43)
    reconstruction, _ = expect_values(student.code(original.to(torch.uint8), predictions, 43), 2, "code")
    same(reconstruction, expected, "reconstruction of black and white", tolerance=FLOAT32_TOLERANCE)
    came = student.rd_cost(original.to(torch.uint8), predictions, 43)
    same(came, _j(original, predictions, 43), "J of black and white", tolerance=FLOAT32_TOLERANCE)


@hidden_test("check_rd_cost", points=1.5, hint="squared errors, and λ times the bits; the QP moves both")
def costs_by_rate_and_distortion(student, generator):
    for original, predictions, qp in _cases(generator):
        came = student.rd_cost(original, predictions, qp)
        same(came, _j(original, predictions, qp), f"J at QP {qp}", tolerance=FLOAT32_TOLERANCE)


# --- the search


def _searched(student, generator, batch: tuple[int, ...], count: int, k: int) -> None:
    """Raise `Different` unless the mode found is in the short list and has its least J, up to what float32 leaves."""
    qp = QPS[pick(generator, 0, 5)]
    original, predictions = _blocks(batch, count, 8, generator)
    guess = draw(generator, *batch, count)
    answer, calls = student.trace("rd_cost", "search", original, predictions, guess, qp, k)
    modes = expect_tensor(answer, batch, "modes")
    # Each call of `rd_cost` gets blocks, and many predictions of each: the larger of the two.
    tried = sum(max(math.prod(shape[:-2]) for shape in call if shape is not None) for call in calls)
    most = min(k, count) * math.prod(batch)
    check(tried == most, f"J was evaluated {tried} times, not {most}")
    check(not modes.is_floating_point(), f"modes: expected whole numbers, got {modes.dtype}")
    check(bool(((modes >= 0) & (modes < count)).all()), "a mode that does not exist")
    j = _j(original, predictions, qp)
    listed = guess.argsort(dim=-1).argsort(dim=-1) < k
    modes = modes.long().unsqueeze(-1)
    check(bool(listed.gather(-1, modes).all()), f"a mode outside the short list of {k}")
    least = j.masked_fill(~listed, torch.inf).amin(dim=-1)
    check(bool((j.gather(-1, modes).squeeze(-1) <= least * (1 + 1e-4)).all()), f"not the least J of {k}")


@hidden_test("check_search", points=1.5, hint="the guess decides who is tried, J decides who wins")
def best_of_a_short_list(student, generator):
    for k in (1, 2, 3, 8):
        _searched(student, generator, (40,), 35, k)


@hidden_test("check_search", points=0.5, hint="a short list may be as long as the whole one, or longer")
def long_lists(student, generator):
    for k in (6, 7, 50):
        _searched(student, generator, (20,), 6, k)


@hidden_test("check_search", points=1, hint="one block alone, several dimensions of blocks, a single prediction")
def searches_in_every_batch(student, generator):
    for batch, count, k in (((), 5, 2), ((1,), 4, 3), ((4, 3), 9, 3), ((3,), 3, 2), ((3,), 1, 1), ((3, 3), 3, 2)):
        _searched(student, generator, batch, count, k)


# --- targets


@hidden_test("check_targets", points=0.5, hint="which mode would the full search take?")
def hard_targets_of_costs(student, generator):
    for batch in BATCHES:
        j = 1e4 * draw(generator, *batch, 35).abs()
        targets = student.hard_targets(j)
        same(targets, j.argmin(dim=-1), f"hard targets, {batch}")
        check(not numbers(targets).is_floating_point(), "hard targets are whole numbers")


@hidden_test("check_targets", points=1, hint="the cheapest mode has the largest probability; each block sums to 1")
def soft_targets_of_costs(student, generator):
    for batch in BATCHES:
        for temperature in (0.3, 1.0, 5.0):
            j = 4 * draw(generator, *batch, 7)
            same(student.soft_targets(j, temperature), torch.softmax(-j / temperature, -1), f"T = {temperature}")


@hidden_test("check_targets", points=0.5, hint="the sums stay finite however large J is")
def soft_targets_of_large_costs(student, generator):
    j = 1e6 + 100 * draw(generator, 5, 35)
    same(student.soft_targets(j, 50.0), torch.softmax(-j / 50, -1), "soft targets of costs near a million")
    j = 1e7 * draw(generator, 5, 35).abs()
    same(student.soft_targets(j, 1.0), torch.softmax(-j, -1), "soft targets that are nearly hard")


@hidden_test("check_targets", points=1.5, hint="a mean over blocks of a sum over modes, for both kinds of targets")
def cross_entropies(student, generator):
    for count, modes in ((1, 3), (6, 35), (35, 35)):
        scores = 3 * draw(generator, count, modes)
        labels = torch.randint(modes, (count,), generator=generator)
        soft = torch.softmax(draw(generator, count, modes), dim=1)
        for name, targets in (("hard", labels), ("soft", soft)):
            expected = F.cross_entropy(scores, targets)
            same(student.cross_entropy(scores, targets), expected, f"{name}, {count} blocks of {modes}")
    scores.requires_grad_()
    (expected,) = torch.autograd.grad(F.cross_entropy(scores, soft), scores)
    one = torch.ones((), dtype=torch.float64)
    _, gradients = student.gradient("cross_entropy", scores.detach(), soft, cotangents=one)
    same(gradients[0], expected, "gradient in the scores")


@hidden_test("check_targets", points=0.5, hint="the logarithm of a softmax, without the softmax in between")
def cross_entropies_of_large_scores(student, generator):
    scores = 2000 * draw(generator, 8, 35)
    labels = torch.randint(35, (8,), generator=generator)
    same(student.cross_entropy(scores, labels), F.cross_entropy(scores, labels), "hard, large scores")
    soft = torch.softmax(draw(generator, 8, 35), dim=1)
    same(student.cross_entropy(scores, soft), F.cross_entropy(scores, soft), "soft, large scores")
