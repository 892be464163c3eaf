"""What several test files share: a small course in a temporary folder, and the `course` command as a user types it."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import settings
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_tools.authoring import run
from course_utils.command import notebooks

# The same cases on every machine, however busy it is: a red test can be run again.
settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]
README = "# A course\n\n<!-- course index: lessons -->\n<!-- end of course index: lessons -->\n"


def small_notebook(*sources: str, minutes: float = 1) -> nbformat.NotebookNode:
    """A lesson whose code cells are `sources`."""
    cells = [new_markdown_cell("# 01 · A small lesson"), *map(new_code_cell, sources)]
    notebook = new_notebook(cells=cells)
    notebook.metadata["course"] = {
        "title": "A small lesson",
        "goal": "multiply",
        "part": "Foundations",
        "requires": [],
        "minutes_cpu": minutes,
        "minutes_gpu": minutes,
        "data": [],
    }
    return notebook


def edit(path: Path, change: Callable[[nbformat.NotebookNode], object]) -> None:
    """Change the notebook at `path` by calling `change` on it."""
    notebook = notebooks.read(path)
    change(notebook)
    notebooks.write_text(path, nbformat.writes(notebook) + "\n")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Under CI a skipped test is a failure: a sandbox or a browser that is missing there must not look green."""
    report = yield
    return must_run(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """The same for a file that skips itself."""
    report = yield
    return must_run(report)


def must_run(report: Any) -> Any:
    """The report of a test or a file; failed in place of skipped where `CI` is "true"."""
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, but CI must run it: {report.longrepr}"
    return report


@pytest.fixture
def course(tmp_path: Path) -> Callable[..., Path]:
    """Make a course of one lesson in a temporary folder, executed unless told otherwise; returns the lesson's path."""

    def make(*sources: str, minutes: float = 1, execute: bool = True) -> Path:
        (tmp_path / "lessons").mkdir(exist_ok=True)
        (tmp_path / "pyproject.toml").touch()
        (tmp_path / "README.md").write_text(README, encoding="utf-8")
        path = tmp_path / "lessons" / "01_small.ipynb"
        notebooks.write_text(path, nbformat.writes(small_notebook(*sources, minutes=minutes)) + "\n")
        if execute:
            run.run(path, device="cpu")
        return path

    return make


@pytest.fixture
def type_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Type `course …` in the temporary course's folder; returns exit code, stdout and stderr."""

    def type_it(*arguments: str, cwd: Path = tmp_path, **variables: str) -> subprocess.CompletedProcess:
        command = [Path(sys.executable).with_name("course"), *arguments]
        environment = {**os.environ, "COLUMNS": "120", "COURSE_DATA": str(tmp_path / "cache"), **variables}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)

    return type_it


def assert_one_clear_line(done: subprocess.CompletedProcess, *words: str, code: int = 2) -> None:
    """A user's mistake ends in one line on stderr that holds `words`, and in `code`."""
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr and "Traceback" not in done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
