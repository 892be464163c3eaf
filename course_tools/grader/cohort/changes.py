"""Which hidden tests changed since they were judged: a digest of each, of its code and of all that it rests on.

Points and hints are no part of it: where they alone change, nothing has to run again.
"""

import ast
import hashlib
from pathlib import Path

from course_tools.grader.judge import hidden_tests


def of(judge: Path) -> dict[str, str]:
    """A digest of each hidden test of a `judge.py`, by its name. Raises `CourseError` where there is no such file."""
    names = [test.name for test in hidden_tests.load(judge)]
    always: list[ast.stmt] = []
    binds: dict[str, list[ast.stmt]] = {}
    for statement in ast.parse(judge.read_text(encoding="utf-8")).body:
        bound = _bound(statement)
        if isinstance(statement, ast.FunctionDef) and statement.name in names:
            statement.decorator_list = []  # its points and its hint
        for name in bound:
            binds.setdefault(name, []).append(statement)
        if not bound:
            always.append(statement)
    return {name: _digest([*always, *_reached(name, binds)]) for name in names}


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a file binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    parts = (part for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
    return {part.id for part in parts}


def _reached(name: str, binds: dict[str, list[ast.stmt]]) -> list[ast.stmt]:
    """The statements that bind `name`, and those that bind what they read, and so on."""
    reached: list[ast.stmt] = []
    names = [name]
    seen = {name}
    for name in names:  # grows
        for statement in binds[name]:
            if statement not in reached:
                reached.append(statement)
                read = {part.id for part in ast.walk(statement) if isinstance(part, ast.Name)}
                new = sorted((read & set(binds)) - seen)
                names += new
                seen |= set(new)
    return reached


def _digest(statements: list[ast.stmt]) -> str:
    text = "\n".join(sorted(ast.dump(statement) for statement in statements))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
