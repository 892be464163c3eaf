"""Each subpackage of course_utils opens with its vocabulary, and its table of modules and calls is true."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import course_utils

SUBPACKAGES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    if module.ispkg
]
WITH_TABLE = [package for package in SUBPACKAGES if "| module |" in (package.__doc__ or "")]


def name_of(package: ModuleType) -> str:
    return package.__name__.removeprefix("course_utils.")


def rows(package: ModuleType) -> Iterator[tuple[str, list[str]]]:
    """Each row's module, that of the row above where it is blank, and the names or calls in its second column."""
    module = ""
    for line in (package.__doc__ or "").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("module", "---"):
            module = cells[0].strip("`") or module
            yield module, re.findall(r"`([^`]+)`", cells[1])


def member(owner: Any, dotted: str) -> Any:
    """`owner.dotted`; for a field of a dataclass, its type."""
    for name in dotted.split("."):
        owner = getattr(owner, name, None) or inspect.get_annotations(owner).get(name)
        assert owner is not None, dotted
    return owner


@pytest.mark.parametrize("package", SUBPACKAGES, ids=name_of)
def test_a_subpackage_opens_with_six_to_ten_words_of_its_field(package):
    introduction = (package.__doc__ or "").split("\n| ")[0].split("\n", 1)[1]
    assert 6 <= len(re.findall(r"(?<!\*)\*\w[^*]*\*(?!\*)", introduction)) <= 10


@pytest.mark.parametrize("package", WITH_TABLE, ids=name_of)
def test_the_table_names_every_module_of_the_folder_and_no_other(package):
    assert {module for module, _ in rows(package)} == {module.name for module in pkgutil.iter_modules(package.__path__)}


CALLS = [(package, module, call) for package in WITH_TABLE for module, calls in rows(package) for call in calls]


@pytest.mark.parametrize(
    "package, module, call", CALLS, ids=lambda part: name_of(part) if hasattr(part, "__path__") else part
)
def test_a_call_in_the_table_exists_with_the_arguments_that_it_shows(package, module, call):
    name, _, shown = call.removesuffix(")").partition("(")
    holder = importlib.import_module(f"{package.__name__}.{module}")
    if "(" not in call and hasattr(holder, "__path__"):
        importlib.import_module(f"{holder.__name__}.{name}")
        return
    function = member(holder, name)
    if not shown:
        return
    parameters = {key: value for key, value in inspect.signature(function).parameters.items() if key != "self"}
    names = [argument.split("=")[0] for argument in shown.split(", ")]
    assert set(names) <= set(parameters)
    positional = [key for key in names if parameters[key].kind is not inspect.Parameter.KEYWORD_ONLY]
    assert positional == list(parameters)[: len(positional)]
    defaults = dict(argument.split("=") for argument in shown.split(", ") if "=" in argument)
    assert {key: parameters[key].default for key in defaults} == {key: eval(text) for key, text in defaults.items()}
