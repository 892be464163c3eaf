"""The student's side of the rules: which operators and functions ran while an answer was called.

Operators are those of torch's dispatcher, composite ones and what these call in turn: `F.conv2d`, `nn.Conv2d`, a class
made from it, `torch.ops.aten.conv2d` and `torch.vmap(F.conv2d)` all run `aten::conv2d` and `aten::convolution`.
Functions are those written in Python, by the module and class that define them, under whatever name they were called.
"""

import inspect
import sys
from contextlib import suppress
from fnmatch import fnmatchcase
from types import FrameType, FunctionType
from typing import Any, Self

import torch
from torch.autograd import ProfilerConfig, ProfilerState

# Of torch's three ways to see operators the only one that is both whole and cheap: a dispatch mode does not see
# composite operators such as `aten::lstm_cell`, and the Kineto profiler needs a millisecond for each call.
PROFILER = ProfilerConfig(
    ProfilerState.CPU, False, False, False, False, False, torch._C._profiler._ExperimentalConfig()
)
MOST_CALLS = 20_000  # of functions, before the operators seen so far are put away: the profiler keeps each event


class Watch:
    """Sees what runs inside a `with`, in this thread.

    >>> with Watch() as watch:
    ...     y = torch.cumsum(torch.ones(3), dim=0)
    >>> watch.used(["aten::*cumsum*", "torch.nn.LSTM"])
    ['aten::cumsum']
    """

    def __init__(self) -> None:
        self.operators: set[str] = set()
        self.functions: set[tuple[str, str]] = set()  # module, and qualified name in it
        self._calls = 0
        self._profiles = False

    def __enter__(self) -> Self:
        self._before = sys.getprofile()
        self._start()
        sys.setprofile(self._called)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(self._before)
        self._stop()

    def used(self, forbidden: list[str]) -> list[str]:
        """What of `forbidden` ran, sorted: operators under their own names, functions as they are forbidden."""
        found = set()
        for pattern in forbidden:
            if "::" in pattern:
                found |= {name for name in self.operators if fnmatchcase(name, pattern)}
            elif any(self._ran(module, name) for module, name in _homes(pattern)):
                found.add(pattern)
        return sorted(found)

    def _ran(self, module: str, name: str) -> bool:
        if name:
            return any(home == module and f"{ran}.".startswith(f"{name}.") for home, ran in self.functions)
        return any(f"{home}.".startswith(f"{module}.") and ran != "<module>" for home, ran in self.functions)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self.functions.add((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname))
        self._calls += 1
        if self._calls % MOST_CALLS == 0:
            self._stop()
            self._start()

    def _start(self) -> None:
        with suppress(RuntimeError):  # the student's own profiler runs: then only functions are seen
            torch.autograd._enable_profiler_legacy(PROFILER)
            self._profiles = True

    def _stop(self) -> None:
        if self._profiles:
            self._profiles = False
            with suppress(RuntimeError):  # the student's code has stopped it
                events = torch.autograd._disable_profiler_legacy()
                self.operators |= {event.name() for thread in events for event in thread if event.kind() == "push"}


def _homes(pattern: str) -> list[tuple[str, str]]:
    """Where the functions, classes or the module that `pattern` names are defined: module and qualified name.

    A module has no name in it. What was never imported cannot have run.
    """
    if pattern in sys.modules:
        return [(pattern, "")]
    parent, _, last = pattern.rpartition(".")
    owner = sys.modules.get(parent)
    if owner is None:
        outer, _, inner = parent.rpartition(".")
        owner = getattr(sys.modules.get(outer), inner, None)  # a class
    found = [value for name, value in vars(owner).items() if fnmatchcase(name, last)] if owner is not None else []
    homes = [(value.__module__, value.__qualname__) for value in found if isinstance(value, type)]
    # `torch.no_grad` and its like wrap a function, and what `torch.func` shows says that it is defined there.
    written = [inspect.unwrap(value) for value in found if isinstance(value, FunctionType)]
    return homes + [(value.__globals__["__name__"], value.__code__.co_qualname) for value in written]
