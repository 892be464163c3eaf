"""`course`: the students' verbs, and those of whatever package adds a group of its own (see `pyproject.toml`)."""

import errno
import io
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import course_utils
from course_utils.command import students
from course_utils.errors import CourseError

GROUPS = "course.commands"  # entry points, each a `typer.Typer` with the verbs of one group
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
REST = "in the course's folder run `pip install -c constraints.txt -e '.[instructor,dev]'`"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Sections(TyperGroup):
    """Lists the verbs under the headings that they give as `rich_help_panel`, each help text whole."""

    # Any: a context and a formatter are click's in one version of typer, and its own in the next.
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            verb = self.get_command(ctx, name)
            if verb is not None and not verb.hidden:
                heading = getattr(verb, "rich_help_panel", None)
                heading = heading if isinstance(heading, str) else "Commands"
                sections.setdefault(heading, []).append((name, (verb.help or "").split("Example:")[0].strip()))
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which they were added: the groups stay together."""
        return list(self.commands)


def application() -> typer.Typer:
    """The students' verbs, then those of every installed group."""
    app = typer.Typer(
        cls=Sections,
        help="Convolution to Codec: open the lessons, check this machine and your answers.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings=SETTINGS,
    )

    def say_version(wanted: bool) -> None:
        if wanted:
            typer.echo(f"Convolution to Codec {course_utils.__version__}")
            raise typer.Exit

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Say the course's version.", callback=say_version, is_eager=True)
        ] = False,
    ) -> None: ...

    app.add_typer(students.commands)
    for group in sorted(entry_points(group=GROUPS), key=lambda group: group.name):
        app.add_typer(group.load())
    return app


def main() -> None:
    """Run the `course` command."""
    run(application())


def run(app: Callable[[], object]) -> NoReturn:
    """Run a command-line program; a user's mistake ends in one line and exit code 2.

    What a terminal's or a file's encoding lacks (a minus sign in Korean Windows' cp949) is printed as a question mark.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
        sys.exit(0)
    except CourseError as error:
        message = str(error)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("course_"):
            raise
        message = f"this needs {error.name}, which is not installed: {REST}"
    except OSError as error:
        if error.errno not in (*NO_SPACE, errno.EACCES, errno.EROFS, errno.ENOENT):
            raise
        hint = "free some space and try again" if error.errno in NO_SPACE else "check the path"
        message = f"{error.strerror}: {error.filename or 'disk'}; {hint}"
    print(f"course: {message}", file=sys.stderr)
    sys.exit(2)
