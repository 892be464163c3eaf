"""What was green already: a notebook is validated again only where something changed that its outputs depend on.

That is the notebook itself, the modules of this course that it imports and all that these import, the answers that it
checks and the results of studies beside it, every installed package's version, the device, and the number of threads.
"""

import ast
import hashlib
import json
import os
import platform
import time
from collections.abc import Iterable
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import nbformat

import course_utils
from course_utils import checks, runtime
from course_utils.command import notebooks

FOLDER = Path(course_utils.__file__).parent
FILE = "validated.json"
MOST_ENTRIES = 500  # the oldest are forgotten


class Green:
    """The digests of all notebooks that were green on this machine, in one file of the course's cache."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or runtime.data_home() / FILE
        try:
            self.entries: dict[str, float] = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # the first time, or a file that something else has damaged
            self.entries = {}

    def __contains__(self, digest: str) -> bool:
        return digest in self.entries

    def add(self, digests: Iterable[str]) -> None:
        """Remember them. A folder that cannot be written costs time, and nothing else."""
        self.entries |= dict.fromkeys(digests, time.time())
        newest = sorted(self.entries.items(), key=lambda entry: entry[1])[-MOST_ENTRIES:]
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            notebooks.write_text(self.file, json.dumps(dict(newest)))
        except OSError:
            pass


def digest(path: Path, *, device: str) -> str:
    """A hash of all that the outputs of the notebook at `path` depend on."""
    content = hashlib.sha256()
    source = source_of(path)
    beside = [*(path.parent / "study").rglob("*.json")]
    if "checks.answer(" in source:
        beside += path.parent.glob(checks.ANSWERS)
    files = [path, *sorted(beside), *sorted(used_modules(source))]
    for file in files:
        content.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    content.update(json.dumps([device, os.environ.get("OMP_NUM_THREADS", ""), *_environment()]).encode())
    return content.hexdigest()


def source_of(path: Path) -> str:
    """The code of a notebook, without what only IPython understands."""
    cells = nbformat.read(path, as_version=4).cells
    lines = "\n".join(cell.source for cell in cells if cell.cell_type == "code").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def used_modules(source: str) -> set[Path]:
    """The files of `course_utils` that `source` imports, and all that these import in their turn."""
    used: set[Path] = set()
    waiting = _imported(source)
    while waiting:
        file = waiting.pop()
        if file not in used:
            used.add(file)
            waiting |= _imported(file.read_text(encoding="utf-8"))
    return used


def _imported(source: str) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = set()
    for name in names:
        top, *parts = name.split(".")
        if top == FOLDER.name:
            # A package's own file runs as well, whichever of its modules is imported.
            places = [FOLDER.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
            files |= {place / "__init__.py" for place in places} | {place.with_suffix(".py") for place in places[1:]}
    return {file for file in files if file.is_file()}


@cache
def _environment() -> tuple[str, ...]:
    """Python and the version of every installed package."""
    packages = sorted(f"{package.name}=={package.version}" for package in distributions())
    return (platform.python_version(), platform.machine(), *packages)
