"""Every lab: released as its source says, with nothing hidden in it, and judged by a grader that was itself graded."""

import re

import pytest
from conftest import ROOT

from course_tools.grader import labs, release
from course_tools.grader.judge import audit, hidden_tests
from course_utils.command import notebooks

# An audit judges a hundred answers and more: minutes on a slow machine, and each answer has a limit of its own.
pytestmark = pytest.mark.timeout(1200)

LABS = labs.find(ROOT)
LEAST_WRONG, LEAST_RIGHT = 12, 4


@pytest.fixture(params=LABS, ids=lambda lab: lab.name)
def lab(request):
    return request.param


def test_the_students_copy_is_what_the_source_makes(lab):
    assert not release.stale(lab), "run `course release` and commit it"


def test_the_students_copy_holds_no_solution_and_no_hidden_test(lab):
    released = lab.released.read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in released and "judge" not in released
    for test in hidden_tests.load(lab.judge):
        assert test.name not in released and test.hint not in released
    source = labs.definitions(labs.read_source(lab))
    given = "\n".join(cell.source for cell in notebooks.read(lab.released).cells)
    solutions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", "\n".join(source.values()), flags=re.DOTALL)
    lines = [line.strip() for solution in solutions for line in solution.splitlines() if len(line.strip()) > 25]
    assert lines and not [line for line in lines if line in given]


def test_nothing_lies_in_the_students_folder_but_what_the_release_makes(lab):
    files = {
        path for path in lab.released.parent.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    assert files == set(release.files_of(lab))


def test_a_lab_has_four_to_six_exercises_with_a_check_each_and_a_report(lab):
    graded = labs.exercises(notebooks.read(lab.released))
    assert 4 <= sum(not each.by_hand for each in graded) <= 6
    assert sum(each.by_hand for each in graded) == 1
    assert {test.exercise for test in hidden_tests.load(lab.judge)} == {
        each.grade_id for each in graded if not each.by_hand
    }


def test_the_grader_is_fair(lab):
    """Solution full, blank lab none, wrong answers caught where they must be, right ones full under five seeds."""
    report = audit.audit(lab, with_mutants=False)
    assert not report.faults
    kinds = [finding.case.kind for finding in report.findings]
    assert kinds.count("wrong") >= LEAST_WRONG and kinds.count("right") >= LEAST_RIGHT


def test_most_machine_made_mistakes_are_caught(lab):
    report = audit.audit(lab, with_answers=False)
    assert report.mutants > 20 and not report.faults
