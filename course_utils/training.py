"""One loop for every supervised lesson. Lesson 01 writes it out; this is the same loop with a bar and a record."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm.auto import tqdm

from course_utils import runtime
from course_utils.errors import CourseError

PRECISIONS = {"float32": None, "bf16": torch.bfloat16}


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Share of examples whose greatest output is the target's: outputs (N, K, …), targets (N, …) int64, a scalar."""
    return (outputs.argmax(dim=1) == targets).float().mean()


@dataclass(frozen=True)
class Evaluation:
    """Means over a data set. `accuracy` is nan where no accuracy was asked for."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training data brought.

    The training figures are running means over the pass, taken in training mode while the weights still moved; the
    test figures come from `evaluate` after it, and are None where `fit` had no test data. Seconds are those of the
    training pass alone.
    """

    number: int
    steps: int
    train: Evaluation
    test: Evaluation | None
    seconds: float


@dataclass
class History:
    """The record of one `fit`: each step's loss and learning rate, each epoch's means.

    interrupted: the stop button ended the run; everything up to then is here, and the model keeps what it learned.
    """

    step_loss: list[float] = field(default_factory=list)
    step_learning_rate: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    interrupted: bool = False

    @property
    def seconds(self) -> float:
        """Seconds spent in training passes, all epochs together."""
        return sum(epoch.seconds for epoch in self.epochs)


def fit(
    model: nn.Module,
    data: Iterable[tuple[Any, Any]],
    *,
    optimizer: Optimizer,
    epochs: int,
    schedule: LRScheduler | None = None,
    test_data: Iterable[tuple[Any, Any]] | None = None,
    loss: Callable[[Any, Any], Tensor] = F.cross_entropy,
    accuracy: Callable[[Any, Any], Tensor] | None = accuracy,
    precision: str = "float32",
    channels_last: bool = False,
) -> History:
    """Train `model` for `epochs` passes over `data`, and record what happens.

    data, test_data: iterables of (inputs, targets) mini-batches, such as `ImageSet.batches(…)` or a `DataLoader`;
        tensors, or tuples, lists and dicts of them; they are moved to the model's device
    schedule: stepped after every optimiser step
    loss, accuracy: functions of (outputs, targets); `accuracy=None` where the notion makes no sense
    precision: "float32", or "bf16" for bfloat16 autocast (weights stay float32)
    channels_last: lay 4-d tensors out as NHWC, which convolutions often prefer

    The stop button (KeyboardInterrupt) ends the run after the last whole step: the history so far is returned.
    Raises `CourseError` for an unknown precision, and `ValueError` for data without a batch.
    """
    where = next(model.parameters()).device
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model.to(memory_format=layout)
    history = History()
    steps = epochs * len(data) if hasattr(data, "__len__") else None
    with tqdm(total=steps, desc="training", unit="step", disable=not runtime.progress_wanted()) as bar:
        for number in range(1, epochs + 1):
            model.train()
            running = _Running()
            started = time.perf_counter()
            try:
                for batch in data:
                    inputs, targets = _moved(batch, where, layout)
                    with _autocast(where, precision):
                        outputs = model(inputs)
                        batch_loss = loss(outputs, targets)
                    optimizer.zero_grad()
                    batch_loss.backward()
                    optimizer.step()
                    history.step_learning_rate.append(optimizer.param_groups[0]["lr"])
                    if schedule is not None:
                        schedule.step()
                    running.add(batch_loss, outputs, targets, accuracy)
                    bar.update()
            except KeyboardInterrupt:
                history.interrupted = True
            if running.counts:
                means = running.means()  # waits for the device, so the clock below tells the truth
                seconds = time.perf_counter() - started
                history.step_loss += running.step_losses()
                test = None
                if test_data is not None and not history.interrupted:
                    try:
                        test = evaluate(model, test_data, loss=loss, accuracy=accuracy, precision=precision)
                    except KeyboardInterrupt:
                        history.interrupted = True
                history.epochs.append(Epoch(number, len(running.counts), means, test, seconds))
                bar.set_postfix(_postfix(history.epochs[-1]))
            elif not history.interrupted:
                raise ValueError("data has no batch: it is empty, or a generator that was used up by an earlier epoch")
            if history.interrupted:
                # A step that was cut off counts neither in the learning rates nor in the losses.
                del history.step_learning_rate[len(history.step_loss) :]
                tqdm.write(f"stopped in epoch {number} after {len(history.step_loss)} steps; the model keeps them")
                break
    return history


def fast_precision(device: torch.device) -> str:
    """The `precision` for `fit` that trains fastest on `device`: "bf16" where its hardware has it, else "float32".

    Where a processor lacks the instructions bfloat16 is emulated, and slower than float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False)
    return "bf16" if native else "float32"


def one_cycle(optimizer: Optimizer, *, steps: int) -> OneCycleLR:
    """The schedule of nearly every lesson: up in a straight line for a quarter of the steps, then down to about zero.

    The peak is the learning rate that each parameter group of `optimizer` was given. SGD's momentum (Adam's first
    beta) moves against it, from 0.95 to 0.85 and back, as in Smith (2018), "A disciplined approach to neural network
    hyper-parameters", section 4.3. One call of `fit` with it takes exactly `steps` optimiser steps.
    """
    peaks = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, peaks, steps, pct_start=0.25, anneal_strategy="linear")


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: Iterable[tuple[Any, Any]],
    *,
    loss: Callable[[Any, Any], Tensor] = F.cross_entropy,
    accuracy: Callable[[Any, Any], Tensor] | None = accuracy,
    precision: str = "float32",
) -> Evaluation:
    """Mean loss and accuracy of `model` over `data` in evaluation mode, without gradients.

    The model is put back into the mode in which it came. Arguments as in `fit`. Raises `ValueError` for empty data.
    """
    where = next(model.parameters()).device
    was_training = model.training
    model.eval()
    running = _Running()
    try:
        for batch in data:
            inputs, targets = _moved(batch, where, torch.preserve_format)
            with _autocast(where, precision):
                outputs = model(inputs)
                batch_loss = loss(outputs, targets)
            running.add(batch_loss, outputs, targets, accuracy)
    finally:
        model.train(was_training)
    if not running.counts:
        raise ValueError("data has no batch to evaluate")
    return running.means()


class _Running:
    """Sums kept on the device: reading a number from a GPU at every step would make it wait at every step."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.losses: list[Tensor] = []
        self.accuracies: list[Tensor] = []

    def add(self, loss: Tensor, outputs: Any, targets: Any, accuracy: Callable[[Any, Any], Tensor] | None) -> None:
        loss = loss.detach().float()
        score = torch.full_like(loss, torch.nan) if accuracy is None else accuracy(outputs, targets).detach()
        self.losses.append(loss)
        self.accuracies.append(score)
        self.counts.append(_examples(targets))

    def step_losses(self) -> list[float]:
        return torch.stack(self.losses).tolist()

    def means(self) -> Evaluation:
        weights = torch.tensor(self.counts, dtype=torch.float64)
        weights /= weights.sum()
        loss, accuracy = (
            float((torch.stack(values).cpu().double() * weights).sum()) for values in (self.losses, self.accuracies)
        )
        return Evaluation(loss=loss, accuracy=accuracy)


def _examples(targets: Any) -> int:
    while not isinstance(targets, Tensor):
        targets = next(iter(targets.values() if isinstance(targets, dict) else targets))
    return len(targets)


def _moved(batch: Any, where: torch.device, layout: torch.memory_format) -> Any:
    if isinstance(batch, Tensor):
        pinned = layout if batch.ndim == 4 and batch.is_floating_point() else torch.preserve_format
        return batch.to(where, non_blocking=True, memory_format=pinned)
    if isinstance(batch, dict):
        return {name: _moved(part, where, layout) for name, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(_moved(part, where, layout) for part in batch)
    return batch


def _autocast(where: torch.device, precision: str) -> AbstractContextManager:
    if precision not in PRECISIONS:
        raise CourseError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    dtype = PRECISIONS[precision]
    return torch.autocast(where.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


def _postfix(epoch: Epoch) -> dict[str, str]:
    shown = epoch.test or epoch.train
    name = "test" if epoch.test else "train"
    return {
        "epoch": str(epoch.number),
        f"{name} loss": f"{shown.loss:.3f}",
        f"{name} accuracy": f"{shown.accuracy:.3f}",
    }
