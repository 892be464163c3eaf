"""solutions/ to labs/: nbgrader takes the solutions out of each source notebook.

nbgrader copies whatever lies beside a source notebook into the release. It is therefore run in an empty folder that
holds the notebook alone: `judge.py` and hidden data cannot come along.
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

from course_utils import runtime
from course_utils.errors import CourseError
from course_utils.grading import labs
from course_utils.notebooks import files

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


def stale(lab: labs.Lab) -> bool:
    """Whether labs/ lacks this lab, or holds another text than its source makes."""
    return not lab.released.is_file() or lab.released.read_text(encoding="utf-8") != released_text(lab)


def write(lab: labs.Lab) -> bool:
    """Make the student's notebook; True where it changed."""
    text = released_text(lab)
    if lab.released.is_file() and lab.released.read_text(encoding="utf-8") == text:
        return False
    lab.released.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(lab.released, text)
    return True


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
    from course_utils.grading import judging

    in_notebook = {each.grade_id: each.points for each in labs.exercises(notebook) if not each.by_hand}
    in_judge: dict[str, float] = {}
    for test in judging.load(lab.judge):
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
