"""One loop for every supervised lesson. Lesson 01 writes it out; this is the same loop with a bar and a record."""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from IPython.display import display
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from tqdm.auto import tqdm
from tqdm.notebook import tqdm_notebook

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
        tensors or packed sequences, or tuples, lists and dicts of them; they are moved to the model's device
    schedule: stepped after every optimiser step
    loss, accuracy: functions of (outputs, targets); `accuracy=None` where the notion makes no sense
    precision: "float32", or "bf16" for bfloat16 autocast (weights stay float32)
    channels_last: lay 4-d tensors out as NHWC, which convolutions often prefer

    The stop button (KeyboardInterrupt) ends the run after a whole step: the weights, the schedule and the history that
    is returned have taken the same steps. Raises `CourseError` for an unknown precision, `ValueError` for data without
    a batch.

    >>> model, data = nn.Linear(2, 2), [(torch.ones(4, 2), torch.tensor([0, 1, 1, 1]))]
    >>> history = fit(model, data, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), epochs=3)
    >>> history.step_loss[2] < history.step_loss[0], len(history.epochs)
    (True, 3)
    """
    device = next(model.parameters()).device
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model.to(memory_format=layout)
    history, epoch = History(), _Pass(0)
    steps = epochs * len(data) if isinstance(data, Sized) else None
    try:
        with _bar(steps, history) as bar:
            for number in range(1, epochs + 1):
                model.train()
                epoch = _Pass(number)
                for batch in data:
                    inputs, targets = _moved(batch, device, layout)
                    with _autocast(device, precision):
                        outputs = model(inputs)
                        batch_loss = loss(outputs, targets)
                    optimizer.zero_grad()
                    batch_loss.backward()
                    batch_score = _score(batch_loss, outputs, targets, accuracy)
                    learning_rate = optimizer.param_groups[0]["lr"]
                    with _stop_button_waits():
                        optimizer.step()
                        if schedule is not None:
                            schedule.step()
                        epoch.steps.append((learning_rate, batch_score))
                    bar.update()
                if not epoch.steps:
                    reason = "it is empty, or a generator that was used up by an earlier epoch"
                    raise ValueError(f"data has no batch: {reason}")
                with _stop_button_waits():
                    epoch.enter(history)
                if test_data is not None:
                    test = evaluate(model, test_data, loss=loss, accuracy=accuracy, precision=precision)
                    history.epochs[-1] = replace(history.epochs[-1], test=test)
                bar.set_postfix(_postfix(history.epochs[-1]))
    except KeyboardInterrupt:
        history.interrupted = True
        if epoch.steps and len(history.epochs) < epoch.number:
            epoch.enter(history)
        taken = len(history.step_loss)
        tqdm.write(f"stopped in epoch {max(epoch.number, 1)} after {taken} steps; the model keeps them")
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

    The model is put back into the mode that it was in. Arguments as in `fit`. Raises `ValueError` for empty data.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    scores = []
    try:
        for batch in data:
            inputs, targets = _moved(batch, device, torch.preserve_format)
            with _autocast(device, precision):
                outputs = model(inputs)
                batch_loss = loss(outputs, targets)
            scores.append(_score(batch_loss, outputs, targets, accuracy))
    finally:
        model.train(was_training)
    if not scores:
        raise ValueError("data has no batch to evaluate")
    return _means(scores)


@dataclass(frozen=True)
class _Score:
    """One mini-batch. The numbers stay on the device: reading one at every step would make a GPU wait at every step."""

    examples: int
    loss: Tensor
    accuracy: Tensor


def _score(loss: Tensor, outputs: Any, targets: Any, accuracy: Callable[[Any, Any], Tensor] | None) -> _Score:
    loss = loss.detach().float()
    share = torch.full_like(loss, torch.nan) if accuracy is None else accuracy(outputs, targets).detach()
    return _Score(_examples(targets), loss, share)


def _means(scores: Sequence[_Score]) -> Evaluation:
    """Means over the examples of all mini-batches; reading them waits for the device."""
    weights = torch.tensor([score.examples for score in scores], dtype=torch.float64)
    weights /= weights.sum()
    losses, accuracies = [score.loss for score in scores], [score.accuracy for score in scores]
    loss, accuracy = (float((torch.stack(values).cpu().double() * weights).sum()) for values in (losses, accuracies))
    return Evaluation(loss=loss, accuracy=accuracy)


class _Pass:
    """The steps of one pass over the training data: learning rate and score of each."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.steps: list[tuple[float, _Score]] = []
        self.started = time.perf_counter()

    def enter(self, history: History) -> None:
        """Write the pass into the history."""
        rates, scores = zip(*self.steps, strict=True)
        means = _means(scores)  # waits for the device, so the clock below tells the truth
        seconds = time.perf_counter() - self.started
        history.step_loss += torch.stack([score.loss for score in scores]).tolist()
        history.step_learning_rate += rates
        history.epochs.append(Epoch(self.number, len(scores), means, None, seconds))


@contextmanager
def _stop_button_waits() -> Iterator[None]:
    """Put a KeyboardInterrupt off until the block is done: a step taken by half, or not recorded, would be lost."""
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not raises or threading.current_thread() is not threading.main_thread():
        yield  # here nothing raises
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt


def _examples(targets: Any) -> int:
    """The length of the first tensor in `targets`."""
    while not isinstance(targets, Tensor):
        targets = next(iter(targets.values() if isinstance(targets, dict) else targets))
    return len(targets)


def _moved(batch: Any, device: torch.device, layout: torch.memory_format) -> Any:
    """The batch on `device`, in the containers in which it came; 4-d floating-point tensors in `layout`."""
    if isinstance(batch, Tensor):
        pinned = layout if batch.ndim == 4 and batch.is_floating_point() else torch.preserve_format
        return batch.to(device, non_blocking=True, memory_format=pinned)
    if isinstance(batch, PackedSequence):
        return batch.to(device)  # type: ignore[arg-type]  # torch types it as .to(dtype); batch sizes stay on the CPU
    if isinstance(batch, dict):
        return {name: _moved(part, device, layout) for name, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        parts = [_moved(part, device, layout) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)  # fields: a NamedTuple
    return batch


def _autocast(device: torch.device, precision: str) -> torch.autocast:
    if precision not in PRECISIONS:
        raise CourseError(f"unknown precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    dtype = PRECISIONS[precision]
    return torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


@contextmanager
def _bar(steps: int | None, history: History) -> Iterator[tqdm]:
    """A progress bar whose place one line with the result takes: a stored notebook would keep the bar at 0 %."""
    wanted, widget = runtime.watched(), issubclass(tqdm, tqdm_notebook)
    options: dict[str, Any] = {"display": False} if widget else {}
    bar = tqdm(total=steps, desc="training", unit="step", leave=False, disable=not wanted, **options)
    shown = display(vars(bar)["container"], display_id=True) if widget and wanted else None
    line = ""  # of a training that is stopped, `fit` says more
    try:
        with bar:
            yield bar
        scores = [f"{name} {value}" for name, value in _postfix(history.epochs[-1]).items() if value != "nan"]
        line = ", ".join([*scores, f"{len(history.step_loss)} steps in {history.seconds:.1f} s"])
    finally:
        if shown is not None:
            shown.update({"text/plain": line}, raw=True)
        elif wanted and line:
            tqdm.write(line)


def _postfix(epoch: Epoch) -> dict[str, str]:
    shown = epoch.test or epoch.train
    name = "test" if epoch.test else "train"
    return {
        "epoch": str(epoch.number),
        f"{name} loss": f"{shown.loss:.3f}",
        f"{name} accuracy": f"{shown.accuracy:.3f}",
    }
