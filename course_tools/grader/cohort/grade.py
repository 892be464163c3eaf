"""`course grade`: from a folder of submissions to marks. Sanitise and record here, one by one; execute on the pool."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.grader import labs
from course_tools.grader.cohort import assignment, execution, gradebook, pool, submissions
from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.gradebook import Graded, Recorder
from course_tools.grader.cohort.sanitise import Sanitised, sanitise
from course_tools.grader.jail import sandbox
from course_utils.command import notebooks
from course_utils.errors import CourseError


@dataclass(frozen=True)
class Options:
    """How to grade. into: the folder that gets everything; the rest is `pool.run`'s and `execution.Job`'s."""

    into: Path
    workers: int = 1
    scheduler: str | None = None
    seed: int = 0
    unsafe: bool = False
    cold: bool = False
    force: bool = False
    checks: bool = True
    experiments: bool = False


@dataclass(frozen=True)
class _Entry:
    """A submission on its way. job: what the pool has to run, None where nothing can be run."""

    submission: submissions.Submission
    assignment: Assignment
    clean: Sanitised
    job: execution.Job | None


def grade(
    path: Path,
    root: Path,
    options: Options,
    *,
    lab: str | None = None,
    on_result: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, list[Graded]]:
    """Grade the submissions under `path`; the rows of each lab, sorted by student, which are also in its CSV.

    lab: a name such as `lab03`, or its number; where it is None, each file's own name says its lab
    on_result: told after each submission how many of how many are done
    Raises `CourseError` where there is no sandbox, no submission, or no such lab.
    """
    known = labs.find(root)
    wanted = labs.find(root, [lab])[0].name if lab is not None else None
    handed_in = submissions.find(path, [known_lab.name for known_lab in known], wanted)
    if not options.unsafe and options.scheduler is None:
        trouble = sandbox.trouble()
        if trouble:
            raise CourseError(trouble)
    names = {submission.lab for submission in handed_in}
    assignments = {known_lab.name: assignment.read(known_lab) for known_lab in known if known_lab.name in names}
    released = {other.name: notebooks.read(other.released) for other in known if other.released.is_file()}
    entries = [_prepare(submission, assignments[submission.lab], released, options) for submission in handed_in]
    return _run_and_record(entries, list(assignments.values()), options, on_result)


def _prepare(
    submission: submissions.Submission, asked: Assignment, released: Mapping[str, NotebookNode], options: Options
) -> _Entry:
    """The submission rebuilt on the released notebook. released: of all labs by name, to know one of another lab."""
    clean = Sanitised(None, submission.trouble)
    if submission.content:
        others = {name: notebook for name, notebook in released.items() if name != asked.name}
        clean = sanitise(submission.content, asked.released, others)
    if clean.notebook is None:
        return _Entry(submission, asked, clean, None)
    job = execution.Job(
        lab=asked.name,
        root=str(asked.lab.root),
        notebook=nbformat.writes(_without_outputs(clean.notebook)),
        limits=asked.limits,
        seed=options.seed,
        unsafe=options.unsafe,
        cold=options.cold,
        checks=options.checks,
        experiments=options.experiments,
    )
    return _Entry(submission, asked, clean, job)


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    """What the result of running it depends on, and no more."""
    made = nbformat.from_dict(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return made


def _run_and_record(
    entries: list[_Entry],
    assignments: list[Assignment],
    options: Options,
    on_result: Callable[[int, int], None],
) -> dict[str, list[Graded]]:
    rows: dict[str, list[Graded]] = {asked.name: [] for asked in assignments}
    done = 0
    cache = pool.Cache(options.into / "cache")
    with Recorder(options.into) as recorder:
        for asked in assignments:
            recorder.open_lab(asked)

        def finish(entry: _Entry, result: execution.Result | None) -> None:
            nonlocal done
            submission, clean = entry.submission, entry.clean
            graded = gradebook.marks(submission.student, entry.assignment, result, clean.trouble)
            graded.remarks = [*submission.remarks, *clean.remarks]
            recorder.record(graded, clean.notebook, result, submission.content)
            rows[submission.lab].append(graded)
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
        for key, result in pool.run(
            work, cache, workers=options.workers, scheduler=options.scheduler, force=options.force
        ):
            for entry in waiting.pop(key):
                finish(entry, result)
        for asked in assignments:
            rows[asked.name].sort(key=lambda row: row.student)
            recorder.write_table(asked.lab, rows[asked.name])
    return rows
