"""The code of notebooks, run in this process: whole cells in their order, or their definitions alone.

For the course's own code only: nothing is jailed.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from course_utils.command import notebooks

FAILURES = "__failures__"  # the name under which `run_cells` keeps what went wrong


def run_cells(
    cells: Mapping[str, str], names: dict[str, Any], *, tolerated: type[Exception] = Exception
) -> dict[str, Any]:
    """Run the cells, sources by title, in the namespace `names`, and return it.

    A cell that raises a `tolerated` exception leaves what it defined before, as in a notebook, and the next one runs;
    names[FAILURES] says why, by title.
    """
    for title, source in cells.items():
        try:
            exec(compile(source, f"<{title}>", "exec"), names)
        except tolerated as error:
            names.setdefault(FAILURES, {})[title] = f"{type(error).__name__}: {error}"
    return names


def definitions(path: Path) -> SimpleNamespace:
    """Names defined at the top level of the notebook's code cells: imports, functions, classes, capital constants."""
    names: dict[str, Any] = {"__name__": path.stem}
    for cell in notebooks.read(path).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) or _is_constant(node):
                exec(compile(ast.Module([node], []), f"{path.name}:{node.lineno}", "exec"), names)
    return SimpleNamespace(**names)


def _is_constant(node: ast.stmt) -> bool:
    """Whether this is `NAME = ` and a value that is written with literals alone."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id.isupper()
        and not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node.value))
    )
