"""The verbs that maintainers need: notebooks run, compared, repeated and indexed, and the benchmarks."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_utils.command.students import Device

if TYPE_CHECKING:
    from course_tools.bench.page import Comparison

HEADING = "For maintainers"
SOURCES = "solutions"  # where a maintainer's labs lie; `course release` makes the students' from them

commands = typer.Typer()
bench = typer.Typer(help="Repeat a comparison side by side. Example: course bench speed-run --seeds 5")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NOTEBOOK]...", help="Lessons' numbers, labs' names, paths or folders; default: all."),
]
Write = Annotated[bool, typer.Option("--write", help="Store the result in docs/benchmarks.md, with the plot.")]


@commands.command(rich_help_panel=HEADING)
def run(names: Names = None, device: Device = None) -> None:
    """Execute notebooks and store their outputs, normalised. Example: course run 1 lab03"""
    from course_tools.authoring.run import run as run_notebook
    from course_tools.command import interruption, progress
    from course_utils import runtime
    from course_utils.command import notebooks

    where = runtime.device(device).type
    for path in notebooks.find(names or (), notebooks.course_root(), labs=SOURCES):
        kept = f"{path.name} is as it was, those before it are stored"
        with interruption.keeps(kept), progress.bar(path.name, "cell") as show:
            run_notebook(path, device=where, on_cell=show)


@commands.command(rich_help_panel=HEADING)
def validate(
    names: Names = None,
    device: Device = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Notebooks at a time; default: cores.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what has not changed since it was last green on this machine.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option(metavar="PAGE.md", help="Write machine, versions and verdicts to this page.")
    ] = None,
) -> None:
    """Re-run notebooks and compare their stored outputs with nbval. Example: course validate lessons -j 2"""
    import time

    from course_tools import processes
    from course_tools.authoring import device_record
    from course_tools.authoring import validate as validation
    from course_tools.authoring.green import Green, digest
    from course_tools.command import interruption, progress
    from course_utils import runtime
    from course_utils.command import notebooks

    root, started = notebooks.course_root(), time.monotonic()
    if record:
        device_record.require_packages(root)
    importlib.import_module("nbval")  # where it is missing, better one line here than one from each notebook
    where = runtime.device(device).type
    found = [validation.prepare(path, device_type=where) for path in notebooks.find(names or (), root, labs=SOURCES)]
    green = Green()
    digests = {job: digest(job.path, device=where) for job in found}
    jobs_to_do = [job for job in found if everything or digests[job] not in green]
    workers = min(jobs or processes.cores(), max(1, len(jobs_to_do)))
    with interruption.keeps("nothing was written"), progress.bar(f"validating on {where}", "notebook") as show:
        results = validation.validate(jobs_to_do, device=where, workers=workers, on_result=show)
    for result in results:
        if result.faults:
            typer.echo(f"--- {result.job.path.name}\n{result.report}")
    typer.echo(validation.table(results, root, where))
    if record:
        command = " ".join(
            ["course validate", *(names or []), *["--all"] * everything, f"--device {where} -j {workers}"]
        )
        seconds = time.monotonic() - started
        text = device_record.page(results, root, device=where, command=command, workers=workers, seconds=seconds)
        notebooks.write_text(record, text)
    green.add(digests[result.job] for result in results if not result.faults)
    failed = sum(bool(result.faults) for result in results)
    skipped = f", {len(found) - len(results)} unchanged since they were green" if len(found) > len(results) else ""
    typer.echo(f"{len(results) - failed} passed, {failed} failed{skipped}")
    raise typer.Exit(failed > 0)


@commands.command("seeds", rich_help_panel=HEADING)
def repeat_with_seeds(
    notebook: Annotated[str, typer.Argument(help="A lesson's number or a path.")],
    seeds: Annotated[str, typer.Option(metavar="A-B or A,B,…", help="Once for each seed.")] = "0-4",
    also: Annotated[list[str] | None, typer.Option(help="An expression to evaluate at the end; repeatable.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Seeds at a time.")] = 1,
    threads: Annotated[str, typer.Option(metavar="A-B or A,B,…", help="All seeds once with each number.")] = "1",
) -> None:
    """Repeat a lesson with several seeds: the ground of its bands. Example: course seeds 13 --seeds 0-9 -j 2"""
    from course_tools.authoring.seeds import Measurement, numbers, repeat, table
    from course_tools.command import interruption
    from course_utils import runtime
    from course_utils.command import notebooks

    (path,) = notebooks.find([notebook], notebooks.course_root(), labs=SOURCES)
    measured: list[list[Measurement]] = []
    with interruption.keeps("no seed's figures are kept"):
        for count in numbers(threads):
            typer.echo(f"threads: {count}")
            with runtime.environment(OMP_NUM_THREADS=str(count)):
                measured += repeat(path, numbers(seeds), also=also or [], jobs=jobs, say=typer.echo).values()
        typer.echo(table(dict(enumerate(measured))))


@commands.command(rich_help_panel=HEADING)
def index(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where something is stale.")] = False,
) -> None:
    """Write the README's tables, the notebooks' links, the digests of answers. Example: course index --check"""
    from course_tools.authoring import answers, contents, navigation
    from course_utils.command import notebooks

    root = notebooks.course_root()
    stale = contents.stale(root) | navigation.stale(root) | answers.stale(root)
    names = ", ".join(path.relative_to(root).as_posix() for path in list(stale)[:3]) + ", …" * (len(stale) > 3)
    if not stale:
        typer.echo("the tables and links are up to date")
    elif check:
        typer.echo(f"stale: run `course index` and commit what it writes ({names})", err=True)
        raise typer.Exit(1)
    else:
        for path, text in stale.items():
            notebooks.write_text(path, text)
        typer.echo(f"written: {names}")


commands.add_typer(bench, name="bench", no_args_is_help=True, rich_help_panel=HEADING)


@bench.command()
def speed_run(
    seeds: Annotated[int, typer.Option(min=1, max=10, help="How often to train our net.")] = 5,
    write: Write = False,
    device: Device = None,
) -> None:
    """Train to 0.91 on all of Fashion-MNIST, 6 minutes. Example: course bench speed-run --seeds 5 --write"""
    from course_tools.bench import speed_run as comparison
    from course_utils import runtime

    where = runtime.device(device)
    measure = partial(comparison.run, seeds, device=where, say=typer.echo)
    _compare("speed-run", measure, f"course bench speed-run --seeds {seeds}", where.type, write)


@bench.command()
def batching(write: Write = False) -> None:
    """Draw mini-batches by indexing and by a DataLoader, a minute. Example: course bench batching --write"""
    from course_tools.bench import batching as comparison

    _compare("batching", comparison.run, "course bench batching", "cpu", write)


@bench.command()
def from_scratch(write: Write = False, device: Device = None) -> None:
    """Time what the lessons write out against torch, a minute. Example: course bench from-scratch --write"""
    from course_tools.bench import from_scratch as comparison
    from course_utils import runtime

    where = runtime.device(device)
    measure = partial(comparison.run, device=where)
    _compare("from-scratch", measure, "course bench from-scratch", where.type, write)


@bench.command()
def grading(
    lab: Annotated[list[str], typer.Argument(help="Such as lab05.")],
    students: Annotated[int, typer.Option(min=1, max=200, help="The class; nbgrader grades all of it, too.")] = 30,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="Submissions at a time.")] = 2,
    write: Write = False,
) -> None:
    """Grade a class by us and by plain nbgrader, minutes. Example: course bench grading lab01 lab05 --students 30"""
    from course_tools.bench import grading as comparison

    measure = partial(comparison.run, lab, students=students, jobs=jobs)
    _compare("grading", measure, f"course bench grading {' '.join(lab)} --students {students} -j {jobs}", "cpu", write)


@bench.command()
def validation(names: Names = None, write: Write = False) -> None:
    """Validate with two workers and with one; all takes an hour. Example: course bench validation solutions --write"""
    from course_tools.bench import validation as comparison

    command = " ".join(["course bench validation", *(names or [])])
    _compare("validation", partial(comparison.run, names or []), command, "cpu", write)


@bench.command()
def newcomer(
    log: Annotated[Path, typer.Option(help="Where the stages' output goes.")] = Path("build/newcomer.log"),
    write: Write = False,
) -> None:
    """Time a newcomer's path from a clean clone, 40 minutes. Example: course bench newcomer --write"""
    from course_tools.bench import newcomer as comparison

    _compare("newcomer", partial(comparison.run, say=typer.echo, log=log), "course bench newcomer", "cpu", write)


def _compare(
    name: str, measure: "Callable[[], tuple[list[Comparison], str]]", command: str, device: str, write: bool
) -> None:
    """Measure a part of the page, show its table, and store it where `write` says so."""
    from course_tools.bench import page
    from course_tools.command import interruption

    with interruption.keeps("the page is as it was"):
        rows, note = measure()
    typer.echo(f"{page.table(rows)}\n\n{note}\n{page.machine(device)}")
    if write:
        page.store(name, rows, command=command, device=device, note=note)
