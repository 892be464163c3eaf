"""`course doctor`: a line for each need of this machine, and what to do where one is not met."""

import re
import shlex
import shutil
import subprocess

from conftest import ROOT

from course_utils.command import doctor


def test_it_has_a_line_for_each_need_and_exits_0_where_nothing_fails(type_command):
    done = type_command("doctor")
    assert done.returncode == 0
    assert all(re.match(r"\[(ok|warn)\] +\w+: ", line) for line in done.stdout.splitlines())
    assert "Fashion-MNIST 12,000 + 2,000" in done.stdout


def test_it_says_what_to_do_and_exits_1_where_a_need_is_not_met(type_command):
    done = type_command("doctor", COURSE_DEVICE="tpu")
    assert done.returncode == 1
    assert "[fail] device: unknown device 'tpu': set COURSE_DEVICE" in done.stdout


def test_it_says_which_course_it_speaks_of(course, type_command, tmp_path):
    course("print(1)", execute=False)
    assert f"[ok]   course: 1 lessons and 0 labs in {tmp_path}\n" in type_command("doctor").stdout


def test_where_there_is_no_jail_only_a_warning_says_so(type_command, tmp_path):
    """Windows has no `resource`, on which the jail rests; a student there needs no jail."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['resource'] = None\n", encoding="utf-8")
    done = type_command("doctor", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0 and "[warn] sandbox: students need none" in done.stdout, done


def test_its_advice_to_install_again_installs_the_pinned_versions(monkeypatch, tmp_path):
    def broken():
        raise ImportError("libfoo.so: cannot open shared object file")

    monkeypatch.setattr(doctor, "_torch", broken)
    (torch,) = [finding for finding in doctor.examine() if finding.need == "torch"]
    assert torch.status == "fail" and "ImportError: libfoo.so" in torch.text
    make, pip = (shlex.split(command) for command in re.findall("`(.*?)`", torch.text))
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    plan = subprocess.run([*make, "--dry-run"], cwd=tmp_path, capture_output=True, text=True, timeout=60).stdout
    assert "rm -rf .venv" in plan and "-c constraints.txt -e '.'" in plan
    assert pip[:4] == ["pip", "install", "-c", "constraints.txt"] and pip[-3:] == ["--force-reinstall", "-e", "."]
