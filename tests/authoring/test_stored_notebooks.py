"""Every notebook of the course travels: to another editor, to a script, to a page."""

import subprocess
import sys

import pytest
from conftest import ROOT

from course_tools.authoring import run
from course_utils.command import notebooks

EVERY = sorted(path for folder in ("lessons", "solutions", "labs") for path in (ROOT / folder).rglob("*.ipynb"))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_notebook_says_of_its_kernel_what_jupyterlab_would_write(path):
    metadata = notebooks.read(path).metadata
    assert {name: metadata[name] for name in run.METADATA} == run.METADATA


def test_a_lesson_becomes_a_python_script(tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "script", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(ROOT / "lessons" / "18_video_encoder.ipynb")], check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir()] == ["18_video_encoder.py"]
