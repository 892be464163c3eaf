"""A lab as a class is graded in it: both of its notebooks, what one submission may use, and the hidden tests."""

from dataclasses import dataclass

from nbformat import NotebookNode

from course_tools.grader import labs
from course_tools.grader.jail import limits
from course_tools.grader.judge import hidden_tests
from course_utils.command import notebooks
from course_utils.errors import CourseError


@dataclass(frozen=True)
class Assignment:
    """One lab in one run of `course grade`, read once.

    source: the instructor's notebook, which says the points; released: the students', which submissions are rebuilt on
    """

    lab: labs.Lab
    source: NotebookNode
    released: NotebookNode
    limits: limits.Limits
    tests: tuple[hidden_tests.HiddenTest, ...]

    @property
    def name(self) -> str:
        """The lab's, such as `lab01`."""
        return self.lab.name

    @property
    def exercises(self) -> list[labs.Exercise]:
        """The graded cells, in order."""
        return labs.exercises(self.source)


def read(lab: labs.Lab) -> Assignment:
    """Raises `CourseError` where the lab was not released, sets a limit that does not exist, or has no `judge.py`."""
    if not lab.released.is_file():
        raise CourseError(f"labs/{lab.name} is not there: run `course release {lab.name}` first")
    source = labs.read_source(lab)
    return Assignment(lab, source, notebooks.read(lab.released), limits.of(source), hidden_tests.load(lab.judge))
