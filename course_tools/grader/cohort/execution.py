"""One submission, from its clean notebook to its hidden tests' outcomes. Runs wherever the pool puts it.

The notebook runs cell by cell in a jailed kernel, then the hidden tests call what it defined, exercise by exercise. A
cell that costs the kernel its life, or that cannot be stopped, is left out: a new kernel runs the others again. A call
that does so, or that takes too long, costs its exercise and no other. Time is shared out in the same way: the cells get
half of it at most, and each exercise its part of what is left. An exercise that failed, and rests on another one that
failed, is judged once more with the solution in that one's place: nobody pays twice for one mistake.
"""

import ast
import atexit
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
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

CELLS_SHARE = 0.5  # of a submission's time, for its cells
CHECK_SECONDS = 30  # of a visible check, which decides nothing
LONGEST_REASON = 200
NOT_TRIED = "not tried: "  # begins the reason of a test that another one's end kept from being judged
# What every kernel needs; a lab's own imports come on top.
PRELOADED = (
    "torch",
    *labs.TORCH_IMPORTS_LATE,
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "course_tools.grader.jail.kernel",
)
NOT_WRITTEN = re.compile(r"\bNotImplementedError:\s*$")  # what a stub raises says no more
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")  # differs from run to run, and says nothing


@dataclass(frozen=True)
class Job:
    """One submission to run: plain data, so that it can travel to another process or machine.

    root: the course folder, at the same place wherever the job runs
    checks: whether the visible checks run, too; they decide nothing
    experiments: whether the lab's own experiments run, too; no answer needs them
    tests: the hidden tests to judge, each with a digest of its code; all, where there is none
    concealed: places that no submission may see, wherever they lie: the course's own, and other submissions
    """

    lab: str
    root: str
    notebook: str
    limits: Limits
    seed: int = 0
    unsafe: bool = False
    cold: bool = False
    checks: bool = False
    experiments: bool = False
    tests: dict[str, str] = field(default_factory=dict)
    concealed: tuple[str, ...] = ()


@dataclass
class Result:
    """What came of a job: plain data again.

    outcomes: of each hidden test, in order: name, passed, and a reason for the instructor
    broken: what an answer uses although its exercise forbids it, by the grade id of the exercise's check: its points
        are withheld until a person has looked; no entry where no rule is broken
    outputs: of each cell that ran, by its id
    notes: cells that failed or cost the kernel its life, a line each
    trouble: why the submission could not be graded, by no fault of its answers; "" where it was
    judged: the digests of the tests that the outcomes are of, by name
    """

    outcomes: list[tuple[str, bool, str]] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, list[NotebookNode]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0
    trouble: str = ""
    judged: dict[str, str] = field(default_factory=dict)


def run(job: Job) -> Result:
    """Execute and judge. Raises `CourseError` where the jail or the judge, not the submission, is at fault."""
    torch.set_num_threads(1)  # the same numbers on every machine, and one core for each submission
    started = time.monotonic()
    lab = labs.Lab(job.lab, Path(job.root))
    notebook = nbformat.reads(job.notebook, as_version=4)
    with runtime.environment(COURSE_PROGRESS="off", COURSE_DEVICE="cpu"):
        tests = [test for test in hidden_tests.load(lab.judge) if not job.tests or test.name in job.tests]
        source = labs.read_source(lab)
        attempt = _Attempt(job, notebook, tests, rules.of(source), started)
        attempt.finish(lab)
        _judge_follow_ons(attempt, notebook, tests, labs.definitions(source))
    result = attempt.result
    outcomes = {outcome[0]: outcome for outcome in result.outcomes}
    result.outcomes = [outcomes[test.name] for test in tests]
    result.judged = dict(job.tests)
    result.seconds = time.monotonic() - started
    return result


class _Attempt:
    """The state of one submission over the kernels that it uses up: each loses a cell or an exercise, or is the last.

    cells: those that still run; exercises: those not judged yet, each as its hidden tests that are to be judged
    """

    def __init__(
        self,
        job: Job,
        notebook: NotebookNode,
        tests: list[hidden_tests.HiddenTest],
        forbidden: rules.Rules,
        started: float,
    ) -> None:
        self.job, self.forbidden, self.result, self.first = job, forbidden, Result(), True
        self.deadline = started + job.limits.submission_seconds
        self.cells_deadline = started + job.limits.submission_seconds * CELLS_SHARE
        lab = labs.Lab(job.lab, Path(job.root))
        left_out = set() if job.experiments else labs.experiments(notebook, notebooks.read(lab.released))
        self.cells = [
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and cell.source.strip() and cell.id not in left_out
        ]
        names = dict.fromkeys(test.exercise for test in tests)
        self.exercises = [[test for test in tests if test.exercise == name] for name in names]
        # Everything but the lab's own checks and experiments may hold, or name, what an answer uses.
        own = {str(cell.id): cell.source for cell in notebook.cells if cell.cell_type == "code"}
        named = rules.named(own | labs.definitions(notebook), forbidden)
        for exercise in names:
            self.note_use(exercise, named.get(rules.exercise_of(exercise), []))

    def finish(self, lab: labs.Lab) -> None:
        """Judge all exercises, in as many kernels as that takes."""
        while self.exercises:
            asked = time.monotonic()
            with _jail(lab, self.job) as jail:
                self.go_on(jail, asked)

    def go_on(self, jail: Jail, asked: float) -> None:
        """Run the cells in a fresh kernel, and judge until there is nothing left to judge or the kernel is lost.

        asked: when the jail was asked for; how long it and the kernel took to start is nobody's time
        """
        job, first, self.first = self.job, self.first, False
        with KernelSession(jail, lab=job.lab, limits=job.limits, seed=job.seed, deadline=self.deadline) as session:
            waited = time.monotonic() - asked
            self.deadline += waited
            self.cells_deadline += waited
            for cell in list(self.cells):
                check = sanitise.kind_of(cell) == sanitise.CHECK
                if check and not (first and job.checks):
                    continue
                if time.monotonic() > self.cells_deadline:
                    self.note(f"cells from {sanitise.title(cell)} on did not run: the time for cells was over")
                    self.cells = self.cells[: self.cells.index(cell)]
                    break
                try:
                    session.deadline = self.cells_deadline
                    ran = session.run_cell(cell.source, seconds=CHECK_SECONDS if check else None)
                except KernelLost as lost:
                    self.cells.remove(cell)
                    self.note(f"{sanitise.title(cell)} {lost}: left out")
                    return
                self._keep(cell, ran)
            self.cells_deadline = self.deadline  # what ran once may run again
            while self.exercises and not session.lost:
                now = time.monotonic()
                session.deadline = now + (self.deadline - now) / len(self.exercises)
                self._judge(self.exercises.pop(0), session)

    def _judge(self, tests: list[hidden_tests.HiddenTest], session: KernelSession) -> None:
        """The outcomes of one exercise's tests; behind a lost kernel or a call out of time, no other is tried."""
        student = Student(session.send)
        session.timed_out = False
        cause = ""
        for test in tests:
            if cause:
                self.result.outcomes.append((test.name, False, f"{NOT_TRIED}{cause}"))
                continue
            verdict = hidden_tests.judge((test,), student, seed=self.job.seed, forbidden=self.forbidden)
            (outcome,) = verdict.outcomes
            self.note_use(test.exercise, outcome.used)
            self.result.outcomes.append((test.name, outcome.passed, one_line(outcome.reason)))
            if session.lost or session.timed_out:
                cause = one_line(f"{test.name}: {session.lost or outcome.reason}")

    def _keep(self, cell: NotebookNode, ran: CellOutputs) -> None:
        if cell.id not in self.result.outputs:
            self.result.outputs[cell.id] = ran.outputs
            if ran.error and sanitise.kind_of(cell) != sanitise.CHECK:
                self.note(f"{sanitise.title(cell)}: {ran.error}")

    def note_use(self, exercise: str, used: Iterable[str]) -> None:
        known = self.result.broken.get(exercise, [])
        if new := set(used) - set(known):
            self.result.broken[exercise] = sorted({*known, *new})

    def note(self, text: str) -> None:
        text = one_line(text)
        if text not in self.result.notes:
            self.result.notes.append(text)


def _judge_follow_ons(
    attempt: _Attempt,
    notebook: NotebookNode,
    tests: list[hidden_tests.HiddenTest],
    solution: Mapping[str, str],
) -> None:
    """Judge the exercises that failed once more, with the solution's cells for those failed ones that they rest on."""
    job, result = attempt.job, attempt.result
    lab = labs.Lab(job.lab, Path(job.root))
    blank, answers = labs.definitions(notebooks.read(lab.released)), labs.definitions(notebook)
    passed = {name: ok for name, ok, _ in result.outcomes}
    failed = {rules.exercise_of(test.exercise) for test in tests if not passed[test.name]}
    needs = labs.dependencies(answers)
    for exercise in [name for name in answers if name in failed and answers[name] != blank.get(name)]:
        wrong = failed & needs[exercise]
        if not wrong or time.monotonic() > attempt.deadline:
            continue
        mended = deepcopy(notebook)
        for cell in mended.cells:
            if (name := notebooks.nbgrader_fields(cell).get("grade_id")) in wrong:
                cell.source = solution[name]
        own = [test for test in tests if rules.exercise_of(test.exercise) == exercise and not passed[test.name]]
        again = _Attempt(replace(job, checks=False), mended, own, attempt.forbidden, time.monotonic())
        again.deadline = attempt.deadline
        again.finish(lab)
        judged = {outcome[0]: outcome for outcome in again.result.outcomes}
        result.outcomes = [judged.get(outcome[0], outcome) for outcome in result.outcomes]
        now_right = [name for name, ok, _ in judged.values() if ok]
        if now_right:
            attempt.note(f"{exercise} was judged with the course's own {', '.join(sorted(wrong))}")
        for check, used in again.result.broken.items():
            attempt.note_use(check, used)
        if len(now_right) == len(own):
            failed.remove(exercise)


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and addresses, and not too long: it goes into a table."""
    line = NOT_WRITTEN.sub("not written yet", " ".join(ADDRESS.sub("0x…", text).split()))
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"


# --- jails: one that has all imports ready is kept for the next submission

_idle: dict[tuple[str, tuple[str, ...], tuple[str, ...], bool, bool], list[Jail]] = {}
_lock = threading.Lock()
_nested_refused = False


@contextmanager
def _jail(lab: labs.Lab, job: Job) -> Iterator[Jail]:
    global _nested_refused
    released = lab.released.parent.parent
    kind = (str(released), preloaded(lab), job.concealed, job.unsafe)
    key = (*kind, job.cold or _nested_refused)
    jail = None
    with _lock:
        while _idle.get(key) and jail is None:
            jail = _idle[key].pop()
            jail = jail if jail.alive else None
    if jail is None:
        jail = _new_jail(released, key)
        if jail.mode == "flat" and not key[-1]:  # namespaces inside namespaces are refused here: a jail for each kernel
            jail.close()
            _nested_refused, key = True, (*kind, True)
            jail = _new_jail(released, key)
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


def _new_jail(released: Path, key: tuple[str, tuple[str, ...], tuple[str, ...], bool, bool]) -> Jail:
    _, preload, concealed, unsafe, cold = key
    return Jail(labs=released, preload=preload, concealed=tuple(map(Path, concealed)), unsafe=unsafe, cold=cold)


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
