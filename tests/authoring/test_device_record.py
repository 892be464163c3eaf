"""course_tools.authoring.device_record: one command writes which machine validated what, and names what it lacks."""

import platform

import torch
from conftest import edit


def test_validate_records_machine_versions_and_each_verdict(course, type_command, tmp_path):
    path = course("print(6 * 7)")
    page = tmp_path / "cpu.md"
    assert type_command("validate", "--device", "cpu", "--record", str(page)).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Validated on cpu\n") and "1 passed, 0 failed" in text
    assert f"Python {platform.python_version()}" in text and f"torch {torch.__version__}" in text
    assert "| lessons/01_small.ipynb |" in text and text.endswith("| 1 of 1 | passed |\n")
    edit(path, lambda notebook: notebook.cells[1].outputs[0].update(text="41\n"))
    assert type_command("validate", "--device", "cpu", "--record", str(page)).returncode == 1
    assert "0 passed, 1 failed" in page.read_text(encoding="utf-8")


def test_where_packages_are_missing_it_says_which_wheels_to_bring_before_anything_runs(course, type_command, tmp_path):
    course("print(1)", execute=False)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["torch>=2", "not-there>=1.5", "numpy>=99"]\n')
    done = type_command("validate", "--device", "cpu", "--record", str(tmp_path / "cpu.md"))
    assert done.returncode == 2 and not (tmp_path / "cpu.md").exists()
    assert "missing here: not-there>=1.5, numpy>=99. Bring their wheels: `pip download" in done.stderr
