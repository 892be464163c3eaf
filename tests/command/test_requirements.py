"""The files that say what to install agree with each other, with what the packages import, and with CI."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata

import nbformat
import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_utils.command import doctor

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE = PROJECT["dependencies"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = sorted({*BASE, *EXTRAS["instructor"], *EXTRAS["cluster"], *EXTRAS["dev"]})


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("#"))


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def brought_by(requirements: list[str]) -> set[str]:
    """The packages that an installer brings for these requirements on this machine."""
    known, to_do = set(), {(canonicalize_name(need.name), *need.extras) for need in map(Requirement, requirements)}
    while to_do:
        known |= to_do
        needs = [
            need
            for name, *extras in to_do
            for need in map(Requirement, metadata.requires(name) or [])
            if not need.marker or any(need.marker.evaluate({"extra": extra}) for extra in ["", *extras])
        ]
        to_do = {(canonicalize_name(need.name), *need.extras) for need in needs} - known
    return {name for name, *_ in known}


def imported(source: str) -> set[str]:
    """The top-level modules that the code imports, at whatever depth."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    return modules


def distributions(modules: set[str]) -> set[str]:
    """The packages to install for these modules; those of Python and of the course need none."""
    providers = metadata.packages_distributions()
    others = modules - set(sys.stdlib_module_names) - {"course_utils", "course_tools"}
    return {canonicalize_name(name) for module in others for name in providers[module]}


def code_cells(path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    return "\n".join(line for source in sources for line in source.splitlines() if not line.startswith(("%", "!")))


def test_conda_users_get_what_students_get_in_the_pinned_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["--constraint constraints.txt", *BASE, "--editable ."]
    assert f"python{PROJECT['requires-python']}" in environment["dependencies"]


def test_a_student_installs_all_that_the_library_the_lessons_and_the_labs_import():
    modules = set()
    for path in (ROOT / "course_utils").rglob("*.py"):
        modules |= imported(path.read_text(encoding="utf-8"))
    for folder in ("lessons", "labs"):
        for path in (ROOT / folder).rglob("*.ipynb"):
            modules |= imported(code_cells(path))
    assert distributions(modules) <= brought_by(BASE)


def test_a_student_installs_nothing_that_only_maintainers_and_instructors_use():
    only = {"pytest", "pytest-xdist", "nbval", "hypothesis", "playwright", "ruff", "mypy", "nbgrader"}
    assert not names(BASE) & (only | {"distributed", "jupytext"}) and only <= names(REQUIREMENTS)


def test_what_doctor_imports_a_student_has_installed():
    assert distributions(set(doctor.LIBRARIES)) <= names(BASE)


def test_an_instructor_installs_all_that_the_tools_import():
    modules = set()
    for path in (ROOT / "course_tools").rglob("*.py"):
        modules |= imported(path.read_text(encoding="utf-8"))
    assert distributions(modules) <= brought_by(REQUIREMENTS)


def test_every_requirement_is_pinned_to_a_version_in_its_range():
    versions = pins()
    for requirement in map(Requirement, REQUIREMENTS):
        name = requirement.name.lower()
        assert name in versions and requirement.specifier.contains(versions[name]), requirement


def test_constraints_are_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines if not line.startswith("#"))


# --- the Makefile


@pytest.fixture
def make(tmp_path):
    """Say what `make …` would do in a course's folder, whose .venv holds a Python and what `venv` names."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def say(*arguments: str, run: bool = False) -> subprocess.CompletedProcess:
        command = ["make", *([] if run else ["--dry-run"]), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return say


def stamp(folder, *stamps: str, torch: str = "") -> None:
    (folder / ".venv").mkdir(exist_ok=True)
    for name in stamps:
        (folder / ".venv" / name).write_text(f"{torch}\n")


def test_make_lab_installs_a_students_part_and_make_setup_the_rest(make):
    assert "-e '.'" in make("lab").stdout and "[" not in make("lab").stdout.split("-e '.")[1].split("\n")[0]
    assert "-e '.[instructor,cluster,dev]'" in make("setup").stdout


def test_make_installs_again_only_where_the_requirements_changed(make, tmp_path):
    stamp(tmp_path, "student", "full")
    assert "-e '.'" not in make("lab").stdout and "-e '." not in make("setup").stdout
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert "-e '.'" in make("lab").stdout and "-e '.[instructor,cluster,dev]'" in make("check").stdout


def test_torch_cpu_is_chosen_by_uv_which_is_fetched_where_it_is_missing(make, monkeypatch):
    told = make("setup", "TORCH=cpu").stdout
    assert told.count("--torch-backend cpu -c constraints.txt") == 2
    assert "-m pip install --quiet --disable-pip-version-check -c constraints.txt uv" in told
    assert "--torch-backend" not in make("setup").stdout


def test_the_choice_of_torch_is_kept_and_another_one_is_refused(make, tmp_path):
    stamp(tmp_path, "student", torch="cpu")
    assert "--torch-backend cpu" in make("setup").stdout
    refused = make("lab", "TORCH=cu126", run=True)
    assert refused.returncode == 2 and "another TORCH: remove it first, with `make clean`" in refused.stderr


def test_make_says_so_where_there_is_no_python_that_will_do(make):
    done = make(".venv/student", "PYTHON=", run=True)
    assert done.returncode == 2 and "no Python from 3.11 to 3.14 found" in done.stderr


# --- CI


def test_ci_installs_what_pip_cannot_bring_and_runs_make_test_where_a_skip_is_a_failure(tmp_path):
    """With stand-ins for the programs that the script calls, which write down how."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    programs = tmp_path / "programs"
    programs.mkdir()
    scripts = {"id": "echo 0", "dpkg": "exit 1", "apt-get": 'echo "apt-get $*" >> calls'}
    scripts["make"] = 'echo "make $* CI=$CI in $PWD" >> calls; exit 3'
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run(["bash", tmp_path / ".ci" / "run"], cwd="/", env=environment, timeout=60)
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert done.returncode == 3 and calls[-1] == f"make test CI=true in {tmp_path}"
    assert calls[0].startswith("apt-get update") and {"bubblewrap", "chromium"} <= set(calls[1].split())
