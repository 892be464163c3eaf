"""Is this machine ready for the course? One line per need, and what to do where one is not met."""

import importlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.metadata import entry_points

from course_utils import runtime
from course_utils.command import notebooks
from course_utils.errors import CourseError

REINSTALL = "install again: `make clean lab`, or with conda `pip install -c constraints.txt --force-reinstall -e .`"
NEEDS = "course.needs"  # entry points: what else an installed part of the course needs
DISK_NEEDED = 2 * 2**30  # bytes: the full data sets, and room for a student's own notebooks
LIBRARIES = (
    "torchinfo",
    "torchmetrics",
    "pycocotools",
    "bjontegaard",
    "safetensors",
    "scipy",
    "matplotlib",
    "skimage",
    "sklearn",
    "ipywidgets",
    "nbclient",
)


@dataclass(frozen=True)
class Finding:
    """status: "ok", "warn" or "fail"; text: what was found and, unless ok, what to do."""

    status: str
    need: str
    text: str


def examine() -> list[Finding]:
    """One finding per need, in the order in which they build on each other."""
    checks: dict[str, Callable[[], tuple[str, str]]] = {
        "Python": _python,
        "torch": _torch,
        "libraries": _libraries,
        "device": _device,
        "data": _data,
        "codecs": _codecs,
        "disk": _disk,
        "JupyterLab": _jupyterlab,
        "course": _course,
    }
    for group in sorted(entry_points(group=NEEDS), key=lambda group: group.name):
        checks[group.name] = group.load()
    findings = []
    for need, check in checks.items():
        try:
            status, text = check()
        except CourseError as error:
            status, text = "fail", str(error)
        except Exception as error:  # whatever is broken, the other needs are still worth a line
            status, text = "fail", f"{type(error).__name__}: {error}; {REINSTALL}"
        findings.append(Finding(status, need, text))
    return findings


def _python() -> tuple[str, str]:
    return "ok", platform.python_version()  # an older one than 3.11 could not have installed the course


def _torch() -> tuple[str, str]:
    import torch
    import torchvision

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    torchvision.ops.nms(boxes, torch.ones(1), 0.5)  # fails where the two were not built for each other
    cores = torch.get_num_threads()
    return "ok", f"torch {torch.__version__}, torchvision {torchvision.__version__}, {cores} CPU threads"


def _libraries() -> tuple[str, str]:
    for name in LIBRARIES:
        importlib.import_module(name)
    return "ok", f"{len(LIBRARIES)} of {len(LIBRARIES)} import"


def _device() -> tuple[str, str]:
    import torch

    device = runtime.device()
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        return "ok", f"cuda, {torch.cuda.get_device_name(device)}, {total / 2**30:.0f} GiB"
    if device.type == "mps":
        return "ok", "mps, Apple GPU"
    return "warn", "cpu only: every lesson runs, a GPU makes the trainings faster"


def _data() -> tuple[str, str]:
    from course_utils.data import fashion_mnist, king_james, photographs

    train, test = fashion_mnist.load()
    text = king_james.load().text
    for name in photographs.PHOTOGRAPHS:
        photographs.load(name)
    return "ok", (
        f"Fashion-MNIST {len(train):,} + {len(test):,}, text of {len(text):,} characters, "
        f"{len(photographs.PHOTOGRAPHS)} photographs"
    )


def _codecs() -> tuple[str, str]:
    import av
    import torch

    from course_utils.codec import encoders

    missing = encoders.missing_codecs()
    if missing:
        # Every codec lesson and lab codes HEVC; AVC and AV1 are there for one comparison.
        status = "fail" if {"libx265", "hevc"} & set(missing) else "warn"
        remedy = "reinstall its wheel with `pip install --force-reinstall av`"
        return status, f"PyAV {av.__version__} lacks {', '.join(missing)}: {remedy}"
    picture = torch.arange(64 * 64).reshape(1, 64, 64).to(torch.uint8)
    for encode in (encoders.x265, encoders.x264, encoders.svt_av1):
        encoders.decode(encode(picture, 32))
    return "ok", f"PyAV {av.__version__}, {', '.join(encoders.DECODERS)} encode, and decode again"


def _disk() -> tuple[str, str]:
    home = runtime.data_home()
    folder = next(each for each in (home, *home.parents) if each.is_dir())
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return "warn", f"{home} cannot be written: set COURSE_DATA to a folder of your own for full data sets"
    if free < DISK_NEEDED:
        return "warn", f"{free / 2**30:.1f} GiB free for {home}: free some, or set COURSE_DATA to another disk"
    return "ok", f"{free / 2**30:.0f} GiB free for full data sets"


def _jupyterlab() -> tuple[str, str]:
    from jupyter_client.kernelspec import KernelSpecManager

    KernelSpecManager().get_kernel_spec("python3")
    return "ok", f"{metadata.version('jupyterlab')}, kernel python3"


def _course() -> tuple[str, str]:
    root = notebooks.course_root()
    lessons = len(list((root / "lessons").glob("*.ipynb")))
    labs = len(list((root / "labs").glob("*/*.ipynb")))
    text = f"{lessons} lessons and {labs} labs in {root}"
    if not os.access(root / "lessons", os.W_OK):
        return "warn", f"{text}, which cannot be written: copy the folder to a place of your own"
    return "ok", text
