"""Many submissions at a time: local processes, or a Dask cluster; what was done once is not done again.

A result is kept with the digests of the hidden tests that it is of: where a test changes, that test alone is judged
again. A submission that cannot be graded, whatever the reason, stops no other: its result says the trouble.
"""

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
import torch

import course_utils
from course_tools import grader
from course_tools.grader import forks, labs
from course_tools.grader.cohort import execution
from course_tools.grader.cohort.execution import Job, Result
from course_tools.grader.jail.sandbox import SandboxError
from course_tools.grader.judge import hidden_tests, rules
from course_utils.command import notebooks
from course_utils.errors import CourseError

MOST_TRIES = 2  # of one submission, where a worker or a jail fails and not the submission
SCHEDULER_SECONDS = 10
AUTHORS_FILES = {".ipynb", ".py", ".toml", ".md"}  # of a lab's folder: no result rests on them, or it is asked for them


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
    """The hash of all that the result of `job` depends on, but the hidden tests: cells, program, limits, rules."""
    lab = labs.Lab(job.lab, Path(job.root))
    what = asdict(replace(job, root="", tests={}, concealed=()))
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    digest.update(f"{sys.version} {torch.__version__}".encode())
    for folder in (Path(course_utils.__file__).parent, Path(grader.__file__).parent):
        for place in sorted(folder.rglob("*.py")):
            digest.update(place.name.encode() + b"\0" + hashlib.sha256(place.read_bytes()).digest())
    forbidden = [cell.metadata.get("course", {}).get("forbidden") for cell in labs.read_source(lab).cells]
    digest.update(json.dumps(forbidden).encode())
    for place in sorted(lab.folder.iterdir()):  # hidden data
        if place.is_file() and place.suffix not in AUTHORS_FILES:
            digest.update(place.name.encode() + b"\0" + hashlib.sha256(place.read_bytes()).digest())
    return digest.hexdigest()


def run(
    work: dict[str, Job],
    cache: Cache,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    force: bool = False,
    jails_work: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[str, Result]]:
    """The result of each job by its key, as they come, those that the cache holds first.

    scheduler: the address of a Dask cluster that sees the course under the same path; else local processes are used
    force: do it again, whatever the cache holds
    jails_work: asked where a jail fails again and again: if others work, it is this submission that breaks them

    A result with `trouble` is of a submission that could not be graded. Raises `CourseError` where the cluster cannot
    be had, `SandboxError` where jails fail.
    """
    todo: dict[str, Job] = {}
    known: dict[str, Result] = {}
    for key, job in work.items():
        kept = None if force else cache.get(key)
        missing = _missing(kept, job)
        if kept is not None and not missing:
            yield key, _of(kept, job)
        else:
            todo[key] = replace(job, tests=missing)
            if kept is not None:
                known[key] = kept
    if todo:
        done = _on_dask(todo, scheduler) if scheduler else _on_processes(dict(todo), workers, jails_work)
        for key, result in done:
            if not result.trouble:
                result = cache.put(key, _merged(known.get(key), result))
            yield key, _of(result, work[key])


def _missing(kept: Result | None, job: Job) -> dict[str, str]:
    """The tests that `kept` has no outcome of, and those whose outcome rests on one of them."""
    if kept is None:
        return job.tests
    missing = {name for name, digest in job.tests.items() if kept.judged.get(name) != digest}
    for name, _, reason in kept.outcomes:
        if reason.startswith(execution.NOT_TRIED) and reason.removeprefix(execution.NOT_TRIED).split(":")[0] in missing:
            missing.add(name)
    failed = {name for name, passed, _ in kept.outcomes if not passed}
    if missing and failed:  # a failed exercise rests on another one, or is what another one rests on
        exercises = {
            test.name: rules.exercise_of(test.exercise)
            for test in hidden_tests.load(labs.Lab(job.lab, Path(job.root)).judge)
        }
        needs = labs.dependencies(labs.definitions(nbformat.reads(job.notebook, as_version=4)))
        touched = {exercises[name] for name in missing}
        for exercise in {exercises[name] for name in failed if name in exercises} - touched:
            if any(exercise in needs.get(one, ()) or one in needs.get(exercise, ()) for one in touched):
                missing |= {name for name in exercises if exercises[name] == exercise}
    return {name: digest for name, digest in job.tests.items() if name in missing}


def _merged(kept: Result | None, new: Result) -> Result:
    """`new`, with those outcomes of `kept` that it has not replaced."""
    if kept is None:
        return new
    again = {name for name, _, _ in new.outcomes}
    return replace(
        new,
        outcomes=[*(outcome for outcome in kept.outcomes if outcome[0] not in again), *new.outcomes],
        judged=kept.judged | new.judged,
        broken=kept.broken | new.broken,
        outputs=kept.outputs | new.outputs,
    )


def _of(result: Result, job: Job) -> Result:
    """`result` with the outcomes of the job's tests, in their order."""
    outcomes = {outcome[0]: outcome for outcome in result.outcomes}
    return replace(result, outcomes=[outcomes[name] for name in job.tests if name in outcomes] or result.outcomes)


def _on_processes(todo: dict[str, Job], workers: int, jails_work: Callable[[], bool]) -> Iterator[tuple[str, Result]]:
    context = forks.context()
    tries = dict.fromkeys(todo, 0)
    alone = False  # a process died, and each job might be why: the next one runs alone
    while todo:
        batch = dict(islice(todo.items(), 1 if alone else None))
        alone = False
        lifeline, our_end = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(
            min(workers, len(batch)), mp_context=context, initializer=_die_with_parent, initargs=(lifeline,)
        )
        try:
            running = {pool.submit(execution.run, job): key for key, job in batch.items()}
            for future in as_completed(running):
                key = running[future]
                try:
                    result = future.result()
                except (BrokenProcessPool, SandboxError) as error:
                    if isinstance(error, BrokenProcessPool) and len(batch) > 1:
                        alone = True
                        continue
                    tries[key] += 1
                    if tries[key] < MOST_TRIES:
                        alone = True
                        continue
                    reason = str(error) if isinstance(error, SandboxError) else "a grading process was killed"
                    if not jails_work():
                        raise SandboxError(f"{reason}; what is done is kept, run it again") from None
                    result = Result(trouble=f"could not be graded: {reason}")
                except Exception as error:  # whatever it was: the others are graded
                    result = Result(trouble=f"could not be graded: {_why(error)}")
                del todo[key]
                yield key, result
        finally:
            for process in list((pool._processes or {}).values()) if todo else []:
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)
            lifeline.close()
            our_end.close()


def _why(error: Exception) -> str:
    return execution.one_line(str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}")


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
                try:
                    yield running[future], future.result()
                except SandboxError:
                    raise
                except Exception as error:
                    yield running[future], Result(trouble=f"could not be graded: {_why(error)}")
        finally:
            client.run(execution.close_jails)
