"""The functions and classes that a notebook defines, without running the notebook."""

import ast
from pathlib import Path
from types import SimpleNamespace

from course_utils.notebooks import files


def definitions(path: Path) -> SimpleNamespace:
    """Names defined at the top level of the notebook's code cells: imports, functions, classes, capital constants."""
    namespace: dict = {"__name__": path.stem}
    for cell in files.read(path).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) or _is_constant(node):
                exec(compile(ast.Module([node], []), f"{path.name}:{node.lineno}", "exec"), namespace)
    return SimpleNamespace(**namespace)


def _is_constant(node: ast.stmt) -> bool:
    """Whether this is `NAME = ` and a value that is written with literals alone."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id.isupper()
        and not any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node.value))
    )
