"""A notebook's cells in a Jupyter kernel of this environment, for the verbs that run notebooks."""

from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode


def client(notebook: NotebookNode, folder: Path, *, cell_seconds: int, **options: Any) -> NotebookClient:
    """A client that runs `notebook` in `folder`, with `cell_seconds` for each cell; options are nbclient's own."""
    return NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only: a kernel's warnings would break bars and reports
        resources={"metadata": {"path": str(folder)}},
        **options,
    )
