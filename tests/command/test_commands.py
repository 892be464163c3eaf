"""The `course` command: what its verbs say about themselves, and the folder that they work in."""

import pytest
import typer
from conftest import ROOT
from typer.testing import CliRunner

from course_utils.command import notebooks
from course_utils.command.app import application

VERBS = [
    [name, *([part] if part else [])]
    for name, verb in typer.main.get_command(application()).commands.items()
    for part in getattr(verb, "commands", [""])
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example(verb):
    done = CliRunner().invoke(application(), [*verb, "--help"], env={"COLUMNS": "120"})
    said = "".join(done.stdout.split())  # a line may break anywhere
    assert done.exit_code == 0 and f"Example:course{''.join(verb)}" in said


def test_no_course_in_a_folder_without_lessons_falls_back_on_the_installed_one(tmp_path):
    assert notebooks.course_root(tmp_path) == ROOT
