"""A stand-in for Apple's GPU ("mps"), so that CI can say what stops there: it has no float64, and NumPy cannot read it.

Tensors "on the device" compute on the CPU and say that they lie on mps. Where a result would be float64 the error is
the one that PyTorch raises on a Mac.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

MPS = torch.device("mps")
MESSAGE = "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64"


class OnApple(Tensor):
    """A tensor that says it lies on mps."""

    @classmethod
    def __torch_function__(cls, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function == Tensor.device.__get__:
            return MPS
        if function in (Tensor.numpy, Tensor.__array__):
            raise TypeError("can't convert mps device type tensor to numpy; use Tensor.cpu() first")
        return _compute(function, args, kwargs or {})


class _Device(TorchFunctionMode):
    """What makes new tensors on mps, or moves one there, makes an `OnApple`."""

    def __torch_function__(self, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not any(_is_mps(value) for value in tree_leaves((args, kwargs))):
            return function(*args, **kwargs)
        return _compute(function, args, kwargs)


@contextmanager
def device() -> Iterator[torch.device]:
    """`with device() as mps:` tensors can be made on, and moved to, mps."""
    with _Device():
        yield MPS


def _is_mps(value: Any) -> bool:
    return isinstance(value, torch.device | str) and str(value).startswith("mps")


def _compute(function: Callable, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call `function` on the plain tensors; the results lie on mps unless the call moves to the CPU."""
    leaves = tree_leaves((args, kwargs))
    to_cpu = function is Tensor.cpu or any(isinstance(v, torch.device | str) and str(v) == "cpu" for v in leaves)

    def plain(value: Any) -> Any:
        if isinstance(value, OnApple):
            return value.as_subclass(Tensor)
        return torch.device("cpu") if _is_mps(value) else value

    def placed(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if value.dtype == torch.float64:
            raise TypeError(MESSAGE)
        return value.as_subclass(OnApple)

    with torch._C.DisableTorchFunction():
        result = function(*tree_map(plain, args), **tree_map(plain, kwargs))
        return result if to_cpu else tree_map(placed, result)
