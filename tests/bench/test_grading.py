"""course_tools.bench.grading: one mixed class, graded by `course grade` and by plain nbgrader."""

from pathlib import Path

import nbformat
import pytest
from small_lab import make_lab

from course_tools.bench import grading
from course_tools.grader import labs, release
from course_utils.command import notebooks
from course_utils.errors import CourseError

WRONG = "# === thirds\n# fails: halves\n# %% halve\ndef halve(x):\n    return x / 3\n"
RIGHT = "# === multiplies\n# %% halve\ndef halve(x):\n    return 0.5 * x\n"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab with one wrong and one right answer in a course of its own."""
    (tmp_path / "lessons").mkdir()
    (tmp_path / "pyproject.toml").touch()
    made = make_lab(tmp_path)
    blank = notebooks.read(made.source)
    next(cell for cell in blank.cells if cell.id == "halve").source = f"def halve(x):\n    {release.STUB}"
    made.released.parent.mkdir(parents=True)
    nbformat.write(blank, made.released)
    made.answers("wrong").write_text(WRONG)
    made.answers("right").write_text(RIGHT)
    monkeypatch.setattr(notebooks, "course_root", lambda: tmp_path)
    return made


def test_the_class_hands_in_the_solution_nothing_a_wrong_and_a_right_answer_in_turn(lab, tmp_path):
    grading.mixed_class(lab, 5, tmp_path / "class")
    answers = [
        labs.definitions(nbformat.read(path, as_version=4))["halve"]
        for path in sorted((tmp_path / "class").glob("*/lab99.ipynb"))
    ]
    marks = ("return x / 2", "NotImplementedError", "return x / 3", "return 0.5 * x", "return x / 2")
    assert len(answers) == 5 and all(mark in answer for mark, answer in zip(marks, answers, strict=True))


def test_both_graders_get_the_same_class_and_seconds_are_those_of_one_submission(lab, monkeypatch):
    commands: list[list[str]] = []
    handed_in: dict[str, list[str]] = {}

    def timed(command, *, cwd, environment=None):
        commands.append([Path(command[0]).name, *command[1:]])
        if command[1] == "grade":
            handed_in["course"] = sorted(path.parent.name for path in Path(command[2]).glob("*/lab99.ipynb"))
        elif command[1] == "autograde":
            handed_in["nbgrader"] = sorted(path.parents[1].name for path in cwd.glob("submitted/*/*/lab99.ipynb"))
            assert "timeout = 600" in (cwd / "nbgrader_config.py").read_text()
        return {"grade": 6.0, "autograde": 9.0}.get(command[1], 100.0)

    monkeypatch.setattr(grading, "program_seconds", timed)
    (row,), note = grading.run(["lab99"], students=3, jobs=2)
    assert (row.what, row.ours, row.other) == ("a submission of lab99", 2.0, 3.0) and "Mean of 3" in note
    assert [command[:2] for command in commands] == [
        ["course", "grade"],
        ["nbgrader", "generate_assignment"],
        ["nbgrader", "autograde"],
    ]
    assert handed_in["course"] == handed_in["nbgrader"] == ["student00", "student01", "student02"]


def test_plain_nbgrader_grades_the_class_to_its_end(lab, tmp_path):
    grading.mixed_class(lab, 1, tmp_path / "class")
    seconds = grading.plain(lab, tmp_path / "class", tmp_path / "nbgrader")
    assert seconds > 0
    made = nbformat.read(tmp_path / "nbgrader" / "autograded" / "student00" / "lab99" / "lab99.ipynb", as_version=4)
    assert any(cell.get("execution_count") for cell in made.cells)


def test_a_lab_that_is_not_there_is_a_clear_error(lab):
    with pytest.raises(CourseError, match="no lab 'lab98' under solutions/; did you mean lab99"):
        grading.run(["lab98"])
