"""Where and how a notebook runs: the device, the seed, the data folder, whether anybody watches.

The variables that the course reads:

| variable          | values                                 | meaning                                          |
| ----------------- | -------------------------------------- | ------------------------------------------------ |
| `COURSE_DEVICE`   | `auto` (default), `cpu`, `cuda`, `mps` | the device that `device()` answers               |
| `COURSE_DATA`     | a folder                               | where full data sets are cached                  |
| `COURSE_PROGRESS` | `off`                                  | no bars, no sliders: outputs are being stored    |
| `OMP_NUM_THREADS` | a number                               | torch's threads, else 1 where outputs are stored |
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import platformdirs
import torch

from course_utils.errors import CourseError

DEVICES = ("auto", "cpu", "cuda", "mps")


def device(name: str | None = None) -> torch.device:
    """The device to compute on: `name`, else what `COURSE_DEVICE` says; "auto", the default, is CUDA, else the CPU.

    Apple's GPU ("mps") has to be asked for: it has no float64, in which the lessons compare with the library.
    Raises `CourseError` for an unknown name, and for a device that this machine does not have.
    """
    name = (name or os.environ.get("COURSE_DEVICE") or "auto").strip().lower()
    if name not in DEVICES:
        raise CourseError(f"unknown device {name!r}: set COURSE_DEVICE (or --device) to one of {', '.join(DEVICES)}")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = "cuda" if present["cuda"] else "cpu"
    if not present[name]:
        raise CourseError(f"no {name} device on this machine: use --device cpu, or unset COURSE_DEVICE")
    return torch.device(name)


def seed(value: int = 0) -> torch.Generator:
    """Seed Python, NumPy and torch, and return a CPU generator with the same seed.

    Random numbers that reach a compared output are drawn on the CPU (from this generator or before `.to(device)`),
    because a GPU's generator gives other numbers for the same seed.
    """
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
    return torch.Generator().manual_seed(value)


def synchronize(device: torch.device) -> None:
    """Wait until `device` has finished all queued work, so that a clock read afterwards tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def data_home() -> Path:
    """The folder where full data sets are cached: `COURSE_DATA`, else the user's cache folder. It may not exist yet."""
    return Path(os.environ.get("COURSE_DATA") or platformdirs.user_cache_path("convolution-to-codec"))


def watched() -> bool:
    """Whether a person sees outputs as they come. False while outputs are stored or compared: no bar, no slider."""
    return os.environ.get("COURSE_PROGRESS", "on").lower() != "off" and "PYTEST_VERSION" not in os.environ


@contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Set variables of the environment that the kernel inherits, and put them back."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: value for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
