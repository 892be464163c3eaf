"""What an exercise forbids, and which of it an answer names.

The rules stand in the solution cell's metadata, as `course.forbidden`: a list of patterns.

    aten::*conv*                an operator, as torch's dispatcher calls it
    torch.nn.utils.clip_grad*   functions and classes, by module and name; a module stands for all that is in it
    test_set                    a name of the notebook itself

Two legs look for them, and either is enough. While the hidden tests call the answer, `watch` sees what really runs,
whatever it is called; but it runs in the student's process, which is not trusted, and an answer may compute things
before it is called. Here the cell is read: no process can hide that, but a name made at run time stays unseen, and so
does a tensor's method, since nobody knows what `x.dot` belongs to.

A broken rule costs no points by itself. The points of the exercise are withheld until a person has looked.
"""

import ast
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from nbformat import NotebookNode

from course_utils.command import notebooks

Rules = Mapping[str, tuple[str, ...]]  # what is forbidden, by the grade id of the solution cell
MOST_STEPS = 20  # from an alias to what it stands for


def of(notebook: NotebookNode) -> Rules:
    """The rules of an instructor's notebook; a cell that forbids nothing is not in them."""
    return {
        fields["grade_id"]: tuple(cell.metadata["course"]["forbidden"])
        for cell in notebook.cells
        if (fields := notebooks.nbgrader_fields(cell)).get("solution")
        and "forbidden" in cell.metadata.get("course", {})
    }


def exercise_of(check: str) -> str:
    """The grade id of the solution cell that a check's points are for."""
    return check.removeprefix("check_")


def named(cells: Mapping[str, str], rules: Rules) -> dict[str, list[str]]:
    """What the cells, sources by grade id, name of the things that their rules forbid, sorted; nothing where none.

    A name that another cell gave to such a thing counts, too.
    """
    trees = {title: tree for title, source in cells.items() if (tree := _parsed(source)) is not None}
    everywhere = {name: word for tree in trees.values() for name, word in _aliases(tree)}
    found = {}
    for title, forbidden in rules.items():
        if title in trees:
            own = _bound(trees[title])
            aliases = {name: word for name, word in everywhere.items() if name not in own}
            aliases |= dict(_aliases(trees[title]))
            words = {_resolved(word, aliases) for word in _words(trees[title])}
            used = sorted(word for word in words if any(_matches(word, pattern) for pattern in forbidden))
            if used:
                found[title] = used
    return found


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that imports and plain assignments give to what has a dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.asname, name.name) for name in node.names if name.asname)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                for name, value in pairs:
                    if isinstance(name, ast.Name) and (word := _word(value)) and word != name.id:
                        yield name.id, word


def _bound(tree: ast.Module) -> set[str]:
    """The names that the code itself gives, its arguments among them."""
    named = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return named | stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _words(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that the code reads or imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif not isinstance(getattr(node, "ctx", None), ast.Store) and (word := _word(node)):
            yield word


def _word(node: ast.AST) -> str:
    """The dotted name that an expression is, `getattr(F, "conv2d")` included; empty for all else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _word(node.value)):
        return f"{owner}.{node.attr}"
    if isinstance(node, ast.Call) and _word(node.func) == "getattr" and len(node.args) >= 2:
        owner, name = _word(node.args[0]), node.args[1]
        if owner and isinstance(name, ast.Constant) and isinstance(name.value, str):
            return f"{owner}.{name.value}"
    return ""


def _resolved(word: str, aliases: Mapping[str, str]) -> str:
    for _ in range(MOST_STEPS):
        first, dot, rest = word.partition(".")
        if aliases.get(first, first) == first:
            break
        word = f"{aliases[first]}{dot}{rest}"
    return word


def _matches(word: str, pattern: str) -> bool:
    if "::" not in pattern:
        parts = word.split(".")
        return any(fnmatchcase(".".join(parts[:count]), pattern) for count in range(1, len(parts) + 1))
    # torch has an operator under many names: aten::conv2d is F.conv2d, torch.nn.Conv2d, torch.ops.aten.conv2d, …
    library, *parts = word.split(".")
    operator = pattern.partition("::")[2].replace("_", "").lower()
    return library in ("torch", "torchvision") and any(
        fnmatchcase(part.replace("_", "").lower(), operator) for part in parts
    )
