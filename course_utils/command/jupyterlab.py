"""Open JupyterLab at a lesson."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from course_utils.command import notebooks
from course_utils.errors import CourseError


def chosen_notebook(choice: str | None, root: Path) -> Path:
    """The notebook to open: a path, a lesson number such as `2`, or the first lesson where `choice` is None.

    Raises `CourseError` where there is none such, or where it is no notebook.
    """
    if choice is not None and not choice.isdigit():
        path = notebooks.find([Path(choice)], root)[0]
    else:
        number = int(choice or 1)
        matches = sorted((root / "lessons").glob(f"{number:02d}_*.ipynb"))
        if not matches:
            raise CourseError(f"no lesson {number:02d}: see `ls lessons`")
        path = matches[0]
    notebooks.read(path)  # a broken file is better reported here than by an empty page in a browser
    if not path.resolve().is_relative_to(root.resolve()):
        raise CourseError(f"{path} lies outside the course: copy it into {root}")
    return path.resolve()


def serve(notebook: Path, root: Path, *, port: int | None, browser: bool) -> int:
    """Run JupyterLab until it is stopped, and return its exit code.

    port: the one to use, or None for Jupyter's first free one from 8888
    Raises `CourseError` for a port that is no port, is in use, or needs more rights.
    """
    url = f"/lab/tree/{notebook.relative_to(root.resolve()).as_posix()}"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", f"--LabApp.default_url={url}"]
    if port is not None:
        require_free(port)
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container one often is root
        command.append("--allow-root")
    try:
        return subprocess.run(command, cwd=root).returncode
    except KeyboardInterrupt:
        return 0


def require_free(port: int) -> None:
    """Raise `CourseError` unless a server can listen on `port` of this machine."""
    if not 1 <= port <= 65535:
        raise CourseError(f"{port} is not a port: choose a number from 1024 to 65535, such as 8890")
    with socket.socket() as probe:
        if os.name == "posix":  # as Jupyter does: a port that was closed a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CourseError(f"port {port} needs an administrator's rights: choose one from 1024 to 65535") from None
        except OSError:
            raise CourseError(f"port {port} is in use: stop what listens there, or choose another port") from None
