"""How hidden tests see a student's work: values are copied, gradients asked for, errors reported, answers compared."""

import math

import pytest
import torch
from torch import nn

from course_tools.grader.judge import hidden_tests
from course_tools.grader.judge.hidden_tests import Wrong, check, draw, hidden_test, pick, raises, same
from course_tools.grader.judge.student import Student, StudentError, in_process


class Scale(nn.Module):
    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([factor], dtype=torch.float64))

    def forward(self, x):
        return x * self.weight if self.training else x


def changes_its_argument(x):
    x.zero_()
    return x


NAMES = {
    "double": lambda x: 2 * x,
    "Scale": Scale,
    "changes_its_argument": changes_its_argument,
    "fails": lambda: 1 / 0,
    "apply": lambda module, x: module(x),
    "both": lambda: [Scale(1.0), Scale(3.0)],
    "noise": lambda: torch.rand(3),
    "answer": 42,
    "unreadable": lambda: [{1, 2}],
    "split": lambda x: (x.sum(), x.detach().sum()),
}


@pytest.fixture
def student():
    return in_process(NAMES)


def test_a_function_gets_a_copy_of_its_arguments(student):
    x = torch.ones(3)
    assert torch.equal(student.double(x), torch.full((3,), 2.0))
    student.changes_its_argument(x)
    assert torch.equal(x, torch.ones(3))


def test_an_answer_that_is_kept_has_its_graph(student):
    scale = student.new("Scale", factor=3.0)
    total = scale.method("", torch.tensor([1.0, 5.0]), keep=True).method("sum", keep=True)
    total.method("backward")
    assert scale.get("weight.grad").item() == 6 and total.method("item") == 18


def test_a_module_stays_there_and_answers_through_its_handle(student):
    scale = student.new("Scale", factor=3.0)
    assert scale(torch.ones(1)).item() == 3 and scale.eval()(torch.ones(1)).item() == 1
    scale.load({"weight": torch.tensor([5.0])})
    assert scale.state()["weight"].item() == scale.train()(torch.ones(1)).item() == 5
    assert scale.get("weight").item() == 5


def test_a_handle_may_be_an_argument_and_a_list_may_hold_handles(student):
    one, three = student.both()
    assert student.apply(three, torch.ones(1)).item() == 3 and one(torch.ones(1)).item() == 1


def test_gradients_of_functions_and_modules(student):
    x, cotangents = torch.tensor([1.0, 2.0], dtype=torch.float64), torch.tensor([1.0, 10.0], dtype=torch.float64)
    outputs, (gradient,) = student.gradient("double", x, cotangents=cotangents)
    assert outputs.tolist() == [2, 4] and gradient.tolist() == [2, 20]
    _, (gradient,), weights = student.new("Scale").gradient(x, cotangents=cotangents)
    assert gradient.tolist() == [2, 20] and weights["weight"].tolist() == [21]


def test_an_output_without_a_cotangent_is_left_out_of_the_gradient(student):
    _, (gradient,) = student.gradient("split", torch.ones(2), cotangents=[torch.tensor(3.0), None])
    assert gradient.tolist() == [3, 3]


def test_a_seed_makes_a_call_repeatable(student):
    first, second = (student.ask("call", None, "noise", args=[], kwargs={}, seed=7) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.fails(), "fails: ZeroDivisionError: division by zero"),
        (lambda s: s.missing(1), "NameError: missing is not defined"),
        (lambda s: s.new("double", 1), "double.*is a int, not an object"),
        (lambda s: s.unreadable(), "BadValue"),
        (lambda s: s.new("Scale").method("no_such_method"), "AttributeError"),
    ],
)
def test_the_students_mistakes_are_errors_with_a_reason(student, call, message):
    with pytest.raises(StudentError, match=message):
        call(student)


@pytest.mark.parametrize(
    "answer", [None, {}, {"value": {"pickle": "x"}}, {"value": 1, "error": "no"}, "text", {"x": 1}]
)
def test_a_forged_answer_is_an_error(answer):
    with pytest.raises(StudentError):
        Student(lambda request: answer).anything()


def test_a_constant_can_be_read(student):
    assert student.constant("answer") == 42


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.ones(2), torch.ones(3)),
        (torch.ones(2, 1), torch.ones(2)),
        (torch.tensor([1.0, math.nan]), torch.ones(2)),
        (torch.ones(2), torch.tensor([1.0, math.nan])),
        (torch.tensor([math.inf]), torch.tensor([-math.inf])),
        (torch.tensor([1.0 + 1e-6]), torch.tensor([1.0])),
        (torch.zeros(2), torch.full((2,), 1e-5)),
        (3, 4),
        (None, 1.0),
        ("no", "yes"),
        ([1, 2], [1, 2, 3]),
        (1, [1]),
        ({"a": 1}, {"b": 1}),
        (1, True),
    ],
)
def test_what_differs_is_wrong(actual, expected):
    with pytest.raises(Wrong):
        same(actual, expected, "it")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.tensor([math.nan, math.inf]), torch.tensor([math.nan, math.inf])),
        (torch.tensor(3), 3),
        (torch.tensor([3.0]), 3.0),
        ([1, torch.ones(1)], (1, torch.ones(1))),
        ({"a": 1.0}, {"a": 1}),
        (torch.empty(0, 3), torch.empty(0, 3)),
        (1e6 * (1 + 1e-10), 1e6),
    ],
)
def test_what_is_the_same_up_to_rounding_passes(actual, expected):
    same(actual, expected, "it")


def test_raises_wants_the_named_error(student):
    raises(lambda: student.fails(), "ZeroDivisionError", "it")
    with pytest.raises(Wrong, match="expected ValueError, got"):
        raises(lambda: student.fails(), "ValueError", "it")
    with pytest.raises(Wrong, match="no error came"):
        raises(lambda: student.double(1), "ValueError", "it")


@hidden_test("check_double", points=2, hint="twice")
def doubles(student, generator):
    x = draw(generator, 3)
    same(student.double(x), 2 * x, "double")


@hidden_test("check_double", points=1, hint="a whole number")
def doubles_whole_numbers(student, generator):
    number = pick(generator, 1, 5)
    check(1 <= number <= 5, "out of range")
    same(student.double(number), 2 * number, "double")


def test_a_verdict_counts_points_by_exercise_and_names_what_failed():
    tests = (doubles.hidden_test, doubles_whole_numbers.hidden_test)
    verdict = hidden_tests.judge(tests, in_process({"double": lambda x: 2 * x if isinstance(x, int) else x}))
    assert (verdict.points, verdict.most) == (1, 3) and verdict.failed == ("doubles",)
    assert verdict.of("check_double") == (1, 3)
    assert "greatest error" in verdict.outcomes[0].reason


def test_each_test_draws_numbers_of_its_own_that_depend_on_the_seed():
    seen = []
    tests = (hidden_tests.HiddenTest("one", "e", 1, "", lambda student, generator: seen.append(draw(generator, 2))),)
    for seed in (0, 0, 1):
        hidden_tests.judge(tests, in_process({}), seed=seed)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])


def test_a_number_of_python_is_compared_with_all_its_digits():
    same(0.1 + 0.2, torch.tensor(0.3, dtype=torch.float64), "it")
    with pytest.raises(Wrong):
        same(0.3 + 1e-8, 0.3, "it")
