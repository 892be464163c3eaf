"""`course grade`: from a folder of submissions to marks. Sanitise and record here, one by one; execute on the pool."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.grader import labs
from course_tools.grader.cohort import execution, gradebook, pool, submissions
from course_tools.grader.cohort.gradebook import Graded, Recorder
from course_tools.grader.cohort.sanitise import Sanitised, sanitise
from course_tools.grader.jail import limits, sandbox
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
    """A submission on its way: key is that of its result, empty where there is nothing to run."""

    submission: submissions.Submission
    clean: Sanitised
    key: str


def grade(
    path: Path,
    root: Path,
    options: Options,
    *,
    lab: str | None = None,
    on_result: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, list[Graded]]:
    """Grade the submissions under `path`; the rows of each lab, sorted by student, which are also in its CSV.

    on_result: told after each submission how many of how many are done
    Raises `CourseError` where there is no sandbox, no submission, or no such lab.
    """
    known = labs.find(root)
    by_name = {each.name: each for each in known}
    if lab is not None:
        labs.find(root, [lab])
    found = submissions.find(path, list(by_name), lab)
    if not options.unsafe and options.scheduler is None:
        trouble = sandbox.trouble()
        if trouble:
            raise CourseError(trouble)
    released = {each.name: _released(each) for each in known if each.released.is_file()}
    sources = {name: labs.read_source(by_name[name]) for name in sorted({each.lab for each in found})}
    for name in sources:
        if name not in released:
            raise CourseError(f"labs/{name} is not there: run `course release {name}` first")
    entries, work = [], {}
    for each in found:
        clean, key = Sanitised(None, each.trouble), ""
        if each.content:
            others = {name: notebook for name, notebook in released.items() if name != each.lab}
            clean = sanitise(each.content, released[each.lab], others)
        if clean.notebook is not None:
            job = execution.Job(
                lab=each.lab,
                root=str(root),
                notebook=nbformat.writes(_without_outputs(clean.notebook)),
                limits=limits.of(sources[each.lab]),
                seed=options.seed,
                unsafe=options.unsafe,
                cold=options.cold,
                checks=options.checks,
                experiments=options.experiments,
            )
            key = pool.key_of(job)
            work[key] = job
        entries.append(_Entry(each, clean, key))
    return _run_and_record(entries, work, by_name, sources, options, on_result)


def _released(lab: labs.Lab) -> NotebookNode:
    return notebooks.read(lab.released)


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    """What the result of running it depends on, and no more."""
    made = nbformat.from_dict(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return made


def _run_and_record(
    entries: list[_Entry],
    work: dict[str, execution.Job],
    by_name: dict[str, labs.Lab],
    sources: dict[str, NotebookNode],
    options: Options,
    on_result: Callable[[int, int], None],
) -> dict[str, list[Graded]]:
    rows: dict[str, list[Graded]] = {name: [] for name in sources}
    done = 0
    cache = pool.Cache(options.into / "cache")
    with Recorder(options.into) as recorder:
        for name, source in sources.items():
            recorder.open_lab(by_name[name], source)

        def finish(entry: _Entry, result: execution.Result | None) -> None:
            nonlocal done
            handed_in = entry.submission
            lab = by_name[handed_in.lab]
            graded = gradebook.marks(handed_in.student, lab, sources[lab.name], result, entry.clean.trouble)
            graded.remarks = [*handed_in.remarks, *entry.clean.remarks]
            recorder.record(graded, entry.clean.notebook, result, handed_in.content)
            rows[lab.name].append(graded)
            done += 1
            on_result(done, len(entries))

        waiting: dict[str, list[_Entry]] = {}
        for entry in entries:
            if entry.key:
                waiting.setdefault(entry.key, []).append(entry)
            else:
                finish(entry, None)
        results = pool.run(work, cache, workers=options.workers, scheduler=options.scheduler, force=options.force)
        for key, result in results:
            for entry in waiting.pop(key):
                finish(entry, result)
        for name, graded in rows.items():
            graded.sort(key=lambda row: row.student)
            recorder.write_table(by_name[name], graded)
    return rows
