"""Small machine-made mistakes in a solution's code: a judge that lets one pass has a hole, or it was no mistake."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

Swaps = Mapping[type[cst.CSTNode], type[cst.CSTNode]]

BINARY: Swaps = {
    cst.Add: cst.Subtract,
    cst.Subtract: cst.Add,
    cst.Multiply: cst.Divide,
    cst.Divide: cst.Multiply,
    cst.FloorDivide: cst.Multiply,
    cst.Modulo: cst.FloorDivide,
    cst.Power: cst.Multiply,
    cst.MatrixMultiply: cst.Multiply,
}
COMPARISON: Swaps = {
    cst.LessThan: cst.LessThanEqual,
    cst.LessThanEqual: cst.LessThan,
    cst.GreaterThan: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.GreaterThan,
    cst.Equal: cst.NotEqual,
    cst.NotEqual: cst.Equal,
    cst.Is: cst.IsNot,
    cst.IsNot: cst.Is,
}
BOOLEAN: Swaps = {cst.And: cst.Or, cst.Or: cst.And}
AUGMENTED: Swaps = {
    cst.AddAssign: cst.SubtractAssign,
    cst.SubtractAssign: cst.AddAssign,
    cst.MultiplyAssign: cst.AddAssign,
}

Made = TypeVar("Made")  # what stands in the code with a change
Kept = TypeVar("Kept")  # and without it
Operation = TypeVar("Operation", cst.BinaryOperation, cst.ComparisonTarget, cst.BooleanOperation, cst.AugAssign)


@dataclass(frozen=True)
class Mutant:
    """One changed source. `change` says what was changed, as "line text: old -> new", and names it in lists."""

    change: str
    source: str


def mutate(source: str) -> Iterator[Mutant]:
    """Every mutant of `source`, one change each, in the order of the code.

    Operators swapped, whole numbers moved by one, True and False exchanged, `not` and minus signs dropped, keyword
    arguments dropped, and statements (assignments to things that exist, calls for their effect) deleted.
    """
    count = _run(source, None)[1]
    for target in range(count):
        changed, _, note = _run(source, target)
        if changed.strip() != source.strip() and _compiles(changed):
            yield Mutant(note, changed)


def _run(source: str, target: int | None) -> tuple[str, int, str]:
    wrapper = MetadataWrapper(cst.parse_module(source))
    mutation = _Mutation(target, source.splitlines())
    changed = wrapper.visit(mutation)
    return changed.code, mutation.sites, mutation.note


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


class _Mutation(cst.CSTTransformer):
    """Counts the places where the code can be changed, and changes number `target`."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, target: int | None, lines: list[str]) -> None:
        super().__init__()
        self.target, self.lines = target, lines
        self.sites = 0
        self.note = ""
        self.annotations = 0

    def _change(self, original: cst.CSTNode, text: str, make: Callable[[], Made], otherwise: Kept) -> Made | Kept:
        if self.annotations:  # a type hint changes nothing when the code runs
            return otherwise
        number, self.sites = self.sites, self.sites + 1
        if number != self.target:
            return otherwise
        line = self.get_metadata(PositionProvider, original).start.line
        self.note = f"{self.lines[line - 1].strip()}: {text}"
        return make()

    def _swap(self, table: Swaps, original: Operation, updated: Operation) -> Operation:
        other = table.get(type(updated.operator))
        if other is None:
            return updated
        text = f"{type(updated.operator).__name__} -> {other.__name__}"
        return self._change(original, text, lambda: updated.with_changes(operator=other()), updated)

    def visit_Annotation(self, node: cst.Annotation) -> None:
        self.annotations += 1

    def leave_Annotation(self, original: cst.Annotation, updated: cst.Annotation) -> cst.Annotation:
        self.annotations -= 1
        return updated

    def leave_BinaryOperation(self, original: cst.BinaryOperation, updated: cst.BinaryOperation) -> cst.BinaryOperation:
        return self._swap(BINARY, original, updated)

    def leave_ComparisonTarget(
        self, original: cst.ComparisonTarget, updated: cst.ComparisonTarget
    ) -> cst.ComparisonTarget:
        return self._swap(COMPARISON, original, updated)

    def leave_BooleanOperation(
        self, original: cst.BooleanOperation, updated: cst.BooleanOperation
    ) -> cst.BooleanOperation:
        return self._swap(BOOLEAN, original, updated)

    def leave_AugAssign(self, original: cst.AugAssign, updated: cst.AugAssign) -> cst.AugAssign:
        return self._swap(AUGMENTED, original, updated)

    def leave_UnaryOperation(self, original: cst.UnaryOperation, updated: cst.UnaryOperation) -> cst.BaseExpression:
        if not isinstance(updated.operator, (cst.Not, cst.Minus)):
            return updated
        text = f"{type(updated.operator).__name__} dropped"
        return self._change(original, text, lambda: updated.expression, updated)

    def leave_Integer(self, original: cst.Integer, updated: cst.Integer) -> cst.BaseExpression:
        value = int(updated.value.replace("_", ""), 0)
        text = f"{value} -> {value + 1}"
        return self._change(original, text, lambda: cst.Integer(str(value + 1)), updated)

    def leave_Name(self, original: cst.Name, updated: cst.Name) -> cst.BaseExpression:
        other = {"True": "False", "False": "True"}.get(updated.value)
        if other is None:
            return updated
        return self._change(original, f"{updated.value} -> {other}", lambda: cst.Name(other), updated)

    def leave_Arg(self, original: cst.Arg, updated: cst.Arg) -> cst.Arg | cst.RemovalSentinel:
        if updated.keyword is None:
            return updated
        text = f"argument {updated.keyword.value} dropped"
        return self._change(original, text, cst.RemoveFromParent, updated)

    def leave_SimpleStatementLine(
        self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement:
        (first, *more) = updated.body
        effect = isinstance(first, cst.Expr) and isinstance(first.value, cst.Call)
        stores = isinstance(first, cst.AugAssign) or (
            isinstance(first, cst.Assign) and isinstance(first.targets[0].target, (cst.Subscript, cst.Attribute))
        )
        again = isinstance(first, cst.Assign) and _assigns_to_itself(first)
        if more or not (effect or stores or again):
            return updated
        return self._change(original, "deleted", lambda: updated.with_changes(body=[cst.Pass()]), updated)


def _assigns_to_itself(statement: cst.Assign) -> bool:
    """Whether `x = f(x)`: without it `x` is still defined, so the code runs on with the old value."""
    target = statement.targets[0].target
    if not isinstance(target, cst.Name):
        return False
    return any(name.value == target.value for name in _names(statement.value))


def _names(node: cst.CSTNode) -> Iterator[cst.Name]:
    if isinstance(node, cst.Name):
        yield node
    for child in node.children:
        yield from _names(child)
