"""Lab 01 asks for more than lessons 00 to 02 print: nothing that is pasted from them earns a point."""

import pytest
from conftest import ROOT

from course_tools import notebook_code
from course_tools.grader import labs
from course_tools.grader.judge import answers as answer_files
from course_tools.grader.judge import hidden_tests, rules
from course_tools.grader.judge.student import in_process
from course_utils import checks
from course_utils.command import notebooks

LAB = labs.find(ROOT, ["lab01"])[0]
TESTS = hidden_tests.load(LAB.judge)
SOURCE = labs.read_source(LAB)
SOLUTION = labs.definitions(SOURCE)
SETUP = SOLUTION[labs.SETUP_TAG]
WRONG = {answer.name: answer for answer in answer_files.read(LAB.answers("wrong"), SOLUTION)}
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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("depthwise_flipped", "the kernel is flipped"),
        ("depthwise_dilations_exchanged", "the two dilations are exchanged"),
        ("depthwise_without_the_last_position", "+ 1 in the size?"),
        ("depthwise_maps_before_channels", "channel by channel"),
        ("depthwise_forgets_the_stride", "the stride is forgotten"),
        ("padding_that_rounds_down", "rounds up"),
        ("padding_with_the_odd_zero_in_front", "the odd zero goes behind"),
        ("padding_without_the_last_tap", "d · (kernel - 1) + 1 pixels"),
        ("gradient_that_overwrites", "add, do not overwrite"),
        ("gradient_as_a_mean_over_the_batch", "a sum over the batch, not a mean"),
        ("pooling_gradient_undivided", "the mean divides by the window's pixels"),
        ("pooling_gradient_by_the_side", "a window has kernel · kernel pixels"),
        ("pooling_gradient_that_overwrites", "add, do not overwrite"),
        ("fold_without_the_root", "the variance needs its root"),
        ("fold_forgets_the_shift", "goes through the taps, too"),
        ("fold_interleaves_the_groups", "channel i of output o is channel"),
    ],
)
def test_a_usual_mistake_gets_its_own_hint(name, hint):
    helpers = next(cell.source for cell in SOURCE.cells if "def expect(" in cell.source)
    answer = WRONG[name]
    (exercise,) = answer.replaced
    grade_id = f"check_{exercise}"
    check = next(c.source for c in SOURCE.cells if notebooks.nbgrader_fields(c).get("grade_id") == grade_id)
    names = notebook_code.run_cells({"setup": SETUP, "helpers": helpers, "answer": answer.cells[exercise]}, {})
    with pytest.raises(checks.CheckFailed) as failed:
        exec(check, names)
    assert hint in str(failed.value).partition("Hint: ")[2]
