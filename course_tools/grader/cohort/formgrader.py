"""`course formgrader`: nbgrader's page on the class's gradebook, where a person grades the reports."""

import contextlib
import os
import tempfile
from pathlib import Path

from course_utils.command import jupyterlab
from course_utils.errors import CourseError

EXTENSION = "course_tools.grader.cohort.grading_page"
INSTEAD_OF = "nbgrader.server_extensions.formgrader"


def serve(folder: Path, *, port: int | None, browser: bool) -> None:
    """Serve formgrader on the grading folder until it is stopped.

    folder: where `course grade` keeps gradebook.db, submitted/ and autograded/
    Raises `CourseError` where nothing was graded yet, and for a port that cannot be used.
    """
    gradebook = folder / "gradebook.db"
    if not gradebook.is_file():
        raise CourseError(f"no gradebook in {folder}: run `course grade` first, or name its folder with --into")
    arguments = jupyterlab.server_arguments(folder, port=port, browser=browser)
    arguments += [
        "--ServerApp.default_url=/formgrader/gradebook",
        "--ServerApp.terminals_enabled=False",
        f"--ServerApp.jpserver_extensions={INSTEAD_OF}=False",
        f"--ServerApp.jpserver_extensions={EXTENSION}=True",
    ]
    from jupyter_server.serverapp import ServerApp  # slow to import

    with tempfile.TemporaryDirectory() as settings:
        # nbgrader reads its settings from Jupyter's own places only; the user's own must not lead it elsewhere.
        lines = ["c = get_config()", f"c.CourseDirectory.root = {str(folder.resolve())!r}"]
        lines += [
            f"c.CourseDirectory.db_url = {f'sqlite:///{gradebook.resolve()}'!r}",
            f"c.Exchange.root = {settings!r}",
        ]
        Path(settings, "nbgrader_config.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.environ["JUPYTER_CONFIG_DIR"] = settings  # until this process ends, with the server
        with contextlib.chdir(folder):
            server = ServerApp.instance()
            server.initialize(arguments)
            jupyterlab.run(server, "Formgrader:")
