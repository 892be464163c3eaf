"""The grader graded: does the judge give full marks to right answers, none to a blank lab, and catch each mistake?

Right answers are judged once more in float32: a student who allocates `torch.zeros(…)` is as right as the solution.
The visible checks of what a right answer replaces must be green: what earns points must not be called wrong before. One
of a wrong answer's must be red, or `wrong.py` says why not: nobody should learn of a mistake by losing points for it.
Answers that hand the work on to the library must be seen by the rules, and nothing else may be.
Runs the instructor's own code only, so nothing is jailed. Every case has a time limit and a process of its own, forked
from a worker that has loaded the lab already: what its set-up and its judge import takes longer than most mutants.
"""

import io
import json
import os
import select
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, Self

import torch
from torch import Tensor

from course_tools.grader import forks, labs
from course_tools.grader.judge import answers, hidden_tests, mutants, rules
from course_tools.grader.judge.agent import Agent
from course_tools.grader.judge.student import Student, in_process
from course_tools.notebook_code import FAILURES, run_cells
from course_utils.command import notebooks
from course_utils.errors import CourseError

SEEDS = range(5)
SECONDS = 60.0  # for one answer
# A mutant may loop for ever. It gets this many seconds, and some times what its tests take of the solution.
MUTANT_SECONDS, MUTANT_TIMES = 2.0, 5.0
SURVIVED = "survived"
ENDS = ("caught", "equivalent", "survived")
LEAST_KILLED = 0.95  # share of the mutants that are no equivalents


@dataclass(frozen=True)
class Case:
    """One set of cells to judge.

    expected: "full", "none", "caught" (a mutant), "float32" (full where no dtype is asked for, and nothing where one
        is), "forbidden" (a delegation), or the names of tests of which each must fail
    seen: the legs of the rules that must see a delegation
    unseen: why no visible check notices a wrong answer; "" where one must
    """

    lab: labs.Lab
    kind: str
    name: str
    cells: Mapping[str, str]
    expected: str | tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    changed: tuple[str, ...] = ()  # the solution cells that it replaces
    seen: tuple[str, ...] = ()
    unseen: str = ""
    mistake: str = ""  # a mutant's kind


@dataclass(frozen=True)
class Finding:
    """What became of one case; `fault` is empty where it is as expected."""

    case: Case
    fault: str


@dataclass
class Report:
    """All findings of one lab. survivors: mutants that no test caught; equivalents: those listed as harmless."""

    lab: labs.Lab
    findings: list[Finding] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    equivalents: dict[str, str] = field(default_factory=dict)
    mutants: int = 0
    kinds: dict[str, Counter[str]] = field(default_factory=dict)  # what became of the mutants of each kind

    @property
    def killed(self) -> float:
        """Share of the mutants caught, those listed as equivalent left out of both counts."""
        counted = self.mutants - len(self.equivalents)
        return (counted - len(self.survivors)) / counted if counted else 1.0

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it must be, a line each."""
        found = [f"{each.case.kind} {each.case.name}: {each.fault}" for each in self.findings if each.fault]
        if self.mutants and self.killed < LEAST_KILLED:
            found.append(f"only {self.killed:.0%} of the mutants were caught: {'; '.join(self.survivors)}")
        return found

    def __str__(self) -> str:
        kinds = ("wrong", "right", "float32", "delegation")
        numbers = {kind: sum(each.case.kind == kind for each in self.findings) for kind in kinds}
        unseen = sum(bool(each.case.unseen) for each in self.findings)
        lines = [
            f"{self.lab.name}: solution and blank lab, {numbers['wrong']} wrong and {numbers['right']} right answers"
            + (", solution and right answers in float32" if numbers["float32"] else "")
            + (f", {numbers['delegation']} delegations" if numbers["delegation"] else "")
            + (f", {unseen} wrong ones that no visible check sees" if unseen else "")
            + (f", {self.mutants} mutants, {self.killed:.1%} caught" if self.mutants else "")
        ]
        for kind, counts in sorted(self.kinds.items()):
            lines.append(f"  {kind}: " + ", ".join(f"{counts[end]} {end}" for end in ENDS))
        lines += [f"  survived: {name}" for name in self.survivors]
        lines += [f"  FAULT: {fault}" for fault in self.faults] or ["  no fault"]
        return "\n".join(lines)


def audit(
    lab: labs.Lab,
    *,
    with_answers: bool = True,
    with_mutants: bool = True,
    jobs: int = 1,
    on_case: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Judge the answers (the solution, the blank lab, every wrong and right one) and the mutants of `lab`.

    on_case: told after each case how many of how many are done
    Raises `CourseError` for an answer file that names a cell or a test that does not exist.
    """
    report = Report(lab)
    listed = _listed_equivalents(lab)
    free = tuple(name.removesuffix("*") for name in listed if name.endswith("*"))
    cases = list(_answer_cases(lab)) if with_answers else []
    if with_mutants:
        cases += [case for case in _mutant_cases(lab) if not case.name.startswith(free)]
    with _Workers(lab, jobs) as workers, ThreadPoolExecutor(jobs) as pool:
        for done, (case, fault) in enumerate(zip(cases, pool.map(workers.judge, cases), strict=True), start=1):
            on_case(done, len(cases))
            if case.kind != "mutant":
                report.findings.append(Finding(case, fault))
                continue
            report.mutants += 1
            end = "equivalent" if case.name in listed else "survived" if fault == SURVIVED else "caught"
            report.kinds.setdefault(case.mistake, Counter())[end] += 1
            if case.name in listed:
                report.equivalents[case.name] = listed[case.name]
                if not fault:
                    report.findings.append(Finding(case, "listed as equivalent, but a test catches it"))
            elif fault == SURVIVED:
                report.survivors.append(case.name)
            elif fault:
                report.findings.append(Finding(case, fault))
    unknown = {name for name in listed if not name.endswith("*")} - set(report.equivalents) if with_mutants else ()
    report.findings += [
        Finding(Case(lab, "equivalent", name, {}, "full"), "is no mutant any more: delete the line") for name in unknown
    ]
    return report


def _answer_cases(lab: labs.Lab) -> Iterator[Case]:
    source = labs.read_source(lab)
    solution = labs.definitions(source)
    names = {test.name for test in hidden_tests.load(lab.judge)}
    yield Case(lab, "solution", lab.name, solution, "full", tuple(SEEDS))
    yield Case(lab, "float32", lab.name, solution, "float32", tuple(SEEDS))
    yield Case(lab, "blank", lab.name, labs.definitions(notebooks.read(lab.released)), "none")
    for answer in answers.read(lab.answers("right"), solution):
        yield Case(lab, "right", answer.name, answer.cells, "full", tuple(SEEDS), answer.replaced)
        yield Case(lab, "float32", answer.name, answer.cells, "float32", changed=answer.replaced)
    for answer in answers.read(lab.answers("wrong"), solution):
        if not answer.fails or not set(answer.fails) <= names:
            raise CourseError(
                f"{lab.answers('wrong')}, {answer.name}: needs `# fails: …` with tests of {lab.judge}, "
                f"not {', '.join(answer.fails) or 'none'}"
            )
        yield Case(lab, "wrong", answer.name, answer.cells, answer.fails, changed=answer.replaced, unseen=answer.unseen)
    delegates = answers.read(lab.answers("delegates"), solution)
    tried = {cell for answer in delegates for cell in answer.replaced}
    if untried := set(rules.of(source)) - tried:
        raise CourseError(f"{lab.answers('delegates')}: no answer breaks the rules of {', '.join(sorted(untried))}")
    for answer in delegates:
        yield Case(lab, "delegation", answer.name, answer.cells, "forbidden", changed=answer.replaced, seen=answer.seen)


def _mutant_cases(lab: labs.Lab) -> Iterator[Case]:
    solution = labs.definitions(labs.read_source(lab))
    for name, source in solution.items():
        if name == labs.SETUP_TAG:
            continue
        seen: dict[str, int] = {}
        for mutant in mutants.mutate(source):
            # The same change may occur twice in one line, or in two equal lines.
            seen[mutant.change] = seen.get(mutant.change, 0) + 1
            again = f" ({seen[mutant.change]})" if seen[mutant.change] > 1 else ""
            title = f"{name}: {mutant.change}{again}"
            cells = {**solution, name: mutant.source}
            yield Case(lab, "mutant", title, cells, "caught", changed=(name,), mistake=mutant.kind)


def _listed_equivalents(lab: labs.Lab) -> dict[str, str]:
    """Mutants that are no mistakes, each with the reason; `cell: *` stands for a cell whose design is free."""
    if not lab.equivalents.is_file():
        return {}
    return dict(tomllib.loads(lab.equivalents.read_text(encoding="utf-8")))


class _Workers:
    """Processes that have loaded a lab, each of which judges one case at a time."""

    def __init__(self, lab: labs.Lab, count: int) -> None:
        self.context = forks.context()
        self.lab, self.idle = lab, SimpleQueue[Connection]()
        self.processes = [self._start() for _ in range(count)]

    def _start(self) -> BaseProcess:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_work, args=(self.lab, theirs))
        process.start()
        theirs.close()
        self.idle.put(ours)
        return process

    def judge(self, case: Case) -> str:
        """The fault of `case`; a mutant's is that it survived. Raises `CourseError` where the lab cannot be loaded."""
        worker = self.idle.get()
        try:
            worker.send((case, SECONDS))
            answer = worker.recv()
        except (EOFError, OSError):
            raise CourseError(f"{case.kind} {case.name} ended the audit's worker: is there memory enough?") from None
        finally:
            self.idle.put(worker)
        if isinstance(answer, CourseError):
            raise answer
        return str(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.terminate()
            process.join()


def _work(lab: labs.Lab, cases: Connection) -> None:
    """Runs in a worker: judge case by case, each in a fork of this process, until nobody asks any more."""
    torch.set_num_threads(1)
    os.environ.update(COURSE_PROGRESS="off", COURSE_DEVICE="cpu", MPLBACKEND="agg")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that it ends the case, too
    loaded: _Loaded | None = None
    with suppress(EOFError):
        while True:
            case, seconds = cases.recv()
            try:
                loaded = loaded or _Loaded.of(lab)
                cases.send(_judge_in_fork(case, loaded, seconds))
            except CourseError as error:
                cases.send(error)


@dataclass
class _Loaded:
    """What all cases of a lab share.

    cells: the code of the solution's notebook, by grade id or id, in order
    seconds: what each test takes of the solution, once it has been measured
    """

    tests: tuple[hidden_tests.HiddenTest, ...]
    forbidden: rules.Rules
    solution: Mapping[str, str]
    cells: Mapping[str, str]
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, lab: labs.Lab) -> Self:
        source = labs.read_source(lab)
        cells = {
            str(notebooks.nbgrader_fields(cell).get("grade_id") or cell.id): cell.source
            for cell in source.cells
            if cell.cell_type == "code"
        }
        loaded = cls(hidden_tests.load(lab.judge), rules.of(source), labs.definitions(source), cells)
        labs.namespace({labs.SETUP_TAG: loaded.solution.get(labs.SETUP_TAG, "")})  # its imports
        return loaded

    def own_tests(self, case: Case) -> tuple[hidden_tests.HiddenTest, ...]:
        """The tests of the exercises that a case changes."""
        return tuple(test for test in self.tests if rules.exercise_of(test.exercise) in case.changed)

    def measure(self) -> None:
        """Judge the solution, and note how long each test takes: mutants meet the quick ones first."""
        verdict = hidden_tests.judge(self.tests, in_process(labs.namespace(self.solution)))
        self.seconds = {outcome.test.name: outcome.seconds for outcome in verdict.outcomes}


def _judge_in_fork(case: Case, loaded: _Loaded, seconds: float) -> str:
    if mutant := case.kind == "mutant":
        if not loaded.seconds:
            loaded.measure()
        seconds = MUTANT_SECONDS + MUTANT_TIMES * sum(loaded.seconds[test.name] for test in loaded.own_tests(case))
    ours, theirs = os.pipe()
    process = os.fork()
    if process == 0:
        with suppress(BaseException):
            os.close(ours)
            os.write(theirs, json.dumps(_judge_case(case, loaded)).encode())
        os._exit(0)
    os.close(theirs)
    try:
        # No answer in time, or no process left, means that a mutant was noticed.
        if not select.select([ours], [], [], seconds)[0]:
            return "" if mutant else f"took more than {seconds:.0f} s"
        with os.fdopen(os.dup(ours), "rb") as pipe:
            answer = pipe.read()
        return str(json.loads(answer)) if answer else "" if mutant else "the process died"
    finally:
        os.close(ours)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _judge_case(case: Case, loaded: _Loaded) -> str:
    """Runs in the forked process: judge under every seed, and give the first fault."""
    tests, own = loaded.tests, loaded.own_tests(case)
    if isinstance(case.expected, tuple):
        tests = tuple(test for test in tests if test.name in case.expected)
    elif case.kind == "mutant":
        # The exercise's own tests must notice: they say where the mistake is. The quickest come first.
        tests = tuple(sorted(own, key=lambda test: loaded.seconds[test.name]))
    elif case.expected == "forbidden":
        tests = own  # what it earns does not matter
    forbidden = {} if case.kind == "mutant" else loaded.forbidden  # a mutant uses what the solution uses
    read = rules.named(case.cells, forbidden)
    names = labs.namespace(case.cells)
    for seed in case.seeds:
        if seed != case.seeds[0] and own:
            tests = own  # the rest is the solution's code, which is judged under every seed by itself
        student = Student(_Float32Agent(names).answer) if case.expected == "float32" else in_process(names)
        try:
            verdict = hidden_tests.judge(
                tests, student, seed=seed, forbidden=forbidden, stop_at_failure=case.kind == "mutant"
            )
        except CourseError as error:  # the judge's own
            return str(error)
        if fault := _fault(case, verdict) or _rule_fault(case, read, verdict.used):
            return fault
    if case.kind == "right":
        red = _red_checks(case, loaded)
        return "; ".join(f"hidden tests green, but {title} red: {said}" for title, said in red.items())
    if case.kind == "wrong":
        return _unseen_fault(case, _red_checks(case, loaded))
    return ""


def _unseen_fault(case: Case, red: Mapping[str, str]) -> str:
    if not red and not case.unseen:
        return "hidden tests red, but every visible check of it green: widen one, or say why, `# unseen: …`"
    return f"`# unseen: …`, but {', '.join(red)} is red: delete the line" if red and case.unseen else ""


def _red_checks(case: Case, loaded: _Loaded) -> dict[str, str]:
    """The visible checks that an answer fails, of the cells that it replaces, each with what it says."""
    checks = [f"check_{name}" for name in case.changed if f"check_{name}" in loaded.cells]
    answered = {title: case.cells.get(title, source) for title, source in loaded.cells.items()}
    names: dict[str, Any] = {"__name__": "lab"}
    with redirect_stdout(io.StringIO()):
        run_cells(labs.needed_for(answered, checks), names)
    return {title: said for title, said in names.get(FAILURES, {}).items() if title in checks}


class _Float32Agent(Agent):
    """The agent of a student who puts every answer into a float32 tensor, whatever dtype it is asked in."""

    def run(self, called: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return _in_float32(super().run(called, args, kwargs))


def _in_float32(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_in_float32, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(_in_float32, value))
    if isinstance(value, dict):
        return {key: _in_float32(item) for key, item in value.items()}
    return value


def _rule_fault(case: Case, read: Mapping[str, list[str]], ran: Mapping[str, set[str]]) -> str:
    """What the rules' two legs saw of a right answer, or did not see of a delegation."""
    if case.expected == "forbidden":
        legs = {"read": set(read), "run": {rules.exercise_of(check) for check in ran}}
        blind = [leg for leg, seen in legs.items() if (leg in case.seen) != (set(case.changed) <= seen)]
        told = ", ".join(f"{leg}: {', '.join(sorted(seen)) or 'nothing'}" for leg, seen in legs.items())
        return f"must be seen by {' and '.join(case.seen)} in {', '.join(case.changed)}; saw {told}" if blind else ""
    if case.expected in ("full", "float32", "none") and (read or ran):
        return "forbidden, though right: " + "; ".join(
            f"{exercise} uses {', '.join(sorted(used))}" for exercise, used in {**read, **ran}.items()
        )
    return ""


def _fault(case: Case, verdict: hidden_tests.Verdict) -> str:
    reasons = {outcome.test.name: outcome.reason for outcome in verdict.outcomes if not outcome.passed}
    if case.expected == "caught":
        return "" if reasons else SURVIVED
    if case.expected == "float32":
        asked = [outcome.test.name for outcome in verdict.outcomes if outcome.test.asks_dtype]
        blind = [f"{name}: asks for a dtype, but takes float32" for name in asked if name not in reasons]
        return "; ".join([f"{name}: {reason}" for name, reason in reasons.items() if name not in asked] + blind)
    if case.expected == "forbidden":
        return ""
    if case.expected == "full":
        return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    if case.expected == "none":
        passed = [outcome.test.name for outcome in verdict.outcomes if outcome.passed]
        return f"passed {', '.join(passed)} without an answer" if passed else ""
    missed = [name for name in case.expected if name not in reasons]
    return f"not noticed by {', '.join(missed)}" if missed else ""
