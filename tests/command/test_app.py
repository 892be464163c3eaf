"""course_utils.command.app: what holds for every verb."""

import errno
import io
import sys

import pytest
import typer
from typer.testing import CliRunner

import course_utils
from course_utils.command import app, doctor, jupyterlab
from course_utils.command.doctor import Finding
from course_utils.errors import CourseError


def typed(*words, application=None):
    """What a user sees who types `course WORDS`."""
    return CliRunner().invoke(application or app.application(), words, env={"COLUMNS": "120"})


# --- what the command says about itself


def test_the_help_lists_the_verbs_of_students_first_each_with_its_whole_text():
    page = typed("--help").stdout
    headings = [line for line in page.splitlines() if line.startswith("For ")]
    assert headings == ["For students:", "For instructors:", "For maintainers:"]
    students = page.partition("For students:")[2].partition("For instructors:")[0]
    verbs = [line.split()[0] for line in students.splitlines() if line[2:3].isalpha()]
    assert verbs == ["lab", "doctor", "check", "get"]
    assert "Check that this machine is ready, one line per need; exit 1 where one fails." in " ".join(students.split())
    assert "Example:" not in page  # that is for the verb's own page


def test_a_verb_without_a_heading_stands_under_commands_and_a_hidden_one_nowhere():
    plain = typer.Typer(cls=app.Sections, rich_markup_mode=None)

    @plain.command()
    def shown() -> None:
        """Do this. Example: course shown"""

    @plain.command(hidden=True)
    def secret() -> None: ...

    page = typed("--help", application=plain).stdout
    assert page.partition("Commands:")[2].split() == ["shown", "Do", "this."]


def test_the_version_is_the_packages():
    done = typed("--version")
    assert (done.exit_code, done.stdout) == (0, f"Convolution to Codec {course_utils.__version__}\n")


# --- students' verbs


def test_lab_serves_the_notebook_that_is_named(monkeypatch):
    served = []
    monkeypatch.setattr(jupyterlab, "serve", lambda *place, **options: served.append((*place, options)))
    assert typed("lab", "2", "--port", "8890", "--no-browser").exit_code == 0
    ((notebook, root, options),) = served
    assert notebook.parent == root / "lessons" and notebook.name.startswith("02_")
    assert options == {"port": 8890, "browser": False}


@pytest.mark.parametrize("statuses, code", [(["ok", "warn"], 0), (["ok", "fail", "warn"], 1)])
def test_doctor_prints_a_line_per_need_and_fails_where_one_fails(monkeypatch, statuses, code):
    findings = [Finding(status, f"need {number}", "text") for number, status in enumerate(statuses)]
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    done = typed("doctor")
    assert done.exit_code == code
    assert [line.split()[0] for line in done.stdout.splitlines()] == [f"[{status}]" for status in statuses]


# --- how a run ends


def ended(error, capsys):
    """Exit code and error line of a program that raises `error`."""

    def program() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        app.run(program)
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "error, line",
    [
        (CourseError("do this"), "do this"),
        (OSError(errno.ENOSPC, "No space left", "/x"), "No space left: /x; free some space and try again"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "Quota exceeded: disk; free some space and try again"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "Permission denied: /x; check the path"),
        (ModuleNotFoundError("no", name="nbgrader"), f"this needs nbgrader, which is not installed: {app.REST}"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_exit_code_2(capsys, error, line):
    assert ended(error, capsys) == (2, f"course: {line}\n")


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), ModuleNotFoundError("no", name="course_utils.x"), ZeroDivisionError()]
)
def test_a_fault_of_the_course_is_not_hidden(error):
    def program() -> None:
        raise error

    with pytest.raises(type(error)):
        app.run(program)


def test_what_an_encoding_lacks_is_printed_as_a_question_mark(monkeypatch):
    """Korean Windows redirects in cp949, which has no minus sign and no dash."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp949")
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        app.run(lambda: print("1 − d: 안 맞음 \U0001f389"))
    stream.flush()
    assert ended.value.code == 0 and stream.buffer.getvalue().decode("cp949").strip() == "1 ? d: 안 맞음 ?"
