"""`course check`: run a student's notebook and report its visible checks, one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync

from course_utils import runtime
from course_utils.command import kernel, notebooks
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from nbclient import NotebookClient

CELL_SECONDS = 300
STOP_SECONDS = 10  # after which a cell that was interrupted must have stopped


@dataclass(frozen=True)
class Outcome:
    """One visible check; `message` is what the notebook said, or why it could not be run."""

    grade_id: str
    passed: bool
    message: str

    def __str__(self) -> str:
        return f"{'[ok]' if self.passed else '[no]':6}{self.grade_id}: {self.message}"


def run(path: Path, *, device: str, on_outcome: Callable[[Outcome], None] = lambda outcome: None) -> list[Outcome]:
    """Run the notebook cell by cell in a fresh kernel; a failing cell does not stop the checks after it.

    Nothing is written. Raises `CourseError` for a file that is no lab of this course, and where the kernel dies or does
    not stop.
    """
    if not path.is_file():
        raise CourseError(f"no such notebook: {path}; see `ls labs`")
    notebook = notebooks.read(path)
    graded = [
        cell for cell in notebook.cells if cell.cell_type == "code" and notebooks.nbgrader_fields(cell).get("grade")
    ]
    if not graded:
        raise CourseError(f"{path} holds no check: is it a lab? See `ls labs`")
    outcomes = []
    client = kernel.client(notebook, path.parent, cell_seconds=CELL_SECONDS, allow_errors=True)
    with runtime.environment(COURSE_DEVICE=device, COURSE_PROGRESS="off"), client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            try:
                client.execute_cell(cell, index)
                trouble = ""
            except CellTimeoutError:
                trouble = f"no answer after {CELL_SECONDS} s: is there an endless loop?"
                if not _stopped(client):
                    raise CourseError(f"{path}: cell {index + 1} runs on and cannot be interrupted") from None
            except DeadKernelError:
                raise CourseError(
                    f"{path}: the kernel died in cell {index + 1}; restart it and run the cells"
                ) from None
            if cell in graded:
                outcomes.append(_outcome(cell, trouble))
                on_outcome(outcomes[-1])
    return outcomes


def _stopped(client: "NotebookClient") -> bool:
    """Interrupt the cell that runs, so that the next ones can; whether it stopped."""
    assert isinstance(client.km, AsyncKernelManager) and isinstance(client.kc, AsyncKernelClient)  # of `kernel.client`
    run_sync(client.km.interrupt_kernel)()
    try:
        run_sync(client.kc.wait_for_ready)(timeout=STOP_SECONDS)
    except RuntimeError:  # no reply
        return False
    return True


def _outcome(cell: nbformat.NotebookNode, trouble: str) -> Outcome:
    grade_id = notebooks.nbgrader_fields(cell)["grade_id"]
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if trouble or errors:
        said = trouble or f"{errors[0].evalue or errors[0].ename}".removeprefix("[no] ")
        if errors and errors[0].ename == "NotImplementedError":
            said = "not done yet"
        return Outcome(grade_id, False, said.splitlines()[0])
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    return Outcome(grade_id, True, f"{printed.count('[ok]')} comparisons")
