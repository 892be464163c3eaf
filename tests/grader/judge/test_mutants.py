"""course_tools.grader.judge.mutants: one change at a time, each of them code that compiles."""

import pytest

from course_tools.grader.judge.mutants import mutate

SOURCE = '''
def f(x: int = 0, *, flag=True):
    """Docstring 1."""
    if x > 3 and not flag:
        x -= 1
    x = g(x, size=2)
    h(x)
    return -x + 1
'''


def changes(source):
    return [mutant.change.rpartition(": ")[2] for mutant in mutate(source)]


def test_every_mistake_is_made_once():
    made = "0 -> 1, True -> False, 3 -> 4, Gt -> GtE, Not dropped, And -> Or, 1 -> 2, 2 -> 3, SubAssign -> AddAssign, "
    made += "deleted, argument size dropped, deleted, deleted, Minus dropped, 1 -> 2, Add -> Sub, "
    made += "flag -> x, " + 4 * "x -> flag, "
    assert sorted(changes(SOURCE)) == sorted(made.removesuffix(", ").split(", "))


@pytest.mark.parametrize(
    ("line", "kind", "mutant"),
    [
        ("y = 0.5", "numbers", "y = 0.55"),
        ("y = 0.0", "numbers", "y = 0.1"),
        ("y = x[1:n]", "slices", "y = x[:n]"),
        ("y = x[1:n]", "slices", "y = x[1:]"),
        ("y = x[::2]", "slices", "y = x[:]"),
        ("y = x.amax(dim=1)", "reductions", "y = (x.amin(dim=1))"),
        ("y = lerp(a, b, 1)", "order", "y = (lerp(b, a, 1))"),
        ("y = lerp(a, b, 1)", "order", "y = (lerp(a, 1, b))"),
        ("def f():\n    return a, b", "returns", "def f():\n    return (b, a)"),
        ("def f(x, n):\n    return x", "names", "def f(x, n):\n    return n"),
        ("def f():\n    raise ValueError", "lines", "def f():\n    pass"),
        ("def f():\n    if x:\n        return 1", "lines", "def f():\n    if x:\n        pass"),
        ("def forward():\n    return a * b", "gradients", "def forward():\n    return (a * b).detach()"),
        ("def forward():\n    return a, b", "gradients", "def forward():\n    return (a).detach(), b"),
        ("y = 'Größe', a + b", "operators", "y = 'Größe', (a - b)"),
    ],
)
def test_a_mistake_of_this_kind_is_made(line, kind, mutant):
    assert (kind, mutant) in [(made.kind, made.source) for made in mutate(line)]


@pytest.mark.parametrize(
    "source", ["y = max(a, b)", "y = f(*a, b)", "y = f(a, a)", "y = f'{a + 1}'", "def f(x):\n    return x"]
)
def test_what_would_change_nothing_or_lies_where_no_text_is_known_is_left_alone(source):
    assert not {mutant.kind for mutant in mutate(source)} & {"order", "names", "numbers", "operators"}


def test_each_mutant_compiles_and_differs_from_the_source_in_one_place():
    for mutant in mutate(SOURCE):
        compile(mutant.source, "mutant", "exec")
        old, new = SOURCE.splitlines(), mutant.source.splitlines()
        assert len(old) == len(new) and sum(one != other for one, other in zip(old, new, strict=True)) == 1


@pytest.mark.parametrize(
    "source", ["x: Tensor[3] = y", "def f(x: Literal[True]) -> None: ...", '"""Text 3."""', "y = x"]
)
def test_type_hints_texts_and_plain_assignments_are_left_alone(source):
    assert list(mutate(source)) == []
