"""The record of one `course validate`: which machine, which versions, and how each notebook did. docs/gpu.md is one.

Where the machine reaches no registry, packages that it lacks have to be brought; which, is said before anything runs.
"""

import os
import platform
import time
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import torch
from packaging.requirements import Requirement

from course_tools import processes
from course_tools.authoring.validate import Result
from course_utils.errors import CourseError

DEVELOPERS = ("nbval", "psutil", "pytest")  # of the extra `dev`, what validating needs
NAMED = ("torchvision", "numpy", "av")  # beside torch, the versions that outputs depend on most


def require_packages(root: Path) -> None:
    """Raise `CourseError` with the wheels to bring where what pyproject.toml asks for is missing or too old."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    extra = project.get("optional-dependencies", {}).get("dev", [])
    wanted = [Requirement(text) for text in (*project.get("dependencies", []), *extra)]
    missing = [
        str(need) for need in wanted if (need.name in DEVELOPERS or str(need) not in extra) and not _is_met(need)
    ]
    if missing:
        version = ".".join(platform.python_version_tuple()[:2])
        names = " ".join(f"'{need}'" for need in missing)
        raise CourseError(
            f"missing here: {', '.join(missing)}. Bring their wheels: `pip download --only-binary :all: "
            f"--python-version {version} {names}` where there is a network, then `pip install --no-index` here"
        )


def _is_met(need: Requirement) -> bool:
    try:
        return need.specifier.contains(metadata.version(need.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def page(results: Sequence[Result], root: Path, *, device: str, command: str, workers: int, seconds: float) -> str:
    """The record in Markdown. seconds: on the clock, for all of it."""
    versions = ", ".join([f"torch {torch.__version__}", *(f"{name} {metadata.version(name)}" for name in NAMED)])
    failed = sum(bool(result.faults) for result in results)
    lines = [
        f"# Validated on {device}",
        "",
        f"`{command}`, {time.strftime('%Y-%m-%d', time.gmtime())}: {len(results) - failed} passed, {failed} failed, "
        f"in {seconds / 60:.1f} minutes.",
        f"{_machine(device)}, {processes.cores()} CPU cores, {workers} notebooks at a time. Python "
        f"{platform.python_version()}, {versions}.",
        "",
        "| notebook | clock s | processor s | budget | memory | outputs compared | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in results:
        job, usage = result.job, result.usage
        lines.append(
            f"| {os.path.relpath(job.path, root)} | {usage.seconds:.0f} | {usage.processor_seconds:.0f} "
            f"| {job.budget:.0f} | {usage.peak_memory / 2**30:.1f} GiB | {job.compared} of {job.with_output} "
            f"| {'; '.join(result.faults) or 'passed'} |"
        )
    return "\n".join(lines) + "\n"


def _machine(device: str) -> str:
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    return f"{platform.system()} on {platform.machine()}"
