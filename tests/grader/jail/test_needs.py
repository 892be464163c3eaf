"""What `course doctor` says of the sandbox, on machines that can grade and on those that cannot."""

import subprocess
import sys

import pytest
from small_class import needs_jail

from course_tools.grader.jail import needs, sandbox


@needs_jail
def test_a_machine_with_bubblewrap_is_ready_to_grade():
    status, text = needs.sandbox()
    assert status == "ok" and text.startswith("bubblewrap ") and "submissions run without network" in text


def test_without_bubblewrap_the_line_says_what_an_instructor_has_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    status, text = needs.sandbox()
    assert status == "warn" and text == f"students need none; to grade: {sandbox.MISSING}"


def test_where_python_has_no_resource_limits_one_is_told_where_to_grade():
    """As on Windows."""
    code = (
        "import sys\nsys.modules['resource'] = None\nfrom course_tools.grader.jail import needs\nprint(needs.sandbox())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "('warn', 'students need none; to grade a class, use Linux with bubblewrap')"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\necho 'no namespaces here' >&2\nexit 1\n", "bubblewrap does not work here (no namespaces here)"),
        ("#!/bin/sh\nexit 1\n", "bubblewrap does not work here (no reason given)"),
        ("no program", "bubblewrap does not start"),
    ],
)
def test_a_bubblewrap_that_does_not_work_gives_its_own_reason(tmp_path, monkeypatch, script, reason):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text(script)
    bwrap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sandbox.trouble().startswith(reason)
