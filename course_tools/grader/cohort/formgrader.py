"""`course formgrader`: nbgrader's page on the class's gradebook, where a person grades the reports."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from course_utils.command.jupyterlab import require_free
from course_utils.errors import CourseError

EXTENSION = "nbgrader.server_extensions.formgrader"


def serve(folder: Path, *, port: int | None, browser: bool) -> int:
    """Serve formgrader on the grading folder until it is stopped, and return the exit code.

    folder: where `course grade` keeps gradebook.db, submitted/ and autograded/
    Raises `CourseError` where nothing was graded yet, and for a port that cannot be used.
    """
    gradebook = folder / "gradebook.db"
    if not gradebook.is_file():
        raise CourseError(f"no gradebook in {folder}: run `course grade` first, or name its folder with --into")
    command = [sys.executable, "-m", "jupyter_server", f"--ServerApp.root_dir={folder.resolve()}"]
    command += ["--ServerApp.default_url=/formgrader/gradebook", f"--ServerApp.jpserver_extensions={EXTENSION}=True"]
    if port is not None:
        require_free(port)
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    else:
        command.append("--ServerApp.open_browser=True")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    with tempfile.TemporaryDirectory() as settings:
        # nbgrader reads its settings from Jupyter's own places only; the user's own must not lead it elsewhere.
        lines = ["c = get_config()", f"c.CourseDirectory.root = {str(folder.resolve())!r}"]
        lines += [
            f"c.CourseDirectory.db_url = {f'sqlite:///{gradebook.resolve()}'!r}",
            f"c.Exchange.root = {settings!r}",
        ]
        Path(settings, "nbgrader_config.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            environment = {**os.environ, "JUPYTER_CONFIG_DIR": settings}
            return subprocess.run(command, cwd=folder, env=environment).returncode
        except KeyboardInterrupt:
            return 0
