"""The house: knowledge flows one way, nothing runs in a circle, and every thing is where one looks for it first."""

import ast
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY, TOOLS = "course_utils", "course_tools"
MOST_LINES = 5000  # of the students' library, the codec included
LAB_FILES = {"judge.py", "delegates.py", "wrong.py", "right.py", "equivalents.toml"}  # beside the notebook and study/
TESTS = re.compile(r"^tests$|\btests/(\w+/|\w+\.\w+)")
NOTEBOOK = re.compile(r"\b\d\d_[a-z]\w+|\blab\d\d\b|\blessons?/\d\d")


def modules(root: Path, package: str) -> dict[str, Path]:
    """The Python files of a package by their dotted names."""
    paths = sorted((root / package).rglob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(path: Path, known: set[str]) -> set[str]:
    """The modules of `known` that a file imports, anywhere in it but for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    left_out = {id(inner) for node in for_types for inner in ast.walk(node)}
    named: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name`: a module of it, or else a name that the package's own file defines
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= {part if part in known else node.module for part in parts}
    return named & known


def graph(root: Path) -> dict[str, set[str]]:
    """What each module of both packages imports of both."""
    files = modules(root, LIBRARY) | modules(root, TOOLS)
    return {name: imports(path, set(files)) - {name} for name, path in files.items()}


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """A circle of the graph, empty where there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def folders(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The graph between the modules and subpackages that lie directly in the two packages."""
    found: dict[str, set[str]] = {}
    for name, targets in arrows.items():
        own = ".".join(name.split(".")[:2])
        found.setdefault(own, set()).update(".".join(target.split(".")[:2]) for target in targets)
    return {name: targets - {name, LIBRARY, TOOLS} for name, targets in found.items()}


def test_the_library_knows_nothing_of_the_tools():
    wrong = {name: targets for name, targets in graph(ROOT).items() if name.startswith(LIBRARY)}
    assert not {name for name, targets in wrong.items() if any(target.startswith(TOOLS) for target in targets)}


def test_no_file_imports_itself_by_way_of_others():
    assert circle(graph(ROOT)) == []


def test_no_subpackage_imports_itself_by_way_of_others():
    assert circle(folders(graph(ROOT))) == []


def test_a_wrong_direction_and_a_circle_are_found(tmp_path):
    for name, text in {
        f"{LIBRARY}/one/__init__.py": "",
        f"{LIBRARY}/one/a.py": f"from {LIBRARY}.two import b",
        f"{LIBRARY}/two/__init__.py": "",
        f"{LIBRARY}/two/b.py": "",
        f"{LIBRARY}/two/c.py": f"def late():\n    from {LIBRARY}.one.a import name",
        f"{TOOLS}/__init__.py": f"import {LIBRARY}.two.b",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    arrows = graph(tmp_path)
    assert arrows[f"{LIBRARY}.one.a"] == {f"{LIBRARY}.two.b"} and arrows[TOOLS] == {f"{LIBRARY}.two.b"}
    assert circle(arrows) == [] and set(circle(folders(arrows))) == {f"{LIBRARY}.one", f"{LIBRARY}.two"}


def test_the_students_library_stays_small():
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules(ROOT, LIBRARY).values())
    assert lines <= MOST_LINES


@pytest.mark.parametrize("package", [LIBRARY, TOOLS])
def test_no_package_reads_the_tests_or_names_a_notebook(package):
    """In its code; a help text, and a docstring, may give one as an example."""
    named = []
    for path in modules(ROOT, package).values():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
        }
        prose |= {
            id(keyword.value)
            for keyword in ast.walk(tree)
            if isinstance(keyword, ast.keyword) and keyword.arg == "help"
        }
        named += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
            if TESTS.search(node.value) or NOTEBOOK.search(node.value)
        ]
    assert not named


@pytest.mark.parametrize("package", [LIBRARY, TOOLS])
def test_every_subpackage_says_what_it_is_before_anything_else(package):
    silent = [
        path.relative_to(ROOT)
        for path in modules(ROOT, package).values()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


@pytest.mark.parametrize(
    "folder", sorted(path for path in (ROOT / "solutions").iterdir() if path.is_dir()), ids=lambda folder: folder.name
)
def test_a_lab_is_one_folder(folder):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    own = {Path(name).parts[0] for name in listed.stdout.splitlines()}
    assert {f"{folder.name}.ipynb", *LAB_FILES} <= own <= {f"{folder.name}.ipynb", *LAB_FILES, "study"}


def test_no_test_imports_a_test():
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    pattern = re.compile(r"^\s*(from|import) test_\w+", re.MULTILINE)
    assert not [path.name for path in tests if pattern.search(path.read_text(encoding="utf-8"))]
