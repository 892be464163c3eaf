"""Re-run notebooks under nbval, compare with their stored outputs, and hold each against its budget.

A budget counts processor seconds, in all processes of the notebook together: they hardly move when the machine has
other work to do, while the seconds on the clock may be four times as many.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import psutil
from nbformat import NotebookNode

from course_tools import processes
from course_tools.authoring import course_metadata, stored_outputs
from course_utils.command import notebooks

MEMORY_LIMIT = 4 * 2**30  # bytes; a student's laptop, and a free cloud notebook, have little more to give
POLL_SECONDS = 0.2
IGNORE_TAG = "nbval-ignore-output"
MOST_BUDGETS, GRACE_SECONDS = 3, 60  # a notebook is killed at so many budgets and so many seconds
MOST_CLOCK = 10  # times that, on the clock: a machine may be busy


@dataclass
class Usage:
    """What a notebook's processes used together: on the clock, of processors, and bytes at the most."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    peak_memory: int = 0


@dataclass(frozen=True)
class Job:
    """A notebook to validate. budget: processor seconds that it may take; compared: how many outputs are."""

    path: Path
    budget: float
    cells: int
    with_output: int
    compared: int


@dataclass(frozen=True)
class Result:
    """How one notebook did. report: what nbval said."""

    job: Job
    usage: Usage
    faults: tuple[str, ...]
    report: str


def table(results: Sequence[Result], root: Path, device: str) -> str:
    """A line for each notebook: processor seconds, budget, the clock's, memory, cells, outputs, and what is wrong."""
    rows = [("notebook", "processor s", "budget", "clock s", "memory", "cells", "compared", "verdict")]
    for result in results:
        job, usage = result.job, result.usage
        rows.append(
            (
                os.path.relpath(job.path, root),
                f"{usage.processor_seconds:.0f}",
                f"{job.budget:.0f}",
                f"{usage.seconds:.0f}",
                f"{usage.peak_memory / 2**30:.1f} GiB",
                str(job.cells),
                f"{job.compared} of {job.with_output}",
                "; ".join(result.faults) or "passed",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f"course validate on {device}"]
    for first, *middle, last in rows:
        cells = [cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells, last]))
    return "\n".join(lines)


def cells_with_output(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells with stored output."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]


def is_compared(cell: NotebookNode) -> bool:
    """Whether nbval compares the cell's output: neither its tags nor a comment in its source says otherwise."""
    return IGNORE_TAG not in cell.metadata.get("tags", []) and "NBVAL_IGNORE_OUTPUT" not in cell.source


def prepare(path: Path, *, device_type: str) -> Job:
    """Read what is to be validated. Raises `CourseError` for a file that is no notebook or declares no budget."""
    notebook = notebooks.read(path)
    metadata = course_metadata.read(notebook, path)
    with_output = cells_with_output(notebook)
    return Job(
        path=path,
        budget=60 * (metadata.minutes_cpu if device_type == "cpu" else metadata.minutes_gpu),
        cells=sum(cell.cell_type == "code" for cell in notebook.cells),
        with_output=len(with_output),
        compared=sum(map(is_compared, with_output)),
    )


def validate(
    jobs: Sequence[Job],
    *,
    device: str,
    workers: int,
    on_result: Callable[[int, int], None] = lambda done, total: None,
) -> list[Result]:
    """Validate each job in a process of its own, `workers` at a time; `on_result` hears how many of how many are done.

    torch gets one thread in each, unless OMP_NUM_THREADS says otherwise.
    """
    # On a new machine matplotlib's first import writes a list of fonts, and says on stderr where it may not. It is done
    # here, once, as in a notebook nbval would take the message for a fault.
    import matplotlib.font_manager  # noqa: F401

    variables: dict[str, str | None] = {**os.environ, **stored_outputs.variables(device)}
    environment = {name: value for name, value in variables.items() if value is not None}
    stop = threading.Event()
    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(_validate_one, job, environment, stop) for job in jobs]
        try:
            for done, finished in enumerate(as_completed(running), start=1):
                finished.result()
                on_result(done, len(running))
        except BaseException:  # Ctrl-C above all: what runs is killed, what waits is not begun
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in running]


def _validate_one(job: Job, environment: dict[str, str], stop: threading.Event) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        xml, log = Path(folder, "result.xml"), Path(folder, "log")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--nbval",
            "--nbval-current-env",
            "-o",
            "addopts=",
            "-o",
            "timeout=0",  # the tests' limit counts the clock, for each cell; a busy machine takes minutes for one
            "-q",
            "--no-header",
        ]
        command += ["-p", "no:cacheprovider", "--tb=short", "--color=no", f"--junitxml={xml}", str(job.path)]
        with log.open("wb") as output:
            process = psutil.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=job.path.parent
            )
            usage, stopped = _watch(process, job.budget, stop)
        faults = [stopped] if stopped else _cell_faults(xml, process.returncode)
        report = log.read_text(encoding="utf-8", errors="replace")
    if usage.processor_seconds > job.budget and not stopped:
        faults.append(f"over budget by {usage.processor_seconds - job.budget:.1f} processor seconds")
    if usage.peak_memory > MEMORY_LIMIT and environment["COURSE_DEVICE"] == "cpu":  # a GPU's driver maps gigabytes
        faults.append(f"over {MEMORY_LIMIT / 2**30:.0f} GiB of memory")
    return Result(job=job, usage=usage, faults=tuple(faults), report=report)


def _watch(process: psutil.Popen, budget: float, stop: threading.Event) -> tuple[Usage, str]:
    """Wait for the end. What the process tree used, and why it was killed, empty where it ended by itself."""
    usage, started = Usage(), time.perf_counter()
    while process.poll() is None:
        usage.seconds = time.perf_counter() - started
        usage.processor_seconds = max(usage.processor_seconds, processes.processor_seconds(process))
        usage.peak_memory = max(usage.peak_memory, processes.resident_bytes(process))
        stopped = ""
        if stop.is_set():
            stopped = "stopped"
        elif usage.processor_seconds > MOST_BUDGETS * budget + GRACE_SECONDS:
            stopped = f"stopped after {usage.processor_seconds:.0f} processor seconds"
        elif usage.seconds > MOST_CLOCK * (budget + GRACE_SECONDS):  # it waits for something that does not come
            stopped = f"stopped after {usage.seconds:.0f} seconds"
        if stopped:
            processes.kill(process)
            process.wait()
            return usage, stopped
        time.sleep(POLL_SECONDS)
    return usage, ""


def _cell_faults(xml: Path, return_code: int) -> list[str]:
    """What pytest's own report says: which cells failed, or that it could not run at all."""
    failed = []
    if xml.is_file():
        cases = ElementTree.parse(xml).iter("testcase")
        failed = [
            case.get("name", "?")
            for case in cases
            if case.find("failure") is not None or case.find("error") is not None
        ]
    if failed:
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        return [f"{', '.join(failed[:3])}{more} failed"]
    return [f"pytest ended with code {return_code}"] if return_code else []
