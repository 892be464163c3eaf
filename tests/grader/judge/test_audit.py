"""course_tools.grader.judge.audit: an unfair judge is found out. Tried on a lab of one exercise, made here."""

from typing import NamedTuple

import pytest
import torch
from small_lab import JUDGE, SOLUTION, make_lab
from torch import Tensor

from course_tools.grader import release
from course_tools.grader.judge import audit
from course_tools.grader.judge.student import Student
from course_utils.errors import CourseError

FORGETS_NEGATIVES = """# === forgets_negatives
# No error.
# fails: refuses_negative_numbers
# unseen: the text names it

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
    assert report.faults == [] and report.mutants == 5 and report.killed == 1
    counts = "lab99: solution and blank lab, 1 wrong and 1 right answers, solution and right answers in float32"
    assert str(report).startswith(counts) and "no fault" in str(report)
    assert "1 wrong ones that no visible check sees" in str(report)


def test_a_wrong_answer_that_a_student_cannot_notice_is_a_fault_unless_it_says_why(lab):
    answer(lab, "wrong", FORGETS_NEGATIVES.replace("# unseen: the text names it\n", ""))
    (fault,) = audit.audit(lab, with_mutants=False).faults
    assert fault.startswith("wrong forgets_negatives: hidden tests red, but every visible check of it green: widen one")
    answer(lab, "wrong", "# === third\n# fails: halves\n# unseen: no\n# %% halve\ndef halve(x):\n    return x / 3\n")
    (fault,) = audit.audit(lab, with_mutants=False).faults
    assert fault == "wrong third: `# unseen: …`, but check_halve is red: delete the line"


def test_a_wrong_answer_that_passes_the_named_test_is_a_fault(lab):
    answer(lab, "wrong", "# === is_right\n# fails: halves\n# %% halve\ndef halve(x):\n    return x / 2\n")
    assert audit.audit(lab, with_mutants=False).faults == ["wrong is_right: not noticed by halves"]


def test_a_right_answer_that_loses_points_is_a_fault(lab):
    answer(lab, "right", "# === is_wrong\n# %% halve\ndef halve(x):\n    return x / 3\n")
    faults = audit.audit(lab, with_mutants=False).faults
    assert [fault.partition(": expected")[0] for fault in faults] == [
        "right is_wrong: halves: halve",
        "float32 is_wrong: halves: halve",
    ]


def test_a_right_answer_that_a_visible_check_calls_wrong_is_a_fault(lab):
    whole = MULTIPLIES.replace("return y * 0.5", "return y * 0.5 if isinstance(y, float) else 3")
    answer(lab, "right", whole)
    faults = audit.audit(lab, with_mutants=False).faults
    assert faults == ["right multiplies: hidden tests green, but check_halve red: AssertionError: "]


def test_an_answer_that_kills_the_process_is_a_fault(lab):
    answer(lab, "wrong", "# === dies\n# fails: halves\n# %% halve\nimport os\nos._exit(1)\n")
    assert audit.audit(lab, with_mutants=False).faults == ["wrong dies: the process died"]


def test_an_endless_answer_is_a_fault_and_an_endless_mutant_is_caught(lab, monkeypatch):
    monkeypatch.setattr(audit, "SECONDS", 2.0)
    answer(lab, "wrong", "# === endless\n# fails: halves\n# %% halve\nwhile True:\n    pass\n")
    assert audit.audit(lab, with_mutants=False).faults == ["wrong endless: took more than 2 s"]


def with_tensors(root, how, marks=""):
    """A released lab whose first test hands a tensor in, and compares in this way."""
    first, second = JUDGE.index("@hidden_test"), JUDGE.rindex("@hidden_test")
    test = f"""@hidden_test("check_halve", points=2, hint="half"{marks})
def halves(student, generator):
    x = draw(generator, 3).abs()
    same(student.halve(x), x / 2, "halve", {how})

"""
    solution = SOLUTION.replace("if x < 0:", "if (torch.as_tensor(x) < 0).any():")
    lab = make_lab(root, JUDGE[:first] + test + JUDGE[second:], solution)
    release.write(lab)
    return lab


def test_a_test_that_takes_no_float32_is_a_fault(tmp_path):
    lab = with_tensors(tmp_path, "tolerance=0")
    answer(lab, "right", MULTIPLIES.replace("if not y >= 0:", "if not (torch.as_tensor(y) >= 0).all():"))
    faults = audit.audit(lab, with_mutants=False).faults
    assert [fault.partition(": expected")[0] for fault in faults] == [
        "float32 lab99: halves: halve",
        "float32 multiplies: halves: halve",
    ]


def test_a_test_of_an_exercise_that_asks_for_a_dtype_must_take_no_float32(tmp_path):
    lab = with_tensors(tmp_path / "asks", "same_dtype=True", marks=", asks_dtype=True")
    assert audit.audit(lab, with_mutants=False).faults == []
    lab = with_tensors(tmp_path / "takes", "same_dtype=False", marks=", asks_dtype=True")
    assert audit.audit(lab, with_mutants=False).faults == ["float32 lab99: halves: asks for a dtype, but takes float32"]


class Pair(NamedTuple):
    first: Tensor
    second: dict


def test_float32_reaches_into_what_holds_tensors_and_into_the_gradient():
    functions = {"pair": lambda x: Pair(x, {"x": [x, 3]}), "double": lambda x: 2 * x}
    student = Student(audit._Float32Agent(functions).answer)
    x = torch.tensor([0.1], dtype=torch.float64)
    first, second = student.pair(x)
    assert first.dtype == second["x"][0].dtype == torch.float32 and second["x"][1] == 3
    outputs, (gradient,) = student.gradient("double", x, cotangents=x)
    assert outputs.dtype == torch.float32 and gradient.dtype == torch.float64
    assert gradient.item() == 2 * x.float().item() != 2 * x.item()


def test_a_fault_of_the_judge_is_no_failed_test(tmp_path):
    fragile = JUDGE.replace('same(student.halve(0.0), 0.0, "halve of nothing")', "1 / student.halve(4.0)")
    lab = make_lab(tmp_path, fragile)
    release.write(lab)
    nothing = "def halve(x):\n    if x < 0:\n        raise ValueError\n    return 0 if x == 4 else x / 2\n"
    answer(lab, "wrong", f"# === nothing\n# fails: halves\n# %% halve\n{nothing}")
    told = "hidden test halves has a fault, mend it in judge.py: ZeroDivisionError: division by zero"
    assert audit.audit(lab, with_mutants=False).faults == [f"wrong nothing: {told}"]


def test_a_mutant_that_brings_a_fault_of_the_judge_to_light_is_not_caught_by_it(tmp_path):
    fragile = JUDGE.replace('same(student.halve(x), x / 2, "halve")', "student.halve(4.0).is_integer()")
    lab = make_lab(tmp_path, fragile, SOLUTION.replace("x / 2", "float(x / 2) if x is not None else None"))
    release.write(lab)
    told = "hidden test halves has a fault, mend it in judge.py: AttributeError: 'NoneType'"
    assert [fault for fault in audit.audit(lab).faults if fault.startswith("mutant") and told in fault]


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
