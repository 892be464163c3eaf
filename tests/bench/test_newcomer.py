"""course_tools.bench.newcomer: the stages of a newcomer's path, timed without being walked."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import small_notebook
from small_lab import make_lab

from course_tools.bench import newcomer
from course_utils.command import notebooks
from course_utils.errors import CourseError


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A course of one lesson and one lab, which is what `course_root` finds."""
    root = tmp_path / "root"
    (root / "lessons").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    nbformat.write(small_notebook("first = 1", "second = 2"), root / "lessons" / "01_small.ipynb")
    lab = make_lab(root)
    lab.released.parent.mkdir(parents=True)
    shutil.copy(lab.source, lab.released)
    monkeypatch.setattr(notebooks, "course_root", lambda: root)
    return root


def test_the_stages_are_timed_in_order_without_this_environments_tools(small, tmp_path, monkeypatch):
    own = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{own}:/usr/bin")
    commands, said = [], []

    def timed(command, *, cwd, environment, output):
        commands.append(command)
        output.write(f"{command[0]} said this\n")
        assert environment["PATH"] == "/usr/bin"
        if command[0] == "sh":
            Path(command[-1]).mkdir()  # the clone
            assert command[-2] == str(small)
        else:
            assert cwd.name == "course"
        if command[1:2] == ["run"]:
            cells = nbformat.read(command[2], as_version=4).cells
            assert [cell.source for cell in cells] == ["first = 1"]
        if command[1:2] == ["grade"]:
            assert len(list(Path(command[2]).glob("*/lab99.ipynb"))) == newcomer.STUDENTS
        return 10.0 * len(commands)

    monkeypatch.setattr(newcomer, "program_seconds", timed)
    rows, note = newcomer.run(say=said.append, log=tmp_path / "logs" / "newcomer.log")
    assert [(row.what.split(",")[0], row.ours, row.ratio) for row in rows] == [
        ("clone and `make setup`", 10.0, None),
        ("first cell of the first lesson", 20.0, None),
        ("class of 30 graded", 30.0, None),
        ("green test run", 40.0, None),
    ]
    assert said[0] == "clone and `make setup`: 10 s" and "network" in note
    assert commands[-1] == ["make", "test"]
    assert "make said this" in (tmp_path / "logs" / "newcomer.log").read_text()


def test_a_stage_that_fails_names_itself_and_the_log(small, tmp_path, monkeypatch):
    def fails(command, *, cwd, environment, output):
        raise CourseError("`sh` ended with code 1")

    monkeypatch.setattr(newcomer, "program_seconds", fails)
    with pytest.raises(CourseError, match=r"clone and `make setup` failed: see the end of .*newcomer.log"):
        newcomer.run(say=lambda line: None, log=tmp_path / "newcomer.log")
