"""What a notebook says about itself in `metadata.course`."""

from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course_utils.errors import CourseError

GOAL_CHARACTERS = 70  # a longer goal makes the README's tables hard to read


@dataclass(frozen=True)
class CourseMetadata:
    """What a notebook says about itself in `metadata.course`.

    goal: what one can do after it, a phrase that goes on from "you can" in at most `GOAL_CHARACTERS`
    requires: numbers of the lessons that come before
    minutes_cpu, minutes_gpu: the budget in minutes of processor time, on a CPU and beside a GPU
    data: names of the data sets it uses
    """

    title: str
    goal: str
    part: str
    requires: tuple[int, ...]
    minutes_cpu: float
    minutes_gpu: float
    data: tuple[str, ...]


def read(notebook: NotebookNode, path: Path) -> CourseMetadata:
    """What the notebook at `path` says about itself. Raises `CourseError` where a field is missing or misshapen."""
    if "course" not in notebook.metadata:
        raise CourseError(f"{path} says nothing about itself: it needs metadata.course, as lesson 01 has it")
    try:
        fields = notebook.metadata["course"]
        about = CourseMetadata(
            title=str(fields["title"]),
            goal=str(fields["goal"]),
            part=str(fields["part"]),
            requires=tuple(int(number) for number in fields["requires"]),
            minutes_cpu=float(fields["minutes_cpu"]),
            minutes_gpu=float(fields["minutes_gpu"]),
            data=tuple(map(str, fields["data"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CourseError(f"{path}: metadata.course lacks or garbles {error}; lesson 01 shows a whole one") from None
    if not 0 < len(about.goal) <= GOAL_CHARACTERS:
        raise CourseError(
            f"{path}: metadata.course.goal has {len(about.goal)} characters: "
            f"say in 1 to {GOAL_CHARACTERS} what one can do afterwards"
        )
    return about
