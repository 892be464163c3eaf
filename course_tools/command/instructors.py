"""The verbs that instructors need: labs made and handed out, a class graded, the grader itself audited."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_utils.command.students import HEADING as STUDENTS
from course_utils.command.students import Browser, Port

if TYPE_CHECKING:
    from course_tools.grader.cohort.gradebook import Graded

HEADING = "For instructors"

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
    checks: Annotated[bool, typer.Option(help="Also run the visible checks, which decide nothing.")] = True,
    experiments: Annotated[
        bool, typer.Option(help="Also run the lab's own experiments, which no answer needs.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Run again what has been run.")] = False,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="No sandbox: students' code has your rights.")] = False,
) -> None:
    """Grade a class in a sandbox, in parallel, resumable. Example: course grade submissions --lab lab01 -j 4"""
    from course_tools.command import interruption, progress
    from course_tools.grader.cohort.grade import Options
    from course_tools.grader.cohort.grade import grade as grade_class
    from course_utils import runtime
    from course_utils.command import notebooks

    root = notebooks.course_root()
    options = Options(
        into=(into or root / "grading").resolve(),
        workers=jobs or runtime.cores(),
        scheduler=scheduler,
        seed=seed,
        unsafe=unsafe,
        force=force,
        checks=checks,
        experiments=experiments,
    )
    kept = f"what was graded is kept in {options.into}: the same command goes on"
    with interruption.keeps(kept), progress.bar("grading", "submission") as show:
        rows = grade_class(submissions, root, options, lab=lab, on_result=show)
    for name, graded in rows.items():
        typer.echo(_grades_table(name, graded))
        typer.echo(
            f"{len(graded)} submissions, {sum(row.needs_manual_grade for row in graded)} to grade by hand; "
            f"table, gradebook and feedback are in {options.into}"
        )


def _grades_table(name: str, graded: "list[Graded]") -> str:
    lines = [f"{name}: points, and why they were lost"]
    for row in graded:
        by_hand = ", written answer not graded yet" if row.needs_manual_grade else ""
        lines.append(f"  {row.student}: {row.total:g} of {sum(row.most.values()):g}{by_hand}")
        lines += [f"      {reason}" for reason in row.reasons]
        lines += [f"      (mended) {remark}" for remark in row.remarks]
    return "\n".join(lines)


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
    from course_tools.command import interruption, progress
    from course_tools.grader import labs
    from course_tools.grader.judge.audit import audit as audit_lab
    from course_utils import runtime
    from course_utils.command import notebooks

    faults = 0
    for lab in labs.find(notebooks.course_root(), names or ()):
        with interruption.keeps("nothing was written"), progress.bar(lab.name, "case") as show:
            report = audit_lab(lab, with_mutants=mutants, jobs=jobs or runtime.cores(), on_case=show)
        typer.echo(report)
        faults += len(report.faults)
    raise typer.Exit(faults > 0)
