"""`course doctor`: a line for each need of this machine, and what to do where one is not met."""

import os
import re
import shlex
import shutil
import subprocess
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT

from course_utils import runtime
from course_utils.codec import encoders
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


def test_it_names_a_gpu_and_its_memory(monkeypatch):
    monkeypatch.setattr(runtime, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=24 * 2**30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    assert finding("device") == ("ok", "cuda, a card, 24 GiB")
    monkeypatch.setattr(runtime, "device", lambda: torch.device("mps"))
    assert finding("device") == ("ok", "mps, Apple GPU")


@pytest.mark.parametrize(("missing", "status"), [("libx265", "fail"), ("libsvtav1", "warn")])
def test_without_hevc_the_codec_lessons_fail_and_without_av1_one_comparison_does(monkeypatch, missing, status):
    monkeypatch.setattr(encoders, "missing_codecs", lambda: [missing])
    said, text = finding("codecs")
    assert said == status and f"lacks {missing}: reinstall its wheel" in text


def test_a_full_disk_and_a_folder_that_cannot_be_written_are_warnings(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**30))
    assert finding("disk") == (
        "warn",
        f"1.0 GiB free for {tmp_path / 'cache'}: free some, or set COURSE_DATA to another disk",
    )
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    assert finding("disk")[1].endswith("cannot be written: set COURSE_DATA to a folder of your own for full data sets")
    assert finding("course")[1].endswith("which cannot be written: copy the folder to a place of your own")


def finding(need):
    (found,) = (found for found in doctor.examine() if found.need == need)
    return found.status, found.text
