"""The visible checks of a lab: what was expected, what came, and a hint. They give no points; hidden tests do."""

from typing import Any

import torch
from torch import Tensor


class CheckFailed(AssertionError):
    """A visible check found a difference; the message says what was expected, what came, and what to look at."""

    def _render_traceback_(self) -> list[str]:
        """Jupyter shows these lines in place of a traceback: the place in this file would help nobody."""
        return [str(self)]


def same(actual: Any, expected: Tensor | float, what: str, *, hint: str, tolerance: float = 1e-6) -> None:
    """Print `[ok]` where `actual` has the shape and, up to `tolerance` times the greatest number, the numbers expected.

    Raises `CheckFailed` otherwise, with shape, dtype and greatest error of what came.
    """
    expected = _tensor(expected)
    wanted = f"expected {_describe(expected)}"
    if not isinstance(actual, (Tensor, int, float)):
        raise CheckFailed(f"[no] {what}: {wanted}, got a {type(actual).__name__}. Hint: {hint}")
    ours = _tensor(actual).detach().to(expected.device)
    if ours.shape != expected.shape:
        raise CheckFailed(f"[no] {what}: {wanted}, got {_describe(ours)}. Hint: {hint}")
    scale = max(1e-12, expected.double().abs().max().item()) if expected.numel() else 1.0
    error = (ours.double() - expected.double()).abs().max().item() if expected.numel() else 0.0
    if not error <= tolerance * scale:
        came = "not-a-number" if error != error else f"a greatest error of {error:.3g} where numbers reach {scale:.3g}"
        raise CheckFailed(f"[no] {what}: {wanted}, got {_describe(ours)} with {came}. Hint: {hint}")
    print(f"[ok] {what}: {_describe(expected)}, equal{f' up to {tolerance:g}' if tolerance else ''}")


def holds(condition: bool, what: str, *, got: Any, hint: str) -> None:
    """Print `[ok]` where `condition` is true; raise `CheckFailed` with what came otherwise."""
    if not condition:
        raise CheckFailed(f"[no] {what}: got {got}. Hint: {hint}")
    print(f"[ok] {what}")


def _tensor(value: Tensor | float) -> Tensor:
    """A tensor of it; a Python float keeps all its digits, of which torch's default would drop half."""
    return torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)


def _describe(tensor: Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.ndim == 0:
        return f"{tensor.item():.6g}" if tensor.is_floating_point() else f"{tensor.item()}"
    return f"shape {tuple(tensor.shape)}, {dtype}"
