"""course_tools.grader.judge.audit: an unfair judge is found out. Tried on a lab of one exercise, made here."""

import pytest
from small_lab import JUDGE, make_lab

from course_tools.grader import release
from course_tools.grader.judge import audit
from course_utils.errors import CourseError

FORGETS_NEGATIVES = """# === forgets_negatives
# No error.
# fails: refuses_negative_numbers

# %% halve
def halve(x):
    return x / 2
"""
MULTIPLIES = """# === multiplies
# %% halve
def halve(y):
    if not y >= 0:
        raise ValueError
    return y * 0.5
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = make_lab(tmp_path_factory.mktemp("course"))
    release.write(made)
    return made


def answer(lab, kind, text):
    lab.answers(kind).write_text(text)


def equivalents(lab, text):
    lab.equivalents.write_text(text)


@pytest.fixture(autouse=True)
def without_answers(lab):
    yield
    for path in (lab.answers("wrong"), lab.answers("right"), lab.equivalents):
        path.unlink(missing_ok=True)


def test_a_fair_judge_has_no_fault_and_catches_the_mutants(lab):
    answer(lab, "wrong", FORGETS_NEGATIVES)
    answer(lab, "right", MULTIPLIES)
    report = audit.audit(lab, jobs=2)
    assert report.faults == [] and report.mutants == 4 and report.killed == 1
    assert "lab99: solution and blank lab, 1 wrong and 1 right answers" in str(report) and "no fault" in str(report)


def test_a_wrong_answer_that_passes_the_named_test_is_a_fault(lab):
    answer(lab, "wrong", "# === is_right\n# fails: halves\n# %% halve\ndef halve(x):\n    return x / 2\n")
    assert audit.audit(lab, with_mutants=False).faults == ["wrong is_right: not noticed by halves"]


def test_a_right_answer_that_loses_points_is_a_fault(lab):
    answer(lab, "right", "# === is_wrong\n# %% halve\ndef halve(x):\n    return x / 3\n")
    (fault,) = audit.audit(lab, with_mutants=False).faults
    assert fault.startswith("right is_wrong: halves: halve: greatest error")


def test_an_answer_that_kills_the_process_is_a_fault(lab):
    answer(lab, "right", "# === dies\n# %% halve\nimport os\nos._exit(1)\n")
    assert audit.audit(lab, with_mutants=False).faults == ["right dies: the process died"]


def test_an_endless_answer_is_a_fault_and_an_endless_mutant_is_caught(lab, monkeypatch):
    monkeypatch.setattr(audit, "SECONDS", 2.0)
    answer(lab, "right", "# === endless\n# %% halve\nwhile True:\n    pass\n")
    assert audit.audit(lab, with_mutants=False).faults == ["right endless: took more than 2 s"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# === bad\n", "no solution cell named"),
        ("# === bad\n# fails: halves\n# %% third\n", "no solution cell third"),
        ("# === bad\n# %% halve\n", "needs `# fails: …`"),
        ("# === bad\n# fails: thirds\n# %% halve\n", "not thirds"),
        (2 * "# === bad\n# fails: halves\n# %% halve\n", "two answers are called bad"),
    ],
)
def test_an_answer_file_that_names_nothing_known_is_a_clear_error(lab, text, message):
    answer(lab, "wrong", text)
    with pytest.raises(CourseError, match=message):
        audit.audit(lab, with_mutants=False)


def test_a_blind_judge_lets_mutants_live_and_pays_for_nothing(tmp_path):
    blind = JUDGE.replace('same(student.halve(x), x / 2, "halve")', "pass").replace(
        'same(student.halve(0.0), 0.0, "halve of nothing")', "pass"
    )
    lab = make_lab(tmp_path, judge=blind)
    release.write(lab)
    report = audit.audit(lab)
    assert any(fault.startswith("blank lab99: passed halves") for fault in report.faults)
    assert report.killed < audit.LEAST_KILLED and any("of the mutants were caught" in fault for fault in report.faults)


def test_listed_equivalents_must_exist_and_survive(lab):
    equivalents(lab, '"halve: return x / 2: 2 -> 3" = "caught, so no equivalent"\n"halve: gone: 1 -> 2" = "no such"\n')
    faults = audit.audit(lab, with_answers=False).faults
    assert faults == [
        "mutant halve: return x / 2: 2 -> 3: listed as equivalent, but a test catches it",
        "equivalent halve: gone: 1 -> 2: is no mutant any more: delete the line",
    ]


def test_a_cell_whose_design_is_free_is_not_mutated(lab):
    equivalents(lab, '"halve: *" = "free"\n')
    assert audit.audit(lab, with_answers=False).mutants == 0
