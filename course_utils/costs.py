"""What a network costs: parameters, multiply-accumulates and activation memory predicted, peak memory measured.

The prediction runs the network on torch's *meta* device, where tensors have shapes but no numbers: it takes
milliseconds, no memory, and any module whose course does not depend on the numbers.
"""

import copy
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from course_utils.errors import CourseError


@dataclass(frozen=True)
class LayerCost:
    """One module without children, summed over its calls.

    parameters: its own learnable numbers (a shared module's are counted once)
    macs: multiply-accumulates of one forward pass of the batch (convolutions, matrix products, attention)
    activation_bytes: bytes that its forward pass keeps for the backward pass and that no earlier layer had kept
    output_shape: of its last call
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int
    activation_bytes: int


@dataclass(frozen=True)
class Cost:
    """The cost of one training step's forward pass; layers in the order of their first call.

    What happens outside any leaf module (a `+` or `relu` written in `forward`) counts in the totals, and stands in
    `layers` under the module that does it.
    """

    layers: tuple[LayerCost, ...]
    parameters: int
    macs: int
    activation_bytes: int

    def __str__(self) -> str:
        layers = map(astuple, self.layers)
        rows = [(name, kind, "×".join(map(str, shape)), *numbers) for name, kind, shape, *numbers in layers]
        rows.append(("total", "", "", self.parameters, self.macs, self.activation_bytes))
        width = max(len(row[0]) for row in rows)
        lines = [f"{'layer':{width}}  {'kind':17} {'output':>16} {'parameters':>12} {'MACs':>15} {'kept bytes':>13}"]
        lines += [f"{n:{width}}  {k:17} {s:>16} {p:12,} {m:15,} {a:13,}" for n, k, s, p, m, a in rows]
        return "\n".join(lines)


def parameters(model: nn.Module) -> int:
    """Number of learnable numbers in `model`, each shared one counted once."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def predict(model: nn.Module, *inputs: Sequence[int] | Tensor, training: bool = True) -> Cost:
    """Predict what one forward pass of `model` costs, without running it.

    inputs: what `forward` takes, each a tensor or the shape of a float32 one, batch included, as in
        `predict(net, (32, 3, 224, 224))`
    training: the mode (dropout keeps its mask in training alone)

    Kept bytes are those of every storage that autograd keeps for the backward pass, each counted once, without the
    parameters and buffers; the batch itself counts when the first layer keeps it. A GPU's kernels may keep a little
    more or less than this (dropout keeps a byte mask there, a float mask on the CPU).
    Raises `CourseError` where the shapes do not fit or the network looks at the numbers themselves.

    >>> cost = predict(nn.Conv2d(3, 8, 3, padding=1), (1, 3, 32, 32))
    >>> cost.parameters == 8 * (3 * 3 * 3 + 1), cost.macs == 8 * 32 * 32 * 3 * 3 * 3
    (True, True)
    """
    meta = copy.deepcopy(model).to("meta").train(training)
    arguments = [_meta_input(value) for value in inputs]
    counter = FlopCounterMode(display=False)
    tracker = _LayerTracker(meta, counter)
    try:
        with tracker.hooks(), counter, saved_tensors_hooks(tracker.pack, lambda tensor: tensor):
            outputs = meta(*arguments)  # the outputs keep the graph, and with it every saved storage, alive
    except (NotImplementedError, RuntimeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"{type(model).__name__} cannot be costed on inputs like these ({reason})") from None
    del outputs
    return tracker.cost()


def saved_bytes(model: nn.Module, *inputs: Tensor) -> int:
    """Bytes that a real forward pass keeps for the backward pass, measured on the device of the inputs.

    The counterpart of `Cost.activation_bytes`: each storage once and whole, parameters and buffers left out. (A batch
    that is a slice of a larger tensor counts with all of it: `clone` it first.)
    """
    keeper = _StorageCounter(model)
    with saved_tensors_hooks(keeper.pack, lambda tensor: tensor):
        outputs = model(*inputs)
    del outputs
    return keeper.total


def measure_peak(step: Callable[[], Any], device: torch.device) -> int:
    """Greatest number of bytes of tensors alive at once during `step()`, beyond those alive before it.

    CUDA: torch's allocator statistics. CPU: the storages that torch's operators create
    and release, without the scratch space inside a kernel.
    Raises `CourseError` on other devices, which report no peak.
    """
    if device.type == "cuda":  # pragma: no cover (CI has no GPU)
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    if device.type != "cpu":
        raise CourseError(f"peak memory can be measured on cpu and cuda, not on {device.type}")
    with _LiveBytes() as live:
        step()
    return live.peak


class _LiveBytes(TorchDispatchMode):
    """Follows every storage that operators create on the CPU, from its birth to its release."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self.current = self.peak = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        existing = {_storage_key(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        outputs = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(outputs):
            if isinstance(tensor, Tensor) and _storage_key(tensor) not in existing | self.alive.keys():
                self._born(tensor.untyped_storage())
        return outputs

    def _born(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()

        def released(_: weakref.ref[torch.UntypedStorage]) -> None:
            del self.alive[key]
            self.current -= size

        self.alive[key] = weakref.ref(storage, released)
        self.current += size
        self.peak = max(self.peak, self.current)


class _StorageCounter:
    """Adds up the storages that autograd packs, each once, without those of the model itself."""

    def __init__(self, model: nn.Module) -> None:
        self.seen = {_storage_key(tensor) for tensor in (*model.parameters(), *model.buffers())}
        self.total = 0

    def pack(self, tensor: Tensor) -> Tensor:
        """Note the tensor, and hand a detached one back: with its own graph in it, nothing would ever be freed."""
        self.note(self.count(tensor))
        return tensor.detach()

    def note(self, size: int) -> None:
        """What else to do with the bytes of a storage that was not seen before."""

    def count(self, tensor: Tensor) -> int:
        key = _storage_key(tensor)
        if key in self.seen:
            return 0
        self.seen.add(key)
        size = tensor.untyped_storage().nbytes()
        self.total += size
        return size


class _LayerTracker(_StorageCounter):
    """Notes for each module what its own code keeps and computes, not what its children do."""

    def __init__(self, model: nn.Module, counter: FlopCounterMode) -> None:
        super().__init__(model)
        self.model = model
        self.counter = counter
        self.names = {module: name or "(root)" for name, module in model.named_modules()}
        self.open: list[str] = []  # the modules whose forward is running, outermost first
        self.macs: dict[str, int] = {}
        self.bytes: dict[str, int] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.macs_before = 0

    @contextmanager
    def hooks(self) -> Iterator[None]:
        handles = [module.register_forward_pre_hook(self._enter) for module in self.names]
        handles += [module.register_forward_hook(self._leave) for module in self.names]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def note(self, size: int) -> None:
        self.bytes[self.open[-1]] += size

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        self._settle()
        name = self.names[module]
        self.open.append(name)
        self.macs.setdefault(name, 0)
        self.bytes.setdefault(name, 0)

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._settle()
        self.shapes[self.open.pop()] = tuple(output.shape) if isinstance(output, Tensor) else ()

    def _settle(self) -> None:
        """Book what was computed since the last border between modules to the module that was running."""
        macs = self.counter.get_total_flops() // 2  # torch counts a multiply-accumulate as two operations
        if self.open:
            self.macs[self.open[-1]] += macs - self.macs_before
        self.macs_before = macs

    def cost(self) -> Cost:
        counted: set[Tensor] = set()
        layers = []
        modules = {name: module for module, name in self.names.items()}
        for name, macs in self.macs.items():  # in the order of the first call
            own = {weight for weight in modules[name].parameters(recurse=False) if weight.requires_grad} - counted
            counted |= own
            numbers = (sum(weight.numel() for weight in own), macs, self.bytes[name])
            if any(numbers) or not any(modules[name].children()):
                layers.append(LayerCost(name, type(modules[name]).__name__, self.shapes[name], *numbers))
        return Cost(
            layers=tuple(layers),
            parameters=parameters(self.model),
            macs=sum(self.macs.values()),
            activation_bytes=self.total,
        )


def _meta_input(value: Sequence[int] | Tensor) -> Tensor:
    return value.detach().to("meta") if isinstance(value, Tensor) else torch.empty(tuple(value), device="meta")


def _storage_key(tensor: Tensor) -> int:
    # Meta tensors all have address 0, so the storage object itself is the key.
    return tensor.untyped_storage()._cdata
