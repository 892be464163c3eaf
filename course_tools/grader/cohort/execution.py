"""One submission, from its clean notebook to its hidden tests' outcomes. Runs wherever the pool puts it.

The notebook runs cell by cell in a jailed kernel, then the hidden tests call what it defined. A cell or a call that
costs the kernel its life, or that cannot be stopped, costs the marks that depend on it and no others: a new kernel runs
the notebook again without that cell (and without the visible checks, which define nothing), and judging goes on.
"""

import ast
import atexit
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import torch
from nbformat import NotebookNode

from course_tools.grader import labs
from course_tools.grader.cohort import sanitise
from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.outputs import CellOutputs
from course_tools.grader.jail.sandbox import Jail, SandboxError
from course_tools.grader.jail.session import KernelLost, KernelSession
from course_tools.grader.judge import hidden_tests, rules
from course_tools.grader.judge.student import Student
from course_utils import runtime
from course_utils.command import notebooks

MOST_KERNELS = 4  # one that a submission starts with, and three that it may lose
LONGEST_REASON = 200
# What every kernel needs; a lab's own imports come on top.
PRELOADED = (
    "torch",
    *labs.TORCH_IMPORTS_LATE,
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "course_tools.grader.jail.kernel",
)
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")  # differs from run to run, and says nothing


@dataclass(frozen=True)
class Job:
    """One submission to run: plain data, so that it can travel to another process or machine.

    root: the course folder, at the same place wherever the job runs
    checks: whether the visible checks run, too; they decide nothing
    experiments: whether the lab's own experiments run, too; no answer needs them
    """

    lab: str
    root: str
    notebook: str
    limits: Limits
    seed: int = 0
    unsafe: bool = False
    cold: bool = False
    checks: bool = True
    experiments: bool = False


@dataclass
class Result:
    """What came of a job: plain data again.

    outcomes: of each hidden test, in order: name, passed, and a reason for the instructor
    broken: what an answer uses although its exercise forbids it, by the grade id of the exercise's check: its points
        are withheld until a person has looked; no entry where no rule is broken
    outputs: of each cell that ran, by its id
    notes: cells that failed or cost the kernel its life, a line each
    """

    outcomes: list[tuple[str, bool, str]] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, list[NotebookNode]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0


def run(job: Job) -> Result:
    """Execute and judge. Raises `SandboxError` where the jail, not the submission, is at fault."""
    torch.set_num_threads(1)  # the same numbers on every machine, and one core for each submission
    started = time.monotonic()
    lab = labs.Lab(job.lab, Path(job.root))
    notebook = nbformat.reads(job.notebook, as_version=4)
    with runtime.environment(COURSE_PROGRESS="off", COURSE_DEVICE="cpu"):
        tests = hidden_tests.load(lab.judge)
        forbidden = rules.of(labs.read_source(lab))
        attempt = _Attempt(job, notebook, tests, forbidden, started + job.limits.submission_seconds)
        for number in range(MOST_KERNELS):
            if attempt.finished:
                break
            with _jail(lab, job) as jail:
                attempt.go_on(jail, first=number == 0)
    result = attempt.result
    done = {name: (name, passed, reason) for name, passed, reason in result.outcomes}
    lost = f"not tried: the kernel was lost {MOST_KERNELS} times"
    result.outcomes = [done.get(test.name, (test.name, False, lost)) for test in tests]
    result.seconds = time.monotonic() - started
    return result


class _Attempt:
    """The state of one submission over the kernels that it uses up."""

    def __init__(
        self,
        job: Job,
        notebook: NotebookNode,
        tests: tuple[hidden_tests.HiddenTest, ...],
        forbidden: rules.Rules,
        deadline: float,
    ) -> None:
        self.job, self.deadline, self.forbidden, self.result = job, deadline, forbidden, Result()
        lab = labs.Lab(job.lab, Path(job.root))
        left_out = set() if job.experiments else labs.experiments(notebook, notebooks.read(lab.released))
        self.cells = [
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and cell.source.strip() and cell.id not in left_out
        ]
        self.tests = list(tests)  # not judged yet
        # Everything but the lab's own checks and experiments may hold, or name, what an answer uses.
        own = {str(cell.id): cell.source for cell in notebook.cells if cell.cell_type == "code"}
        named = rules.named(own | labs.definitions(notebook), forbidden)
        for test in tests:
            self._note_use(test.exercise, named.get(rules.exercise_of(test.exercise), []))

    @property
    def finished(self) -> bool:
        return not self.tests

    def go_on(self, jail: Jail, *, first: bool) -> None:
        """Run the cells in a fresh kernel, and judge until there is nothing left to judge or the kernel is lost."""
        job = self.job
        with KernelSession(jail, lab=job.lab, limits=job.limits, seed=job.seed, deadline=self.deadline) as session:
            for cell in list(self.cells):
                if sanitise.kind_of(cell) == sanitise.CHECK and not (first and job.checks):
                    continue
                if time.monotonic() > self.deadline:
                    self._note(f"cells from {sanitise.title(cell)} on did not run: the time was over")
                    break
                try:
                    ran = session.run_cell(cell.source)
                except KernelLost as lost:
                    self.cells.remove(cell)
                    self._note(f"{sanitise.title(cell)} {lost}: left out")
                    return
                self._keep(cell, ran)
            student = Student(session.send)
            while self.tests:
                test = self.tests.pop(0)
                verdict = hidden_tests.judge((test,), student, seed=job.seed, forbidden=self.forbidden)
                (outcome,) = verdict.outcomes
                self._note_use(test.exercise, outcome.used)
                self.result.outcomes.append((test.name, outcome.passed, _one_line(outcome.reason)))
                if session.lost:
                    return

    def _keep(self, cell: NotebookNode, ran: CellOutputs) -> None:
        if cell.id not in self.result.outputs:
            self.result.outputs[cell.id] = ran.outputs
            if ran.error and sanitise.kind_of(cell) != sanitise.CHECK:
                self._note(f"{sanitise.title(cell)}: {ran.error}")

    def _note_use(self, exercise: str, used: Iterable[str]) -> None:
        known = self.result.broken.get(exercise, [])
        if new := set(used) - set(known):
            self.result.broken[exercise] = sorted({*known, *new})

    def _note(self, text: str) -> None:
        text = _one_line(text)
        if text not in self.result.notes:
            self.result.notes.append(text)


def _one_line(text: str) -> str:
    """`text` without line breaks, control characters and addresses, and not too long: it goes into a table."""
    line = " ".join(ADDRESS.sub("0x…", text).split()).replace("NotImplementedError:", "not written yet")
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"


# --- jails: one that has all imports ready is kept for the next submission

_idle: dict[tuple[str, tuple[str, ...], bool, bool], list[Jail]] = {}
_lock = threading.Lock()
_nested_refused = False


@contextmanager
def _jail(lab: labs.Lab, job: Job) -> Iterator[Jail]:
    global _nested_refused
    released = lab.released.parent.parent
    key = (str(released), preloaded(lab), job.unsafe, job.cold or _nested_refused)
    jail = None
    with _lock:
        while _idle.get(key) and jail is None:
            jail = _idle[key].pop()
            jail = jail if jail.alive else None
    if jail is None:
        jail = Jail(labs=released, preload=key[1], unsafe=key[2], cold=key[3])
        if jail.mode == "flat" and not key[3]:  # namespaces inside namespaces are refused here: a jail for each kernel
            jail.close()
            _nested_refused, key = True, (*key[:3], True)
            jail = Jail(labs=released, preload=key[1], unsafe=key[2], cold=True)
    try:
        yield jail
    except BaseException:
        jail.close()
        raise
    if jail.alive and not jail.single_use:
        with _lock:
            _idle.setdefault(key, []).append(jail)
    else:
        jail.close()


@atexit.register
def close_jails() -> None:
    """End the jails that wait for another submission."""
    with _lock:
        for jails in _idle.values():
            for jail in jails:
                with suppress(SandboxError, OSError):
                    jail.close()
        _idle.clear()


def preloaded(lab: labs.Lab) -> tuple[str, ...]:
    """The modules that kernels for this lab share: those that the released notebook imports at the top of a cell."""
    names = dict.fromkeys(PRELOADED)
    for cell in nbformat.read(lab.released, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import):
                names |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= dict.fromkeys([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return tuple(names)
