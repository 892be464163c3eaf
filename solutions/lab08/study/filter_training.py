"""The training of a loop filter: random patches of decoded crops, drawn and turned on the device itself.

Nothing is read back from the device between the steps, and on CUDA the whole step is one captured graph: for networks
this small the launches would cost more than the work.
"""

import copy
import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_utils.codec.loop_filter.filter_data import FilterData

GRID = 8  # pixels: patches begin at multiples of this
LEAST_DEVIATION = 4.0  # grey levels: a patch with a smaller one has next to no error to mend
EMA_DECAY = 0.998  # per step: averages about the last 500 steps
WARM_UP = 0.02  # of the whole training


class Patches:
    """Draws batches from `FilterData`, on its device; a patch is turned and mirrored at random.

    positions: (M, 3) int64 of crop, row and column; those that are not flat. `keep` is a mask (M,) of those to use.
    """

    def __init__(self, data: FilterData, *, side: int, device: torch.device, keep: Tensor | None = None) -> None:
        self.side, self.size = side, data.originals.shape[-1]
        self.positions = positions(data.originals, side)
        if keep is not None:
            self.positions = self.positions[keep.cpu()]
        crop, row, column = self.positions.unbind(dim=1)
        self.crop = crop.to(device)
        self.start = ((crop * self.size + row) * self.size + column).to(device)
        self.originals = data.originals.flatten().to(device)
        self.decoded = data.decoded.flatten().to(device)
        self.qps = data.qps.to(device)  # (K, N)
        self.error = mean_error(data).to(device)  # (K, N)
        steps = torch.arange(side, device=device)
        self.rows, self.columns = steps.view(1, side, 1), steps.view(1, 1, side)

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Decoded and original (count, 1, side, side) in [0, 1], QP (count,), and the mean squared error at that QP."""
        device = self.start.device
        which = torch.randint(len(self.start), (count,), device=device)
        level = torch.randint(len(self.qps), (count,), device=device)
        mirror, flip, turn = torch.randint(2, (3, count, 1, 1), device=device).unbind()
        rows = torch.where(flip == 1, self.side - 1 - self.rows, self.rows)
        columns = torch.where(mirror == 1, self.side - 1 - self.columns, self.columns)
        inside = torch.where(turn == 1, columns * self.size + rows, rows * self.size + columns)
        index = self.start[which].view(-1, 1, 1) + inside  # (count, side, side)
        crop = self.crop[which]
        original = self.originals[index].unsqueeze(1).float() / 255
        shift = (level * len(self.originals)).view(-1, 1, 1)
        decoded = self.decoded[index + shift].unsqueeze(1).float() / 255
        return decoded, original, self.qps[level, crop], self.error[level, crop]


def positions(originals: Tensor, side: int) -> Tensor:
    """(M, 3) int64: crop, row and column of the patches (side × side, on a grid of `GRID`) that are not flat."""
    windows = originals.unfold(1, side, GRID).unfold(2, side, GRID)  # (N, R, C, side, side)
    deviation = torch.stack([crop.float().std(dim=(-2, -1)) for crop in windows])
    found = (deviation >= LEAST_DEVIATION).nonzero()
    return found * torch.tensor([1, GRID, GRID])


def mean_error(data: FilterData) -> Tensor:
    """The mean squared error in [0, 1] over all crops that share a QP, at each crop's QP: (K, N)."""
    errors = torch.stack([(row.float() - data.originals.float()).square().mean(dim=(1, 2)) for row in data.decoded])
    result = torch.empty_like(errors)
    for qp in data.qps.unique():
        result[data.qps == qp] = errors[data.qps == qp].mean()
    return result / 255**2


def train(
    net: nn.Module,
    data: FilterData,
    *,
    device: torch.device | str = "cpu",
    seconds: float | None = None,
    steps: int | None = None,
    batch: int = 16,
    side: int = 48,
    learning_rate: float = 3e-3,
    seed: int = 0,
    bf16: bool = True,
    keep: Tensor | None = None,
    clock: Callable[[], float] = time.perf_counter,
    on_progress: Callable[[float, int, float, nn.Module], None] | None = None,
) -> nn.Module:
    """Train `net` for `steps`, or for `seconds` of `clock`. Returns the average of its weights, in evaluation mode.

    Adam with a cosine schedule, which ends with the steps or the seconds; the loss is the squared error over the mean
    squared error at the patch's QP, so that all QPs count alike. `seed` sets patches; the weights come with `net`.
    keep: mask of the patches to use, of the order of `positions(data.originals, side)`
    on_progress: called now and then with the share done, the steps taken, the mean loss of the latest few and the
        averaged network
    """
    if (seconds is None) == (steps is None):
        raise ValueError("say how long: either steps or seconds")
    device = torch.device(device)
    cuda = device.type == "cuda"
    torch.manual_seed(seed)
    net.to(device).train().to(memory_format=torch.channels_last)
    average = copy.deepcopy(net)
    patches = Patches(data, side=side, device=device, keep=keep)
    parameters, averaged = list(net.parameters()), list(average.parameters())
    rate = torch.tensor(learning_rate * 1e-3, device=device)  # a tensor, so that a captured step reads its new values
    optimizer = torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99), fused=True, capturable=cuda)
    total = torch.zeros((), device=device)

    def step() -> None:
        decoded, original, qp, error = patches.draw(batch)
        decoded = decoded.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16, cache_enabled=not cuda):
            out = net(decoded, qp)
        loss = ((out.float() - original).square().mean(dim=(1, 2, 3)) / error).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averaged, parameters, 1 - EMA_DECAY)
            total.add_(loss.detach())

    run = _captured(step) if cuda else step
    chunk = 100 if cuda else 5  # steps between looks at the clock
    done, started, share = 0, clock(), 0.0
    while share < 1:
        rate.fill_(learning_rate * min(1.0, share / WARM_UP + 1e-3) * (1 + math.cos(math.pi * share)) / 2)
        total.zero_()
        length = chunk if steps is None else min(chunk, steps - done)
        for _ in range(length):
            run()
        if cuda:
            torch.cuda.synchronize()
        done += length
        share = done / steps if steps is not None else (clock() - started) / seconds
        if on_progress is not None:
            on_progress(min(share, 1.0), done, float(total) / length, average)
    return average.eval()


def _captured(step: Callable[[], None]) -> Callable[[], None]:
    """The step as a CUDA graph: the same kernels, launched at once. It has to run a few times before it is captured."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
