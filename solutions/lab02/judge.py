"""Hidden tests of lab 02, Modern CNN blocks. Points per exercise are those of the notebook's checks.

A block is judged with weights and batch-norm statistics drawn anew: fresh ones hide mistakes, since a new batch norm
is the identity in evaluation mode. The references below are torchvision's blocks in plain torch; the notebook's checks
compare the solution with torchvision itself.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, expect_values, hidden_test, pick
from course_tools.grader.judge.student import Remote
from course_utils import costs, parity
from course_utils.compare import same


@dataclass
class Pair:
    """A student's block and the reference with equal weights. names: the student's name of each tensor of the other."""

    ours: Remote
    theirs: nn.Module
    names: dict[str, str]


def _pair(student, generator, theirs: nn.Module, name: str, *args, **options) -> Pair:
    """The student's block `name(*args)` with new weights, those of `theirs`: by name, or else in order."""
    parity.randomize(theirs.double(), seed=pick(generator, 0, 10**6))
    ours = student.new(name, *args, **options).double()
    state = ours.state()
    own = {key: value for key, value in state.items() if value.is_floating_point()}
    wanted = {key: value for key, value in theirs.state_dict().items() if value.is_floating_point()}
    check(len(own) == len(wanted), f"{name}{args}: {len(own)} tensors of weights and statistics, not {len(wanted)}")
    names = dict(zip(wanted, wanted if set(own) == set(wanted) else own, strict=True))
    for key, value in wanted.items():
        place = own[names[key]]
        check(place.squeeze().shape == value.squeeze().shape, f"{name}{args}: {names[key]} is {tuple(place.shape)}")
        state[names[key]] = value.reshape(place.shape)
    ours.load(state)
    return Pair(ours, theirs, names)


def _same_in_evaluation(pair: Pair, x: Tensor, what: str) -> None:
    with torch.no_grad():
        same(pair.ours.eval()(x), pair.theirs.eval()(x), f"{what} of {tuple(x.shape)}, evaluation")


def _same_in_training(pair: Pair, generator: torch.Generator, x: Tensor, what: str) -> None:
    """Outputs, running statistics, and the gradients in the input and in every weight."""
    leaf = x.clone().requires_grad_()
    expected = pair.theirs.train()(leaf)
    cotangents = draw(generator, *expected.shape)
    came, (grad,), weights = pair.ours.train().gradient(x, cotangents=cotangents)
    same(came, expected, f"{what}, training")
    parameters = dict(pair.theirs.named_parameters())
    expected = torch.autograd.grad(expected, (leaf, *parameters.values()), cotangents)
    same(grad, expected[0], f"{what}, gradient in x")
    for name, wanted in zip(parameters, expected[1:], strict=True):
        gradient = weights[pair.names[name]]
        # A bias in front of a batch norm has a gradient of rounding errors alone.
        if wanted.abs().max() > 1e-9:
            check(isinstance(gradient, Tensor) and gradient.numel() == wanted.numel(), f"{what}: no gradient in {name}")
            # The terms of a bias's gradient may nearly cancel, and float32 rounds each of them.
            same(gradient.reshape(wanted.shape), wanted, f"{what}, gradient in {name}", tolerance=1e-4)
    state = pair.ours.state()
    for name, wanted in pair.theirs.named_buffers():
        if wanted.is_floating_point():
            same(state[pair.names[name]], wanted, f"{what}, {name} after a batch")


def _conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


def _vgg(inputs: int, width: int, convs: int, norm: bool) -> nn.Sequential:
    layers = []
    for number in range(convs):
        layers += [nn.Conv2d(width if number else inputs, width, 3, padding=1)]
        layers += [nn.BatchNorm2d(width), nn.ReLU()] if norm else [nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


class _Joined(nn.ModuleList):
    """Branches side by side, joined along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


def _inception(inputs: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> nn.Module:
    branches = (
        [*_conv_bn(inputs, one, 1), nn.ReLU()],
        [*_conv_bn(inputs, reduce3, 1), nn.ReLU(), *_conv_bn(reduce3, three, 3), nn.ReLU()],
        [*_conv_bn(inputs, reduce5, 1), nn.ReLU(), *_conv_bn(reduce5, five, 5), nn.ReLU()],
        [nn.MaxPool2d(3, stride=1, padding=1), *_conv_bn(inputs, pool, 1), nn.ReLU()],
    )
    return _Joined(nn.Sequential(*branch) for branch in branches)


class _Gate(nn.Module):
    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // ratio, 1)
        self.fc2 = nn.Conv2d(channels // ratio, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1, ratio: int | None = None) -> None:
        super().__init__()
        branch = [*_conv_bn(inputs, outputs, 3, stride), nn.ReLU(), *_conv_bn(outputs, outputs, 3)]
        self.branch = nn.Sequential(*branch, *([_Gate(outputs, ratio)] if ratio else []))
        self.fits = stride == 1 and inputs == outputs
        self.shortcut = nn.Sequential(*([] if self.fits else _conv_bn(inputs, outputs, 1, stride)))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


class _Dense(nn.ModuleList):
    def __init__(self, channels: int, layers: int, growth: int) -> None:
        super().__init__(
            nn.Sequential(
                nn.BatchNorm2d(seen),
                nn.ReLU(),
                *_conv_bn(seen, 4 * growth, 1),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
            )
            for seen in range(channels, channels + layers * growth, growth)
        )

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self:
            features.append(layer(torch.cat(features, dim=1)))
        return torch.cat(features, dim=1)


def _batch(generator: torch.Generator, channels: int, *, n: int = 0) -> Tensor:
    """Pictures that are not square, of odd and even sides."""
    return draw(generator, n or pick(generator, 2, 3), channels, pick(generator, 5, 8), pick(generator, 9, 11))


@hidden_test("check_vgg_stage", points=1, hint="from one convolution to four; a row that is left over is not pooled")
def vgg_stage_with_batch_norm(student, generator):
    for convs in (1, 2, 4):
        inputs, width = pick(generator, 1, 4), pick(generator, 5, 7)
        pair = _pair(student, generator, _vgg(inputs, width, convs, True), "vgg_stage", inputs, width, convs)
        what = f"a stage of {convs}"
        _same_in_evaluation(pair, _batch(generator, inputs), what)
        _same_in_training(pair, generator, _batch(generator, inputs), what)
        _same_in_evaluation(pair, draw(generator, 1, inputs, 2, 3), what)


@hidden_test("check_vgg_stage", points=1, hint="without norm, the stage is convolution and ReLU, and the pooling")
def vgg_stage_without_batch_norm(student, generator):
    for inputs, width, convs in ((1, 1, 1), (3, 5, 2), (6, 2, 3)):
        pair = _pair(
            student, generator, _vgg(inputs, width, convs, False), "vgg_stage", inputs, width, convs, norm=False
        )
        what = f"a stage of {convs} without norm"
        _same_in_evaluation(pair, _batch(generator, inputs), what)
        _same_in_training(pair, generator, _batch(generator, inputs, n=1), what)


def _inception_sizes(generator: torch.Generator) -> list[int]:
    """Seven sizes that all differ, so that no two can be exchanged."""
    return (1 + torch.randperm(9, generator=generator)[:7]).tolist()


@hidden_test(
    "check_Inception", points=1.5, hint="what comes after each of the six convolutions? what does pooling pad with?"
)
def inception_in_evaluation(student, generator):
    for _ in range(3):
        sizes = _inception_sizes(generator)
        pair = _pair(student, generator, _inception(*sizes), "Inception", *sizes)
        _same_in_evaluation(pair, _batch(generator, sizes[0]) - 2, "inception")


@hidden_test("check_Inception", points=1.5, hint="every norm has statistics of its own")
def inception_in_training(student, generator):
    sizes = _inception_sizes(generator)
    pair = _pair(student, generator, _inception(*sizes), "Inception", *sizes)
    _same_in_training(pair, generator, _batch(generator, sizes[0]), "inception")


@hidden_test(
    "check_Inception", points=1, hint="branches of one channel, a picture smaller than the kernel, one picture alone"
)
def inception_at_the_edge(student, generator):
    pair = _pair(student, generator, _inception(1, 1, 1, 1, 1, 1, 1), "Inception", 1, 1, 1, 1, 1, 1, 1)
    for height, width in ((1, 1), (2, 4), (7, 3)):
        _same_in_evaluation(pair, draw(generator, 1, 1, height, width), "inception of one channel each")
    sizes = [3, 2, 4, 2, 4, 2, 2]  # three branches of equal width
    pair = _pair(student, generator, _inception(*sizes), "Inception", *sizes)
    _same_in_evaluation(pair, _batch(generator, 3), "inception of equal branches")


@hidden_test(
    "check_ResidualBlock", points=1.5, hint="one gate for each channel of each picture, from the means of all channels"
)
def squeeze_excitation_gates(student, generator):
    for channels, ratio in ((6, 2), (7, 3), (3, 1), (1, 1)):
        pair = _pair(student, generator, _Gate(channels, ratio), "SqueezeExcitation", channels, ratio)
        what = f"squeeze-and-excitation of {channels} channels"
        _same_in_evaluation(pair, 1 + 2 * _batch(generator, channels), what)
        _same_in_evaluation(pair, draw(generator, 1, channels, 1, 2), what)
        _same_in_training(pair, generator, _batch(generator, channels), what)
    pair = _pair(student, generator, _Gate(32, 16), "SqueezeExcitation", 32)
    _same_in_evaluation(pair, draw(generator, 2, 32, 2, 3), "squeeze-and-excitation with the usual ratio")


@hidden_test("check_ResidualBlock", points=1, hint="where the input fits, it is added as it is, before the last ReLU")
def residual_block_with_an_identity(student, generator):
    for channels in (1, 4):
        pair = _pair(student, generator, _Residual(channels, channels), "ResidualBlock", channels, channels)
        _same_in_evaluation(pair, _batch(generator, channels), f"residual block of {channels} channels")
        _same_in_evaluation(pair, draw(generator, 1, channels, 1, 2), f"residual block of {channels} channels")
        _same_in_training(pair, generator, _batch(generator, channels), f"residual block of {channels} channels")


@hidden_test("check_ResidualBlock", points=1.5, hint="more or fewer channels, a stride alone, or both; odd sides, too")
def residual_block_with_a_projection(student, generator):
    for case in ((3, 5, 1), (5, 3, 1), (4, 4, 2), (2, 6, 2), (3, 3, 3)):
        pair = _pair(student, generator, _Residual(*case), "ResidualBlock", *case)
        _same_in_evaluation(pair, _batch(generator, case[0]), f"residual block {case}")
        _same_in_training(pair, generator, _batch(generator, case[0]), f"residual block {case}")


@hidden_test("check_ResidualBlock", points=1, hint="the gate sees F(x) alone, and it may stand beside a projection")
def residual_block_with_a_gate(student, generator):
    for inputs, outputs, stride, ratio in ((4, 4, 1, 2), (3, 6, 2, 3), (5, 5, 1, 1)):
        theirs = _Residual(inputs, outputs, stride, ratio)
        pair = _pair(student, generator, theirs, "ResidualBlock", inputs, outputs, stride=stride, ratio=ratio)
        what = f"gated residual block of {inputs} to {outputs} channels"
        _same_in_evaluation(pair, _batch(generator, inputs), what)
        _same_in_training(pair, generator, _batch(generator, inputs), what)


@hidden_test("check_DenseBlock", points=1.5, hint="what does the last layer read, and where do its channels come out?")
def dense_block_in_evaluation(student, generator):
    for layers in (2, 4):
        case = (pick(generator, 2, 5), layers, pick(generator, 1, 3))
        pair = _pair(student, generator, _Dense(*case), "DenseBlock", *case)
        _same_in_evaluation(pair, _batch(generator, case[0]), f"dense block {case}")


@hidden_test("check_DenseBlock", points=1.5, hint="each reader normalises the same features with statistics of its own")
def dense_block_in_training(student, generator):
    case = (pick(generator, 2, 5), 3, pick(generator, 1, 3))
    pair = _pair(student, generator, _Dense(*case), "DenseBlock", *case)
    _same_in_training(pair, generator, _batch(generator, case[0]), f"dense block {case}")


@hidden_test("check_DenseBlock", points=1, hint="one layer, one channel, one picture; the input comes out unchanged")
def dense_block_at_the_edge(student, generator):
    for case in ((1, 1, 1), (3, 1, 4), (1, 3, 2)):
        pair = _pair(student, generator, _Dense(*case), "DenseBlock", *case)
        x = draw(generator, 1, case[0], pick(generator, 1, 3), pick(generator, 4, 6))
        _same_in_evaluation(pair, x, f"dense block {case}")
        inputs, layers, growth = case
        y = expect_tensor(pair.ours.eval()(x), (1, inputs + layers * growth, *x.shape[2:]), f"dense block {case}")
        same(y[:, :inputs], x, f"the first channels of the dense block {case}")


def _by_gradient(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Field, jump and start, from the pixels at which two units have a gradient."""
    line = torch.ones(1, 1, 1200, dtype=torch.float64, requires_grad=True)
    y = line
    for kernel, stride, padding, dilation in layers:
        y = F.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), None, stride, padding, dilation)
        y = y / y.detach().max()
    unit = y.shape[2] // 2
    seen = [
        torch.autograd.grad(y[0, 0, each], line, retain_graph=True)[0].flatten().nonzero() for each in (unit, unit + 1)
    ]
    (first, last), (following, _) = ((pixels.min().item(), pixels.max().item()) for pixels in seen)
    return last - first + 1, following - first, first - unit * (following - first)


def _stacks(generator: torch.Generator, *, dilated: bool, padded: bool, count: int = 6):
    """Random stacks of two to five layers, with what the gradient says about each."""
    for _ in range(count):
        layers = [
            (
                pick(generator, 1, 5),
                pick(generator, 1, 3),
                pick(generator, 0, 4) if padded else 0,
                pick(generator, 1, 3) if dilated else 1,
            )
            for _ in range(pick(generator, 2, 4))
        ]
        yield layers, _by_gradient(layers)


def _same_field_and_jump(student, layers: list[tuple[int, int, int, int]], expected: tuple[int, int]) -> None:
    field, jump, _ = expect_values(student.receptive_field(layers), 3, f"receptive field of {layers}")
    same((field, jump), expected, f"field and jump of {layers}", tolerance=0)


@hidden_test(
    "check_receptive_field", points=1, hint="kernels of even size and of one, several strides; no layer at all"
)
def field_and_jump(student, generator):
    for layers, expected in _stacks(generator, dilated=False, padded=False):
        _same_field_and_jump(student, layers, expected[:2])
    _same_field_and_jump(student, [], (1, 1))


@hidden_test(
    "check_receptive_field", points=1, hint="dilation spreads the taps; it neither adds any nor lengthens the jump"
)
def field_of_dilated_kernels(student, generator):
    for layers, expected in _stacks(generator, dilated=True, padded=False):
        _same_field_and_jump(student, layers, expected[:2])


@hidden_test("check_receptive_field", points=1, hint="a padded place of a deep layer is worth more than one pixel")
def start_of_padded_stacks(student, generator):
    for layers, expected in _stacks(generator, dilated=True, padded=True):
        same(student.receptive_field(layers), expected, f"field, jump and start of {layers}", tolerance=0)
    same(student.receptive_field([]), (1, 1, 0), "the picture itself", tolerance=0)


def _measured(layers: list[tuple], shape: tuple[int, ...]) -> tuple[int, int]:
    """Parameters of the network of a description, and the bytes that a real pass on the CPU keeps."""
    kinds = {
        "conv": nn.LazyConv2d,
        "norm": nn.LazyBatchNorm2d,
        "relu": nn.ReLU,
        "pool": nn.MaxPool2d,
        "mean": lambda: nn.AdaptiveAvgPool2d(1),
        "linear": lambda outputs: nn.Sequential(nn.Flatten(), nn.LazyLinear(outputs)),
    }
    net = nn.Sequential(*(kinds[kind](*options) for kind, *options in layers))
    x = torch.zeros(shape)
    net(x)  # the lazy layers learn their sizes
    return costs.parameters(net), costs.saved_bytes(net, x)


def _random_chain(generator: torch.Generator) -> list[tuple]:
    """A convolution or a norm first, layers in any order, with luck a head; sides of 40 and more survive it."""
    layers = [("norm",)] if pick(generator, 0, 3) == 0 else []
    for _ in range(pick(generator, 1, 2)):
        layers.append(
            ("conv", pick(generator, 1, 9), pick(generator, 1, 3), pick(generator, 1, 2), pick(generator, 0, 2))
        )
        after = [
            ("norm",),
            ("relu",),
            ("pool", pick(generator, 2, 3), pick(generator, 1, 2), pick(generator, 0, 1)),
            ("norm",),
        ]
        order = torch.randperm(4, generator=generator)[: pick(generator, 0, 4)].tolist()
        layers += [after[number] for number in order]
    if pick(generator, 0, 1):
        layers.append(("mean",))
    if pick(generator, 0, 2):
        layers.append(("linear", pick(generator, 1, 12)))
        if pick(generator, 0, 1):
            layers += [("relu",), ("linear", pick(generator, 1, 5))]
    return layers


def _case(generator: torch.Generator, *, batch: int = 0) -> tuple[list[tuple], tuple[int, int, int, int]]:
    shape = (batch or pick(generator, 2, 5), pick(generator, 1, 4), pick(generator, 40, 45), pick(generator, 46, 51))
    return _random_chain(generator), shape


@hidden_test(
    "check_training_cost", points=1.5, hint="biases, the two parameters of a norm, and what a linear layer reads"
)
def parameters_of_random_networks(student, generator):
    for _ in range(20):
        layers, shape = _case(generator)
        parameters, _ = expect_values(student.training_cost(layers, shape), 2, f"cost of {layers}")
        same(parameters, _measured(layers, shape)[0], f"parameters of {layers}", tolerance=0)


@hidden_test(
    "check_training_cost",
    points=1.5,
    hint="go through the maps one by one: who keeps it, and does another keep it, too?",
)
def kept_bytes_of_random_networks(student, generator):
    for number in range(20):
        layers, shape = _case(generator, batch=1 if number % 5 == 0 else 0)
        _, kept = expect_values(student.training_cost(layers, shape), 2, f"cost of {layers}")
        same(kept, _measured(layers, shape)[1], f"kept by {layers}", tolerance=0)


@hidden_test("check_training_cost", points=1, hint="each layer alone, ReLU behind ReLU, a mean that nobody keeps")
def cost_of_short_chains(student, generator):
    conv = ("conv", 5, 3, 2, 1)
    for layers in (
        [("norm",)],
        [("conv", 2, 1, 1, 0)],
        [conv, ("relu",), ("relu",)],
        [conv, ("relu",), ("norm",), ("relu",)],
        [conv, ("pool", 3, 2, 1), ("pool", 2, 2, 0)],
        [conv, ("mean",)],
        [conv, ("relu",), ("mean",), ("linear", 3), ("relu",), ("linear", 2)],
        [("conv", 4, 5, 3, 0), ("relu",), ("pool", 2, 1, 1), ("linear", 1)],
    ):
        shape = (pick(generator, 1, 3), pick(generator, 1, 3), pick(generator, 8, 10), pick(generator, 11, 14))
        came = student.training_cost(layers, shape)
        same(came, _measured(layers, shape), f"cost of {layers}", tolerance=0)
