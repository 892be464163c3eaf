"""course_tools.grader.cohort.execution: what one exercise does to the kernel or the clock costs that exercise alone."""

import nbformat
import pytest
from small_class import LAB, LIMITS, answered, make_course, needs_jail, with_extra

from course_tools.grader.cohort import execution
from course_tools.grader.cohort.execution import Job
from course_tools.grader.jail.limits import Limits

pytestmark = pytest.mark.timeout(280)

# Five tests of one exercise, and two of the other: more than a submission may lose kernels.
JUDGE = """
from course_tools.grader.judge.hidden_tests import hidden_test
from course_utils.compare import same

def doubles(number):
    def test(student, generator):
        same(student.double(number), 2 * number, "double")
    test.__name__ = f"doubles_{number}"
    return hidden_test("check_double", points=0.4, hint="")(test)

doubles_1, doubles_2, doubles_3, doubles_4, doubles_5 = map(doubles, range(1, 6))

@hidden_test("check_halve", points=0.5, hint="")
def halves(student, generator):
    same(student.halve(4), 2.0, "halve")

@hidden_test("check_halve", points=0.5, hint="")
def halves_again(student, generator):
    same(student.halve(6), 3.0, "halve")
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"), judge=JUDGE)


def run(lab, notebook):
    result = execution.run(Job(LAB, str(lab.root), nbformat.writes(notebook), limits=Limits(**LIMITS)))
    return result, {name: (passed, reason) for name, passed, reason in result.outcomes}


@needs_jail
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os\ndef double(x):\n    os._exit(1)", "ended the kernel"),
        ("import time\ndef double(x):\n    time.sleep(60)", "double took longer than 4 s"),
    ],
)
def test_a_call_that_kills_or_hangs_is_tried_once_and_the_other_exercise_is_judged(lab, code, reason):
    result, outcomes = run(lab, answered(lab, double=code))
    assert outcomes["doubles_1"][0] is False and reason in outcomes["doubles_1"][1]
    for number in range(2, 6):
        passed, said = outcomes[f"doubles_{number}"]
        assert not passed and said.startswith(f"not tried: doubles_1: {reason}"), said
    assert outcomes["halves"] == outcomes["halves_again"] == (True, "")
    assert result.seconds < 40


@needs_jail
def test_cells_that_end_the_kernel_again_and_again_leave_the_answers(lab):
    notebook = answered(lab)
    for number in range(6):
        notebook = with_extra(notebook, f"import os\nos._exit({number})")
        next(cell for cell in notebook.cells if cell.id == "mine").id = f"mine{number}"
    result, outcomes = run(lab, notebook)
    assert all(passed for passed, _ in outcomes.values()), outcomes
    assert len(result.notes) == 6 and all("ended the kernel: left out" in note for note in result.notes)


@needs_jail
@pytest.mark.parametrize("code", ["exit()", "quit()", "%reset -f", "get_ipython().ask_exit()", "%reset_selective -f ."])
def test_what_ends_or_empties_a_session_means_nothing(lab, code):
    _, outcomes = run(lab, with_extra(answered(lab), code))
    assert all(passed for passed, _ in outcomes.values()), outcomes


@needs_jail
def test_what_a_student_draws_is_kept(lab):
    result, _ = run(lab, with_extra(answered(lab), "import matplotlib.pyplot as plt\nplt.plot([1, 2, 4])\nplt.show()"))
    (drawn,) = next(outputs for outputs in result.outputs.values() if outputs)
    assert drawn["data"]["image/png"].startswith("iVBOR")


RESTING = "def halve(x):\n    return double(x) / 4"


@needs_jail
def test_an_answer_that_rests_on_a_wrong_one_is_judged_with_the_solution_in_its_place(lab):
    result, outcomes = run(lab, answered(lab, double="def double(x):\n    return 3 * x", halve=RESTING))
    assert not outcomes["doubles_1"][0] and not outcomes["doubles_5"][0]
    assert outcomes["halves"] == outcomes["halves_again"] == (True, "")
    assert result.notes == ["halve was judged with the course's own double"]


@needs_jail
def test_an_answer_that_is_wrong_whatever_it_rests_on_stays_wrong(lab):
    wrong = answered(lab, double="def double(x):\n    return 3 * x", halve=RESTING.replace("4", "5"))
    result, outcomes = run(lab, wrong)
    assert not outcomes["halves"][0] and outcomes["halves"][1].startswith("halve: ") and not result.notes


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("double: NotImplementedError: ", "double: not written yet"),
        ("double: NotImplementedError: Cannot copy out of meta tensor", "double: NotImplementedError: Cannot copy out"),
        ("double: StdinNotImplementedError: raw_input was called", "double: StdinNotImplementedError: raw_input"),
    ],
)
def test_only_a_stub_is_not_written_yet(reason, said):
    assert execution.one_line(reason).startswith(said)
