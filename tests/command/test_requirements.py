"""The files that say what to install agree with each other."""

import re
import tomllib

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


def test_ci_installs_what_pip_cannot_bring_and_then_runs_make_test():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == 'cd "$(dirname "$0")/.." && exec make test'
    (install,) = [line.strip() for line in lines if "apt-get install" in line]
    assert install.endswith("bubblewrap chromium >/dev/null")
