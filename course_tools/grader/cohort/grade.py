"""`course grade`: from a folder of submissions to marks. Sanitise and record here, one by one; execute on the pool.

First the lab's own solution, the canary, runs in the same jail: where it does not get full marks, something of ours is
wrong, and nothing is graded. Then each submission has a guard of its own: whatever it holds, the others are graded, and
the table is written.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.grader import labs
from course_tools.grader.cohort import (
    assignment,
    changes,
    deadlines,
    difficulty,
    execution,
    feedback,
    gradebook,
    pool,
    roster,
    submissions,
)
from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.deadlines import Deadline
from course_tools.grader.cohort.gradebook import Graded, Record, Recorder
from course_tools.grader.cohort.sanitise import SOLUTION, Sanitised, kind_of, sanitise
from course_tools.grader.cohort.submissions import Submission
from course_tools.grader.jail import sandbox
from course_utils.command import notebooks
from course_utils.errors import CourseError

MOST_NAMED = 3  # students in one remark
NAMES = "names.json"  # in the grading folder: which student each file's name means


@dataclass(frozen=True)
class Options:
    """How to grade. into: the folder that gets everything; student: the only one to grade, by id or name;
    roster: a CSV of who is in the class; language: of the students' pages; the rest is `pool.run`'s and
    `execution.Job`'s.
    """

    into: Path
    workers: int = 1
    scheduler: str | None = None
    seed: int = 0
    unsafe: bool = False
    cold: bool = False
    force: bool = False
    checks: bool = False
    experiments: bool = False
    student: str | None = None
    roster: Path | None = None
    language: str = "en"


@dataclass(frozen=True)
class Class:
    """One lab of a graded class: a row for each student, and lines for the instructor about the tests."""

    rows: list[Graded]
    warnings: list[str]


@dataclass(frozen=True)
class _Entry:
    """A submission on its way. job: what the pool has to run, None where nothing can be run."""

    submission: Submission
    assignment: Assignment
    clean: Sanitised
    job: execution.Job | None
    look: bool = False  # whether a person has to look where nothing can be run


def grade(
    path: Path,
    root: Path,
    options: Options,
    *,
    lab: str | None = None,
    on_result: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Class]:
    """Grade the submissions under `path`; all students of each lab, those of earlier runs too.

    lab: a name such as `lab03`, or its number; where it is None, each file's own name says its lab
    on_result: told after each submission how many of how many are done
    Raises `CourseError` where there is no sandbox, no submission, or no such lab, and where a lab's own solution does
    not get full marks.
    """
    known = labs.find(root)
    wanted = labs.find(root, [lab])[0].name if lab is not None else None
    options.into.mkdir(parents=True, exist_ok=True)
    students = roster.read(options.roster) if options.roster else []
    ids = roster.Ids(options.into / NAMES, students)
    due = deadlines.read(options.into)
    handed_in = submissions.find(path, [known_lab.name for known_lab in known], wanted, ids=ids, deadlines=due)
    if options.student is not None:
        handed_in = _only(options.student, handed_in, ids)
    if not options.unsafe and options.scheduler is None:
        trouble = sandbox.trouble()
        if trouble:
            raise CourseError(trouble)
    names = {submission.lab for submission in handed_in}
    assignments = {known_lab.name: assignment.read(known_lab) for known_lab in known if known_lab.name in names}
    released = {other.name: notebooks.read(other.released) for other in known if other.released.is_file()}
    # What lies under a folder that the jail shows must not be seen all the same.
    concealed = tuple(str(place.resolve()) for place in (root, options.into, path))
    jobs = _Jobs(options, concealed, {name: changes.of(asked.lab.judge) for name, asked in assignments.items()})
    canaries = {name: jobs.of(asked, asked.source) for name, asked in assignments.items()}
    cache = pool.Cache(options.into / "cache")
    _try_solutions(canaries, cache, options)
    ids.write()
    entries = [_prepare(submission, assignments[submission.lab], released, jobs) for submission in handed_in]
    with Recorder(options.into) as recorder:
        for student_id, student in ids.students.items():
            recorder.enter_student(student_id, name=student.name, email=student.email, lms_id=student.lms_id)
        for asked in assignments.values():
            recorder.open_lab(asked)
        try:
            _run_and_record(entries, canaries, recorder, cache, due, options, on_result)
        finally:
            made = {name: _close(asked, recorder, options) for name, asked in assignments.items()}
    return made


def _only(student: str, handed_in: list[Submission], ids: roster.Ids) -> list[Submission]:
    """The submissions of the student of this id or name. Raises `CourseError` where there is none."""
    wanted = {student, roster.student_id(student)}
    wanted |= {one_id for one_id, one in ids.students.items() if student in (one.name, one.email, one.lms_id)}
    own = [submission for submission in handed_in if submission.student in wanted]
    if not own:
        near = notebooks.nearest(student, {submission.student for submission in handed_in})
        raise CourseError(f"no submission of {student!r} there{near}")
    return own


@dataclass(frozen=True)
class _Jobs:
    """Makes the pool's jobs. digests: of each lab's hidden tests, by name."""

    options: Options
    concealed: tuple[str, ...]
    digests: Mapping[str, dict[str, str]]

    def of(self, asked: Assignment, notebook: NotebookNode) -> execution.Job:
        """What the pool has to run for a notebook of this lab."""
        return execution.Job(
            lab=asked.name,
            root=str(asked.lab.root),
            notebook=nbformat.writes(_code_of(notebook)),
            limits=asked.limits,
            seed=self.options.seed,
            unsafe=self.options.unsafe,
            cold=self.options.cold,
            checks=self.options.checks,
            experiments=self.options.experiments,
            tests=self.digests[asked.name],
            concealed=self.concealed,
        )


def _try_solutions(
    canaries: Mapping[str, execution.Job], cache: pool.Cache, options: Options, *, force: bool = False
) -> None:
    """Raise `CourseError` unless each lab's solution passes every hidden test where submissions run.

    Where it did not when it was last tried, it is tried again: a busy machine may have been the cause.
    """
    work = {pool.key_of(job): job for job in canaries.values()}
    for again in (force or options.force, True):
        results = pool.run(work, cache, workers=options.workers, scheduler=options.scheduler, force=again)
        why = {key: "; ".join(_not_full(result)) for key, result in results}
        work = {key: job for key, job in work.items() if why[key]}
    for key, job in work.items():
        raise CourseError(f"nothing is graded: the solution of {job.lab} does not get full marks here ({why[key]})")


def _not_full(result: execution.Result) -> list[str]:
    """Why a solution's result is not what it must be; nothing where it is."""
    failed = [f"{name}: {reason}" for name, passed, reason in result.outcomes if not passed]
    trouble = [result.trouble.removeprefix("could not be graded: ")] if result.trouble else []
    return trouble + (result.notes + failed if failed else [])


def _prepare(submission: Submission, asked: Assignment, released: Mapping[str, NotebookNode], jobs: _Jobs) -> _Entry:
    """The submission rebuilt on the released notebook. released: of all labs by name, to know one of another lab."""
    try:
        clean = Sanitised(None, submission.trouble)
        if submission.content:
            others = {name: notebook for name, notebook in released.items() if name != asked.name}
            clean = sanitise(submission.content, asked.released, others)
        job = jobs.of(asked, clean.notebook) if clean.notebook is not None else None
        return _Entry(submission, asked, clean, job, look=submission.trouble != submissions.NOTHING)
    except Exception as error:  # whatever the file holds: the others are graded
        return _Entry(submission, asked, Sanitised(None, _could_not(error)), None, look=True)


def _could_not(error: Exception) -> str:
    return f"could not be graded: {execution.one_line(f'{type(error).__name__}: {error}')}"


def _code_of(notebook: NotebookNode) -> NotebookNode:
    """What the result of running it depends on, and no more: neither text, nor outputs, nor points."""
    made = nbformat.from_dict({**notebook, "metadata": {}})
    made.cells = [cell for cell in made.cells if cell.cell_type == "code"]
    for cell in made.cells:
        cell.outputs = []
        for name in ("points", "checksum"):
            cell.metadata.get("nbgrader", {}).pop(name, None)
    return made


def _run_and_record(
    entries: list[_Entry],
    canaries: Mapping[str, execution.Job],
    recorder: Recorder,
    cache: pool.Cache,
    due: Mapping[str, Deadline],
    options: Options,
    on_result: Callable[[int, int], None],
) -> None:
    done = 0
    alike = _alike(entries)

    def finish(entry: _Entry, result: execution.Result | None) -> None:
        nonlocal done
        deadline = due.get(entry.assignment.name, Deadline())
        try:
            record = _record_of(entry, result, deadline, alike.get(id(entry), []))
            notebook = None if record.trouble else entry.clean.notebook
            _enter(recorder, entry, record, notebook, result)
        except Exception as error:  # of this submission alone; what can be said of it is said
            recorder.gradebook.db.rollback()
            _enter(recorder, entry, Record(trouble=_could_not(error), look=True), None, None)
        done += 1
        on_result(done, len(entries))

    work: dict[str, execution.Job] = {}
    waiting: dict[str, list[_Entry]] = {}  # equal submissions run once
    for entry in entries:
        if entry.job is None:
            finish(entry, None)
        else:
            key = pool.key_of(entry.job)
            work[key] = entry.job
            waiting.setdefault(key, []).append(entry)

    def jails_work() -> bool:
        try:
            _try_solutions(canaries, cache, options, force=True)
        except CourseError:
            return False
        return True

    for key, result in pool.run(
        work,
        cache,
        workers=options.workers,
        scheduler=options.scheduler,
        force=options.force,
        jails_work=jails_work,
    ):
        for entry in waiting.pop(key):
            finish(entry, result)


def _record_of(entry: _Entry, result: execution.Result | None, deadline: Deadline, alike: list[str]) -> Record:
    submission, clean = entry.submission, entry.clean
    trouble = clean.trouble or (result.trouble if result else "")
    hours = submission.hours_late
    record = Record(
        trouble=trouble,
        look=bool(trouble) and entry.look,
        remarks=[*submission.remarks, *clean.remarks],
        private=[_said_alike(alike)] if alike else [],
        hours_late=round(hours, 2),
        percent_off=deadline.percent_off(hours),
    )
    if result is not None and not trouble:
        record.outcomes, record.broken, record.notes = list(result.outcomes), dict(result.broken), list(result.notes)
    if clean.notebook is not None:
        record.work = gradebook.work_of(clean.notebook, entry.assignment)
    return record


def _enter(
    recorder: Recorder,
    entry: _Entry,
    record: Record,
    notebook: NotebookNode | None,
    result: execution.Result | None,
) -> None:
    submission = entry.submission
    for name, content in submission.versions:
        recorder.keep(submission.student, submission.lab, name, content)
    recorder.record(
        submission.student, entry.assignment, record, notebook=notebook, result=result, content=submission.content
    )


def _alike(entries: Iterable[_Entry]) -> dict[int, list[str]]:
    """For each entry, by its identity, the other students whose answers are the same to the letter; none for a stub."""
    same: dict[tuple[str, tuple[str, ...]], list[_Entry]] = {}
    for entry in entries:
        if entry.clean.notebook is None:
            continue
        released = {str(cell.id): cell.source for cell in entry.assignment.released.cells}
        answers = tuple(
            cell.source.strip()
            for cell in entry.clean.notebook.cells
            if kind_of(cell) == SOLUTION and cell.source != released.get(str(cell.id))
        )
        if answers:
            same.setdefault((entry.assignment.name, answers), []).append(entry)
    return {
        id(entry): [other.submission.student for other in group if other is not entry]
        for group in same.values()
        for entry in group
        if len(group) > 1
    }


def _said_alike(students: list[str]) -> str:
    named, others = students[:MOST_NAMED], len(students) - MOST_NAMED
    return f"equal to the submission of {', '.join(named)}{f' and {others} more' if others > 0 else ''}"


def _close(asked: Assignment, recorder: Recorder, options: Options) -> Class:
    """Write the table, the students' pages and the class's, all from the gradebook."""
    rows = recorder.rows(asked)
    recorder.write_table(asked, rows)
    for row in rows:
        feedback.write(options.into, row, asked, language=options.language)
    notebooks.write_text(options.into / f"{asked.name}-class.html", difficulty.page(rows, asked))
    return Class(rows, difficulty.suspicious(difficulty.shares(rows, asked)))
