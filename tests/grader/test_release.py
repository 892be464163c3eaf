"""course_tools.grader.release: the students' copies are what the sources make, and hold no answer."""

import json

import nbformat
import pytest
from conftest import ROOT
from small_lab import make_lab
from typer.testing import CliRunner

from course_tools.grader import labs, release
from course_utils.command.app import application
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = make_lab(tmp_path_factory.mktemp("course"))
    release.write(made)
    return made


def edit(lab, change):
    notebook = nbformat.read(lab.source, as_version=4)
    change(notebook)
    nbformat.write(notebook, lab.source)


def test_the_release_lacks_the_solution_and_is_fresh_until_the_source_changes(lab):
    text = lab.released.read_text()
    assert "x / 2" not in text and release.STUB in text and not release.stale(lab)
    lab.source.write_text(lab.source.read_text().replace("assert halve(2) == 1", "assert halve(4) == 2"))
    assert release.stale(lab)
    lab.source.write_text(lab.source.read_text().replace("assert halve(4) == 2", "assert halve(2) == 1"))


def test_of_a_study_only_the_results_that_the_notebook_reads_go_along(tmp_path):
    lab = make_lab(tmp_path)
    study = lab.folder / "study"
    study.mkdir()
    for name in ("read.json", "kept.json", "train.py"):
        (study / name).write_text("{}")
    edit(lab, lambda notebook: notebook.cells[0].update(source="import torch\nopen('study/read.json')"))
    release.write(lab)
    places = sorted(path.relative_to(lab.released.parent).as_posix() for path in lab.released.parent.rglob("*.*"))
    assert places == ["lab99.ipynb", "study/read.json"]


def test_a_source_that_nbgrader_refuses_is_a_clear_error(tmp_path):
    lab = make_lab(tmp_path)
    text = json.loads(lab.source.read_text())
    text["cells"].append({**text["cells"][1], "id": "again"})  # one grade id twice
    lab.source.write_text(json.dumps(text))
    with pytest.raises(CourseError, match="nbgrader could not release lab99"):
        release.released_text(lab)


def test_points_that_differ_between_notebook_and_judge_stop_the_release(tmp_path):
    with pytest.raises(CourseError, match=r"the points of the notebook's checks and of judge.py differ"):
        release.released_text(make_lab(tmp_path, points=4))


def test_a_solution_cell_without_marks_stops_the_release(tmp_path):
    with pytest.raises(CourseError, match="halve has no ### BEGIN SOLUTION"):
        release.released_text(make_lab(tmp_path, solution="def halve(x):\n    return x / 2"))


def test_an_unknown_lab_and_a_folder_without_labs_are_clear_errors(lab, tmp_path):
    with pytest.raises(CourseError, match="no lab 'lab98' under solutions/; did you mean lab99"):
        labs.find(lab.root, ["lab98"])
    with pytest.raises(CourseError, match="no lab under solutions/"):
        labs.find(tmp_path)


@pytest.mark.parametrize("verb", ["release", "audit"])
def test_an_unknown_lab_is_a_clear_error(type_command, verb):
    result = type_command(verb, "lab99", cwd=ROOT)
    assert result.returncode == 2 and "no lab 'lab99' under solutions/; did you mean lab09?" in result.stderr


def test_the_verb_writes_the_labs_and_its_check_finds_them_stale(lab, monkeypatch):
    monkeypatch.setattr("course_utils.command.notebooks.course_root", lambda: lab.root)
    runner, app = CliRunner(), application()
    lab.released.unlink()
    checked = runner.invoke(app, ["release", "--check"])
    assert checked.exit_code == 1
    assert checked.stdout == "labs/lab99 is stale: run `course release` and commit it\n"
    assert runner.invoke(app, ["release", "99"]).stdout == "labs/lab99 written\n"
    again = runner.invoke(app, ["release", "lab99"])
    assert (again.exit_code, again.stdout) == (0, "labs/lab99 is up to date\n")
