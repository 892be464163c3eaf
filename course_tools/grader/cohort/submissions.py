"""The files that students handed in: a folder or a zip, read without trust in their names, kinds or sizes.

Accepted: <student>.ipynb, <student>/<lab>.ipynb and, as nbgrader has it, <student>/<lab>/<lab>.ipynb.
"""

import os
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from course_utils.errors import CourseError

MOST_BYTES = 20 * 2**20  # of one notebook; a lab with all its pictures has less than one
MOST_NAME = 100  # characters of a student's id
IGNORED = {".DS_Store", "__MACOSX", ".ipynb_checkpoints", "Thumbs.db", "desktop.ini", ".git", ".gitkeep"}
LEVELS = 3  # <student>/<lab>/<lab>.ipynb


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one lab. content: the file's bytes, or None, and then `trouble` says why."""

    student: str
    lab: str
    content: bytes | None
    trouble: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """A notebook file by the parts of its name; `read` raises `OSError` or `ValueError` where it must not be read."""

    parts: tuple[str, ...]
    read: Callable[[], bytes]


def find(path: Path, known: list[str], lab: str | None = None) -> list[Submission]:
    """All submissions under `path` for `lab`, or for every lab of `known` that a file is named after; sorted.

    A student who handed in nothing for a lab has a submission without content. Raises `CourseError` where `path` is
    no folder and no zip, or holds no submission.
    """
    if path.is_dir():
        files, students = _in_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        files, students = _in_zip(path)
    else:
        raise CourseError(f"{path} is no folder and no zip of submissions: name one that holds <student>/<lab>.ipynb")
    by_student: dict[str, list[_File]] = {name: [] for name in students}
    for file in files:
        name = PurePosixPath(file.parts[0]).stem if len(file.parts) == 1 else file.parts[0]
        by_student.setdefault(name, []).append(file)
    wanted = [lab] if lab else [name for name in known if any(_is_of(file, name) for file in files)]
    if not by_student or not wanted:
        raise CourseError(
            f"no submission in {path}: it must hold <student>/<lab>.ipynb, or <student>.ipynb with --lab"
            + (f"; labs are {', '.join(known)}" if by_student else "")
        )
    ids = {name: student_id(name) for name in by_student}
    unique: dict[tuple[str, str], Submission] = {}
    for wanted_lab in wanted:
        for name in by_student:
            submission = _submission(ids[name], wanted_lab, by_student[name], alone=lab is not None)
            unique.setdefault((wanted_lab, submission.student), submission)  # two names that become one id
    return [unique[key] for key in sorted(unique)]


def student_id(name: str) -> str:
    """`name` as it may stand in a path, a URL and a spreadsheet: letters of any script, digits and . _ @ + - only."""
    name = unicodedata.normalize("NFC", name)
    name = name.encode("utf-8", "replace").decode()
    safe = "".join(letter if letter.isalnum() or letter in "._@+-" else quote(letter, safe="") for letter in name)
    if not safe[:1].isalnum() or ".." in safe:
        safe = "student_" + safe.replace("..", "%2E%2E")
    return safe[:MOST_NAME]


def _is_of(file: _File, lab: str) -> bool:
    return len(file.parts) > 1 and file.parts[-1] == f"{lab}.ipynb"


def _submission(student: str, lab: str, files: list[_File], *, alone: bool) -> Submission:
    named = [file for file in files if _is_of(file, lab) and (len(file.parts) == 2 or file.parts[1] == lab)]
    candidates = sorted(named or (files if alone else []), key=lambda file: (len(file.parts), file.parts))
    if not candidates:
        return Submission(student, lab, None, "handed in nothing for this lab")
    chosen, remarks = candidates[0], []
    if not named and len(candidates) > 1:
        return Submission(student, lab, None, f"handed in several notebooks, and none is named {lab}.ipynb")
    if len(candidates) > 1:
        remarks.append(f"handed in {len(candidates)} files: {'/'.join(chosen.parts)} is graded")
    try:
        content = chosen.read()
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Submission(student, lab, None, f"the file cannot be read: {reason}")
    return Submission(student, lab, content, "" if content else "the file is empty", tuple(remarks))


def _in_folder(root: Path) -> tuple[list[_File], list[str]]:
    root = root.resolve()
    files = [_File(place.relative_to(root).parts, partial(_read, place, root)) for place in _walk(root, LEVELS)]
    folders = [place.name for place in sorted(root.iterdir()) if place.is_dir() and place.name not in IGNORED]
    return files, folders


def _walk(folder: Path, levels: int) -> Iterator[Path]:
    for place in sorted(folder.iterdir()):
        if place.name in IGNORED:
            continue
        if place.suffix == ".ipynb":  # a link, a folder or a pipe of that name too: reading it will say what is wrong
            yield place
        elif levels > 1 and place.is_dir() and not place.is_symlink():
            yield from _walk(place, levels - 1)


def _read(place: Path, root: Path) -> bytes:
    if not place.resolve().is_relative_to(root):
        raise ValueError("it is a symbolic link out of the folder")
    handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would wait for a writer
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise ValueError("it is no ordinary file")
    with os.fdopen(handle, "rb") as file:
        return _bounded(file.read, status.st_size)


def _bounded(read: Callable[[int], bytes], size: int) -> bytes:
    if size > MOST_BYTES:
        raise ValueError(f"it has {size / 2**20:,.0f} MiB, and {MOST_BYTES >> 20} MiB are allowed")
    content = read(MOST_BYTES + 1)  # whatever the file says of its size
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES >> 20} MiB")
    return content


def _in_zip(path: Path) -> tuple[list[_File], list[str]]:
    files, students = [], []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            parts = tuple(part for part in info.filename.replace("\\", "/").split("/") if part not in ("", "."))
            if not parts or set(parts) & IGNORED:
                continue
            reason = ""
            if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0]:
                reason, parts = "its name leads out of the zip", (info.filename.removesuffix(".ipynb") + ".ipynb",)
            elif stat.S_ISLNK(info.external_attr >> 16):
                reason = "it is a symbolic link"
            if parts[-1].endswith(".ipynb") and len(parts) <= LEVELS and not info.is_dir():
                files.append(_File(parts, partial(_read_member, path, info, reason)))
            elif len(parts) > 1 or info.is_dir():
                students.append(parts[0])
    return files, students


def _read_member(path: Path, info: zipfile.ZipInfo, reason: str) -> bytes:
    if reason:
        raise ValueError(reason)
    with zipfile.ZipFile(path) as archive, archive.open(info) as member:
        return _bounded(member.read, info.file_size)
