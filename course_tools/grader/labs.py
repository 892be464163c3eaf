"""Where a lab's files are, and which cells of its notebook define what the judge tests.

A solution cell named `conv2d` is followed by its visible check, the graded cell `check_conv2d`, which carries the
points that the hidden tests of `judge.py` give for it.
"""

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
        """The lab's "wrong" or "right" answers, all in one file."""
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
    found = []
    for cell in notebook.cells:
        fields = notebooks.nbgrader_fields(cell)
        if fields.get("grade"):
            found.append(Exercise(fields["grade_id"], float(fields["points"]), bool(fields["solution"])))
    return found


def definitions(notebook: NotebookNode) -> dict[str, str]:
    """The cells that the judge needs, in order: the set-up cell as "setup", and each solution cell by its grade id."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        fields = notebooks.nbgrader_fields(cell)
        if SETUP_TAG in cell.metadata.get("tags", []):
            found[SETUP_TAG] = cell.source
        elif fields.get("solution"):
            found[fields["grade_id"]] = cell.source
    return found


def experiments(notebook: NotebookNode, released: NotebookNode) -> set[str]:
    """The ids of the lab's own cells that no answer in `notebook` needs: they define no name that another cell uses.

    The set-up cell, cells that a student added, and all that other cells need are none. Hidden tests need nothing more:
    an audit judges set-up and solution cells alone (`definitions`).
    """
    own = {str(cell.id): cell.source for cell in released.cells}
    found, used, given = {}, set(), set()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        binds, reads = _names(cell.source)
        if cell.source == own.get(cell.id):
            # The lab's own cells make names before they read them, and experiments bind the same short ones over again.
            reads -= binds | given
        graded = notebooks.nbgrader_fields(cell).get("grade") or notebooks.nbgrader_fields(cell).get("solution")
        if cell.id in own and not graded and SETUP_TAG not in cell.metadata.get("tags", []):
            found[cell.id] = binds, reads
        else:
            used |= reads
            given |= binds
    while needed := [name for name, (binds, _) in found.items() if binds & used]:
        for name in needed:
            used |= found.pop(name)[1]
    return set(found)


def _names(source: str) -> tuple[set[str], set[str]]:
    """The global names that a cell binds, and those that it reads; all its words where it is not plain Python."""
    bound, used = set(), set()
    try:
        tables = [symtable.symtable(source, "cell", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tables, bound = [], set(re.findall(r"\w+", source))
        used = bound
    for table in tables:  # grows
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table.get_type() == "module" or symbol.is_global():
                bound |= {symbol.get_name()} if symbol.is_assigned() or symbol.is_imported() else set()
                used |= {symbol.get_name()} if symbol.is_referenced() else set()
    return bound, used


def namespace(cells: Mapping[str, str]) -> dict[str, Any]:
    """The names that the cells define when they run in order, whatever some of them raise."""
    return run_cells(cells, {"__name__": "lab"})


def read_source(lab: Lab) -> NotebookNode:
    """The instructor's notebook of `lab`."""
    return notebooks.read(lab.source)
