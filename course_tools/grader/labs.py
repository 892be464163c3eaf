"""Where a lab's files are, and which cells of its notebook define what the judge tests.

A solution cell named `conv2d` is followed by its visible check, the graded cell `check_conv2d`, which carries the
points that the hidden tests of `judge.py` give for it.
"""

import ast
import re
import symtable
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course_tools.notebook_code import run_cells
from course_utils.command import notebooks
from course_utils.errors import CourseError

SETUP_TAG = "setup"  # of the one cell that imports what the solutions use
# Imports that torch puts off until the first `torch.autograd.grad` and the first optimiser; they take seconds. Where
# answers run in forks of one process, that process makes them once for all.
TORCH_IMPORTS_LATE = ("torch.fx.experimental.symbolic_shapes", "torch._dynamo")


@dataclass(frozen=True)
class Lab:
    """One lab by its name, such as `lab01`, and the places that belong to it under the course folder `root`."""

    name: str
    root: Path

    @property
    def source(self) -> Path:
        """The instructor's notebook, with solutions."""
        return self.folder / f"{self.name}.ipynb"

    @property
    def judge(self) -> Path:
        """The hidden tests."""
        return self.folder / "judge.py"

    @property
    def released(self) -> Path:
        """The student's notebook, made from `source`."""
        return self.root / "labs" / self.name / f"{self.name}.ipynb"

    @property
    def folder(self) -> Path:
        """Everything that the lab is, but the students' copy."""
        return self.root / "solutions" / self.name

    @property
    def equivalents(self) -> Path:
        """The mutants of the solution that are no mistakes, each with its reason."""
        return self.folder / "equivalents.toml"

    def answers(self, kind: str) -> Path:
        """The lab's "wrong" or "right" answers, or its "delegates", all in one file."""
        return self.folder / f"{kind}.py"


@dataclass(frozen=True)
class Exercise:
    """One graded cell: its grade id, its points, and whether a person grades it."""

    grade_id: str
    points: float
    by_hand: bool


def find(root: Path, names: Iterable[str] = ()) -> list[Lab]:
    """The labs that `names` mean (`lab03`, `3` or a path), or all. Raises `CourseError` for a name that is no lab."""
    labs = [Lab(path.parent.name, root) for path in sorted((root / "solutions").glob("lab*/lab*.ipynb"))]
    known = {lab.name: lab for lab in labs if lab.source.is_file()}
    if not known:
        raise CourseError("no lab under solutions/: this checkout has none, or you are in a student's bundle")
    wanted = [notebooks.lab_name(name) for name in names]
    for name in wanted:
        if name not in known:
            raise CourseError(f"no lab {name!r} under solutions/{notebooks.nearest(name, known)}")
    return [known[name] for name in wanted or known]


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """Every graded cell of a lab, in order."""
    graded = [fields for fields in map(notebooks.nbgrader_fields, notebook.cells) if fields.get("grade")]
    return [
        Exercise(fields["grade_id"], float(fields["points"]), by_hand=bool(fields["solution"])) for fields in graded
    ]


def definitions(notebook: NotebookNode) -> dict[str, str]:
    """The cells that the judge needs, in order: the set-up cell as "setup", and each solution cell by its grade id."""
    sources = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        fields = notebooks.nbgrader_fields(cell)
        if SETUP_TAG in cell.metadata.get("tags", []):
            sources[SETUP_TAG] = cell.source
        elif fields.get("solution"):
            sources[fields["grade_id"]] = cell.source
    return sources


def experiments(notebook: NotebookNode, released: NotebookNode) -> set[str]:
    """The ids of the lab's own cells that no answer in `notebook` needs: they define no name that another cell uses.

    The set-up cell, cells that a student added, and all that other cells need are none. Hidden tests need nothing more:
    an audit judges set-up and solution cells alone (`definitions`).
    """
    own = {str(cell.id): cell.source for cell in released.cells}
    optional: dict[str, GlobalNames] = {}  # the cells that are left out unless a name of theirs is read, by their ids
    read: set[str] = set()
    bound: set[str] = set()
    fresh: set[str] = set()  # bound by a cell that runs, and by no experiment behind it
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        names = global_names(cell.source)
        if cell.source == own.get(cell.id):
            # The lab's own cells make names before they read them, and experiments bind the same short ones over again.
            names = GlobalNames(names.bound, names.read - names.bound - bound)
        else:
            names = GlobalNames(names.bound, _read_first(cell.source) - fresh)
        fields = notebooks.nbgrader_fields(cell)
        graded = fields.get("grade") or fields.get("solution")
        if cell.id in own and not graded and SETUP_TAG not in cell.metadata.get("tags", []):
            optional[cell.id] = names
            fresh -= names.bound
        else:
            read |= names.read
            bound |= names.bound
            fresh |= names.bound
    while needed := [cell_id for cell_id, names in optional.items() if names.bound & read]:
        for cell_id in needed:
            read |= optional.pop(cell_id).read
    return set(optional)


def needed_for(cells: Mapping[str, str], wanted: Iterable[str]) -> dict[str, str]:
    """Those of the cells, sources by title and in order, that are wanted, and those that bind a name that one reads."""
    names = {title: global_names(source) for title, source in cells.items()}
    needed, read = set(wanted), set[str]()
    for title in reversed(list(cells)):
        if title in needed or names[title].bound & read:
            needed.add(title)
            read |= names[title].read - names[title].bound  # a lab's own cells make names before they read them
    return {title: source for title, source in cells.items() if title in needed}


def dependencies(answers: Mapping[str, str]) -> dict[str, set[str]]:
    """For each answer, source by grade id and in order, the others whose names it reads, directly or not."""
    return {name: set(needed_for(answers, [name])) - {name} for name in answers}


@dataclass(frozen=True)
class GlobalNames:
    """The global names that a cell binds, and those that it reads."""

    bound: set[str]
    read: set[str]


def global_names(source: str) -> GlobalNames:
    """Those of a cell's code; all its words, in both roles, where it is not plain Python."""
    try:
        scopes = [symtable.symtable(source, "cell", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        words = set(re.findall(r"\w+", source))
        return GlobalNames(words, words)
    names = GlobalNames(set(), set())
    for scope in scopes:  # grows
        scopes += scope.get_children()
        for symbol in scope.get_symbols():
            if scope.get_type() == "module" or symbol.is_global():
                if symbol.is_assigned() or symbol.is_imported():
                    names.bound.add(symbol.get_name())
                if symbol.is_referenced():
                    names.read.add(symbol.get_name())
    return names


def _read_first(source: str) -> set[str]:
    """The global names that a cell reads before it binds them: what it needs from other cells."""
    try:
        return _needs(ast.parse(source).body, set())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return global_names(source).read


def _needs(statements: list[ast.stmt], made: set[str]) -> set[str]:
    """Names that the statements read and that are not among `made`, to which what they surely bind is added."""
    needs: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.For):
            needs |= global_names(ast.unparse(statement.iter)).read - made
            made |= global_names(f"{ast.unparse(statement.target)} = None").bound
            needs |= _needs(statement.body, made) | _needs(statement.orelse, set(made))
            continue
        if isinstance(statement, ast.With):
            for item in statement.items:
                needs |= global_names(ast.unparse(item.context_expr)).read - made
                if item.optional_vars is not None:
                    made |= global_names(f"{ast.unparse(item.optional_vars)} = None").bound
            needs |= _needs(statement.body, made)
            continue
        names = global_names(ast.unparse(statement))
        # A function that is called later may find more; that counts as a need, too.
        needs |= names.read - made
        if isinstance(statement, ast.AugAssign):
            needs |= names.bound - made
        if not isinstance(statement, (ast.If, ast.While, ast.Try, ast.Match)):
            made |= names.bound
    return needs


def namespace(cells: Mapping[str, str]) -> dict[str, Any]:
    """The names that the cells define when they run in order, whatever some of them raise."""
    return run_cells(cells, {"__name__": "lab"})


def read_source(lab: Lab) -> NotebookNode:
    """The instructor's notebook of `lab`."""
    return notebooks.read(lab.source)
