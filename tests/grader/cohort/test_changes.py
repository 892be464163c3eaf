"""course_tools.grader.cohort.changes: which hidden tests have to be judged again."""

import pytest
from small_class import JUDGE

from course_tools.grader.cohort import changes

WITH_HELPERS = (
    JUDGE
    + """
COUNT = 3

def twice(x):
    return COUNT * x

@hidden_test("check_halve", points=1, hint="")
def rests_on_a_helper(student, generator):
    same(student.halve(twice(1)), 1, "halve")
"""
)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("points=1", "points=4", set()),
        ("tensors, too", "also tensors", set()),
        ("# nothing", "# a comment", set()),
        ("x = draw(generator, 2, 3)", "x = draw(generator, 3, 3)", {"doubles_tensors"}),
        ("COUNT = 3", "COUNT = 2", {"rests_on_a_helper"}),
        ("import torch\n", "import torch\nprint\n", {"all"}),  # a statement that binds nothing: anything may rest on it
    ],
)
def test_a_test_changes_with_its_code_and_what_it_rests_on(tmp_path, old, new, changed):
    judge = tmp_path / "judge.py"
    judge.write_text(WITH_HELPERS)
    before = changes.of(judge)
    judge.write_text(WITH_HELPERS.replace(old, new))
    after = changes.of(judge)
    assert list(after) == ["doubles_numbers", "doubles_tensors", "halves_numbers", "rests_on_a_helper"]
    differing = {name for name in after if after[name] != before[name]}
    assert differing == (set(after) if changed == {"all"} else changed)
