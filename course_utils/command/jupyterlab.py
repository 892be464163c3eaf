"""Open JupyterLab at a lesson as a student needs it: its table of contents beside it, and nothing for instructors.

JupyterLab runs in this very process: a signal reaches the server itself, and no server is left behind. Settings are the
course's own, and a workspace lasts as long as its server, so the user's other JupyterLab is left as it is.
"""

import json
import logging
import os
import signal
import socket
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from course_utils.command import notebooks
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

FOR_INSTRUCTORS = ("nbgrader",)  # packages whose server extensions a student has no use for
# The same in the page; `notebook`, which nbgrader brings, adds a button that leads out of JupyterLab.
DISABLED_EXTENSIONS = ("@jupyter/nbgrader", "@jupyter-notebook/lab-extension")
OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
}
CONTENTS = "@jupyterlab/toc:plugin"  # the table of contents, in a workspace
SIDEBAR_SHARE = 0.22  # of the window's width, for the table of contents


def chosen_notebook(choice: str | None, root: Path) -> Path:
    """The notebook to open: what `choice` names (see `notebooks.find`), or the first lesson where it is None.

    Raises `CourseError` where there is none such, and where it is no notebook of the course.
    """
    path = notebooks.find([choice or root / "lessons"], root)[0]
    notebooks.read(path)  # a broken file is better reported here than by an empty page in a browser
    if not path.is_relative_to(root.resolve()):
        raise CourseError(f"{path} lies outside the course: copy it into {root}")
    return path


def serve(notebook: Path, root: Path, *, port: int | None, browser: bool) -> None:
    """Run JupyterLab at `notebook` until it is stopped.

    port: the one to use, or None for the first free one from 8888
    Raises `CourseError` for a port that is no port, is in use, or needs more rights.
    """
    arguments = server_arguments(root, port=port, browser=browser)
    from jupyterlab.labapp import LabApp  # slow to import

    inside = notebook.relative_to(root.resolve()).as_posix()
    with tempfile.TemporaryDirectory(prefix="course-lab-") as folder:
        prepare(Path(folder), inside)
        arguments += [
            f"--LabApp.default_url=/lab/tree/{urllib.parse.quote(inside)}",
            "--MappingKernelManager.transport_encryption=auto",  # else each kernel warns of users who read along
            f"--LabApp.app_settings_dir={folder}",
            f"--LabApp.workspaces_dir={folder}",
            f"--LabApp.user_settings_dir={platformdirs.user_config_path('convolution-to-codec') / 'jupyterlab'}",
            *(f"--ServerApp.jpserver_extensions={name}=False" for name in _instructors_extensions()),
        ]
        run(LabApp.initialize_server(arguments), f"JupyterLab, at {inside}:")


def server_arguments(root: Path, *, port: int | None, browser: bool) -> list[str]:
    """The arguments with which a Jupyter server serves `root`. Raises `CourseError` for a port that cannot be used."""
    arguments = [f"--ServerApp.root_dir={root.resolve()}", f"--ServerApp.open_browser={browser}"]
    arguments.append(f"--Application.log_level={logging.ERROR}")
    if port is not None:
        require_free(port)
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container one often is root
        arguments.append("--ServerApp.allow_root=True")
    return arguments


def prepare(folder: Path, notebook: str) -> None:
    """Write what makes the first screen: no extension for instructors, no news, the contents beside `notebook`.

    notebook: its path within the served folder, with `/`
    """
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    page = {"disabledExtensions": dict.fromkeys(DISABLED_EXTENSIONS, True)}
    (folder / "page_config.json").write_text(json.dumps(page), encoding="utf-8")
    (folder / "overrides.json").write_text(json.dumps(OVERRIDES), encoding="utf-8")
    widget = f"notebook:{notebook}"
    layout = {
        "main": {"dock": {"type": "tab-area", "currentIndex": 0, "widgets": [widget]}, "current": widget},
        "left": {"collapsed": False, "visible": True, "current": CONTENTS, "widgets": [CONTENTS]},
        "right": {"collapsed": True, "visible": True},
        "relativeSizes": [SIDEBAR_SHARE, 1 - SIDEBAR_SHARE, 0],
    }
    workspace = {
        "data": {
            "layout-restorer:data": layout,
            widget: {"data": {"path": notebook, "factory": "Notebook"}},
        },
        "metadata": {"id": "default"},
    }
    WorkspacesManager(str(folder)).save("default", json.dumps(workspace))


def _instructors_extensions() -> list[str]:
    """The installed server extensions that are for instructors alone."""
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    enabled: dict[str, Any] = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()
    return [name for name in enabled if name.split(".")[0] in FOR_INSTRUCTORS]


def run(server: "ServerApp", heading: str) -> None:
    """Run an initialised server until it is stopped, and say where it is, in place of its own ten lines."""
    logging.disable(logging.CRITICAL)
    server.start_app()
    logging.disable(logging.NOTSET)
    if not sys.stdin or not sys.stdin.isatty():  # nobody can answer whether to stop
        signal.signal(signal.SIGINT, lambda *_: server.stop(from_signal=True))
    print(f"{heading}\n    {server.local_url}\nCtrl-C, twice, ends it; files that were saved are kept.", flush=True)
    server.start_ioloop()


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
