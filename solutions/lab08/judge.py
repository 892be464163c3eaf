"""Hidden tests of lab 08, A QP-aware in-loop filter. Points per exercise are those of the notebook's checks."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, hidden_test, pick
from course_tools.grader.judge.student import Remote
from course_utils.codec import flags
from course_utils.codec.loop_filter import networks
from course_utils.compare import same


def _pictures(generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator)


def _qps(generator, count: int) -> Tensor:
    return 22 + 15 * torch.rand(count, generator=generator)


def _steps(qp: Tensor) -> Tensor:
    return (2 ** ((qp.double() - 4) / 6)).view(-1, 1, 1, 1)


def _numbers(state: dict[str, Tensor]) -> int:
    return sum(value.numel() for value in state.values())


def _randomise(net: Remote, generator) -> None:
    """Give it random weights, so small that no gate is shut."""
    net.load({name: 0.1 * torch.randn(value.shape, generator=generator) for name, value in net.state().items()})


def _alike(net: Remote, reference: nn.Module, generator, spread: float = 0.25) -> None:
    """Give both random weights, the same ones to all of one shape: their names and their order are the student's."""

    def shape(value: Tensor) -> tuple[int, ...]:
        return tuple(value.squeeze().shape)  # a 1×1 kernel may stand for a matrix

    state, expected = net.state(), reference.state_dict()
    shapes, right = (sorted(map(shape, values)) for values in (state.values(), expected.values()))
    check(shapes == right, f"weights of the shapes {shapes}, not {right}")
    weights = {size: spread * torch.randn(size, generator=generator) for size in dict.fromkeys(right)}
    net.load({name: weights[shape(value)].reshape(value.shape) for name, value in state.items()})
    reference.load_state_dict({name: weights[shape(value)].reshape(value.shape) for name, value in expected.items()})


def _same_gradients(net: Remote, reference: nn.Module, x: Tensor, told: Tensor, generator, what: str) -> None:
    """Raise `Different` unless the gradient in x is the reference's, and every weight has one."""
    cotangents = torch.randn(x.shape, generator=generator)
    _, gradients, weights = net.gradient(x, told, cotangents=cotangents)
    own = x.clone().requires_grad_()
    expected = torch.autograd.grad(reference(own, told), own, cotangents)
    same(gradients[0], expected[0], f"gradient of {what}")
    without = [name for name, gradient in weights.items() if gradient is None]
    check(not without, f"{what}: no gradient in {', '.join(without)}")


# --- pictures in, corrections out


@hidden_test("check_scale", points=1, hint="six QPs double the step, and QP 4 is the step 1")
def steps_at_any_qp(student, generator):
    for shape in ((1,), (5,), (2, 3)):
        qp = 51 * torch.rand(shape, generator=generator)
        same(student.step_size(qp), 2 ** ((qp.double() - 4) / 6), f"steps of {shape}")


@hidden_test("check_scale", points=0.5, hint="from [0, 1] to [-2, 2], whatever the shape")
def pictures_are_centred(student, generator):
    for shape in ((1, 1, 3, 5), (4, 1, 8, 8), (2, 3)):
        x = _pictures(generator, *shape)
        same(student.centred(x), 4 * x.double() - 2, "centred pictures")
    same(student.centred(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([-2.0, 0, 2]), "the ends")


@hidden_test(
    "check_scale", points=1.5, hint="each picture has its own QP, and the correction counts quarters of a step"
)
def corrections_count_steps(student, generator):
    for count, height, width in ((1, 4, 4), (3, 5, 2), (4, 4, 4), (2, 1, 7)):
        x, correction = _pictures(generator, count, 1, height, width), draw(generator, count, 1, height, width).float()
        qp = _qps(generator, count)
        expected = x.double() + correction.double() * _steps(qp) / 1020
        same(student.corrected(x, correction, qp), expected, f"{count} corrected pictures")
    x, strong = _pictures(generator, 2, 1, 3, 3), 500 * torch.ones(2, 1, 3, 3)
    qp = torch.tensor([30.0, 37.0])
    same(student.corrected(x, strong, qp), x.double() + 500 * _steps(qp) / 1020, "no clamp")
    cotangents = _pictures(generator, 2, 1, 3, 3)
    _, gradients = student.gradient("corrected", x, strong, qp, cotangents=cotangents)
    same(gradients[1], cotangents * _steps(qp) / 1020, "gradient in the correction")


@hidden_test(
    "check_scale", points=1, hint="8 bits: the nearest grey level, and what is beyond the ends stays at the ends"
)
def grey_levels_of_a_decoder(student, generator):
    for count, height, width in ((1, 3, 4), (3, 2, 2), (2, 1, 1)):
        x = 1.6 * _pictures(generator, count, 1, height, width) - 0.3
        expected = (255 * x).round().clamp(0, 255)[:, 0].to(torch.uint8)
        same(student.to_picture(x), expected, f"{count} pictures", same_dtype=True)
    every = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    same(student.to_picture(every[:, None].float() / 255), every, "every grey level comes back", tolerance=0)


# --- VRCNN


@hidden_test("check_vrcnn", points=1, hint="kernels, channels and biases as in the table")
def weights_of_vrcnn(student, generator):
    state = student.new("VRCNN").state()
    expected = sorted(tuple(each.shape) for each in networks.build("vrcnn").state_dict().values())
    found = sorted(tuple(each.shape) for each in state.values())
    check(found == expected, f"shapes {found}")


@hidden_test("check_vrcnn", points=1, hint="before training the filter must not touch the picture, whatever its size")
def untrained_vrcnn_changes_nothing(student, generator):
    net = student.new("VRCNN")
    for count, height, width in ((1, 1, 1), (2, 9, 14), (3, 16, 5)):
        x = _pictures(generator, count, 1, height, width)
        same(net(x, _qps(generator, count)), x, f"untrained on {height}×{width}")


@hidden_test("check_vrcnn", points=2, hint="ReLU after each of the first three layers; branches side by side, in order")
def vrcnn_with_given_weights(student, generator):
    net, reference = student.new("VRCNN"), networks.build("vrcnn")
    _alike(net, reference, generator, 0.1)
    for count, height, width in ((1, 12, 12), (3, 7, 10)):
        x, qp = _pictures(generator, count, 1, height, width), _qps(generator, count)
        with torch.no_grad():
            same(net(x, qp), reference(x, qp), f"VRCNN on {height}×{width}")
    _same_gradients(net, reference, x, qp, generator, "VRCNN")


# --- the gate


class _Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018) with side information beside the means."""

    def __init__(self, channels: int, side: int, hidden: int = 8) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(channels + side, hidden), nn.Linear(hidden, channels)

    def forward(self, features: Tensor, side: Tensor) -> Tensor:
        means = torch.cat([features.mean(dim=(2, 3)), side], dim=1)
        return features * 2 * self.excite(self.squeeze(means).relu()).sigmoid()[:, :, None, None]


def _gates(student, generator, *sizes: int) -> tuple[Remote, nn.Module]:
    """The student's gate and the reference, with the same weights."""
    gate, reference = student.new("Gate", *sizes), _Gate(*sizes).requires_grad_(False)
    _alike(gate, reference, generator, 0.7)
    return gate, reference


@hidden_test("check_gate", points=2, hint="means first, then the side information; ReLU, then twice the sigmoid")
def gates_with_given_weights(student, generator):
    for count, channels, side, hidden, height, width in ((1, 5, 2, 3, 4, 4), (4, 7, 1, 2, 3, 9), (3, 4, 3, 6, 1, 1)):
        gate, reference = _gates(student, generator, channels, side, hidden)
        features, told = draw(generator, count, channels, height, width).float(), draw(generator, count, side).float()
        same(gate(features, told), reference(features, told), f"{channels} channels, {side} told")
    _same_gradients(gate, reference, features, told, generator, "the gate")


@hidden_test(
    "check_gate", points=1, hint="with nothing to tell it is plain squeeze-and-excitation; hidden is 8 unless said"
)
def gates_without_side_information(student, generator):
    gate, reference = _gates(student, generator, 6, 0, 4)
    features, nothing = draw(generator, 2, 6, 5, 4).float(), torch.zeros(2, 0)
    same(gate(features, nothing), reference(features, nothing), "no side information")
    check(_numbers(student.new("Gate", 32, 2).state()) == 568, "a gate of 32 channels, 2 told, has 568 numbers")


@hidden_test("check_gate", points=1, hint="what belongs to one picture must not reach another")
def gates_of_each_picture(student, generator):
    gate, reference = _gates(student, generator, 5, 2, 3)
    features, told = draw(generator, 4, 5, 3, 6).float(), draw(generator, 4, 2).float()
    right = reference(features, told)
    for picture in range(4):
        one = slice(picture, picture + 1)
        same(gate(features[one], told[one]), right[one], "a picture alone")
    same(gate(features, told), right, "four pictures")


# --- the residual filter


@hidden_test("check_residual", points=1, hint="of each picture by itself, in grey levels, over all its pixels")
def side_information_of_pictures(student, generator):
    for count, height, width in ((1, 6, 6), (4, 5, 8)):
        contrast = torch.rand(count, 1, 1, 1, generator=generator)
        x, qp = contrast * _pictures(generator, count, 1, height, width), _qps(generator, count)
        deviation = 255 * x.double().flatten(1).std(dim=1, correction=0)
        expected = torch.stack([(qp.double() - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)
        same(student.side_information(x, qp), expected, "side information")
    flat = torch.full((1, 1, 4, 4), 0.25)
    same(student.side_information(flat, torch.tensor([37.0])), torch.tensor([[1.0, -1.0]]), "a flat one")


@hidden_test("check_residual", points=1, hint="which gates get two numbers more, for every number of blocks")
def weights_by_place(student, generator):
    for channels, blocks in ((32, 3), (8, 1), (12, 4)):
        told = {"nowhere": 0, "early": 1, "middle": 1, "late": 1, "everywhere": blocks}
        pair, gate = 2 * (9 * channels**2 + channels), 16 * channels + 8 + channels
        rest = 36 * channels + channels + 36 * channels + 4
        for place, count in told.items():
            expected = rest + blocks * (pair + gate) + count * 16
            found = _numbers(student.new("ResidualFilter", place, channels, blocks).state())
            check(found == expected, f"{place}, {channels} channels, {blocks} blocks: {found} numbers, not {expected}")
    check(_numbers(student.new("ResidualFilter").state()) == 59_532, "the default is everywhere, 32 channels, 3 blocks")


@hidden_test("check_residual", points=1, hint="sides may be odd; a filter that has not learned anything does nothing")
def untrained_residual_filter_changes_nothing(student, generator):
    net = student.new("ResidualFilter", "everywhere", 6, 2)
    for count, height, width in ((1, 1, 1), (2, 7, 10), (3, 8, 5), (1, 6, 6)):
        x = _pictures(generator, count, 1, height, width)
        same(net(x, _qps(generator, count)), x, f"untrained on {height}×{width}")


class _Filter(nn.Module):
    """The filter as the text describes it. told: which gates are told the side information."""

    def __init__(self, channels: int, told: list[bool], *, blind: bool) -> None:
        super().__init__()
        self.told, self.blind = told, blind
        self.first = nn.Conv2d(4, channels, 3, padding=1)
        self.pairs = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)) for _ in told
        )
        self.gates = nn.ModuleList(_Gate(channels, 2 * knows) for knows in told)
        self.last = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, x: Tensor, qp: Tensor) -> Tensor:
        height, width = x.shape[2:]
        even = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        deviation = 255 * x.flatten(1).std(dim=1, correction=0)
        side = torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)
        y = self.first(F.pixel_unshuffle(4 * even - 2, 2)).relu()  # (N, C, H/2, W/2)
        for (one, two), gate, knows in zip(self.pairs, self.gates, self.told, strict=True):
            y = y + gate(two(one(y).relu()), side[:, : 2 * knows])
        correction = F.pixel_shuffle(self.last(y), 2)[..., :height, :width]
        return x + correction * _steps(torch.full_like(qp, 29.5) if self.blind else qp) / 1020


def _compare(student, generator, place: str, blocks: int) -> None:
    gates = {"early": [0], "middle": [blocks // 2], "late": [blocks - 1], "everywhere": range(blocks), "nowhere": []}
    told = [index in gates[place] for index in range(blocks)]
    net, reference = student.new("ResidualFilter", place, 6, blocks), _Filter(6, told, blind=place == "nowhere")
    _alike(net, reference, generator)
    for count, height, width in ((2, 8, 12), (3, 7, 9)):
        x, qp, what = _pictures(generator, count, 1, height, width), _qps(generator, count), f"{place}, {blocks} blocks"
        same(net(x, qp), reference(x, qp), f"{what}, {height}×{width}")
    # What comes out does not tell layers with equal weights apart, but one that is never used has no gradient. Neither
    # has a gate whose hidden units are all below zero, now and then: a layer must lack it three times.
    idle = set.intersection(*(_idle(net, x, qp, generator) for _ in range(3)))
    check(not idle, f"{what}: {', '.join(sorted(idle))} play no part")


def _idle(net: Remote, x: Tensor, qp: Tensor, generator) -> set[str]:
    """The parameters that do not move what comes out, with random weights."""
    _randomise(net, generator)
    _, _, gradients = net.gradient(x, qp, cotangents=torch.randn(x.shape, generator=generator))
    return {name for name, gradient in gradients.items() if gradient is None or not gradient.any()}


@hidden_test("check_residual", points=1.5, hint="the order of the steps, and the identity beside every block")
def residual_filter_with_given_weights(student, generator):
    for place, blocks in (("everywhere", 1), ("everywhere", 3), ("early", 3), ("late", 3), ("middle", 4)):
        _compare(student, generator, place, blocks)


@hidden_test("check_residual", points=0.5, hint="blind means that no way is left by which the QP could come in")
def the_blind_filter_does_not_know_the_qp(student, generator):
    _compare(student, generator, "nowhere", 2)
    net = student.new("ResidualFilter", "nowhere", 6, 2)
    _randomise(net, generator)
    x = _pictures(generator, 2, 1, 8, 8)
    fine, coarse = torch.full((2,), 22.0), torch.full((2,), 37.0)
    same(net(x, fine), expect_tensor(net(x, coarse), tuple(x.shape), "a filter"), "a blind filter at QP 22 and 37")


# --- what to train on


@hidden_test("check_training", points=1.5, hint="each picture by the error at its own QP, then the mean")
def losses_of_random_pictures(student, generator):
    for count, height, width in ((1, 4, 4), (5, 3, 7), (4, 4, 4)):
        out, original = _pictures(generator, count, 1, height, width), _pictures(generator, count, 1, height, width)
        error = 0.01 + torch.rand(count, generator=generator)
        expected = ((out - original).double().square().mean(dim=(1, 2, 3)) / error).mean()
        same(student.loss(out, original, error), expected.item(), f"loss of {count} pictures")
    _, gradients = student.gradient("loss", out, original, error, cotangents=torch.tensor(1.0))
    expected = 2 * (out - original) / out[0].numel() / (count * error.view(-1, 1, 1, 1))
    same(gradients[0], expected, "gradient of the loss")


@hidden_test("check_training", points=1, hint="each patch by itself; the border belongs to those that are kept")
def patches_that_are_kept(student, generator):
    strength = torch.linspace(0, 9, 40).view(-1, 1, 1)
    patches = (120 + strength * draw(generator, 40, 6, 9)).round().clamp(0, 255).to(torch.uint8)
    deviation = patches.double().flatten(1).std(dim=1, correction=0)
    for least in (2.0, 4.0, 6.5):
        same(student.not_flat(patches, least), deviation >= least, f"at least {least}", tolerance=0)
    same(student.not_flat(patches), deviation >= 4, "at least 4 by default", tolerance=0)
    stripes = torch.zeros(2, 4, 4, dtype=torch.uint8)
    stripes[0, ::2], stripes[1, ::2] = 8, 200  # the first is exactly 4
    same(student.not_flat(stripes), torch.tensor([True, True]), "exactly at the border", tolerance=0)
    few = torch.tensor([[[0, 7], [0, 7]], [[0, 9], [9, 0]]], dtype=torch.uint8)  # 3.5 and 4.5
    same(student.not_flat(few), torch.tensor([False, True]), "patches of four pixels", tolerance=0)


@hidden_test("check_training", points=1.5, hint="all eight differ, and only the last two dimensions turn")
def orientations_of_patches(student, generator):
    for batch in ((), (3,), (2, 1), (4, 4)):
        patches = draw(generator, *batch, 4, 4).float()
        for k in range(8):
            expected = torch.rot90(patches, k % 4, dims=(-2, -1))
            expected = expected.flip(-1) if k > 3 else expected
            same(student.turned(patches, k), expected, f"orientation {k} of {tuple(patches.shape)}", tolerance=0)
    grey = torch.arange(9, dtype=torch.uint8).view(1, 3, 3)
    same(student.turned(grey, 6), torch.rot90(grey, 2, dims=(1, 2)).flip(2), "uint8 patches", tolerance=0)


@hidden_test("check_training", points=1, hint="compare the two errors of each patch; no change is no harm")
def samples_that_lose(student, generator):
    original, decoded = _pictures(generator, 30, 1, 5, 5), _pictures(generator, 30, 1, 5, 5)
    amount = torch.linspace(-0.5, 1.5, 30).view(-1, 1, 1, 1)
    filtered = decoded + amount * (original - decoded)
    filtered[::7] = decoded[::7]
    before = (decoded - original).double().square().mean(dim=(1, 2, 3))
    after = (filtered - original).double().square().mean(dim=(1, 2, 3))
    same(student.losers(decoded, filtered, original), after > before, "losers", tolerance=0)


# --- block flags


def _three(generator, count: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    shape = (count, height, width)
    return tuple(torch.randint(256, shape, generator=generator, dtype=torch.uint8) for _ in range(3))


@hidden_test("check_flags", points=1.5, hint="unsigned numbers, blocks at the border, and a tie")
def flags_that_an_encoder_wants(student, generator):
    for count, height, width, size in ((1, 8, 8, 4), (2, 20, 29, 8), (3, 5, 5, 16), (2, 33, 16, 16), (1, 16, 40, 32)):
        off, on, original = _three(generator, count, height, width)
        on[:, : height // 2, : width // 3] = off[:, : height // 2, : width // 3]
        expected = flags.choose(off, on, original, size)
        same(student.wanted(off, on, original, size), expected, f"flags of {height}×{width} at {size}", tolerance=0)
    same(student.wanted(off, off, original, 8), flags.choose(off, off, original, 8), "ties", tolerance=0)
    nearly = original.clone()
    nearly[:, 0, 0] ^= 1  # one pixel, one grey level
    same(student.wanted(nearly, original, original, 64), torch.ones(1, 1, 1).bool(), "the least gain", tolerance=0)


@hidden_test("check_flags", points=1, hint="on is filtered, off is not; blocks at the border are cut")
def pictures_of_flags(student, generator):
    for count, height, width, size in ((1, 8, 8, 4), (2, 20, 29, 8), (3, 5, 5, 16), (2, 33, 16, 16)):
        off, on, _ = _three(generator, count, height, width)
        shape = (count, -(-height // size), -(-width // size))
        chosen = torch.rand(shape, generator=generator) < 0.5
        expected = flags.apply(chosen, off, on, size)
        same(student.mixed(chosen, off, on, size), expected, f"{height}×{width} at {size}", tolerance=0)


@hidden_test(
    "check_flags", points=1.5, hint="for each picture by itself, in bits, and flags that are all alike are free"
)
def bits_of_flags(student, generator):
    for count, rows, columns in ((1, 4, 4), (3, 5, 7), (4, 1, 2)):
        chosen = torch.rand((count, rows, columns), generator=generator) < 0.2 + 0.1 * pick(generator, 0, 6)
        expected = []
        for each in chosen.double().flatten(1).mean(dim=1).tolist():
            entropy = -sum(p * math.log2(p) for p in (each, 1 - each) if p > 0)
            expected.append(rows * columns * entropy)
        same(student.ideal_bits(chosen), torch.tensor(expected), f"bits of {count} pictures")
    alike = torch.stack([torch.zeros(3, 3), torch.ones(3, 3)]).bool()
    same(student.ideal_bits(alike), torch.zeros(2), "all alike")
