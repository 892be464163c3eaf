"""Execute notebooks and store their outputs, such that a second run changes nothing but measured numbers."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_tools.authoring import alt_text, stored_outputs
from course_utils import runtime
from course_utils.command import kernel, notebooks
from course_utils.errors import CourseError

CELL_SECONDS = 1200
FOLDED_TAG = "hide-input"  # of code that a reader does not come for: the site's word, and JupyterLab gets its own
# What editors and kernels write that says nothing about the course.
PASSING_CELL_METADATA = ("execution", "ExecuteTime", "collapsed", "scrolled", "jupyter", "trusted", "editable")
# What JupyterLab writes itself. So to open and save a notebook changes one line, the version; and without the rest
# `nbconvert --to script` would write .txt.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.11",
    },
}


def run(
    path: Path, *, device: str | None = None, on_cell: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Execute the notebook at `path` in a fresh kernel and store it, normalised.

    device: what `COURSE_DEVICE` says to the kernel
    on_cell: called with the number of cells done and in all

    Raises `CourseError`, and leaves the file as it was, where a cell raises, runs too long or kills the kernel.
    """
    notebook = notebooks.read(path)
    total = len(notebook.cells)
    client = kernel.client(notebook, path.parent, cell_seconds=CELL_SECONDS)
    # Cell by cell, since nbclient's `execute` would take Ctrl-C for itself.
    with runtime.environment(**stored_outputs.variables(device)), client.setup_kernel():
        for number, cell in enumerate(notebook.cells, start=1):
            where = f"{path.name}, cell {number} of {total},"
            try:
                client.execute_cell(cell, number - 1)
            except CellExecutionError as error:
                raise CourseError(f"{where} raised {error.ename}: {error.evalue}") from None
            except (CellTimeoutError, DeadKernelError) as error:
                raise CourseError(f"{where} did not finish: {str(error).splitlines()[0]}") from None
            except KeyboardInterrupt:
                client.shutdown_kernel = "immediate"  # one that computes would not hear a request to end
                raise
            on_cell(number, total)
    normalize(notebook)
    notebooks.write_text(path, nbformat.writes(notebook) + "\n")


def normalize(notebook: NotebookNode) -> None:
    """Strip what differs between two runs of the same code: times, versions, editor state, the splitting of streams.

    Each figure gets the words beside it as its text alternative.
    """
    notebook.metadata = NotebookNode(
        {name: notebook.metadata[name] for name in ("course",) if name in notebook.metadata}
        | nbformat.from_dict(METADATA)
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    seen: set[str] = set()
    for cell in notebook.cells:
        for name in PASSING_CELL_METADATA:
            cell.metadata.pop(name, None)
        if FOLDED_TAG in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if not cell.get("id") or cell["id"] in seen:
            cell["id"] = _id_of(cell.source, seen)
        seen.add(cell["id"])
        if cell.cell_type == "code":
            if cell.source.strip():
                count += 1
            cell.execution_count = count if cell.source.strip() else None
            cell.outputs = _normalized_outputs(cell.outputs, count)
    alt_text.write(notebook)


def _normalized_outputs(outputs: list[NotebookNode], count: int) -> list[NotebookNode]:
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text  # where a stream is split depends on how fast the kernel was
        else:
            merged.append(output)
        if output.output_type == "execute_result":
            output.execution_count = count
    return merged


def _id_of(source: str, seen: set[str]) -> str:
    """An id that depends on the cell's text alone, and on how many cells before it have the same text."""
    repeat = 0
    while True:
        identity = hashlib.sha256(f"{repeat}:{source}".encode()).hexdigest()[:8]
        if identity not in seen:
            return identity
        repeat += 1
