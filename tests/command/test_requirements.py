"""The files that say what to install agree with each other."""

import re
import subprocess
import tomllib

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = PROJECT["dependencies"] + EXTRAS["instructor"] + EXTRAS["cluster"] + EXTRAS["dev"]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("#"))


def test_conda_users_get_the_same_requirements():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pip = next(each["pip"] for each in environment["dependencies"] if isinstance(each, dict))
    assert sorted(pip) == sorted([*REQUIREMENTS, "--editable ."])
    assert f"python{PROJECT['requires-python']}" in environment["dependencies"]


def test_every_requirement_is_pinned_to_a_version_in_its_range():
    versions = pins()
    for requirement in map(Requirement, REQUIREMENTS):
        name = requirement.name.lower()
        assert name in versions and requirement.specifier.contains(versions[name]), requirement


def test_constraints_are_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines if not line.startswith("#"))


@pytest.fixture
def run_ci(tmp_path):
    """Run .ci/run from another folder with stand-ins for what it calls; its exit code, and the calls in their order."""

    def run(*, user=0, installed=False, apt_works=True):
        calls = tmp_path / "calls"
        for name, code in {
            "id": f"echo {user}",
            "dpkg": f"exit {0 if installed else 1}",
            "apt-get": f'echo "apt-get $*" >>{calls}; exit {0 if apt_works else 100}',
            "make": f'echo "make $* CI=$CI in $PWD" >>{calls}',
        }.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
            (tmp_path / name).chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = subprocess.run([ROOT / ".ci" / "run"], cwd=tmp_path, env=environment, capture_output=True, timeout=60)
        return done.returncode, calls.read_text().splitlines()

    return run


TESTED = f"make test CI=true in {ROOT}"


def test_ci_first_brings_what_pip_cannot_then_tests_in_the_courses_folder(run_ci):
    code, (update, install, tested) = run_ci()
    assert code == 0 and update.startswith("apt-get update") and tested == TESTED
    assert {"install", "bubblewrap", "chromium"} <= set(install.split())


@pytest.mark.parametrize("machine", [{"installed": True}, {"user": 1000}])
def test_ci_installs_nothing_where_all_is_there_and_where_it_may_not(run_ci, machine):
    assert run_ci(**machine) == (0, [TESTED])


def test_ci_does_not_go_on_without_what_it_could_not_install(run_ci):
    code, calls = run_ci(apt_works=False)
    assert code != 0 and TESTED not in calls
