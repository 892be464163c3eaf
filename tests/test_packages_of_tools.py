"""Each subpackage of course_tools opens with its vocabulary, and a table of modules names those that are there."""

import importlib
import pkgutil
import re

import pytest

import course_tools

PACKAGES = [course_tools] + [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(course_tools.__path__, "course_tools.")
    if module.ispkg
]


@pytest.mark.parametrize("package", PACKAGES[1:], ids=lambda package: package.__name__)
def test_a_subpackage_says_at_least_three_words_of_its_own(package):
    assert len(re.findall(r"\*\w[\w ]*\*", package.__doc__)) >= 3


WITH_TABLE = [package for package in PACKAGES if "| module " in package.__doc__]


@pytest.mark.parametrize("package", WITH_TABLE, ids=lambda package: package.__name__)
def test_a_table_names_every_module_that_is_there(package):
    named = re.findall(r"^\| `(\w+)`", package.__doc__, flags=re.MULTILINE)
    assert sorted(named) == sorted(module.name for module in pkgutil.iter_modules(package.__path__))
