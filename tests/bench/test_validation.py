"""course_tools.bench.validation: one worker with all cores, two that share them, and no hour of notebooks."""

import os

import pytest

from course_tools.bench import validation
from course_utils.command import notebooks
from course_utils.errors import CourseError


@pytest.fixture
def lesson(course, monkeypatch):
    path = course("print(1)", execute=False)
    monkeypatch.setattr(notebooks, "course_root", lambda: path.parents[1])
    return path


def test_two_workers_share_the_cores_that_one_has_alone(lesson, monkeypatch):
    calls = {}

    def timed(command, *, cwd, environment, output):
        jobs = int(command[command.index("-j") + 1])
        calls[jobs] = (command[-1], int(environment["OMP_NUM_THREADS"]), cwd)
        return 60.0 * (3 - jobs)

    monkeypatch.setattr(validation, "program_seconds", timed)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    (row,), _ = validation.run([str(lesson)])
    assert (row.ours, row.other, row.ratio) == (60.0, 120.0, 2.0)
    root = lesson.parents[1]
    assert calls == {2: (str(lesson), 4, root), 1: (str(lesson), 8, root)}


def test_a_red_run_is_not_timed_and_its_report_is_shown(lesson, monkeypatch):
    def red(command, *, cwd, environment, output):
        output.write("02_small.ipynb: Cell 3 failed\n")
        raise CourseError("`course validate` ended with code 1: nothing to compare")

    monkeypatch.setattr(validation, "program_seconds", red)
    with pytest.raises(CourseError, match=r"Cell 3 failed\n\n.*ended with code 1"):
        validation.run([])


def test_a_wrong_name_is_found_before_anything_is_timed(lesson, monkeypatch):
    monkeypatch.setattr(validation, "program_seconds", lambda *arguments, **options: pytest.fail("it ran"))
    with pytest.raises(CourseError, match=r"no such notebook: no\.ipynb"):
        validation.run(["no.ipynb"])
