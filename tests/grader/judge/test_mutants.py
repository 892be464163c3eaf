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


def test_every_kind_of_mistake_is_made_once():
    changes = [mutant.change.rpartition(": ")[2] for mutant in mutate(SOURCE)]
    made = "0 -> 1, True -> False, 3 -> 4, GreaterThan -> GreaterThanEqual, Not dropped, And -> Or, 1 -> 2, 2 -> 3, "
    made += "SubtractAssign -> AddAssign, deleted, argument size dropped, deleted, deleted, Minus dropped, 1 -> 2, "
    assert sorted(changes) == sorted((made + "Add -> Subtract").split(", "))


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
