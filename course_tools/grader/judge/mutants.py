"""Small machine-made mistakes in a solution's code: a judge that lets one pass has a hole, or it was no mistake.

Kinds, as a report counts them: operators, numbers, constants, signs, arguments, order, slices, reductions, names,
returns, gradients and lines.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

# What stands for what, each with the word for it in lists.
BINARY: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
}
COMPARISON: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
BOOLEAN: Mapping[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}
REDUCTION = {
    "sum": "mean",
    "mean": "sum",
    "amax": "amin",
    "amin": "amax",
    "argmax": "argmin",
    "argmin": "argmax",
    "max": "min",
    "min": "max",
    "maximum": "minimum",
    "minimum": "maximum",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
    "round": "floor",
    "sin": "cos",
    "cos": "sin",
    "log2": "log",
    "cumsum": "cumprod",
}
SYMMETRIC = {"max", "min", "maximum", "minimum", "print", "isclose", "logical_and", "logical_or", "transpose"}

Old = TypeVar("Old", bound=ast.AST)


@dataclass(frozen=True)
class Mutant:
    """One changed source. `change` says what was changed, as "line text: old -> new", and names it in lists."""

    kind: str
    change: str
    source: str


@dataclass(frozen=True)
class _Change:
    """Text in place of a node's own."""

    node: ast.AST
    kind: str
    note: str
    text: str


def mutate(source: str) -> Iterator[Mutant]:
    """Every mutant of `source`, one change each, in the order of the code, inner expressions before outer ones.

    Operators, reductions and True and False exchanged; whole numbers moved by one, floats by a tenth; `not` and minus
    signs, keyword arguments, and ends of slices dropped; neighbouring arguments and returned values swapped; an
    argument of the function in place of another; what `forward` returns detached; statements (assignments to things
    that exist, calls for their effect, errors, early returns) deleted.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    encoded = source.encode()
    for change in _changes(ast.parse(source)):
        node = change.node
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        mutated = (encoded[:start] + change.text.encode() + encoded[end:]).decode()
        if mutated != source and _compiles(mutated):
            yield Mutant(change.kind, f"{lines[node.lineno - 1].strip()}: {change.note}", mutated)  # type: ignore[attr-defined]


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutant>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _changes(tree: ast.Module) -> Iterator[_Change]:
    for node, parents in _inside_out(tree, ()):
        for make in (_of_expression, _of_call, _of_slice, _of_name, _of_statement):
            yield from make(node, parents)


def _inside_out(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node that has a place in the text, with all around it, the nearest last.

    A type hint changes nothing when the code runs; inside an f-string a node's place is not known.
    """
    hints = {id(hint) for name in ("annotation", "returns") if (hint := getattr(node, name, None)) is not None}
    children = [child for child in ast.iter_child_nodes(node) if id(child) not in hints]
    for child in sorted(children, key=_place):
        if not isinstance(child, ast.JoinedStr):
            yield from _inside_out(child, (*parents, node))
    if hasattr(node, "lineno"):
        yield node, parents


def _place(node: ast.AST) -> tuple[int, int]:
    """Line and column of a node; of those that have none, as a function's arguments, the first part's."""
    if hasattr(node, "lineno"):
        return node.lineno, node.col_offset  # type: ignore[attr-defined]
    return min((_place(child) for child in ast.iter_child_nodes(node)), default=(0, 0))


def _with(node: Old, alter: Callable[[Old], None]) -> str:
    """The code of `node` after `alter` has changed a copy of it."""
    changed = copy.deepcopy(node)
    alter(changed)
    text = ast.unparse(changed)
    return f"({text})" if isinstance(node, ast.expr) and not isinstance(node, ast.Slice) else text


def _of_expression(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[_Change]:
    if isinstance(node, ast.BinOp) and (other := BINARY.get(type(node.op))):
        yield _Change(node, "operators", _swapped(node.op, other), _with(node, lambda n: setattr(n, "op", other())))
    elif isinstance(node, ast.Compare):
        for index, operation in enumerate(node.ops):
            if kind := COMPARISON.get(type(operation)):

                def alter(n: ast.Compare, index: int = index, kind: type[ast.cmpop] = kind) -> None:
                    n.ops[index] = kind()

                yield _Change(node, "operators", _swapped(operation, kind), _with(node, alter))
    elif isinstance(node, ast.BoolOp):
        joined = BOOLEAN[type(node.op)]
        yield _Change(node, "operators", _swapped(node.op, joined), _with(node, lambda n: setattr(n, "op", joined())))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        dropped = "Not" if isinstance(node.op, ast.Not) else "Minus"
        yield _Change(node, "signs", f"{dropped} dropped", f"({ast.unparse(node.operand)})")
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield _Change(node, "constants", f"{node.value} -> {not node.value}", str(not node.value))
        elif isinstance(node.value, int):
            yield _Change(node, "numbers", f"{node.value} -> {node.value + 1}", str(node.value + 1))
        elif isinstance(node.value, float):
            moved = float(f"{1.1 * node.value or 0.1:.6g}")
            yield _Change(node, "numbers", f"{node.value} -> {moved}", repr(moved))


def _of_call(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[_Change]:
    if not isinstance(node, ast.Call):
        return
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    for index, keyword in enumerate(node.keywords):
        if keyword.arg:
            text = _with(node, lambda n, index=index: n.keywords.pop(index))  # type: ignore[misc]
            yield _Change(node, "arguments", f"argument {keyword.arg} dropped", text)
    if called not in SYMMETRIC:
        for index in range(len(node.args) - 1):
            pair = node.args[index : index + 2]
            if not any(isinstance(value, ast.Starred) for value in pair) and ast.dump(pair[0]) != ast.dump(pair[1]):

                def alter(n: ast.Call, index: int = index) -> None:
                    n.args[index : index + 2] = reversed(n.args[index : index + 2])

                yield _Change(node, "order", f"arguments {index + 1} and {index + 2} swapped", _with(node, alter))
    if other := REDUCTION.get(called):
        name = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield _Change(node, "reductions", f"{called} -> {other}", _with(node, lambda n: setattr(n.func, name, other)))


def _of_slice(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[_Change]:
    if isinstance(node, ast.Slice):
        for part in ("lower", "upper", "step"):
            if getattr(node, part) is not None:
                text = _with(node, lambda n, part=part: setattr(n, part, None))  # type: ignore[misc]
                yield _Change(node, "slices", f"{part} end of a slice dropped", text)


def _of_name(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[_Change]:
    """An argument of the function next to it in the list, in place of one that is read."""
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
        return
    functions = [parent for parent in parents if isinstance(parent, ast.FunctionDef)]
    if functions:
        names = [argument.arg for argument in (*functions[-1].args.args, *functions[-1].args.kwonlyargs)]
        names = [name for name in names if name != "self"]
        if node.id in names and len(names) > 1:
            other = names[(names.index(node.id) + 1) % len(names)]
            yield _Change(node, "names", f"{node.id} -> {other}", other)


def _of_statement(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[_Change]:
    if isinstance(node, ast.AugAssign) and type(node.op) in (ast.Add, ast.Sub, ast.Mult):
        other = ast.Sub if isinstance(node.op, ast.Add) else ast.Add
        note = f"{type(node.op).__name__}Assign -> {other.__name__}Assign"
        yield _Change(node, "operators", note, _with(node, lambda n: setattr(n, "op", other())))
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:

        def alter(n: ast.Return) -> None:
            assert isinstance(n.value, ast.Tuple)
            n.value.elts[:2] = reversed(n.value.elts[:2])

        yield _Change(node, "returns", "first two values swapped", _with(node, alter))
    if isinstance(node, ast.Return) and node.value and getattr(parents[-1], "name", "") == "forward":
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        first, *rest = map(ast.unparse, values)  # a module is there to be trained
        yield _Change(node, "gradients", "detached", f"return {', '.join([f'({first}).detach()', *rest])}")
    effect = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    stores = isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Subscript, ast.Attribute))
    )
    again = isinstance(node, ast.Assign) and _assigns_to_itself(node)
    early = isinstance(node, ast.Return) and isinstance(parents[-1], (ast.If, ast.For, ast.While))
    if effect or stores or again or early or isinstance(node, ast.Raise):
        yield _Change(node, "lines", "deleted", "pass")


def _swapped(old: ast.AST, new: type[ast.AST]) -> str:
    return f"{type(old).__name__} -> {new.__name__}"


def _assigns_to_itself(statement: ast.Assign) -> bool:
    """Whether `x = f(x)`: without it `x` is still defined, so the code runs on with the old value."""
    targets = {node.id for node in ast.walk(statement.targets[0]) if isinstance(node, ast.Name)}
    read = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return bool(targets) and targets <= read
