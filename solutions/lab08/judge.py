"""Hidden tests of lab 08, A QP-aware in-loop filter. Points per exercise are those of the notebook's checks."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_tools.grader.judge.hidden_tests import check, draw, hidden_test, pick, same
from course_utils.codec import flags
from course_utils.codec.loop_filter import networks

LOOSE = 2e-5  # float32 networks, whose sums may be taken in another order


def _pictures(generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator)


def _qps(generator, count: int) -> Tensor:
    return 22 + 15 * torch.rand(count, generator=generator)


def _steps(qp: Tensor) -> Tensor:
    return (2 ** ((qp.double() - 4) / 6)).view(-1, 1, 1, 1)


def _numbers(state: dict[str, Tensor]) -> int:
    return sum(value.numel() for value in state.values())


def _randomised(state: dict[str, Tensor], generator, spread: float = 0.2) -> dict[str, Tensor]:
    """Other numbers for every weight, in an order that does not depend on the student's names."""
    return {name: spread * torch.randn(value.shape, generator=generator) for name, value in state.items()}


# --- pictures in, corrections out


@hidden_test("check_scale", points=1, hint="six QPs double the step, and QP 4 is the step 1")
def steps_at_any_qp(student, generator):
    for shape in ((1,), (5,), (2, 3)):
        qp = 51 * torch.rand(shape, generator=generator)
        same(student.step_size(qp), 2 ** ((qp.double() - 4) / 6), f"steps of {shape}", tolerance=1e-5)


@hidden_test("check_scale", points=0.5, hint="from [0, 1] to [-2, 2], whatever the shape")
def pictures_are_centred(student, generator):
    for shape in ((1, 1, 3, 5), (4, 1, 8, 8), (2, 3)):
        x = _pictures(generator, *shape)
        same(student.centred(x), 4 * x.double() - 2, "centred pictures", tolerance=1e-5)
    same(student.centred(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([-2.0, 0, 2]), "the ends", tolerance=1e-6)


@hidden_test(
    "check_scale", points=1.5, hint="each picture has its own QP, and the correction counts quarters of a step"
)
def corrections_count_steps(student, generator):
    for count, height, width in ((1, 4, 4), (3, 5, 2), (4, 4, 4), (2, 1, 7)):
        x, correction = _pictures(generator, count, 1, height, width), draw(generator, count, 1, height, width).float()
        qp = _qps(generator, count)
        expected = x.double() + correction.double() * _steps(qp) / 1020
        same(student.corrected(x, correction, qp), expected, f"{count} corrected pictures", tolerance=1e-5)
    x, strong = _pictures(generator, 2, 1, 3, 3), 500 * torch.ones(2, 1, 3, 3)
    qp = torch.tensor([30.0, 37.0])
    same(student.corrected(x, strong, qp), x.double() + 500 * _steps(qp) / 1020, "no clamp", tolerance=1e-5)


@hidden_test(
    "check_scale", points=1, hint="8 bits: the nearest grey level, and what is beyond the ends stays at the ends"
)
def grey_levels_of_a_decoder(student, generator):
    for count, height, width in ((1, 3, 4), (3, 2, 2), (2, 1, 1)):
        x = 1.6 * _pictures(generator, count, 1, height, width) - 0.3
        came = student.to_picture(x)
        check(isinstance(came, Tensor) and came.dtype == torch.uint8, "the picture is not uint8")
        expected = (255 * x).round().clamp(0, 255)[:, 0]
        same(came, expected, f"{count} pictures", tolerance=0)
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
        same(net(x, _qps(generator, count)), x, f"untrained on {height}×{width}", tolerance=1e-6)


@hidden_test("check_vrcnn", points=2, hint="ReLU after each of the first three layers; branches side by side, in order")
def vrcnn_with_given_weights(student, generator):
    net, reference = student.new("VRCNN"), networks.build("vrcnn")
    by_shape = {tuple(each.shape): each for each in _randomised(reference.state_dict(), generator, 0.1).values()}
    net.load({name: by_shape[tuple(value.shape)] for name, value in net.state().items()})
    reference.load_state_dict({name: by_shape[tuple(value.shape)] for name, value in reference.state_dict().items()})
    for count, height, width in ((1, 12, 12), (3, 7, 10)):
        x, qp = _pictures(generator, count, 1, height, width), _qps(generator, count)
        with torch.no_grad():
            same(net(x, qp), reference(x, qp), f"VRCNN on {height}×{width}", tolerance=1e-4)


# --- the gate


def _gate(student, generator, channels: int, side: int, hidden: int):
    """A gate with random weights and the four of them, whatever their names."""
    gate = student.new("Gate", channels, side, hidden)
    state = gate.state()
    numbers = _randomised(state, generator, 0.7)
    gate.load(numbers)
    weights = [value.flatten(1) for value in numbers.values() if value.ndim > 1]
    biases = [value for value in numbers.values() if value.ndim == 1]
    shapes = sorted(tuple(value.shape) for value in weights)
    check(shapes == sorted([(hidden, channels + side), (channels, hidden)]), f"weights of shape {shapes}")
    check(sorted(len(value) for value in biases) == sorted([hidden, channels]), "two biases are expected")
    first = next(value for value in weights if value.shape == (hidden, channels + side))
    second = next(value for value in weights if value.shape == (channels, hidden))
    return gate, (
        first,
        next(b for b in biases if len(b) == hidden),
        second,
        next(b for b in biases if len(b) == channels),
    )


def _gated(features: Tensor, side: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    first, first_bias, second, second_bias = (each.double() for each in weights)
    together = torch.cat([features.double().mean(dim=(2, 3)), side.double()], dim=1)
    gates = 2 * torch.sigmoid(torch.relu(together @ first.T + first_bias) @ second.T + second_bias)
    return features * gates[:, :, None, None]


@hidden_test("check_gate", points=2, hint="means first, then the side information; ReLU, then twice the sigmoid")
def gates_with_given_weights(student, generator):
    for count, channels, side, hidden, height, width in ((1, 5, 2, 3, 4, 4), (4, 7, 1, 2, 3, 9), (3, 4, 3, 6, 1, 1)):
        gate, weights = _gate(student, generator, channels, side, hidden)
        features, told = draw(generator, count, channels, height, width).float(), draw(generator, count, side).float()
        same(
            gate(features, told), _gated(features, told, weights), f"{channels} channels, {side} told", tolerance=LOOSE
        )


@hidden_test(
    "check_gate", points=1, hint="with nothing to tell it is plain squeeze-and-excitation; hidden is 8 unless said"
)
def gates_without_side_information(student, generator):
    gate, weights = _gate(student, generator, 6, 0, 4)
    features = draw(generator, 2, 6, 5, 4).float()
    same(gate(features, torch.zeros(2, 0)), _gated(features, torch.zeros(2, 0), weights), "no side", tolerance=LOOSE)
    check(_numbers(student.new("Gate", 32, 2).state()) == 568, "a gate of 32 channels, 2 told, has 568 numbers")


@hidden_test("check_gate", points=1, hint="what belongs to one picture must not reach another")
def gates_of_each_picture(student, generator):
    gate, weights = _gate(student, generator, 5, 2, 3)
    features, told = draw(generator, 4, 5, 3, 6).float(), draw(generator, 4, 2).float()
    alone = torch.cat([gate(features[i : i + 1], told[i : i + 1]) for i in range(4)])
    same(gate(features, told), alone, "a batch against single pictures", tolerance=LOOSE)
    same(alone, _gated(features, told, weights), "single pictures", tolerance=LOOSE)


# --- the residual filter


@hidden_test("check_residual", points=1, hint="of each picture by itself, in grey levels, over all its pixels")
def side_information_of_pictures(student, generator):
    for count, height, width in ((1, 6, 6), (4, 5, 8)):
        contrast = torch.rand(count, 1, 1, 1, generator=generator)
        x, qp = contrast * _pictures(generator, count, 1, height, width), _qps(generator, count)
        deviation = 255 * x.double().flatten(1).std(dim=1, correction=0)
        expected = torch.stack([(qp.double() - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)
        same(student.side_information(x, qp), expected, "side information", tolerance=1e-4)
    flat = torch.full((1, 1, 4, 4), 0.25)
    same(
        student.side_information(flat, torch.tensor([37.0])), torch.tensor([[1.0, -1.0]]), "a flat one", tolerance=1e-5
    )


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
        same(net(x, _qps(generator, count)), x, f"untrained on {height}×{width}", tolerance=1e-6)


class _Reference:
    """The filter as the text describes it, from the student's weights in the order in which they were made."""

    def __init__(self, state: dict[str, Tensor], channels: int, blocks: int, told: list[bool], blind: bool) -> None:
        self.channels, self.blocks, self.told, self.blind = channels, blocks, told, blind
        values = list(state.values())
        wide = [index for index, value in enumerate(values) if value.ndim == 4 and value.shape[2] == 3]
        self.convolutions = [(values[index], values[index + 1]) for index in wide]
        gates = [value for index, value in enumerate(values) if index not in wide and index - 1 not in wide]
        self.gates = [gates[4 * index : 4 * index + 4] for index in range(blocks)]

    def __call__(self, x: Tensor, qp: Tensor) -> Tensor:
        height, width = x.shape[2:]
        even = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        deviation = 255 * x.flatten(1).std(dim=1, correction=0)
        side = torch.stack([(qp - 29.5) / 7.5, torch.log2(1 + deviation) / 3 - 1], dim=1)
        ins = [each for each in self.convolutions if each[0].shape[1] == 4 and each[0].shape[0] == self.channels]
        outs = [each for each in self.convolutions if each[0].shape[0] == 4 and each[0].shape[1] == self.channels]
        pairs = [each for each in self.convolutions if each[0].shape[0] == each[0].shape[1] == self.channels]
        y = F.relu(F.conv2d(F.pixel_unshuffle(4 * even - 2, 2), *ins[0], padding=1))
        for index in range(self.blocks):
            z = F.relu(F.conv2d(y, *pairs[2 * index], padding=1))
            z = F.conv2d(z, *pairs[2 * index + 1], padding=1)
            weights = [each.flatten(1) if each.ndim > 1 else each for each in self.gates[index]]
            first, first_bias, second, second_bias = weights
            y = (
                y
                + _gated(z, side if self.told[index] else side[:, :0], (first, first_bias, second, second_bias)).float()
            )
        correction = F.pixel_shuffle(F.conv2d(y, *outs[0], padding=1), 2)[..., :height, :width]
        scale = torch.full_like(qp, 29.5) if self.blind else qp
        return x + correction * (_steps(scale) / 1020).float()


def _equal_blocks(state: dict[str, Tensor], generator) -> dict[str, Tensor]:
    """Random numbers, the same for weights of one shape: then it does not matter in which order they were made."""
    by_shape = {}
    for value in state.values():
        shape = tuple(value.squeeze().shape)
        if shape not in by_shape:
            by_shape[shape] = 0.25 * torch.randn(shape, generator=generator)
    return {name: by_shape[tuple(value.squeeze().shape)].reshape(value.shape) for name, value in state.items()}


def _compare(student, generator, place: str, blocks: int) -> None:
    channels = 6
    middle = blocks // 2
    told = [
        place == "everywhere"
        or (place == "early" and index == 0)
        or (place == "middle" and index == middle)
        or (place == "late" and index == blocks - 1)
        for index in range(blocks)
    ]
    net = student.new("ResidualFilter", place, channels, blocks)
    numbers = _equal_blocks(net.state(), generator)
    net.load(numbers)
    gates = {tuple(value.squeeze().shape): value.reshape(value.squeeze().shape) for value in numbers.values()}
    ordered = {}  # one state in a known order, from the weights by shape
    ordered["in"], ordered["in_bias"] = gates[channels, 4, 3, 3], gates[channels,]
    for index in range(blocks):
        for part in ("a", "b"):
            ordered[f"{index}{part}"] = gates[channels, channels, 3, 3]
            ordered[f"{index}{part}_bias"] = gates[channels,]
        ordered[f"{index}squeeze"] = gates[8, channels + (2 if told[index] else 0)]
        ordered[f"{index}squeeze_bias"] = gates[8,]
        ordered[f"{index}excite"], ordered[f"{index}excite_bias"] = gates[channels, 8], gates[channels,]
    ordered["out"], ordered["out_bias"] = gates[4, channels, 3, 3], gates[4,]
    reference = _Reference(ordered, channels, blocks, told, blind=place == "nowhere")
    for count, height, width in ((2, 8, 12), (3, 7, 9)):
        x, qp = _pictures(generator, count, 1, height, width), _qps(generator, count)
        same(net(x, qp), reference(x, qp), f"{place}, {blocks} blocks, {height}×{width}", tolerance=2e-4)


@hidden_test("check_residual", points=1.5, hint="the order of the steps, and the identity beside every block")
def residual_filter_with_given_weights(student, generator):
    for place, blocks in (("everywhere", 1), ("everywhere", 3), ("early", 3), ("late", 3), ("middle", 4)):
        _compare(student, generator, place, blocks)


@hidden_test("check_residual", points=0.5, hint="blind means that no way is left by which the QP could come in")
def the_blind_filter_does_not_know_the_qp(student, generator):
    _compare(student, generator, "nowhere", 2)
    net = student.new("ResidualFilter", "nowhere", 6, 2)
    net.load(_randomised(net.state(), generator))
    x = _pictures(generator, 2, 1, 8, 8)
    fine, coarse = torch.full((2,), 22.0), torch.full((2,), 37.0)
    same(net(x, fine), net(x, coarse), "a blind filter at QP 22 and 37", tolerance=1e-6)


# --- what to train on


@hidden_test("check_training", points=1.5, hint="each picture by the error at its own QP, then the mean")
def losses_of_random_pictures(student, generator):
    for count, height, width in ((1, 4, 4), (5, 3, 7), (4, 4, 4)):
        out, original = _pictures(generator, count, 1, height, width), _pictures(generator, count, 1, height, width)
        error = 0.01 + torch.rand(count, generator=generator)
        expected = ((out - original).double().square().mean(dim=(1, 2, 3)) / error).mean()
        came = student.loss(out, original, error)
        check(isinstance(came, (Tensor, float)) and torch.as_tensor(came).numel() == 1, "the loss is one number")
        same(came, expected, f"loss of {count} pictures", tolerance=1e-4)


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
        same(student.ideal_bits(chosen), torch.tensor(expected), f"bits of {count} pictures", tolerance=1e-5)
    alike = torch.stack([torch.zeros(3, 3), torch.ones(3, 3)]).bool()
    same(student.ideal_bits(alike), torch.zeros(2), "all alike", tolerance=1e-9)
