"""course_utils.command.notebooks: what a name means, and files read and written whole or not."""

import json
from pathlib import Path

import nbformat
import pytest
from conftest import small_notebook

import course_utils
from course_utils.command import notebooks
from course_utils.errors import CourseError


@pytest.fixture
def small_course(tmp_path, monkeypatch) -> Path:
    """Two lessons, a lab and its solution; the course folder is the working folder."""
    for name in ("lessons/01_small.ipynb", "lessons/02_next.ipynb", "labs/lab01/lab01.ipynb", "made/lab01/lab01.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(small_notebook("1"), tmp_path / name)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "lessons" / ".ipynb_checkpoints").mkdir()
    nbformat.write(small_notebook("1"), tmp_path / "lessons" / ".ipynb_checkpoints" / "01_small-checkpoint.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- what a name means


def test_the_course_folder_is_the_first_one_upwards(small_course, monkeypatch):
    assert notebooks.course_root(small_course / "labs" / "lab01") == small_course
    monkeypatch.chdir(small_course / "lessons")
    assert notebooks.course_root() == small_course


def test_no_course_anywhere_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(course_utils, "__file__", str(tmp_path / "site-packages" / "course_utils" / "__init__.py"))
    with pytest.raises(CourseError, match=r"no course here: go to the folder that holds lessons/"):
        notebooks.course_root(tmp_path)


def test_a_copy_of_the_lessons_alone_is_a_course(small_course, capsys):
    (small_course / "pyproject.toml").unlink()
    assert notebooks.course_root() == small_course
    assert capsys.readouterr().err == ""


def test_where_the_installed_lessons_are_used_it_is_said_whose(tmp_path, small_course, monkeypatch, capsys):
    monkeypatch.setattr(course_utils, "__file__", str(small_course / "course_utils" / "__init__.py"))
    elsewhere = tmp_path.parent
    assert notebooks.course_root(elsewhere) == small_course
    assert capsys.readouterr().err == f"no lessons here: using those in {small_course}\n"


@pytest.mark.parametrize(
    "name, meant",
    [
        ("2", "lessons/02_next.ipynb"),
        ("02", "lessons/02_next.ipynb"),
        ("01_small", "lessons/01_small.ipynb"),
        ("lab01", "labs/lab01/lab01.ipynb"),
        ("labs/lab01", "labs/lab01/lab01.ipynb"),
        ("lessons/01_small.ipynb", "lessons/01_small.ipynb"),
    ],
)
def test_a_name_is_a_number_a_notebooks_name_or_a_path(small_course, name, meant):
    assert notebooks.find([name], small_course) == [small_course / meant]


def test_an_author_means_the_labs_that_he_writes(small_course):
    assert notebooks.find(["lab01"], small_course, labs="made") == [small_course / "made" / "lab01" / "lab01.ipynb"]


def test_without_a_name_all_lessons_and_labs_are_meant_and_no_checkpoint(small_course):
    assert [path.name for path in notebooks.find([], small_course)] == [
        "lab01.ipynb",
        "01_small.ipynb",
        "02_next.ipynb",
    ]


def test_a_notebook_that_is_named_twice_comes_once(small_course):
    assert len(notebooks.find(["1", "lessons/01_small.ipynb", Path("lessons")], small_course)) == 2


@pytest.mark.parametrize(
    "name, message",
    [
        ("3", "no lesson 03: there are 01, 02"),
        ("lab1", "no such notebook: lab1; did you mean lab01?"),
        ("lessons/01_smal.ipynb", "no such notebook: lessons/01_smal.ipynb; did you mean 01_small?"),
        ("xyz", "no such notebook: xyz; there are 01, 01_small, 02, 02_next, lab01"),
        ("pyproject.toml", "pyproject.toml is not a notebook: name a file that ends in .ipynb"),
        ("lessons/.ipynb_checkpoints", "no notebook in lessons/.ipynb_checkpoints: name a file"),
    ],
)
def test_a_name_that_means_nothing_is_a_clear_error_with_the_nearest_that_does(small_course, name, message):
    with pytest.raises(CourseError) as caught:
        notebooks.find([name], small_course)
    assert str(caught.value).startswith(message)


def test_a_course_without_notebooks_says_so():
    assert notebooks.nearest("lab01", []) == "; there is none here"


@pytest.mark.parametrize("name", ["lab01", "1", "labs/lab01", "labs/lab01/lab01.ipynb"])
def test_a_lab_to_check_is_the_students_copy(small_course, name):
    assert notebooks.lab_path(name).resolve() == small_course / "labs" / "lab01" / "lab01.ipynb"


# --- reading and writing


def test_a_notebook_comes_back_as_it_was_written(tmp_path):
    notebook = small_notebook("print('안')")
    notebooks.write_text(tmp_path / "some.ipynb", nbformat.writes(notebook))
    assert notebooks.read(tmp_path / "some.ipynb") == notebook


def test_a_notebook_that_cannot_be_read_is_a_clear_error(small_course):
    with pytest.raises(CourseError, match=r"lessons cannot be read: Is a directory"):
        notebooks.read(small_course / "lessons")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"{ half", "is not JSON, so no notebook: restore it with `git checkout"),
        (b"\xff\xfe", "is not JSON"),
        (
            b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
            r"is not a valid notebook \(.*\): restore",
        ),
        (b"[1]", "is not a valid notebook"),
    ],
)
def test_a_damaged_notebook_is_one_clear_line(tmp_path, content, message):
    path = tmp_path / "damaged.ipynb"
    path.write_bytes(content)
    with pytest.raises(CourseError, match=message) as caught:
        notebooks.read(path)
    assert "\n" not in str(caught.value)


def test_a_file_is_replaced_with_its_rights_and_line_ends(tmp_path):
    path = tmp_path / "some.ipynb"
    path.write_text("old")
    path.chmod(0o600)
    notebooks.write_text(path, "new\nlines – 안\n")
    assert path.read_bytes() == "new\nlines – 안\n".encode() and path.stat().st_mode & 0o777 == 0o600
    notebooks.write_text(tmp_path / "another", "text")
    assert (tmp_path / "another").stat().st_mode & 0o777 == 0o644


def test_a_full_disk_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "some.ipynb"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        notebooks.write_text(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_cell_without_a_grade_has_no_fields_of_nbgrader():
    cell = small_notebook("1").cells[1]
    assert notebooks.nbgrader_fields(cell) == {}
    cell.metadata["nbgrader"] = {"grade_id": "check_a", "grade": True}
    assert json.dumps(notebooks.nbgrader_fields(cell)) == '{"grade_id": "check_a", "grade": true}'
