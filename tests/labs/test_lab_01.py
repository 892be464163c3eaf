"""Lab 01 asks for more than lessons 00 to 02 print: nothing that is pasted from them earns a point."""

import pytest
from conftest import ROOT

from course_tools import notebook_code
from course_tools.grader import labs
from course_tools.grader.judge import hidden_tests, rules
from course_tools.grader.judge.student import in_process

LAB = labs.find(ROOT, ["lab01"])[0]
TESTS = hidden_tests.load(LAB.judge)
SETUP = labs.definitions(labs.read_source(LAB))[labs.SETUP_TAG]
LESSONS = sorted((ROOT / "lessons").glob("0[0-2]_*.ipynb"))


def points(answers, tests):
    """What the hidden tests give for a notebook with lab 01's set-up and these answers, values by name."""
    student = in_process(notebook_code.run_cells({"setup": SETUP}, {}) | answers)
    return hidden_tests.judge(tests, student).points


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def written(request):
    """Every function and class that a lesson writes, by name."""
    names = vars(notebook_code.definitions(request.param))
    return {name: value for name, value in names.items() if getattr(value, "__module__", "") == request.param.stem}


def test_what_a_lesson_writes_earns_nothing_under_its_own_name(written):
    assert len(written) > 5
    assert points(written, TESTS) == 0


def test_what_a_lesson_writes_earns_nothing_under_an_exercises_name(written):
    earned = {}
    for test in TESTS:
        exercise = rules.exercise_of(test.exercise)
        for name, value in written.items():
            if points(written | {exercise: value}, [test]):
                earned[name] = exercise
    assert not earned


def test_the_solution_earns_its_points_in_the_same_way():
    solution = notebook_code.definitions(LAB.source)
    some = [test for test in TESTS if test.exercise != "check_train_cnn"]
    assert points(vars(solution), some) == sum(test.points for test in some)
