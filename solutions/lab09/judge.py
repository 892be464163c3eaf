"""Hidden tests of lab 09, A filter that learns while decoding. Points per exercise are those of the notebook's checks.

Networks are small and count in float64, so that another order of sums moves no pixel.
"""

import math

import torch
from torch import Tensor

from course_tools.grader.judge.hidden_tests import check, draw, expect_tensor, hidden_test, pick
from course_tools.grader.judge.student import Remote
from course_utils.codec import closed_loop, online_filter, transforms
from course_utils.compare import same

WIDTH, DEPTH = 4, 1


def _pixels(generator, *shape: int) -> Tensor:
    return torch.randint(256, shape, generator=generator)


def _picture(generator, height: int, width: int) -> Tensor:
    """Waves, an edge and some noise, (H, W) uint8: something that intra modes predict, but not too well."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    angle, period = 6.3 * torch.rand(2, generator=generator)
    wave = torch.sin((x * angle.cos() + y * angle.sin()) / (3 + period))
    edge = (x + pick(generator, -9, 9) > y + pick(generator, -9, 9)).float()
    picture = 120 + 50 * wave + 60 * edge + 8 * torch.randn(height, width, generator=generator)
    return picture.round().clamp(0, 255).to(torch.uint8)


def _net(student, generator, spread: float = 0.3) -> tuple[Remote, online_filter.PredictionNet]:
    """A network on the student's side and one here, with the same random weights."""
    theirs, ours = student.new("PredictionNet", width=WIDTH, depth=DEPTH).double(), online_filter.PredictionNet(4, 1)
    ours.double().load_state_dict(
        {name: spread * draw(generator, *value.shape) for name, value in ours.state_dict().items()}
    )
    theirs.load(ours.state_dict())
    return theirs, ours


class _Theirs:
    """The student's filter as the encoder wants it."""

    def __init__(self, remote: Remote) -> None:
        self.remote, self.balances = remote, []

    def start(self, qp: int) -> None:
        self.remote.method("start", qp)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        filtered = self.remote.method("filter", canvas, front, prediction)
        expect_tensor(filtered, tuple(prediction.shape), "filtered predictions", dtype=torch.int64)
        check(bool(((filtered >= 0) & (filtered <= 255)).all()), "filtered predictions: a pixel outside 0 … 255")
        return filtered

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        self.remote.method("learn", decoded, levels)
        self.balances.append(self.remote.get("gate.balance"))


class _Ours(online_filter.OnlineFilter):
    def start(self, qp: int) -> None:
        super().start(qp)
        self.balances = []

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        super().learn(decoded, levels)
        self.balances.append(self.balance)


# --- what the decoder knows


def _compare_surroundings(student, generator, height: int, width: int, n: int, front: list[tuple[int, int]]) -> None:
    canvas, front = _pixels(generator, height, width), torch.tensor(front)
    prediction = _pixels(generator, len(front), n, n)
    expected = online_filter.surroundings(canvas, front, prediction)
    what = f"blocks {front.tolist()} of {n}"
    same(student.surroundings(canvas, front, prediction), expected, what, same_dtype=True)


@hidden_test("check_surroundings", points=1.5, hint="row times n is the block's first line; the canvas is not square")
def surroundings_inside_the_picture(student, generator):
    for height, width in ((32, 48), (64, 24)):
        rows, columns = height // 8, width // 8
        for count in (1, 3):
            front = [(pick(generator, 1, rows - 1), pick(generator, 1, columns - 1)) for _ in range(count)]
            _compare_surroundings(student, generator, height, width, 8, front)


@hidden_test("check_surroundings", points=1.5, hint="each block by itself: left, above, both or neither may be missing")
def surroundings_at_the_border(student, generator):
    for front in ([(0, 0)], [(0, 2)], [(3, 0)], [(3, 0), (1, 2), (0, 3)], [(2, 5), (0, 0)]):
        _compare_surroundings(student, generator, 32, 48, 8, front)


@hidden_test("check_surroundings", points=1, hint="the four rows and columns stay four, for blocks of any size")
def surroundings_of_other_sizes(student, generator):
    for n in (4, 16, 5):
        _compare_surroundings(student, generator, 3 * n, 4 * n, n, [(2, 1), (1, 3), (0, 1), (2, 0)])
    # A block smaller than the margin sees the border of the picture from the second row on.
    _compare_surroundings(student, generator, 8, 12, 2, [(0, 0), (1, 1), (2, 1), (1, 4), (3, 5)])


# --- the gate


@hidden_test("check_gate", points=1, hint="the row less the column is a multiple of 8, below zero, too")
def control_groups_of_fronts(student, generator):
    for count in (1, 7, 64):
        front = torch.stack([torch.randint(60, (count,), generator=generator) for _ in range(2)], dim=1)
        expected = (front[:, 0] - front[:, 1]) % 8 == 0
        same(student.control_group(front), expected, f"control group of {count}", same_dtype=True)
    every = torch.cartesian_prod(torch.arange(8), torch.arange(8))
    group = expect_tensor(student.control_group(every), (64,), "control group", dtype=torch.bool)
    check(int(group.sum()) == 8, "one block in eight")


class _Gate:
    """The four sums as the text describes them."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums, self.balance, self.is_open = {True: [500.0, 500.0], False: [500.0, 500.0]}, 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        for treated, sums in self.sums.items():
            for index, errors in enumerate((filtered, plain)):
                new = sum(e for e, o in zip(errors.tolist(), on.tolist(), strict=True) if o == treated)
                sums[index] = self.memory * sums[index] + new
        self.balance = sum(math.log(f / p) for f, p in self.sums.values())
        self.is_open = self.balance <= self.threshold


def _run_gates(student, generator, *settings: float) -> None:
    theirs, ours = student.new("Gate", *settings), _Gate(*settings)
    same(theirs.get("is_open"), True, "a new gate")
    same(theirs.get("balance"), 0.0, "the balance of a new gate")
    for number in range(12):
        count = pick(generator, 1, 9)
        on = torch.rand(count, generator=generator) < (0.8 if number % 3 else 0.0 if number % 2 else 1.0)
        harm = 1.5 if number // 4 == 1 else 0.6
        plain = torch.randint(100, 900, (count,), generator=generator)
        filtered = (harm * plain + torch.randint(80, (count,), generator=generator)).long()
        theirs.method("update", on, filtered, plain)
        ours.update(on, filtered, plain)
        same(theirs.get("balance"), ours.balance, f"balance after front {number}", tolerance=1e-4)
        same(theirs.get("is_open"), ours.is_open, f"open after front {number}")


@hidden_test(
    "check_gate", points=1.5, hint="four sums: each fades before the front's numbers are added, also by nothing"
)
def balances_of_fronts(student, generator):
    for memory in (0.99, 0.9, 0.5):
        _run_gates(student, generator, 0.0, memory)


@hidden_test("check_gate", points=1, hint="the threshold that was given; a balance that equals it leaves the gate open")
def thresholds_of_gates(student, generator):
    for threshold in (-0.3, 0.2, -math.inf, math.inf):
        _run_gates(student, generator, threshold, 0.8)
    gate = student.new("Gate", 0.0)
    errors = torch.tensor([300, 200, 500])
    gate.method("update", torch.tensor([True, False, True]), errors, errors)
    same(gate.get("is_open"), True, "a balance of exactly the threshold")


@hidden_test("check_gate", points=0.5, hint="without a word the memory is 0.99")
def gates_with_the_usual_memory(student, generator):
    _run_gates(student, generator, -0.02)


# --- one step of learning


def _front(generator, count: int, n: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Output float64, prediction, decoded and levels of a front; the first block has no level, the last has one."""
    decoded = _pixels(generator, count, n, n)
    prediction = (decoded + 20 * draw(generator, count, n, n)).round().long().clamp(0, 255)
    output = prediction + 9 * draw(generator, count, n, n)
    levels = torch.zeros(count, n, n, dtype=torch.int64)
    kept = torch.rand(count, generator=generator) < 0.7
    kept[0], kept[-1] = False, True
    for each, keep in zip(levels, kept.tolist(), strict=True):
        each[pick(generator, 0, n - 1), pick(generator, 0, n - 1)] = keep * (4 * pick(generator, 0, 1) - 2)
    return output, prediction, decoded, levels


def _loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor:
    coded = (levels != 0).any(dim=2).any(dim=1)
    above = transforms.satd((output - decoded)[coded]).sum()
    return above / transforms.satd((prediction - decoded)[coded]).sum().clamp(min=1)


@hidden_test("check_learning", points=1, hint="sums over the blocks with a level, one divided by the other")
def losses_of_fronts(student, generator):
    for count, n in ((2, 8), (6, 8), (5, 4), (3, 16)):
        front = _front(generator, count, n)
        same(student.learning_loss(*front), _loss(*front).item(), f"loss of {count} blocks of {n}")


@hidden_test("check_learning", points=1, hint="the output as the network gave it, neither rounded nor detached")
def gradients_of_losses(student, generator):
    for count, n in ((2, 8), (5, 4)):
        output, *rest = _front(generator, count, n)
        _, gradients = student.gradient("learning_loss", output, *rest, cotangents=torch.tensor(1.0).double())
        ours = output.clone().requires_grad_()
        expected = torch.autograd.grad(_loss(ours, *rest), ours)[0]
        same(gradients[0], expected, f"gradient of {count} blocks of {n}")


@hidden_test("check_learning", points=0.5, hint="no level: None; a perfect prediction: divide by one")
def losses_at_the_edge(student, generator):
    output, prediction, decoded, levels = _front(generator, 4, 8)
    same(student.learning_loss(output, prediction, decoded, torch.zeros_like(levels)), None, "no level at all")
    same(
        student.learning_loss(output, decoded, decoded, levels),
        _loss(output, decoded, decoded, levels).item(),
        "a perfect prediction",
    )
    almost = decoded.clone()
    almost[:, 0, 0] ^= 1
    same(
        student.learning_loss(output, almost, decoded, levels),
        _loss(output, almost, decoded, levels).item(),
        "an almost perfect prediction",
    )


@hidden_test("check_learning", points=1.5, hint="all weights, in place, each minus the rate times its gradient")
def steps_of_gradient_descent(student, generator):
    net, ours = _net(student, generator)
    for rate in (0.01, 0.3, 0.05):
        pixels, inside = _pixels(generator, 3, 12, 12), torch.rand(3, 12, 12, generator=generator) < 0.8
        weight = draw(generator, 3, 8, 8) / 100
        loss = net.method("", pixels, inside, 32, keep=True).method("mul", weight, keep=True).method("sum", keep=True)
        student.descend(net, loss, rate)
        parameters = list(ours.parameters())
        gradients = torch.autograd.grad((ours(pixels, inside, 32) * weight).sum(), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient
        same(net.state(), dict(ours.state_dict()), f"weights after a step of {rate}")


# --- the filter


def _compare_pictures(student, generator, policy: online_filter.Policy, *settings, qp: int = 32, size: int = 8) -> None:
    """Two pictures after each other, with the student's filter and with ours."""
    net, ours = _net(student, generator)
    mine, theirs = _Ours(ours, policy), _Theirs(student.new("OnlineFilter", net, *settings))
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    for height, width in ((8 * size, 6 * size), (4 * size, 9 * size)):
        picture = _picture(generator, height, width)
        expected = closed_loop.encode(picture, qp, size=size, filter=mine)
        theirs.balances = []
        came = closed_loop.encode(picture, qp, size=size, filter=theirs)
        same(came.filtered, expected.filtered, f"what was coded from, {settings}", tolerance=0)
        same(theirs.balances, mine.balances, f"balances, {settings}", tolerance=1e-4)
        same(theirs.remote.state("net"), dict(mine.net.state_dict()), f"weights at the end, {settings}")
    same(net.state(), before, "the first weights", tolerance=0)


@hidden_test("check_filter", points=1, hint="rounded, clamped, whole numbers: all blocks filtered, or none")
def filters_without_a_gate(student, generator):
    for threshold in (math.inf, -math.inf):
        policy = online_filter.Policy(threshold=threshold, control=0)
        _compare_pictures(student, generator, policy, threshold, 0.0, False)
    net, ours = _net(student, generator, spread=1.5)  # far outside [0, 255]
    mine, theirs = _Ours(ours, online_filter.ALWAYS), student.new("OnlineFilter", net, math.inf, 0.0, False)
    canvas, front, prediction = _pixels(generator, 24, 32), torch.tensor([[1, 3], [2, 1]]), _pixels(generator, 2, 8, 8)
    for each in (mine.start, lambda qp: theirs.method("start", qp)):
        each(27)
    expected = mine.filter(canvas, front, prediction)
    same(theirs.method("filter", canvas, front, prediction), expected, "a wild network", tolerance=0)


@hidden_test(
    "check_filter", points=1.5, hint="the control group is the other way round, whether the gate is open or not"
)
def filters_with_a_control_group(student, generator):
    for threshold in (0.0, -0.05, -math.inf):
        _compare_pictures(student, generator, online_filter.Policy(threshold=threshold), threshold)
    _compare_pictures(student, generator, online_filter.CONTROLLED, qp=24)  # and nothing said but the network
    _compare_pictures(student, generator, online_filter.Policy(threshold=0.0, control=0), 0.0, 0.0, False, size=4)


@hidden_test(
    "check_filter", points=1.5, hint="a step after each front that has a level; the gate judges what was filtered"
)
def filters_that_learn(student, generator):
    for threshold, rate, control in ((0.0, 0.05, True), (math.inf, 0.02, False), (-math.inf, 0.1, True)):
        policy = online_filter.Policy(threshold=threshold, learning_rate=rate, control=8 if control else 0)
        _compare_pictures(student, generator, policy, threshold, rate, control)
    policy = online_filter.Policy(threshold=0.0, learning_rate=0.05)
    _compare_pictures(student, generator, policy, 0.0, 0.05, qp=44)  # most blocks have no level


@hidden_test(
    "check_filter", points=1, hint="start copies: a picture must leave nothing behind, not even in what was given"
)
def filters_begin_anew(student, generator):
    net, ours = _net(student, generator)
    first = ours.state_dict()
    remote = student.new("OnlineFilter", net, 0.0, 0.1)
    theirs = _Theirs(remote)
    picture = _picture(generator, 40, 48)
    once, again = (closed_loop.encode(picture, 32, filter=theirs).filtered for _ in range(2))
    same(again, once, "the same picture twice", tolerance=0)
    same(net.state(), first, "the first weights", tolerance=0)
    moved = remote.state("net")
    steps = [expect_tensor(moved[name], tuple(old.shape), name).double() - old for name, old in first.items()]
    check(any(step.any() for step in steps), "no weight has moved")
    remote.method("start", 22)
    same(remote.state("net"), first, "weights after a new start", tolerance=0)
    same((remote.get("gate.is_open"), remote.get("gate.balance")), (True, 0.0), "the gate after a new start")


# --- the decoder


def _decode_both(student, picture: Tensor, qp: int, size: int) -> None:
    coded = closed_loop.encode(picture, qp, size=size)
    came = student.decode(coded.modes, coded.levels, qp)
    same(came, coded.decoded, f"{tuple(picture.shape)} in blocks of {size}, QP {qp}", tolerance=0)


@hidden_test("check_decoder", points=1.5, hint="any size of blocks, as many rows as columns or not, any QP")
def decoders_without_a_filter(student, generator):
    for height, width, size, qp in ((16, 40, 8, 22), (48, 24, 8, 37), (32, 48, 16, 30), (20, 12, 4, 27), (8, 8, 8, 32)):
        _decode_both(student, _picture(generator, height, width), qp, size)


@hidden_test("check_decoder", points=1, hint="what is decoded is a pixel, and the next block is predicted from it")
def decoders_stay_in_range(student, generator):
    for size, qp in ((8, 40), (4, 34)):
        picture = 255 * (torch.rand(32, 40, generator=generator) < 0.5).to(torch.uint8)
        _decode_both(student, picture, qp, size)


@hidden_test(
    "check_decoder", points=1.5, hint="start once, then for each front filter and learn, with that front's blocks"
)
def decoders_with_a_filter(student, generator):
    """Against an encoder that holds the student's own filter: a slip there costs its points once."""
    for (height, width), qp, settings in (
        ((32, 48), 32, (0.0, 0.1)),
        ((48, 24), 24, (math.inf, 0.05, False)),
        ((32, 40), 40, ()),
    ):
        net, _ = _net(student, generator)
        picture = _picture(generator, height, width)
        encoder, decoder = (student.new("OnlineFilter", net, *settings) for _ in range(2))
        coded = closed_loop.encode(picture, qp, filter=_Theirs(encoder))
        came = student.decode(coded.modes, coded.levels, qp, decoder)
        same(came, coded.decoded, f"a picture with a filter, {settings}", tolerance=0)
        same(decoder.state("net"), encoder.state("net"), "weights of both ends", tolerance=1e-9)


# --- the choice


@hidden_test("check_choice", points=1, hint="the lowest mean among the safe settings, whatever their number")
def choices_from_random_grids(student, generator):
    for settings, pictures in ((12, 3), (5, 8), (1, 2), (30, 4)):
        values = 1.2 * draw(generator, settings, pictures) - 1
        grid = {f"setting {index}": row for index, row in enumerate(values.tolist())}
        for harm in (0.5, 0.0, 1.5):
            safe = [name for name, row in grid.items() if max(row) <= harm]
            expected = min(safe, key=lambda name: sum(grid[name]), default=None)
            same(student.choose(grid, harm), expected, f"{settings} settings, harm {harm}")


@hidden_test("check_choice", points=1, hint="0.5 is still safe, and where nothing is, there is no choice")
def choices_at_the_edge(student, generator):
    same(student.choose({"a": [-9.0, 0.51], "b": [0.5, 0.5], "c": [0.5, 0.4]}), "c", "exactly at the limit")
    same(student.choose({"a": [-9.0, 0.51], "b": [1.0, 0.5]}), None, "nothing safe")
    same(student.choose({}), None, "nothing to choose from")
    same(student.choose({"a": [-1.0, -1.0, 0.4], "b": [-0.9, -0.9, -0.9]}, 0.5), "b", "the mean, not the best")
    same(student.choose({"a": [0.2, 0.3]}, harm=0.3), "a", "a gain is not asked for")
