"""Every notebook of the course travels: to another editor, to a script, to a page."""

import subprocess
import sys

import pytest
from conftest import ROOT

from course_tools.authoring import run
from course_utils.command import notebooks

OUTPUT_COLUMNS = 120
EVERY = sorted(path for folder in ("lessons", "solutions", "labs") for path in (ROOT / folder).rglob("*.ipynb"))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_notebook_says_of_its_kernel_what_jupyterlab_would_write(path):
    metadata = notebooks.read(path).metadata
    assert {name: metadata[name] for name in run.METADATA} == run.METADATA


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_stored_line_is_wider_than_a_page_and_none_is_a_progress_bar(path):
    outputs = [output for cell in notebooks.read(path).cells for output in cell.get("outputs", [])]
    shown = [output.get("text") or output.data.get("text/plain", "") for output in outputs if not is_table(output)]
    lines = [line for text in shown for line in text.splitlines()]
    assert not [line for line in lines if len(line) > OUTPUT_COLUMNS or "0%|" in line]


def is_table(output) -> bool:
    """Whether a browser breaks the lines: the text beside HTML is for terminals."""
    return "text/html" in output.get("data", {})


def test_a_lesson_becomes_a_python_script(tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "script", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(ROOT / "lessons" / "18_video_encoder.ipynb")], check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["18_video_encoder.py"]
