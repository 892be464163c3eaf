"""The verbs that instructors need: labs made and handed out, a class graded, the grader itself audited."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_utils.command.students import HEADING as STUDENTS
from course_utils.command.students import Browser, Port
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from course_tools.grader.cohort.grade import Class

HEADING = "For instructors"
NEEDS_A_PERSON = 3  # exit code of a class that was graded, and in which a person has to look at something

commands = typer.Typer()

Labs = Annotated[list[str] | None, typer.Argument(metavar="[LAB]...", help="Such as lab01, 1 or a path; default: all.")]


@commands.command(rich_help_panel=HEADING)
def release(
    names: Labs = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where labs/ is stale.")] = False,
) -> None:
    """Make the students' labs/ from solutions/. Example: course release lab01"""
    from course_tools.grader import labs
    from course_tools.grader.release import stale, write
    from course_utils.command import notebooks

    faults = 0
    for lab in labs.find(notebooks.course_root(), names or ()):
        if check:
            old = stale(lab)
            faults += old
            typer.echo(f"labs/{lab.name} is {'stale: run `course release` and commit it' if old else 'up to date'}")
        else:
            typer.echo(f"labs/{lab.name} {'written' if write(lab) else 'is up to date'}")
    raise typer.Exit(faults > 0)


@commands.command(rich_help_panel=HEADING)
def bundle(
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The zip to write; an older one is replaced.")],
) -> None:
    """Write what may be handed to students: no solution, no hidden test. Example: course bundle course.zip"""
    from course_tools.grader.bundle import write
    from course_utils.command import notebooks

    members = write(out, notebooks.course_root())
    typer.echo(f"{out} written: {len(members)} files, {out.stat().st_size / 1e6:.1f} MB")


@commands.command(rich_help_panel=STUDENTS)
def get(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of your own, new or not.")]) -> None:
    """Copy lessons and labs out of a shared installation. Example: course get ~/course"""
    from course_tools.grader import own_copy
    from course_utils.command import notebooks

    copied = own_copy.make(notebooks.course_root(), folder)
    typer.echo(f"{len(copied)} files copied, none replaced: `cd {folder}` and then `course lab`")


@commands.command(rich_help_panel=HEADING)
def grade(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or zip of <student>/<lab>.ipynb.")
    ],
    lab: Annotated[
        str | None, typer.Option(help="The lab, such as lab01 or 1; default: those that files are named after.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Submissions at a time; default: cores.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://…, to run on.")
    ] = None,
    into: Annotated[Path | None, typer.Option(help="Folder for marks and feedback; default: grading.")] = None,
    seed: Annotated[int, typer.Option(help="Of the hidden tests' random numbers.")] = 0,
    student: Annotated[str | None, typer.Option(help="Grade this student alone, by id or name.")] = None,
    roster: Annotated[Path | None, typer.Option(help="A CSV of the class, with columns id,name,email,lms_id.")] = None,
    language: Annotated[str, typer.Option(help="Of the students' pages: en or ko.")] = "en",
    checks: Annotated[bool, typer.Option(help="Also run the visible checks, which decide nothing.")] = False,
    experiments: Annotated[
        bool, typer.Option(help="Also run the lab's own experiments, which no answer needs.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Run again what has been run.")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="No sandbox: students' code has your rights.")] = False,
) -> None:
    """Grade a class in a sandbox, in parallel, resumable. Example: course grade submissions --lab lab01 -j 4"""
    from course_tools import processes
    from course_tools.command import interruption, progress
    from course_tools.grader.cohort.feedback import LANGUAGES
    from course_tools.grader.cohort.grade import Options
    from course_tools.grader.cohort.grade import grade as grade_class
    from course_utils.command import notebooks

    if language not in LANGUAGES:
        raise CourseError(f"no pages in {language!r}: choose {' or '.join(LANGUAGES)}")
    root = notebooks.course_root()
    options = Options(
        into=(into or root / "grading").resolve(),
        workers=jobs or processes.cores(),
        scheduler=scheduler,
        seed=seed,
        unsafe=unsafe,
        force=force,
        checks=checks,
        experiments=experiments,
        student=student,
        roster=roster,
        language=language,
    )
    kept = f"what was graded is kept in {options.into}: the same command goes on"
    with interruption.keeps(kept), progress.bar("grading", "submission") as show:
        classes = grade_class(submissions, root, options, lab=lab, on_result=show)
    for name, graded in classes.items():
        typer.echo(_grades_table(name, graded))
        typer.echo(
            f"{len(graded.rows)} students, {sum(row.needs_manual_grade for row in graded.rows)} with a report to grade "
            f"by hand; table, gradebook and feedback are in {options.into}"
        )
    if any(row.asks for graded in classes.values() for row in graded.rows):
        raise typer.Exit(NEEDS_A_PERSON)


def _grades_table(name: str, graded: "Class") -> str:
    lines = [f"{name}: points, and why they were lost"]
    for row in graded.rows:
        by_hand = ", written answer not graded yet" if row.needs_manual_grade else ""
        who = f"{row.student} ({row.name})" if row.name else row.student
        lines.append(f"  {who}: {row.total:g} of {sum(row.most.values()):g}{by_hand}")
        lines += [f"      {'(look) ' if reason in row.asks else ''}{reason}" for reason in row.reasons]
        lines += [f"      (remark) {remark}" for remark in [*row.private, *row.remarks]]
    lines += [f"  (look) {warning}" for warning in graded.warnings]
    asking = [row.student for row in graded.rows if row.asks]
    if asking:
        lines.append(f"  a person has to look at: {', '.join(asking)}")
    return "\n".join(lines)


@commands.command(rich_help_panel=HEADING)
def export(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="Such as lab01 or 1.")],
    system: Annotated[str, typer.Option("--for", help="moodle, canvas, or feedback: a zip of all pages.")] = "moodle",
    into: Annotated[Path | None, typer.Option(help="The folder that `course grade` filled; default: grading/.")] = None,
) -> None:
    """Write a graded lab's marks for Moodle or Canvas, or all pages. Example: course export lab01 --for canvas"""
    from course_tools.grader import labs
    from course_tools.grader.cohort import assignment, exports
    from course_tools.grader.cohort.gradebook import Recorder
    from course_utils.command import notebooks

    root = notebooks.course_root()
    folder = (into or root / "grading").resolve()
    asked = assignment.read(labs.find(root, [lab])[0])
    if system not in (*exports.SYSTEMS, "feedback"):
        raise CourseError(f"no export for {system!r}: choose moodle, canvas or feedback")
    if not (folder / f"{asked.name}.csv").is_file():
        raise CourseError(f"{asked.name} is not graded in {folder}: run `course grade` first, or say --into")
    with Recorder(folder) as recorder:
        rows = recorder.rows(asked)
        if system == "feedback":
            place = exports.write_pages(folder, asked, rows)
        else:
            place = exports.write_marks(folder, recorder, asked, rows, system)
    typer.echo(f"{place} written: {len(rows)} students")


@commands.command(rich_help_panel=HEADING)
def formgrader(
    into: Annotated[
        Path | None, typer.Option("--into", help="The folder that `course grade` filled; default: grading/.")
    ] = None,
    port: Port = None,
    browser: Browser = True,
) -> None:
    """Open nbgrader's page on the gradebook, to grade reports by hand. Example: course formgrader --port 8890"""
    from course_tools.grader.cohort.formgrader import serve
    from course_utils.command import notebooks

    folder = into or notebooks.course_root() / "grading"
    serve(folder, port=port, browser=browser)


@commands.command(rich_help_panel=HEADING)
def audit(
    names: Labs = None,
    mutants: Annotated[bool, typer.Option(help="Also judge machine-made mistakes; --no-mutants is quicker.")] = True,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Cases at a time; default: cores.")] = None,
) -> None:
    """Grade the grader: the solution, the blank lab, wrong and right answers, mutants. Example: course audit lab01"""
    from course_tools import processes
    from course_tools.command import interruption, progress
    from course_tools.grader import labs
    from course_tools.grader.judge.audit import audit as audit_lab
    from course_utils.command import notebooks

    faults = 0
    for lab in labs.find(notebooks.course_root(), names or ()):
        with interruption.keeps("nothing was written"), progress.bar(lab.name, "case") as show:
            report = audit_lab(lab, with_mutants=mutants, jobs=jobs or processes.cores(), on_case=show)
        typer.echo(report)
        faults += len(report.faults)
    raise typer.Exit(faults > 0)
