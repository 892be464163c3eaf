"""course_tools.grader.judge.rules and watch: what an exercise forbids is seen, and what it allows is not."""

import sys

import pytest
import torch
import torch.nn.functional as F
from nbformat.v4 import new_code_cell, new_notebook
from torch import nn

from course_tools.grader.judge import hidden_tests, rules
from course_tools.grader.judge.hidden_tests import HiddenTest
from course_tools.grader.judge.student import Student, StudentError, in_process
from course_tools.grader.judge.watch import Watch

X, WEIGHT = torch.ones(1, 2, 5, 5), torch.ones(3, 2, 3, 3)
CONVOLUTION = "aten::*conv*"


class Inherits(nn.Conv2d):
    pass


def by_hand(x, weight):
    windows = x.unfold(2, 3, 1).unfold(3, 3, 1)
    return torch.einsum("ncxyij,ocij->noxy", windows, weight)


def in_an_autograd_function(x, weight):
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return F.conv2d(x, weight)

    return Own.apply(x)


@pytest.mark.parametrize(
    "call",
    [
        lambda: F.conv2d(X, WEIGHT),
        lambda: torch.conv2d(X, WEIGHT),
        lambda: torch._VF.conv2d(X, WEIGHT),
        lambda: torch.ops.aten.convolution(X, WEIGHT, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
        lambda: Inherits(2, 3, 3)(X),
        lambda: torch.func.vmap(lambda x: F.conv2d(x, WEIGHT))(X[None]),
        lambda: in_an_autograd_function(X, WEIGHT),
        torch.inference_mode()(lambda: F.conv2d(X, WEIGHT)),
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3))(X),
    ],
)
def test_an_operator_is_seen_under_whatever_name_it_runs(call):
    with Watch() as watch:
        call()
    assert watch.used([CONVOLUTION])


def test_an_answer_written_out_uses_no_operator_that_is_forbidden():
    with Watch() as watch:
        by_hand(X, WEIGHT)
    assert "aten::unfold" in watch.operators and watch.used([CONVOLUTION]) == []


def test_what_runs_before_and_after_is_not_the_answers():
    F.conv2d(X, WEIGHT)
    with Watch() as watch:
        pass
    F.conv2d(X, WEIGHT)
    assert watch.used([CONVOLUTION]) == [] and sys.getprofile() is None


class Gru(nn.GRU):
    pass


@pytest.mark.parametrize(
    ("call", "forbidden"),
    [
        (lambda: nn.utils.clip_grad_norm_([], 1.0), "torch.nn.utils.clip_grad*"),
        (lambda: nn.utils.clip_grad_norm_([], 1.0), "torch.nn.utils.clip_grad"),
        (lambda: Gru(2, 3), "torch.nn.GRU"),
        (lambda: torch.autograd.grad(X.requires_grad_().sum(), X), "torch.autograd.grad"),
        (lambda: X.clone().requires_grad_().sum().backward(), "torch.Tensor.backward"),
        (lambda: torch.func.vjp(lambda x: 2 * x, X), "torch.func.*"),
    ],
)
def test_a_function_of_python_is_seen_by_the_place_that_defines_it(call, forbidden):
    with Watch() as watch:
        call()
    assert watch.used([forbidden, "torch.nn.LSTM", "no.such.module", "numpy.fft"]) == [forbidden]


def test_an_error_in_the_answer_ends_the_watch():
    with pytest.raises(ZeroDivisionError), Watch() as watch:
        F.conv2d(X, WEIGHT)
        raise ZeroDivisionError
    assert watch.used([CONVOLUTION]) and sys.getprofile() is None
    with Watch() as again:
        pass
    assert not again.operators


def test_a_profiler_of_the_students_own_is_left_alone():
    with torch.autograd.profiler.profile(), Watch() as watch:
        nn.utils.clip_grad_norm_([], 1.0)
    assert watch.used(["torch.nn.utils.clip_grad*"])


FORBIDDEN = {"conv2d": (CONVOLUTION, "torch.nn.functional.unfold", "course_utils.codec", "test_set")}
SETUP = (
    "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nfrom course_utils.codec import intra as modes"
)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("conv2d = F.conv2d", "torch.nn.functional.conv2d"),
        ("def conv2d(x, w):\n    return torch.ops.aten.convolution(x, w)", "torch.ops.aten.convolution"),
        ("class Mine(nn.Conv2d): ...", "torch.nn.Conv2d"),
        ("f, g = torch.conv2d, 1\ndef conv2d(x, w):\n    return f(x, w)", "torch.conv2d"),
        (
            "def conv2d(x, w):\n    from torch.nn.functional import conv2d as c\n    return c(x, w)",
            "torch.nn.functional.conv2d",
        ),
        ("def conv2d(x, w):\n    return getattr(F, 'conv2d')(x, w)", "torch.nn.functional.conv2d"),
        ("columns = F.unfold", "torch.nn.functional.unfold"),
        ("answer = modes.planar", "course_utils.codec.intra.planar"),
        ("import course_utils.codec.blocks", "course_utils.codec.blocks"),
        ("known = test_set.images", "test_set.images"),
    ],
)
def test_a_cell_that_names_what_is_forbidden_is_read(answer, named):
    assert named in rules.named({"setup": SETUP, "conv2d": answer}, FORBIDDEN)["conv2d"]


@pytest.mark.parametrize(
    "answer",
    [
        "def conv2d(x, w):\n    return x.unfold(2, 3, 1)",
        "def conv2d(x, w):\n    return torch.einsum('ncxyij,ocij->noxy', x, w)",
        "conv = 'F.conv2d'  # not F.conv2d",
        "def conv2d(x, w): return (",
        "y = conv2d(x, w)",
        "from torch import Tensor\ndef conv2d(x: Tensor) -> Tensor: ...",
    ],
)
def test_a_cell_that_names_nothing_forbidden_breaks_no_rule(answer):
    assert rules.named({"setup": SETUP, "conv2d": answer}, FORBIDDEN) == {}


def test_a_name_given_in_another_cell_counts_and_another_exercises_use_does_not():
    cells = {"setup": SETUP, "mine": "helper = F.conv2d", "conv2d": "conv2d = helper", "other": "y = F.conv2d"}
    assert rules.named(cells, FORBIDDEN) == {"conv2d": ["torch.nn.functional.conv2d"]}
    for own in ("z = 1", "y = 1\nz = y", "def f(helper):\n    return helper"):
        assert rules.named({**cells, "conv2d": own}, FORBIDDEN) == {}


def test_rules_stand_in_the_solution_cells_metadata():
    def solution(name, **course):
        return new_code_cell(metadata={"nbgrader": {"grade_id": name, "solution": True}, **course})

    notebook = new_notebook(cells=[solution("one", course={"forbidden": ["aten::mm"]}), solution("two")])
    assert rules.of(notebook) == {"one": ("aten::mm",)}


def judged(answer, forbidden=("aten::*conv*",)):
    test = HiddenTest("the_test", "check_conv2d", 1, "", lambda student, _: student.conv2d(X, WEIGHT))
    return hidden_tests.judge((test,), in_process({"conv2d": answer}), forbidden={"conv2d": forbidden})


def test_a_broken_rule_is_told_and_costs_nothing_by_itself():
    verdict = judged(F.conv2d)
    assert verdict.points == 1 and "aten::convolution" in verdict.used["check_conv2d"]
    assert judged(by_hand).used == {} and judged(F.conv2d, forbidden=()).used == {}


def test_a_rule_broken_before_an_error_is_told():
    def fails(x, weight):
        raise ValueError(F.conv2d(x, weight).shape)

    verdict = judged(fails)
    assert verdict.points == 0 and verdict.used


@pytest.mark.parametrize("used", ["text", [1], {"aten::conv2d": 1}])
def test_a_forged_list_of_what_ran_is_an_error(used):
    student = Student(lambda request: {"value": 1, "used": used})
    student.begin([CONVOLUTION])
    with pytest.raises(StudentError):
        student.conv2d()


def test_a_student_cannot_tell_of_what_nobody_asked_for():
    student = Student(lambda request: {"value": 1, "used": ["<script>", "aten::conv2d"]})
    student.begin([CONVOLUTION])
    assert student.conv2d() == 1 and student.used == {"aten::conv2d"}
