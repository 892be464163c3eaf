"""A file that a student handed in, rebuilt on the released notebook: only the student's own work is taken over.

A cell is known by its grade id, else by its cell id, else by its text, else by the names that it defines. What is not
known is an extra cell and stays behind the cell that it followed. So nothing that was earned is lost where check cells
are deleted, changed, doubled or turned into text, metadata is stripped, cells are moved, an answer stands in another
cell than its own, or the file has another encoding; each repair is remarked. Text is taken over as it was written:
`rendering` makes it safe where it is shown.
The lab's own experiments keep the outputs that they were handed in with, since grading need not run them.
"""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_tools.grader.jail import outputs, pictures
from course_utils.command import notebooks

MOST_CELLS = 2_000
MOST_SOURCE = 2**20  # characters of one cell
MOST_PICTURES = 20  # of one cell
CHECK, SOLUTION, REPORT, PLAIN = "check", "solution", "report", "plain"
# After UTF-8: what Windows writes in Korea, then in the West, where every byte is a letter.
ENCODINGS = ("utf-8-sig", "cp949", "cp1252", "latin-1")
ATTACHED = re.compile(r"!\[[^\]\n]*\]\(attachment:([^)\n]*)\)")  # a picture of the cell's own, in Markdown
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)  # a line for IPython, not for Python
ELSEWHERE = "# Its answer stands in another cell."


@dataclass(frozen=True)
class Sanitised:
    """notebook: what is run and graded, or None, and then `trouble` says why. remarks: one line per repair."""

    notebook: NotebookNode | None
    trouble: str = ""
    remarks: tuple[str, ...] = ()


@dataclass
class _Cell:
    """A cell as it was handed in. taken: it is part of the rebuilt notebook, or need not be."""

    source: str
    kind: str
    cell_id: str
    grade_id: str
    attachments: dict[str, Any]
    outputs: Any
    left_out: list[str] = field(default_factory=list)
    anchor: int = -1
    taken: bool = False


def sanitise(content: bytes, released: NotebookNode, others: dict[str, NotebookNode] | None = None) -> Sanitised:
    """The work in `content` on top of `released`. others: the released notebooks of other labs, by name."""
    remarks: list[str] = []
    try:
        data = json.loads(_text(content, remarks))
    except (ValueError, RecursionError):
        return Sanitised(None, "the file is not JSON, so no notebook")
    if isinstance(data, dict) and isinstance(data.get("worksheets"), list):  # version 3 of the format
        sheets = [sheet for sheet in data["worksheets"] if isinstance(sheet, dict)]
        data["cells"] = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
        return Sanitised(None, "the file is JSON, but no notebook: it has no cells")
    handed_in = data["cells"]
    if len(handed_in) > MOST_CELLS:
        handed_in = [
            cell for cell in handed_in if not isinstance(cell, dict) or cell.get("source") or cell.get("input")
        ]
        remarks.append(f"the notebook has {len(data['cells'])} cells: empty ones are left out")
    if len(handed_in) > MOST_CELLS:
        handed_in = handed_in[:MOST_CELLS]
        remarks.append(f"cells from the {MOST_CELLS + 1}st on are left out")
    cells = [cell for cell in map(_read_cell, handed_in) if cell is not None]
    if len(cells) < len(handed_in):
        remarks.append(f"{len(handed_in) - len(cells)} cells are malformed: left out")
    remarks += [f"a picture was left out: {why}" for cell in cells for why in cell.left_out]
    matches = _match(cells, released)
    if not any(_is_work(released.cells[index]) for index in matches):
        for name, other in (others or {}).items():
            if any(_is_work(other.cells[index]) for index in _match(cells, other)):
                return Sanitised(None, f"the notebook is of {name}, not of this lab")
        return Sanitised(None, "the notebook holds no answer cell of this lab")
    return Sanitised(_rebuild(cells, matches, released, remarks), "", tuple(dict.fromkeys(remarks)))


def _text(content: bytes, remarks: list[str]) -> str:
    """The file's text. Notebooks are UTF-8; an editor may have stored one in what its system takes for usual."""
    encodings: tuple[str, ...] = ENCODINGS
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ("utf-16", *ENCODINGS)
    elif b"\0" in content[:2]:
        encodings = ("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", *ENCODINGS)
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != "utf-8-sig":
            remarks.append(f"the file is not in UTF-8: read as {encoding.upper()}")
        return text
    raise ValueError("no text")


def kind_of(cell: NotebookNode) -> str:
    """What a released cell is: "check", "solution", "report" (written, and graded by a person) or "plain"."""
    fields = notebooks.nbgrader_fields(cell)
    if fields.get("grade"):
        return REPORT if fields.get("solution") else CHECK
    return SOLUTION if fields.get("solution") else PLAIN


def title(cell: NotebookNode) -> str:
    """How messages name a cell: by its grade id, else by its cell id."""
    return notebooks.nbgrader_fields(cell).get("grade_id") or str(cell.id)


def _is_work(cell: NotebookNode) -> bool:
    return kind_of(cell) in (SOLUTION, REPORT)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _read_cell(data: Any) -> _Cell | None:
    if not isinstance(data, dict):
        return None
    source = data.get("source", data.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > MOST_SOURCE:
        return None
    source = outputs.clean(source).replace("\r\n", "\n").replace("\r", "\n")
    metadata = data["metadata"] if isinstance(data.get("metadata"), dict) else {}
    fields = metadata["nbgrader"] if isinstance(metadata.get("nbgrader"), dict) else {}
    grade_id, cell_id = fields.get("grade_id"), data.get("id")
    attachments, left_out = _pictures(data.get("attachments"))
    if data.get("cell_type") != "code":
        source = _without_lost_pictures(source, attachments, left_out)
    return _Cell(
        source,
        "code" if data.get("cell_type") == "code" else "markdown",
        cell_id if isinstance(cell_id, str) else "",
        grade_id if isinstance(grade_id, str) else "",
        attachments,
        data.get("outputs"),
        list(left_out.values()),
    )


def _pictures(attachments: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The pictures pasted into a text cell by their names, and why the others are left out."""
    kept: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name, bundle in (attachments if isinstance(attachments, dict) else {}).items():
        name, why = outputs.clean(name)[:100], "no picture"
        for kind, text in (bundle if isinstance(bundle, dict) else {}).items():
            try:
                if len(kept) >= MOST_PICTURES:
                    raise pictures.LeftOut(f"there are more than {MOST_PICTURES}")
                kept[name] = dict([pictures.kept(outputs.clean(kind), text if isinstance(text, str) else "")])
                break
            except pictures.LeftOut as reason:
                why = str(reason)[:100]
        if name not in kept:
            left_out[name] = f"{name}, {why}"
    return kept, left_out


def _without_lost_pictures(source: str, kept: dict[str, Any], left_out: dict[str, str]) -> str:
    """`source` with a word in place of each picture that is not there: a page could not be drawn from it."""

    def said(picture: re.Match[str]) -> str:
        name = picture[1].split(" ")[0]
        if name in kept or unquote(name) in kept:
            return picture[0]
        lost = left_out.get(name) or left_out.get(unquote(name)) or f"{name[:100]}, it was not handed in"
        return f"[picture left out: {lost}]"

    return ATTACHED.sub(said, source)


def _match(cells: list[_Cell], released: NotebookNode) -> dict[int, list[_Cell]]:
    """The handed-in cells that stand for each released cell, by its index; there may be several copies."""
    copies: dict[int, list[_Cell]] = {}
    placed: set[int] = set()

    def match(
        keys_of: Callable[[_Cell], list[str]], released_keys: Callable[[NotebookNode], list[str]], *, only_missing: bool
    ) -> None:
        by_key: dict[str, int] = {}
        for index, cell in enumerate(released.cells):
            if not (only_missing and index in copies):
                for key in released_keys(cell):
                    by_key.setdefault(key, index)
        for handed_in in cells:
            hits = [by_key[key] for key in keys_of(handed_in) if key in by_key] if id(handed_in) not in placed else []
            if hits:
                copies.setdefault(hits[0], []).append(handed_in)
                placed.add(id(handed_in))

    match(
        lambda handed_in: [handed_in.grade_id] if handed_in.grade_id else [],
        lambda cell: [notebooks.nbgrader_fields(cell).get("grade_id", "")],
        only_missing=False,
    )
    match(
        lambda handed_in: [handed_in.cell_id] if handed_in.cell_id else [],
        lambda cell: [str(cell.id)],
        only_missing=False,
    )
    match(
        lambda handed_in: [handed_in.source.strip()] if handed_in.source.strip() else [],
        lambda cell: [cell.source.strip()],
        only_missing=True,
    )
    match(
        lambda handed_in: _names(handed_in.source),
        lambda cell: _names(cell.source) if kind_of(cell) == SOLUTION else [],
        only_missing=True,
    )
    _match_reports(cells, released, copies, placed)
    return copies


def _match_reports(
    cells: list[_Cell], released: NotebookNode, copies: dict[int, list[_Cell]], placed: set[int]
) -> None:
    """A written answer that nothing else tells: text behind what came before it, up to the next known cell."""
    for index, cell in enumerate(released.cells):
        before = [earlier_copies for earlier, earlier_copies in sorted(copies.items()) if earlier < index]
        if kind_of(cell) != REPORT or index in copies or not before:
            continue
        last = before[-1][-1]
        position = max(number for number, handed_in in enumerate(cells) if handed_in is last)
        for handed_in in cells[position + 1 :]:
            if id(handed_in) in placed or handed_in.kind != "markdown":
                break
            copies.setdefault(index, []).append(handed_in)
            placed.add(id(handed_in))


def _names(source: str) -> list[str]:
    """The functions, classes and variables that a cell defines at its top."""
    return [name for statement in _statements(source) for name in _bound(statement)]


def _statements(source: str) -> list[ast.stmt]:
    """The statements at a cell's top, without the lines that are IPython's alone; none where it is no Python."""
    try:
        return ast.parse(MAGIC.sub("", source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    parts = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _definitions(source: str, without: str) -> str:
    """What a changed check cell defines or imports and the released one, `without`, does not."""
    known = {ast.dump(statement) for statement in _statements(without)}
    kept = [
        statement
        for statement in _statements(source)
        if (_bound(statement) or isinstance(statement, (ast.Import, ast.ImportFrom)))
        and ast.dump(statement) not in known
    ]
    return "\n".join(map(ast.unparse, kept))


def _rebuild(
    cells: list[_Cell], matches: dict[int, list[_Cell]], released: NotebookNode, remarks: list[str]
) -> NotebookNode:
    base = []
    for index, original in enumerate(released.cells):
        made = nbformat.from_dict(json.loads(json.dumps(original)))
        copies = matches.get(index, [])
        for copy in copies:
            copy.anchor = index
        _fill(made, copies, remarks)
        if kind_of(made) == SOLUTION and made.source.strip() == original.source.strip():
            _drop_answered(made, cells, remarks)
        base.append(made)
    # An extra cell follows the released cell that it followed when it was handed in; `anchor` -1 is the start.
    anchor = -1
    extras: dict[int, list[NotebookNode]] = {}
    count = 0
    for cell in cells:
        anchor = cell.anchor if cell.anchor >= 0 else anchor
        if not cell.taken and cell.source.strip():
            count += 1
            extras.setdefault(anchor, []).append(_extra(cell, f"extra-{count}"))
    notebook = nbformat.from_dict({key: value for key, value in released.items() if key != "cells"})
    notebook.cells = extras.get(-1, [])
    for index, made in enumerate(base):
        notebook.cells += [made, *extras.get(index, [])]
    return notebook


def _drop_answered(made: NotebookNode, cells: list[_Cell], remarks: list[str]) -> None:
    """Take out of a stub what another cell answers: it would run after that answer, and undo it."""
    elsewhere = {
        name
        for cell in cells
        if cell.kind == "code" and cell.source.strip() != made.source.strip()
        for name in _names(cell.source)
    }
    own = _statements(made.source)
    missing = [statement for statement in own if not set(_bound(statement)) & elsewhere]
    if len(missing) < len(own):
        made.source = "\n\n\n".join([ELSEWHERE, *map(ast.unparse, missing)])
        remarks.append(f"{title(made)} is answered in another cell")


def _fill(made: NotebookNode, copies: list[_Cell], remarks: list[str]) -> None:
    """Put the handed-in copies of one cell into it, as far as they may stand there; the others stay extra cells."""
    kind, name, original = kind_of(made), title(made), made.source
    other_type = [copy for copy in copies if copy.kind != made.cell_type]
    changed = [copy for copy in copies if copy.source.strip() != original.strip()]
    if kind == CHECK:
        for copy in copies:
            copy.taken = True
        if not copies:
            remarks.append(f"{name} was deleted: put back")
        elif len(copies) > 1:
            remarks.append(f"{name} is there {len(copies)} times: one is used")
        if changed or other_type:
            remarks.append(f"{name} was changed: the released one is used")
        for copy in changed:
            defined = _definitions(copy.source, original)
            if defined:  # an answer, or what one needs
                copy.source, copy.kind, copy.taken = defined, "code", False
                remarks.append(f"{name} defines {', '.join(_names(defined)) or 'what it imports'}: kept")
        return
    for copy in copies:
        if copy.source.strip() == original.strip() or not copy.source.strip():
            copy.taken = True
    if kind == PLAIN:  # a changed set-up cell is an extra cell behind the released one
        unchanged = [copy for copy in copies if copy not in changed]
        if unchanged and made.cell_type == "code":
            made.outputs = outputs.handed_in(unchanged[0].outputs)
        if changed and made.cell_type == "code":
            remarks.append(f"{name} was changed: it runs after the released one")
        return
    if not copies:
        remarks.append(f"{name} was deleted: put back")
        return
    if not any(copy.grade_id == name for copy in copies):
        remarks.append(f"{name} had lost its metadata: known by its id, text or names")
    if len(copies) > 1:
        remarks.append(f"{name} is there {len(copies)} times: all answers in it count, in their order")
    if other_type:
        remarks.append(f"{name} had become a cell of another type: set back")
    if kind == REPORT:
        for copy in changed:
            copy.taken = True
        texts = dict.fromkeys(copy.source.strip() for copy in changed)
        made.source = "\n\n".join(texts) if texts else original
        attachments = {name: bundle for copy in copies for name, bundle in copy.attachments.items()}
        if attachments and made.cell_type == "markdown":
            made.attachments = nbformat.from_dict(attachments)
        return
    for copy in changed:
        if copy.source.strip() and not changed[0].taken:
            made.source = copy.source
        copy.taken = copy is changed[0] or copy.source.strip() == changed[0].source.strip()
        copy.kind = "code"  # a further answer runs where it stood, whatever type it was given


def _extra(cell: _Cell, name: str) -> NotebookNode:
    if cell.kind == "code":
        return new_code_cell(cell.source, id=name)
    made = new_markdown_cell(cell.source, id=name)
    if cell.attachments:
        made.attachments = nbformat.from_dict(cell.attachments)
    return made
