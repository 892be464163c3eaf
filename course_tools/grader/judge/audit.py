"""The grader graded: does the judge give full marks to right answers, none to a blank lab, and catch each mistake?

Right answers are judged once more in float32: a student who allocates `torch.zeros(…)` is as right as the solution.
Answers that hand the work on to the library must be seen by the rules, and nothing else may be.
Runs the instructor's own code only, so nothing is jailed; every case has a process of its own, forked from a server
that has imported torch already, and a time limit.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

import torch
from torch import Tensor

from course_tools.grader import forks, labs
from course_tools.grader.judge import answers, hidden_tests, mutants, rules
from course_tools.grader.judge.agent import Agent
from course_tools.grader.judge.student import Student, in_process
from course_utils.command import notebooks
from course_utils.errors import CourseError

SEEDS = range(5)
SECONDS = 60.0  # for one answer
MUTANT_SECONDS = 20.0  # a mutant may loop for ever
SURVIVED = "survived"
LEAST_KILLED = 0.9  # share of the mutants that are no equivalents


@dataclass(frozen=True)
class Case:
    """One set of cells to judge.

    expected: "full", "none", "caught" (a mutant), "float32" (full where no dtype is asked for, and nothing where one
        is), "forbidden" (a delegation), or the names of tests of which each must fail
    seen: the legs of the rules that must see a delegation
    """

    lab: labs.Lab
    kind: str
    name: str
    cells: Mapping[str, str]
    expected: str | tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    changed: tuple[str, ...] = ()  # the solution cells that it replaces
    seen: tuple[str, ...] = ()


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
        counts = {kind: sum(each.case.kind == kind for each in self.findings) for kind in kinds}
        lines = [
            f"{self.lab.name}: solution and blank lab, {counts['wrong']} wrong and {counts['right']} right answers"
            + (", solution and right answers in float32" if counts["float32"] else "")
            + (f", {counts['delegation']} delegations" if counts["delegation"] else "")
            + (f", {self.mutants} mutants, {self.killed:.1%} caught" if self.mutants else "")
        ]
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
    context = forks.context()
    with ThreadPoolExecutor(jobs) as pool:
        for done, (case, fault) in enumerate(
            zip(cases, pool.map(lambda each: _judge_elsewhere(each, context), cases), strict=True), start=1
        ):
            on_case(done, len(cases))
            if case.kind != "mutant":
                report.findings.append(Finding(case, fault))
                continue
            report.mutants += 1
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
        yield Case(lab, "wrong", answer.name, answer.cells, answer.fails)
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
            yield Case(lab, "mutant", title, {**solution, name: mutant.source}, "caught", changed=(name,))


def _listed_equivalents(lab: labs.Lab) -> dict[str, str]:
    """Mutants that are no mistakes, each with the reason; `cell: *` stands for a cell whose design is free."""
    if not lab.equivalents.is_file():
        return {}
    return dict(tomllib.loads(lab.equivalents.read_text(encoding="utf-8")))


def _judge_elsewhere(case: Case, context: ForkServerContext) -> str:
    """The fault of `case`, found in a process of its own; a mutant's is that it survived."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_judge_case, args=(case, theirs), daemon=True)
    process.start()
    theirs.close()
    mutant = case.kind == "mutant"  # no answer in time, or no process left, means that the mutation was noticed
    try:
        in_time = ours.poll(MUTANT_SECONDS if mutant else SECONDS)
        fault = ours.recv() if in_time else "" if mutant else f"took more than {SECONDS:.0f} s"
    except EOFError:
        fault = "" if mutant else "the process died"
    process.kill()
    process.join()
    return fault


def _judge_case(case: Case, answer: Connection) -> None:
    """Runs in the forked process: judge under every seed, and send the first fault."""
    torch.set_num_threads(1)
    os.environ["COURSE_PROGRESS"] = "off"
    tests = hidden_tests.load(case.lab.judge)
    # Mutants of the solution use what the solution uses.
    forbidden = {} if case.kind == "mutant" else rules.of(labs.read_source(case.lab))
    if isinstance(case.expected, tuple):
        tests = tuple(test for test in tests if test.name in case.expected)
    # The tests of what was changed come first: they are the likeliest to notice.
    own = tuple(test for test in tests if test.exercise.removeprefix("check_") in case.changed)
    tests = own + tuple(test for test in tests if test not in own)
    if case.expected == "forbidden":
        tests = own  # what it earns does not matter
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
            fault = str(error)
        else:
            fault = _fault(case, verdict) or _rule_fault(case, read, verdict.used)
        if fault:
            break
    answer.send(fault)
    answer.close()


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
