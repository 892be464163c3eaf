"""The `course` command: thin, one function per verb."""

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from course_utils.errors import CourseError

app = typer.Typer(
    help="Convolution to Codec: open the lessons, check this machine, run and validate notebooks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

bench = typer.Typer(help="Benchmarks: what was measured, repeated. Example: course bench loop-filter --minutes 4")
app.add_typer(bench, name="bench", no_args_is_help=True)

Paths = Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Notebooks or folders; default: all.")]
Write = Annotated[bool, typer.Option("--write", help="Store the result in tests/reference/bench.md, with the plot.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps; default: COURSE_DEVICE, else the best.")]


@app.command()
def lab(
    notebook: Annotated[
        str | None, typer.Argument(help="A notebook, or a lesson's number; default: lesson 01.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port to serve on; default: the first free from 8888.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser; --no-browser on a server.")] = True,
) -> None:
    """Open JupyterLab at a lesson. Example: course lab 2 --port 8890 --no-browser"""
    from course_utils.notebooks import files
    from course_utils.notebooks import lab as server

    root = files.course_root()
    raise typer.Exit(server.serve(server.chosen_notebook(notebook, root), root, port=port, browser=browser))


@app.command()
def doctor() -> None:
    """Check that this machine is ready, one line per need; exit 1 where one fails. Example: course doctor"""
    from course_utils import doctor as checks

    findings = checks.examine()
    for finding in findings:
        typer.echo(f"{f'[{finding.status}]':6} {finding.need}: {finding.text}")
    raise typer.Exit(any(finding.status == "fail" for finding in findings))


@app.command()
def validate(
    paths: Paths = None,
    device: Device = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Notebooks at a time; default: cores.")
    ] = None,
) -> None:
    """Re-run notebooks and compare their stored outputs with nbval. Example: course validate lessons -j 2"""
    from rich.console import Console
    from rich.progress import Progress

    from course_utils import runtime
    from course_utils.notebooks import files
    from course_utils.notebooks import validate as validation

    where = runtime.device(device).type
    root = files.course_root()
    work = [validation.prepare(path, device_type=where) for path in files.find(paths or [], root)]
    workers = min(jobs or os.cpu_count() or 1, len(work))
    console = Console() if sys.stdout.isatty() else Console(width=140)
    with Progress(console=console, transient=True, disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task(f"validating on {where}", total=len(work))
        results = validation.validate(work, device=where, workers=workers, on_result=lambda _: progress.advance(task))
    for result in results:
        if result.faults:
            typer.echo(f"--- {result.job.path.name}\n{result.report}")
    console.print(_validation_table(results, root, where))
    failed = sum(bool(result.faults) for result in results)
    typer.echo(f"{len(results) - failed} passed, {failed} failed")
    raise typer.Exit(failed > 0)


def _validation_table(results: list, root: Path, where: str):
    from rich.table import Table

    table = Table(title=f"course validate on {where}")
    for column in ("notebook", "seconds", "budget", "memory", "cells", "compared", "verdict"):
        table.add_column(column, justify="left" if column in ("notebook", "verdict") else "right")
    for result in results:
        job = result.job
        table.add_row(
            os.path.relpath(job.path, root),
            f"{result.seconds:.0f}",
            f"{job.budget:.0f}",
            f"{result.peak_memory / 2**30:.1f} GiB",
            str(job.cells),
            f"{job.compared} of {job.with_output}",
            "; ".join(result.faults) or "passed",
        )
    return table


@app.command()
def run(paths: Paths = None, device: Device = None) -> None:
    """Execute notebooks and store their outputs, normalised. Example: course run lessons/01_the_training_loop.ipynb"""
    from tqdm import tqdm

    from course_utils import runtime
    from course_utils.notebooks import files
    from course_utils.notebooks import run as runner

    where = runtime.device(device).type
    for path in files.find(paths or [], files.course_root()):
        with tqdm(desc=path.name, unit="cell", disable=not sys.stderr.isatty()) as bar:

            def show(done: int, total: int, bar: tqdm = bar) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            runner.run(path, device=where, on_cell=show)


@app.command()
def index(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where something is stale.")] = False,
) -> None:
    """Write the README's tables and the notebooks' links to each other. Example: course index --check"""
    from course_utils.notebooks import files, links
    from course_utils.notebooks import index as tables

    root = files.course_root()
    readme = root / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = tables.indexed(before, root)
    stale = ({readme: after} if after != before else {}) | links.stale(root)
    names = ", ".join(path.relative_to(root).as_posix() for path in list(stale)[:3]) + ", …" * (len(stale) > 3)
    if not stale:
        typer.echo("the tables and links are up to date")
    elif check:
        typer.echo(f"stale: run `course index` and commit what it writes ({names})", err=True)
        raise typer.Exit(1)
    else:
        for path, text in stale.items():
            files.write_text(path, text)
        typer.echo(f"written: {names}")


Labs = Annotated[list[str] | None, typer.Argument(metavar="[LAB]...", help="Such as lab01; default: all labs.")]


@app.command()
def check(
    notebook: Annotated[Path, typer.Argument(metavar="LAB.ipynb", help="Your copy of a lab.")],
    device: Device = None,
) -> None:
    """Run a lab's visible checks, a line each; exit 1 where one fails. Example: course check labs/lab01/lab01.ipynb"""
    from course_utils import runtime
    from course_utils.grading import visible

    outcomes = visible.run(notebook, device=runtime.device(device).type, on_outcome=lambda each: typer.echo(str(each)))
    failed = sum(not outcome.passed for outcome in outcomes)
    typer.echo(f"{len(outcomes) - failed} of {len(outcomes)} checks passed; hidden tests remain")
    raise typer.Exit(failed > 0)


@app.command()
def release(
    names: Labs = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where labs/ is stale.")] = False,
) -> None:
    """Make the students' labs/ from solutions/. Example: course release lab01"""
    from course_utils.grading import labs
    from course_utils.grading import release as releasing
    from course_utils.notebooks import files

    stale = 0
    for lab in labs.find(files.course_root(), names):
        if check:
            old = releasing.stale(lab)
            stale += old
            typer.echo(f"labs/{lab.name} is {'stale: run `course release` and commit it' if old else 'up to date'}")
        else:
            typer.echo(f"labs/{lab.name} {'written' if releasing.write(lab) else 'is up to date'}")
    raise typer.Exit(stale > 0)


@app.command()
def bundle(
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The zip to write; an older one is replaced.")],
) -> None:
    """Write what may be handed to students: no solution, no hidden test. Example: course bundle course.zip"""
    from course_utils.grading import bundle as bundling
    from course_utils.notebooks import files

    members = bundling.write(out, files.course_root())
    typer.echo(f"{out} written: {len(members)} files, {out.stat().st_size / 1e6:.1f} MB")


@app.command()
def formgrader(
    into: Annotated[
        Path | None, typer.Option("--into", help="The folder that `course grade` filled; default: grading/.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port to serve on; default: the first free from 8888.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser; --no-browser on a server.")] = True,
) -> None:
    """Open nbgrader's page on the gradebook, to grade reports by hand. Example: course formgrader --port 8890"""
    from course_utils.grading import formgrader as page
    from course_utils.notebooks import files

    folder = into or files.course_root() / "grading"
    raise typer.Exit(page.serve(folder, port=port, browser=browser))


@app.command()
def audit(
    names: Labs = None,
    mutants: Annotated[bool, typer.Option(help="Also judge machine-made mistakes; --no-mutants is quicker.")] = True,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Cases at a time; default: cores.")] = None,
) -> None:
    """Grade the grader: the solution, the blank lab, wrong and right answers, mutants. Example: course audit lab01"""
    from tqdm import tqdm

    from course_utils.grading import audit as auditing
    from course_utils.grading import labs
    from course_utils.notebooks import files

    faults = 0
    for lab in labs.find(files.course_root(), names):
        with tqdm(desc=lab.name, unit="case", leave=False, disable=not sys.stderr.isatty()) as bar:

            def show(done: int, total: int, bar: tqdm = bar) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            report = auditing.audit(lab, with_mutants=mutants, jobs=jobs or os.cpu_count() or 1, on_case=show)
        typer.echo(report)
        faults += len(report.faults)
    raise typer.Exit(faults > 0)


@app.command()
def grade(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder or zip of <student>/<lab>.ipynb.")
    ],
    lab: Annotated[str | None, typer.Option(help="The lab; default: those that files are named after.")] = None,
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
    from tqdm import tqdm

    from course_utils.grading import grade as grading
    from course_utils.notebooks import files

    root = files.course_root()
    options = grading.Options(
        into=(into or root / "grading").resolve(),
        workers=jobs or os.cpu_count() or 1,
        scheduler=scheduler,
        seed=seed,
        unsafe=unsafe,
        force=force,
        checks=checks,
        experiments=experiments,
    )
    with tqdm(desc="grading", unit="submission", leave=False, disable=not sys.stderr.isatty()) as bar:

        def show(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        rows = grading.grade(submissions, root, options, lab=lab, on_result=show)
    for name, graded in rows.items():
        typer.echo(_grades_table(name, graded))
        typer.echo(
            f"{len(graded)} submissions, {sum(row.needs_manual_grade for row in graded)} to grade by hand; "
            f"table, gradebook and feedback are in {options.into}"
        )


def _grades_table(name: str, graded: list) -> str:
    lines = [f"{name}: points, and why they were lost"]
    for row in graded:
        by_hand = ", written answer not graded yet" if row.needs_manual_grade else ""
        lines.append(f"  {row.student}: {row.total:g} of {sum(row.most.values()):g}{by_hand}")
        lines += [f"      {reason}" for reason in row.reasons]
        lines += [f"      (mended) {remark}" for remark in row.remarks]
    return "\n".join(lines)


@bench.command()
def loop_filter(
    data: Annotated[Path, typer.Option(help="The file of coded pictures; written first by --prepare.")] = Path(
        "build/loop_filter.safetensors"
    ),
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Write the file (takes the encoder), train nothing.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="With --prepare: a folder of photographs to take more crops from.")
    ] = None,
    crops: Annotated[
        tuple[int, int, int] | None,
        typer.Option(min=0, help="With --pictures: how many at most at 1/2, 1/3 and 1/4 of the photographs' size."),
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="Which to train, again for each; default: residual and vrcnn.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often to train each.")] = 1,
    minutes: Annotated[float, typer.Option(min=0.01, help="How long to train each.")] = 4.0,
    start: Annotated[
        Path | None, typer.Option(help="A checkpoint to go on from, in place of random weights; with one --network.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and figures.")] = Path("build/loop_filter"),
    write: Write = False,
    device: Device = None,
) -> None:
    """Train loop filters for the same time. Example: course bench loop-filter --device cuda --seeds 3"""
    from course_utils import runtime
    from course_utils.bench import loop_filter as benchmark

    if crops is not None and pictures is None:
        raise CourseError("--crops counts those of --pictures: name a folder, or leave it out")
    if pictures is not None and not prepare:
        raise CourseError("--pictures is for --prepare, which writes the file to train on")
    if prepare:
        typer.echo(benchmark.prepare(data, pictures, crops or benchmark.CROPS))
        return
    where = runtime.device(device).type
    networks = network or benchmark.COMPARED
    if write and not set(benchmark.COMPARED) <= set(networks):
        raise CourseError(f"--write stores {' against '.join(benchmark.COMPARED)}: train both, or leave it out")
    records = benchmark.run(networks, data=data, out=out, device=where, minutes=minutes, seeds=seeds, start=start)
    typer.echo(benchmark.table(records))
    if write:
        command = f"course bench loop-filter --minutes {minutes:g} --seeds {seeds}"
        _show("loop-filter", benchmark.comparison(records), command, where, write)


@bench.command()
def mode_decision(
    seeds: Annotated[int, typer.Option(min=3, max=5, help="How often to train each network.")] = 3,
    write: Annotated[bool, typer.Option("--write", help="Store the table beside the code, for lab 07.")] = False,
) -> None:
    """Choose intra modes by costs and by networks, 15 minutes. Example: course bench mode-decision --seeds 3"""
    import json

    from course_utils.bench import mode_decision as benchmark
    from course_utils.notebooks import files

    table = json.dumps(benchmark.study(range(seeds), say=typer.echo), indent=1)
    typer.echo(table)
    if write:
        files.write_text(benchmark.TABLE, table + "\n")


@bench.command()
def online_filter(
    seeds: Annotated[int, typer.Option(min=1, max=5, help="How often to train each network.")] = 3,
    out: Annotated[Path, typer.Option(help="Folder for blocks and networks; blocks in it are used again.")] = Path(
        "build/online_filter"
    ),
    write: Annotated[bool, typer.Option("--write", help="Store table and network in the course, for lab 09.")] = False,
) -> None:
    """Filter intra predictions while decoding, 50 minutes. Example: course bench online-filter --seeds 3"""
    from course_utils.bench import online_filter as benchmark

    table = benchmark.run(seeds, out, say=typer.echo)
    if write:
        typer.echo(benchmark.write(table, out))


@bench.command()
def speed_run(
    seeds: Annotated[int, typer.Option(min=1, max=10, help="How often to train our net.")] = 5,
    write: Write = False,
    device: Device = None,
) -> None:
    """Train to 0.91 on all of Fashion-MNIST, 6 minutes. Example: course bench speed-run --seeds 5 --write"""
    from course_utils import runtime
    from course_utils.bench import speed_run as benchmark

    where = runtime.device(device)
    found = benchmark.run(seeds, device=where, say=typer.echo)
    _show("speed-run", found, f"course bench speed-run --seeds {seeds}", where.type, write)


@bench.command()
def batching(write: Write = False) -> None:
    """Draw mini-batches by indexing and by a DataLoader, a minute. Example: course bench batching --write"""
    from course_utils.bench import batching as benchmark

    _show("batching", benchmark.run(), "course bench batching", "cpu", write)


@bench.command()
def from_scratch(write: Write = False, device: Device = None) -> None:
    """Time what the lessons write out against torch, a minute. Example: course bench from-scratch --write"""
    from course_utils import runtime
    from course_utils.bench import from_scratch as benchmark

    where = runtime.device(device)
    _show("from-scratch", benchmark.run(device=where), "course bench from-scratch", where.type, write)


@bench.command()
def grading(
    lab: Annotated[list[str], typer.Argument(help="Such as lab05.")],
    students: Annotated[int, typer.Option(min=1, max=200, help="The class; nbgrader grades all of it, too.")] = 30,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Submissions at a time.")] = 2,
    write: Write = False,
) -> None:
    """Grade a class by us and by plain nbgrader, minutes. Example: course bench grading lab01 lab05 --students 30"""
    from course_utils.bench import grading as benchmark

    found = benchmark.run(lab, students=students, jobs=jobs)
    _show("grading", found, f"course bench grading {' '.join(lab)} --students {students} -j {jobs}", "cpu", write)


@bench.command()
def validation(paths: Paths = None, write: Write = False) -> None:
    """Validate with two workers and with one; all takes an hour. Example: course bench validation solutions --write"""
    from course_utils.bench import validation as benchmark

    command = " ".join(["course bench validation", *map(str, paths or [])])
    _show("validation", benchmark.run(paths), command, "cpu", write)


@bench.command()
def newcomer(
    log: Annotated[Path, typer.Option(help="Where the stages' output goes.")] = Path("build/newcomer.log"),
    write: Write = False,
) -> None:
    """Time a newcomer's path from a clean clone, 40 minutes. Example: course bench newcomer --write"""
    from course_utils.bench import newcomer as benchmark

    _show("newcomer", benchmark.run(say=typer.echo, log=log), "course bench newcomer", "cpu", write)


def _show(name: str, found: tuple, command: str, device: str, write: bool) -> None:
    from course_utils.bench import record

    rows, note = found
    typer.echo(f"{record.table(rows)}\n\n{note}\n{record.machine(device)}")
    if write:
        record.store(name, rows, command=command, device=device, note=note)


def main() -> None:
    """Run the command; a user's mistake ends in one line and exit code 2."""
    try:
        app()
    except CourseError as error:
        message = str(error)
    except KeyboardInterrupt:
        message = "stopped"
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENOENT):
            raise
        hint = "free some space and try again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check the path"
        message = f"{error.strerror}: {error.filename or 'disk'}; {hint}"
    print(f"course: {message}", file=sys.stderr)
    sys.exit(2)
