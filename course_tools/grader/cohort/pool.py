"""Many submissions at a time: local processes, or a Dask cluster; what was done once is not done again."""

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path

import torch

import course_utils
from course_tools import grader
from course_tools.grader import forks, labs
from course_tools.grader.cohort import execution
from course_tools.grader.cohort.execution import Job, Result
from course_tools.grader.jail.sandbox import SandboxError
from course_utils.command import notebooks
from course_utils.errors import CourseError

MOST_TRIES = 2  # of one submission, where a worker or a jail fails and not the submission
SCHEDULER_SECONDS = 10


class Cache:
    """Results in `folder`, a file each, named by a hash of everything that they depend on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Result | None:
        try:
            return Result(**json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # not there, or written by another version
            return None

    def put(self, key: str, result: Result) -> Result:
        """Keep the result, and give it back as a later run will see it: JSON knows no tuples."""
        text = json.dumps(asdict(result))
        notebooks.write_text(self.folder / f"{key}.json", text)
        return Result(**json.loads(text))


def key_of(job: Job) -> str:
    """The hash of all that the result of `job` depends on: the cells, the tests, this program, limits and seed."""
    lab = labs.Lab(job.lab, Path(job.root))
    digest = hashlib.sha256(json.dumps({**asdict(job), "root": ""}, sort_keys=True).encode())
    digest.update(f"{sys.version} {torch.__version__}".encode())
    for folder in (Path(course_utils.__file__).parent, Path(grader.__file__).parent):
        for place in sorted(folder.rglob("*.py")):
            digest.update(place.name.encode() + b"\0" + hashlib.sha256(place.read_bytes()).digest())
    digest.update(lab.judge.read_bytes())
    return digest.hexdigest()


def run(
    work: dict[str, Job], cache: Cache, *, workers: int = 1, scheduler: str | None = None, force: bool = False
) -> Iterator[tuple[str, Result]]:
    """The result of each job by its key, as they come, those that the cache holds first.

    scheduler: the address of a Dask cluster that sees the course under the same path; else local processes are used
    force: do it again, whatever the cache holds

    Raises `CourseError` where the cluster cannot be had, `SandboxError` where the jail fails again and again.
    """
    todo = {}
    for key, job in work.items():
        known = None if force else cache.get(key)
        if known is None:
            todo[key] = job
        else:
            yield key, known
    if todo:
        for key, result in _on_dask(todo, scheduler) if scheduler else _on_processes(todo, min(workers, len(todo))):
            yield key, cache.put(key, result)


def _on_processes(todo: dict[str, Job], workers: int) -> Iterator[tuple[str, Result]]:
    context = forks.context()
    tries = dict.fromkeys(todo, 0)
    while todo:
        lifeline, our_end = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_die_with_parent, initargs=(lifeline,))
        try:
            running = {pool.submit(execution.run, job): key for key, job in todo.items()}
            for future in as_completed(running):
                key = running[future]
                try:
                    result = future.result()
                except (BrokenProcessPool, SandboxError) as error:
                    tries[key] += 1
                    if tries[key] >= MOST_TRIES:
                        reason = str(error) if isinstance(error, SandboxError) else "a grading process was killed"
                        raise SandboxError(f"{reason}; what is done is kept, run it again") from None
                    continue
                del todo[key]
                yield key, result
        finally:
            for process in list((pool._processes or {}).values()) if todo else []:
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)
            lifeline.close()
            our_end.close()


def _die_with_parent(lifeline: Connection) -> None:
    """A worker whose parent was killed must not go on, nor keep its jail: the parent alone holds the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        with suppress(EOFError, OSError):
            lifeline.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _on_dask(todo: dict[str, Job], scheduler: str) -> Iterator[tuple[str, Result]]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise CourseError("--scheduler needs dask.distributed: pip install 'convolution-to-codec[cluster]'") from None
    try:
        client = Client(scheduler, timeout=SCHEDULER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(f"no Dask scheduler answers at {scheduler} ({type(error).__name__})") from None
    with client:
        running = {
            client.submit(execution.run, job, pure=False, retries=MOST_TRIES - 1): key for key, job in todo.items()
        }
        try:
            for future in as_completed(running, loop=client.loop):
                yield running[future], future.result()
        finally:
            client.run(execution.close_jails)
