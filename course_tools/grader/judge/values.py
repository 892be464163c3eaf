"""What may travel between the judge and a student's process: plain values and tensors, as JSON. Never pickle.

Both sides use this module, but neither trusts the other: `decode` builds nothing except the types named here, and
refuses whatever is malformed, too deep or too large.
"""

import base64
import binascii
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

DTYPES = {
    name: getattr(torch, name)
    for name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
}
MOST_BYTES = 64 * 2**20  # of one tensor
MOST_DEPTH = 20
MOST_ITEMS = 100_000  # of one list or dict


class BadValue(ValueError):
    """A value that may not travel, or a message that is no encoded value."""


@dataclass(frozen=True)
class Handle:
    """An object that stays in the student's process: `number` names it there, `kind` is its class's name."""

    number: int
    kind: str


def encode(value: Any, depth: int = 0) -> Any:
    """`value` as JSON: None, bool, int, float, str, list, tuple, dict, Tensor, NumPy array or number, `Handle`.

    Tensors travel without their gradient, from any device. Raises `BadValue` for everything else.
    """
    if depth > MOST_DEPTH:
        raise BadValue(f"nested more than {MOST_DEPTH} deep")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Tensor):
        return {"tensor": _encode_tensor(value)}
    if isinstance(value, Handle):
        return {"handle": [value.number, value.kind]}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [encode(each, depth + 1) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, depth + 1), encode(each, depth + 1)] for key, each in value.items()]}
    raise BadValue(f"a {type(value).__name__} is neither a tensor nor a plain value")


def decode(data: Any, depth: int = 0) -> Any:
    """The value that `encode` made `data` from. Raises `BadValue` for anything malformed, too deep or too large."""
    if depth > MOST_DEPTH:
        raise BadValue(f"nested more than {MOST_DEPTH} deep")
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise BadValue("not an encoded value")
    ((kind, content),) = data.items()
    if kind == "float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if kind == "tensor":
        return _decode_tensor(content)
    if not isinstance(content, list) or len(content) > MOST_ITEMS:
        raise BadValue("not an encoded value, or too many items")
    if kind in ("list", "tuple"):
        items = [decode(each, depth + 1) for each in content]
        return items if kind == "list" else tuple(items)
    if kind == "dict" and all(isinstance(pair, list) and len(pair) == 2 for pair in content):
        keys = [decode(key, depth + 1) for key, _ in content]
        if not all(isinstance(key, (str, int, float, bool)) or key is None for key in keys):
            raise BadValue("a key of a dict is no plain value")
        return dict(zip(keys, (decode(each, depth + 1) for _, each in content), strict=True))
    if kind == "handle" and len(content) == 2 and isinstance(content[0], int) and isinstance(content[1], str):
        return Handle(content[0], content[1][:80])
    raise BadValue("not an encoded value")


def _encode_tensor(tensor: Tensor) -> dict[str, Any]:
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise BadValue(f"a tensor of {tensor.dtype} cannot travel")
    if tensor.nbytes > MOST_BYTES:
        raise BadValue(f"a tensor of shape {tuple(tensor.shape)} is larger than {MOST_BYTES:,} bytes")
    # One number of a table keeps the table's stride, counts as contiguous all the same, and cannot be seen as bytes.
    flat = tensor.detach().cpu().reshape(-1).clone(memory_format=torch.contiguous_format)
    content = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return {"dtype": name, "shape": list(tensor.shape), "data": base64.b64encode(content).decode("ascii")}


def _decode_tensor(content: Any) -> Tensor:
    if not isinstance(content, dict) or set(content) != {"dtype", "shape", "data"}:
        raise BadValue("not an encoded tensor")
    dtype, shape, data = DTYPES.get(str(content["dtype"])), content["shape"], content["data"]
    if dtype is None or not isinstance(shape, list) or not isinstance(data, str) or len(shape) > MOST_DEPTH:
        raise BadValue("not an encoded tensor")
    if not all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape):
        raise BadValue("a tensor's sizes are not whole numbers")
    count = math.prod(shape) * dtype.itemsize
    # Sizes beside a 0 hold no number, but torch could not count them either.
    if math.prod(size or 1 for size in shape) * dtype.itemsize > MOST_BYTES or len(data) > 2 * MOST_BYTES:
        raise BadValue(f"a tensor larger than {MOST_BYTES:,} bytes")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise BadValue("a tensor's numbers are not base64") from None
    if len(raw) != count:
        raise BadValue(f"{len(raw)} bytes for a tensor that has {count}")
    if not raw:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(dtype).reshape(shape)
