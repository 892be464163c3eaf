"""A file that a student handed in, rebuilt on the released notebook: only the student's own work is taken over.

A cell is known by its grade id, else by its cell id, else by its text, else by the names that it defines. What is not
known is an extra cell and stays behind the cell that it followed. So nothing that was earned is lost where check cells
are deleted, changed, doubled or turned into text, metadata is stripped, or cells are moved; each repair is remarked.
The lab's own experiments keep the outputs that they were handed in with, since grading need not run them.
"""

import ast
import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_tools.grader.jail import outputs
from course_utils.command import notebooks

MOST_CELLS = 2_000
MOST_SOURCE = 2**20  # characters of one cell
MOST_PICTURE = 2 * 2**20  # base64 characters of a picture pasted into a text cell
CHECK, SOLUTION, REPORT, PLAIN = "check", "solution", "report", "plain"
# What a browser could take for a tag, or a link that runs code: written answers are shown to the instructor.
TAG = re.compile(r"<(?=[A-Za-z/!?])")
SCRIPT_LINK = re.compile(r"(java|vb)script:", re.IGNORECASE)


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
    anchor: int = -1
    taken: bool = False


def sanitise(content: bytes, released: NotebookNode, others: dict[str, NotebookNode] | None = None) -> Sanitised:
    """The work in `content` on top of `released`. others: the released notebooks of other labs, by name."""
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Sanitised(None, "the file is not JSON, so no notebook")
    if isinstance(data, dict) and isinstance(data.get("worksheets"), list):  # version 3 of the format
        sheets = [sheet for sheet in data["worksheets"] if isinstance(sheet, dict)]
        data["cells"] = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
        return Sanitised(None, "the file is JSON, but no notebook: it has no cells")
    if len(data["cells"]) > MOST_CELLS:
        return Sanitised(None, f"the notebook has more than {MOST_CELLS} cells")
    cells = [cell for cell in map(_read_cell, data["cells"]) if cell is not None]
    remarks = []
    if len(cells) < len(data["cells"]):
        remarks.append(f"{len(data['cells']) - len(cells)} cells are malformed: left out")
    matches = _match(cells, released)
    if not any(_is_work(released.cells[index]) for index in matches):
        for name, other in (others or {}).items():
            if any(_is_work(other.cells[index]) for index in _match(cells, other)):
                return Sanitised(None, f"the notebook is of {name}, not of this lab")
        return Sanitised(None, "the notebook holds no answer cell of this lab")
    return Sanitised(_rebuild(cells, matches, released, remarks), "", tuple(dict.fromkeys(remarks)))


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
    source = source.encode("utf-8", "replace").decode()  # a lone surrogate could not be written
    metadata = data["metadata"] if isinstance(data.get("metadata"), dict) else {}
    fields = metadata["nbgrader"] if isinstance(metadata.get("nbgrader"), dict) else {}
    grade_id, cell_id = fields.get("grade_id"), data.get("id")
    return _Cell(
        source,
        "code" if data.get("cell_type") == "code" else "markdown",
        cell_id if isinstance(cell_id, str) else "",
        grade_id if isinstance(grade_id, str) else "",
        _pictures(data.get("attachments")),
        data.get("outputs"),
    )


def _pictures(attachments: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, bundle in (attachments if isinstance(attachments, dict) else {}).items():
        for kind in ("image/png", "image/jpeg"):
            picture = bundle.get(kind) if isinstance(bundle, dict) else None
            if isinstance(picture, str) and len(picture) <= MOST_PICTURE and len(kept) < 20:
                try:
                    base64.b64decode(picture, validate=True)
                except (binascii.Error, ValueError):
                    continue
                kept[name.encode("utf-8", "replace").decode()[:100]] = {kind: picture}
    return kept


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
    """The functions and classes that a cell defines at its top."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


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
        remarks.append(f"{name} was deleted: put back, without an answer")
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
        made.source = harmless("\n\n".join(texts)) if texts else original
        pictures = {name: bundle for copy in copies for name, bundle in copy.attachments.items()}
        if pictures and made.cell_type == "markdown":
            made.attachments = nbformat.from_dict(pictures)
        return
    for copy in changed:
        if copy.source.strip() and not changed[0].taken:
            made.source = copy.source
        copy.taken = copy is changed[0] or copy.source.strip() == changed[0].source.strip()
        copy.kind = "code"  # a further answer runs where it stood, whatever type it was given


def harmless(text: str) -> str:
    """Markdown whose HTML tags and script links are shown as text instead of being obeyed."""
    return SCRIPT_LINK.sub(lambda link: link.group(0)[:-1] + "&#58;", TAG.sub("&lt;", text))


def _extra(cell: _Cell, name: str) -> NotebookNode:
    if cell.kind == "code":
        return new_code_cell(cell.source, id=name)
    made = new_markdown_cell(harmless(cell.source), id=name)
    if cell.attachments:
        made.attachments = nbformat.from_dict(cell.attachments)
    return made
