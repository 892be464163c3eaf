"""solutions/ to labs/: nbgrader takes the solutions out of each source notebook.

nbgrader copies whatever lies beside a source notebook into the release. It is therefore run in an empty folder that
holds the notebook alone: `judge.py` and hidden data cannot come along. Of a study only results that the notebook reads
go with it.
"""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.grader import labs
from course_utils import runtime
from course_utils.command import notebooks
from course_utils.errors import CourseError

STUB = "raise NotImplementedError()"


def released_text(lab: labs.Lab) -> str:
    """The student's notebook of `lab`, as text. Raises `CourseError` where nbgrader refuses the source."""
    notebook = labs.read_source(lab)
    _check_source(notebook, lab)
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        source = course / "source" / lab.name
        source.mkdir(parents=True)
        shutil.copy(lab.source, source)
        _generate(course, lab.name)
        made = nbformat.read(course / "release" / lab.name / lab.source.name, as_version=4)
    return nbformat.writes(_cleaned(made), version=nbformat.NO_CONVERT) + "\n"


def files_of(lab: labs.Lab) -> dict[Path, str]:
    """What students get of the lab, by the place in labs/: the notebook, and the study's results that it reads."""
    text = released_text(lab)
    results = {f"study/{path.name}": path for path in sorted((lab.folder / "study").glob("*.json"))}
    read = {lab.released.parent / name: path for name, path in results.items() if name in text}
    return {lab.released: text} | {place: path.read_text(encoding="utf-8") for place, path in read.items()}


def stale(lab: labs.Lab) -> bool:
    """Whether labs/ lacks a file of this lab, or holds another text than its source makes."""
    return bool(_differing(lab))


def write(lab: labs.Lab) -> bool:
    """Make the student's files; True where one changed."""
    differing = _differing(lab)
    for place, text in differing.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        notebooks.write_text(place, text)
    return bool(differing)


def _differing(lab: labs.Lab) -> dict[Path, str]:
    return {
        place: text
        for place, text in files_of(lab).items()
        if not place.is_file() or place.read_text(encoding="utf-8") != text
    }


@contextmanager
def own_commands() -> Iterator[None]:
    """nbgrader calls `alembic` by name, which an environment that is not activated does not find."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with runtime.environment(PATH=path):
        yield


def _generate(course: Path, name: str) -> None:
    """Run nbgrader's generate step in `course`, with a database of its own."""
    from nbgrader.apps import NbGraderAPI  # slow to import, and needed by instructors only
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}"
    config.Exchange.root = str(course)  # never used, but looked at
    config.ClearSolutions.code_stub = {"python": STUB}
    config.NbGraderAPI.log_level = config.Application.log_level = logging.ERROR
    with own_commands():
        outcome = NbGraderAPI(config=config).generate_assignment(name, force=True, create=True)
    if not outcome["success"]:
        reason = (outcome.get("error") or outcome.get("log") or "no reason given").strip().splitlines()[-1]
        raise CourseError(f"nbgrader could not release {name}: {reason}")


def _check_source(notebook: NotebookNode, lab: labs.Lab) -> None:
    """Raise `CourseError` for mistakes that nbgrader lets through: marks without a test, a solution left in."""
    from course_tools.grader.judge import hidden_tests

    in_notebook = {exercise.grade_id: exercise.points for exercise in labs.exercises(notebook) if not exercise.by_hand}
    in_judge: dict[str, float] = {}
    for test in hidden_tests.load(lab.judge):
        in_judge[test.exercise] = in_judge.get(test.exercise, 0) + test.points
    if in_notebook != in_judge:
        differing = sorted(set(in_notebook.items()) ^ set(in_judge.items()))
        raise CourseError(f"{lab.name}: the points of the notebook's checks and of judge.py differ: {differing}")
    for grade_id, source in labs.definitions(notebook).items():
        if grade_id != labs.SETUP_TAG and "### BEGIN SOLUTION" not in source:
            raise CourseError(f"{lab.name}: the solution cell {grade_id} has no ### BEGIN SOLUTION")


def _cleaned(notebook: NotebookNode) -> NotebookNode:
    """Without what nbgrader and an author's editor leave behind, so that the same source gives the same text."""
    kept = {"kernelspec", "language_info", "course"}
    notebook.metadata = nbformat.from_dict(
        {key: notebook.metadata[key] for key in sorted(notebook.metadata) if key in kept}
    )
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = []
    return notebook
