"""Re-run notebooks under nbval, compare with their stored outputs, and hold each against its budget."""

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

from course_tools import processes
from course_utils import runtime
from course_utils.command import notebooks

MEMORY_LIMIT = 4 * 2**30  # bytes; a student's laptop, and a free cloud notebook, have little more to give
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Job:
    """A notebook to validate. budget: seconds that it says it takes; cells: code cells; compared: outputs compared."""

    path: Path
    budget: float
    cells: int
    with_output: int
    compared: int


@dataclass(frozen=True)
class Result:
    """How one notebook did. peak_memory: bytes of all its processes together; report: what nbval said."""

    job: Job
    seconds: float
    peak_memory: int
    faults: tuple[str, ...]
    report: str


def table(results: Sequence[Result], root: Path, device: str) -> str:
    """A line for each notebook: seconds, budget, memory, cells, compared outputs, and what is wrong with it."""
    rows = [("notebook", "seconds", "budget", "memory", "cells", "compared", "verdict")]
    for result in results:
        job = result.job
        rows.append(
            (
                os.path.relpath(job.path, root),
                f"{result.seconds:.0f}",
                f"{job.budget:.0f}",
                f"{result.peak_memory / 2**30:.1f} GiB",
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


def prepare(path: Path, *, device_type: str) -> Job:
    """Read what is to be validated. Raises `CourseError` for a file that is no notebook or declares no budget."""
    notebook = notebooks.read(path)
    metadata = notebooks.course_metadata(notebook, path)
    with_output = notebooks.cells_with_output(notebook)
    return Job(
        path=path,
        budget=60 * (metadata.minutes_cpu if device_type == "cpu" else metadata.minutes_gpu),
        cells=sum(cell.cell_type == "code" for cell in notebook.cells),
        with_output=len(with_output),
        compared=sum(map(notebooks.is_compared, with_output)),
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

    variables = {**os.environ, **runtime.for_stored_outputs(device)}
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
            "-q",
            "--no-header",
        ]
        command += ["-p", "no:cacheprovider", "--tb=short", "--color=no", f"--junitxml={xml}", str(job.path)]
        started = time.perf_counter()
        with log.open("wb") as output:
            process = psutil.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=job.path.parent
            )
            peak, stopped = _watch(process, started, limit=3 * job.budget + 60, stop=stop)
        seconds = time.perf_counter() - started
        faults = [f"stopped after {seconds:.0f} s"] if stopped else _cell_faults(xml, process.returncode)
        report = log.read_text(encoding="utf-8", errors="replace")
    if seconds > job.budget and not stopped:
        faults.append(f"over budget by {seconds - job.budget:.0f} s")
    if peak > MEMORY_LIMIT and environment["COURSE_DEVICE"] == "cpu":  # a GPU's driver alone maps gigabytes
        faults.append(f"over {MEMORY_LIMIT / 2**30:.0f} GiB of memory")
    return Result(job=job, seconds=seconds, peak_memory=peak, faults=tuple(faults), report=report)


def _watch(process: psutil.Popen, started: float, *, limit: float, stop: threading.Event) -> tuple[int, bool]:
    """Wait for the end; the peak memory of the process tree, and whether it had to be stopped: at `limit` seconds, or
    where `stop` was set.
    """
    peak = 0
    while process.poll() is None:
        peak = max(peak, processes.resident_bytes(process))
        if stop.is_set() or time.perf_counter() - started > limit:
            processes.kill(process)
            process.wait()
            return peak, True
        time.sleep(POLL_SECONDS)
    return peak, False


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
