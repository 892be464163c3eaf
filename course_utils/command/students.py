"""The verbs that students need: open JupyterLab, look at this machine, check answers."""

from typing import Annotated

import typer

HEADING = "For students"

commands = typer.Typer()

Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps; default: COURSE_DEVICE, else auto.")]
Port = Annotated[int | None, typer.Option(help="The port to serve on; default: the first free from 8888.")]
Browser = Annotated[bool, typer.Option(help="Open a browser; --no-browser on a server.")]


@commands.command(rich_help_panel=HEADING)
def lab(
    notebook: Annotated[
        str | None, typer.Argument(help="A lesson's number, a lab's name or a path; default: the first lesson.")
    ] = None,
    port: Port = None,
    browser: Browser = True,
) -> None:
    """Open JupyterLab at a lesson or a lab. Example: course lab 2 --port 8890 --no-browser"""
    from course_utils.command import jupyterlab, notebooks

    root = notebooks.course_root()
    jupyterlab.serve(jupyterlab.chosen_notebook(notebook, root), root, port=port, browser=browser)


@commands.command(rich_help_panel=HEADING)
def doctor() -> None:
    """Check that this machine is ready, one line per need; exit 1 where one fails. Example: course doctor"""
    from course_utils.command.doctor import examine

    findings = examine()
    for finding in findings:
        typer.echo(f"{f'[{finding.status}]':6} {finding.need}: {finding.text}")
    raise typer.Exit(any(finding.status == "fail" for finding in findings))


@commands.command(rich_help_panel=HEADING)
def check(
    notebook: Annotated[str, typer.Argument(metavar="LAB", help="Your copy of a lab: its name, number or path.")],
    device: Device = None,
) -> None:
    """Run a lab's visible checks, a line each; exit 1 where one fails. Example: course check lab01"""
    from course_utils import runtime
    from course_utils.command import notebooks
    from course_utils.command.check import run

    path = notebooks.lab_path(notebook)
    outcomes = run(path, device=runtime.device(device).type, on_outcome=lambda outcome: typer.echo(str(outcome)))
    failed = sum(not outcome.passed for outcome in outcomes)
    typer.echo(f"{len(outcomes) - failed} of {len(outcomes)} checks passed; hidden tests remain")
    raise typer.Exit(failed > 0)
