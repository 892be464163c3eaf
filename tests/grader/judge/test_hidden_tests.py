"""How hidden tests see a student's work: values are copied, gradients asked for, errors reported, faults told apart."""

import pytest
import torch
from torch import nn

from course_tools.grader.judge import hidden_tests
from course_tools.grader.judge.hidden_tests import (
    HiddenTest,
    check,
    draw,
    expect_tensor,
    expect_values,
    hidden_test,
    pick,
    raises,
)
from course_tools.grader.judge.student import Student, StudentError, in_process
from course_tools.grader.judge.values import encode
from course_utils.compare import Different, same
from course_utils.errors import CourseError


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


def test_raises_wants_the_named_error(student):
    raises(lambda: student.fails(), "ZeroDivisionError", "it")
    with pytest.raises(Different, match="expected ValueError, got"):
        raises(lambda: student.fails(), "ValueError", "it")
    with pytest.raises(Different, match="no error came"):
        raises(lambda: student.double(1), "ValueError", "it")


class TooLarge(ValueError):
    pass


def refuses(x):
    raise TooLarge("a ValueError: it says")


def test_an_exception_made_from_the_asked_one_is_one_and_its_message_is_none():
    student = in_process({"refuses": refuses})
    raises(lambda: student.refuses(1), "ValueError", "it")
    with pytest.raises(Different, match="expected TypeError, got refuses: TooLarge: a ValueError"):
        raises(lambda: student.refuses(1), "TypeError", "it")


def adds_to(items):
    items.append(1)


@pytest.mark.parametrize(
    ("function", "arguments", "changes"),
    [
        (changes_its_argument, [torch.ones(3)], True),
        (lambda x: x[0].mul_(2), [torch.ones(3, 2)], True),
        (lambda pair: pair[1].add_(1), [[1, torch.ones(2)]], True),
        (adds_to, [[torch.ones(2)]], True),
        (lambda d: d.update(b=1), [{"a": 1}], True),
        (lambda x: x + 1, [torch.ones(3)], False),
        (lambda x: x.clone().zero_(), [torch.ones(3)], False),
        (lambda items: [*items, 1], [[1, 2]], False),
    ],
)
def test_a_call_that_changes_what_it_was_given_is_noticed(function, arguments, changes):
    student = in_process({"function": function})
    student.function(*arguments)
    assert student.changed == ({"function"} if changes else set())
    if changes:
        with pytest.raises(Different, match="it: function changed what it was given"):
            hidden_tests.leaves_alone(student, "it")
    student.begin(())
    hidden_tests.leaves_alone(student, "it")


def test_a_training_step_changes_the_module_and_not_what_it_was_given(student):
    student.new("Scale").gradient(torch.ones(1).double(), cotangents=torch.ones(1).double())
    assert not student.changed


def test_the_calls_of_an_inner_function_are_counted_with_their_shapes():
    names: dict = {}
    exec("def inner(x, n): return x * n\ndef outer(x): return inner(x[0], 2) + inner(x, n=3)", names)
    student = in_process(names)
    value, calls = student.trace("inner", "outer", torch.ones(4, 2))
    assert torch.equal(value, torch.full((4, 2), 5.0)) and calls == [[(2,), None], [(4, 2), None]]
    assert student.trace("outer", "inner", torch.ones(2), 1)[1] == []


def test_the_calls_of_a_method_are_counted_and_the_class_is_as_before():
    names = {"Scale": Scale, "apply": lambda module, x: module(x) + module(x)}
    student = in_process(names)
    _, calls = student.trace("Scale.forward", "apply", student.new("Scale"), torch.ones(1))
    assert calls == [[None, (1,)]] * 2 and Scale.forward.__name__ == "forward"
    with pytest.raises(StudentError, match="NameError"):
        student.trace("missing", "apply", 1, 2)


@pytest.mark.parametrize("calls", [3, [3], [[3]], [[["a"]]]])
def test_forged_shapes_are_an_error(calls):
    with pytest.raises(StudentError, match="shapes"):
        Student(lambda request: {"value": encode((1, calls))}).trace("inner", "outer")


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
    tests = (doubles, doubles_whole_numbers)
    verdict = hidden_tests.judge(tests, in_process({"double": lambda x: 2 * x if isinstance(x, int) else x}))
    assert (verdict.points, verdict.most) == (1, 3) and verdict.failed == ("doubles",)
    assert verdict.of("check_double") == (1, 3)
    assert verdict.outcomes[0].reason.startswith("double: expected ")


def test_each_test_draws_numbers_of_its_own_that_depend_on_the_seed():
    seen = []
    tests = (HiddenTest("one", "e", 1, "", lambda student, generator: seen.append(draw(generator, 2))),)
    for seed in (0, 0, 1):
        hidden_tests.judge(tests, in_process({}), seed=seed)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])


def judged(run, names=NAMES):
    """The outcome of one test that runs this."""
    return hidden_tests.judge((HiddenTest("the_test", "e", 1, "", run),), in_process(names)).outcomes[0]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (lambda student, _: same(student.double(1), 3, "double"), "double: expected 3, got 2"),
        (lambda student, _: student.fails(), "fails: ZeroDivisionError: division by zero"),
        (lambda student, _: check(False, "it is so"), "it is so"),
    ],
)
def test_a_wrong_answer_and_an_error_of_the_students_code_fail_a_test(run, reason):
    outcome = judged(run)
    assert not outcome.passed and outcome.reason == reason


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda *_: undefined, "NameError: name 'undefined' is not defined"),  # noqa: F821 (that is the fault)
        (lambda student, _: student.double(1).shape, "AttributeError: 'int' object has no attribute 'shape'"),
        (lambda student, _: same(1, object(), "it"), "TypeError: it: nothing can be compared with"),
    ],
)
def test_anything_else_is_a_fault_of_the_test_and_ends_the_judging_with_its_name(run, message):
    with pytest.raises(CourseError, match=r"^hidden test the_test has a fault, mend it in judge.py: ") as raised:
        judged(run)
    assert message in str(raised.value) and "\n" not in str(raised.value)


class NoJail(CourseError):
    """As `SandboxError`: the pool tries such a submission again."""


def test_an_error_with_a_remedy_keeps_its_class_and_says_in_which_test():
    def run(student, generator):
        raise NoJail("the file is damaged: install it again")

    with pytest.raises(NoJail, match=r"^hidden test the_test: the file is damaged: install it again$"):
        judged(run)


@pytest.mark.parametrize("value", [None, 3, "text", [torch.ones(2)], torch.ones(3), torch.ones(2, 1), torch.ones(())])
def test_what_is_no_tensor_of_the_shape_is_a_wrong_answer(value):
    with pytest.raises(Different, match=r"^it: expected a tensor of shape \(2,\), got "):
        expect_tensor(value, (2,), "it")


def test_a_tensor_of_the_shape_is_passed_on_and_its_dtype_asked_for():
    tensor = torch.ones(2)
    assert expect_tensor(tensor, (2,), "it") is tensor
    assert expect_tensor(tensor, (2,), "it", dtype=torch.float32) is tensor
    with pytest.raises(Different, match=r"expected torch.int64, got torch.float32"):
        expect_tensor(tensor, (2,), "it", dtype=torch.int64)


@pytest.mark.parametrize("value", [None, 3, "ab", torch.ones(2), {"a": 1, "b": 2}, [1], (1, 2, 3)])
def test_what_is_no_list_of_so_many_is_a_wrong_answer(value):
    with pytest.raises(Different, match=r"^it: expected 2 values, got "):
        expect_values(value, 2, "it")
    assert expect_values([1, None], 2, "it") == (1, None)


def test_a_name_that_a_state_has_not_is_the_students_error(student):
    with pytest.raises(StudentError, match="the state of Scale has no bias, only weight"):
        student.new("Scale").state()["bias"]


def test_the_state_of_a_part_is_found_by_its_path():
    student = in_process({"Whole": lambda: nn.ModuleDict({"part": Scale(7.0)})})
    assert student.new("Whole").state("part")["weight"].item() == 7


def forged(answer):
    """A student whose process answers each request but the first, which makes an object, with this."""
    answers = iter([{"value": {"handle": [0, "Scale"]}}])
    return Student(lambda request: next(answers, {"value": encode(answer)})).new("Scale")


@pytest.mark.parametrize("answer", [None, 3, [torch.ones(1)], {"weight": 3}, {"weight": None}, {3: torch.ones(1)}])
def test_a_state_of_anything_but_tensors_by_name_is_the_students_error(answer):
    with pytest.raises(StudentError, match="the state of Scale"):
        forged(answer).state()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        torch.ones(2),
        (torch.ones(2), [], {}),
        (torch.ones(2), [torch.ones(2)] * 2, {}),
        (torch.ones(2), torch.ones(1, 2), {}),
        (torch.ones(2), [3], {}),
        (torch.ones(2), [None], {"weight": "text"}),
        [torch.ones(2), [None], {}],
    ],
)
def test_gradients_of_another_kind_are_the_students_error(answer):
    with pytest.raises(StudentError, match="gradient"):
        forged(answer).gradient(torch.ones(2), cotangents=torch.ones(2))
    with pytest.raises(StudentError, match="gradient"):
        Student(lambda request: {"value": encode(answer)}).gradient("f", torch.ones(2), cotangents=torch.ones(2))


def test_an_answer_that_should_stay_there_and_did_not_is_the_students_error():
    with pytest.raises(StudentError, match="is a int, not an object"):
        forged(3).method("forward", keep=True)


def test_an_answer_that_is_nested_too_deep_to_go_back_is_the_students_error():
    deep = []
    for _ in range(20):
        deep = [deep]
    student = in_process({"cache": lambda: deep, "use": lambda cache: 1})
    with pytest.raises(StudentError, match="use cannot be asked"):
        student.use(student.cache())
