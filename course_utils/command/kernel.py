"""A notebook's cells in a Jupyter kernel of this environment, for the verbs that run notebooks."""

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode


class OwnKernelManager(AsyncKernelManager):
    """Starts a kernel of the Python that runs now: a user may have another one installed by the name of `python3`."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """IPython's kernel, by this interpreter."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3 (ipykernel)",
            language="python",
        )


def client(notebook: NotebookNode, folder: Path, *, cell_seconds: int, **options: Any) -> NotebookClient:
    """A client that runs `notebook` in `folder`, with `cell_seconds` for each cell; options are nbclient's own."""
    return NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_manager_class=OwnKernelManager,
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only: a kernel's warnings would break bars and reports
        resources={"metadata": {"path": str(folder)}},
        **options,
    )
