"""The files that students handed in: a folder or a zip, read without trust in their names, kinds or sizes.

Accepted: <student>.ipynb, <student>/<lab>.ipynb, as nbgrader has it <student>/<lab>/<lab>.ipynb, what Moodle and Canvas
give when all submissions are downloaded, and any of them inside one more folder. Of several versions the last one
before the deadline counts, else the last; all are kept.
"""

import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath

from course_tools.grader.cohort import roster
from course_tools.grader.cohort.deadlines import Deadline
from course_tools.grader.cohort.roster import Owner
from course_utils.errors import CourseError

MOST_BYTES = 20 * 2**20  # of one notebook; a lab with all its pictures has less than one
IGNORED = {".DS_Store", "__MACOSX", ".ipynb_checkpoints", "Thumbs.db", "desktop.ini", ".git", ".gitkeep"}
LEVELS = 4  # <folder>/<student>/<lab>/<lab>.ipynb
UTF8_FLAG = 0x800  # of a zip's member: its name is in UTF-8
NOTHING = "handed in nothing for this lab"


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one lab. content: the file's bytes, or None, and then `trouble` says why.

    versions: all that can be read, by a name that says when each was handed in
    hours_late: how long after the deadline the one that counts was handed in
    """

    student: str
    lab: str
    content: bytes | None
    trouble: str = ""
    remarks: tuple[str, ...] = ()
    versions: tuple[tuple[str, bytes], ...] = ()
    hours_late: float = 0


@dataclass(frozen=True)
class _File:
    """A notebook file by the parts of its name; `read` raises `OSError` or `ValueError` where it must not be read."""

    parts: tuple[str, ...]
    read: Callable[[], bytes]
    when: datetime | None = None
    late: bool = False  # so says the download


def find(
    path: Path,
    known: list[str],
    lab: str | None = None,
    *,
    ids: roster.Ids,
    deadlines: Mapping[str, Deadline] | None = None,
) -> list[Submission]:
    """All submissions under `path` for `lab`, or for every lab of `known` that a file is named after; sorted.

    ids: which student each name means; who is on its roster and handed in nothing has a submission without content,
    as has everybody with an empty folder. Raises `CourseError` where `path` is no folder and no zip, or holds no
    submission.
    """
    if path.is_dir():
        files, students = _in_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        files, students = _in_zip(path)
    else:
        raise CourseError(f"{path} is no folder and no zip of submissions: name one that holds <student>/<lab>.ipynb")
    files, students = _without_top_folder(files, students, known)
    by_owner: dict[Owner, list[_File]] = {}
    for name in students:
        owner = roster.owner_of(name, folder=True)
        by_owner[Owner(owner.name, owner.number)] = []
    for file in files:
        owner, file = _owned(file)
        by_owner.setdefault(owner, []).append(file)
    wanted = [lab] if lab else [name for name in known if any(_is_of(file, name) for file in files)]
    if not by_owner or not wanted:
        raise CourseError(
            f"no submission in {path}: it must hold <student>/<lab>.ipynb, or <student>.ipynb with --lab"
            + (f"; labs are {', '.join(known)}" if by_owner else "")
        )
    names = Counter(owner.name for owner in by_owner)
    by_student: dict[str, list[_File]] = {student: [] for student in ids.students}
    remarks: dict[str, list[str]] = {}
    # Of two names that are spelled alike, the one that needs no change comes first.
    for owner in sorted(by_owner, key=lambda own: (roster.student_id(own.name) != own.name, own.name, own.number)):
        student, remark = ids.of(owner, alone=names[owner.name] == 1)
        by_student.setdefault(student, []).extend(by_owner[owner])
        remarks.setdefault(student, []).extend([remark] if remark else [])
    made = []
    for wanted_lab in wanted:
        for student, own in by_student.items():
            deadline = (deadlines or {}).get(wanted_lab, Deadline())
            submission = _submission(student, wanted_lab, own, deadline, alone=lab is not None)
            made.append(replace(submission, remarks=(*remarks.get(student, []), *submission.remarks)))
    return sorted(made, key=lambda submission: (submission.lab, submission.student))


def _owned(file: _File) -> tuple[Owner, _File]:
    """Whose the file is, and the file by its name within what is theirs."""
    first = file.parts[0]
    if len(file.parts) == 1:
        owner = roster.owner_of(first)
        if owner.rest:  # a flat download
            file = replace(file, parts=("", owner.rest), late=owner.late)
        else:
            owner = Owner(PurePosixPath(first).stem)
    else:
        owner = roster.owner_of(first, folder=True)
    return Owner(owner.name, owner.number, owner.lms_id), file


def _without_top_folder(files: list[_File], students: list[str], known: list[str]) -> tuple[list[_File], list[str]]:
    """The same without a folder around all of them, which systems put into a zip; not where it is a student's own."""
    tops = {file.parts[0] for file in files} | set(students)
    if len(tops) != 1 or any(len(file.parts) == 1 for file in files):
        return files, students
    below = {file.parts[1] for file in files}
    if not below or all(any(_is_version(PurePosixPath(name).stem, lab) for lab in known) for name in below):
        return files, students
    if len(below) == 1 and all(len(file.parts) == 2 for file in files):
        return files, students  # one student with one notebook of another name
    inner = [replace(file, parts=file.parts[1:]) for file in files]
    return inner, [file.parts[0] for file in inner if len(file.parts) > 1]


def _is_of(file: _File, lab: str) -> bool:
    stem = PurePosixPath(file.parts[-1]).stem
    if len(file.parts) == 1:
        stem = PurePosixPath(roster.owner_of(file.parts[0]).rest).stem
    return _is_version(stem, lab)


def _is_version(stem: str, lab: str) -> bool:
    """Whether a file of this name is the lab's, such as `lab01`, `lab01 (2)` or `lab01-1`."""
    return re.fullmatch(
        rf"{re.escape(lab)}([ _.-]*\(?\w{{1,12}}\)?)?", stem, re.IGNORECASE
    ) is not None and not re.match(rf"{re.escape(lab)}\d", stem, re.IGNORECASE)


def _submission(student: str, lab: str, files: list[_File], deadline: Deadline, *, alone: bool) -> Submission:
    named = [file for file in files if _is_of(file, lab)]
    candidates = sorted(named or (files if alone else []), key=_by_time)
    if not candidates:
        return Submission(student, lab, None, NOTHING)
    if not named and len(candidates) > 1:
        return Submission(student, lab, None, f"handed in several notebooks, and none is named {lab}.ipynb")
    in_time = [file for file in candidates if not deadline.hours_late(file.when)]
    chosen, remarks = (in_time or candidates)[-1], []
    if len(candidates) > 1:
        name = "/".join(filter(None, chosen.parts))
        which = "the last one before the deadline" if in_time and deadline.deadline else "the last one"
        remarks.append(f"handed in {len(candidates)} files: {which}, {name}, is graded; all are kept")
    hours = deadline.hours_late(chosen.when)
    if hours:
        remarks.append(f"handed in {hours:.1f} hours after the deadline")
    elif chosen.late:
        remarks.append("late, says the download's name")
    versions: list[tuple[str, bytes]] = []
    for file in candidates:
        try:
            content = file.read()
        except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            if file is chosen:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                trouble = f"the file cannot be read: {reason}"
                return Submission(student, lab, None, trouble, tuple(remarks), tuple(versions), hours)
            continue
        versions.append((f"{file.when:%Y-%m-%d_%H.%M.%S}" if file.when else "unknown", content))
        if file is chosen:
            kept = content
    trouble = "" if kept else "the file is empty"
    return Submission(student, lab, kept, trouble, tuple(remarks), tuple(versions), hours)


def _by_time(file: _File) -> tuple[float, int, tuple[str, ...]]:
    return (file.when.timestamp() if file.when else 0.0, -len(file.parts), file.parts)


def _in_folder(root: Path) -> tuple[list[_File], list[str]]:
    root = root.resolve()
    files = [
        _File(tuple(map(_readable, place.relative_to(root).parts)), partial(_read, place, root), _changed(place))
        for place in _walk(root, LEVELS)
    ]
    folders = [
        _readable(place.name) for place in sorted(root.iterdir()) if place.is_dir() and place.name not in IGNORED
    ]
    return files, folders


def _readable(name: str) -> str:
    """A file's name as text: one that is no UTF-8 comes, most often, out of a zip of Korean Windows."""
    raw = os.fsencode(name)
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _changed(place: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(place.stat().st_mtime).astimezone()
    except (OSError, ValueError, OverflowError):
        return None


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
            filename = _member_name(info)
            parts = tuple(part for part in filename.replace("\\", "/").split("/") if part not in ("", "."))
            if not parts or set(parts) & IGNORED:
                continue
            reason = ""
            if ".." in parts or filename.startswith(("/", "\\")) or ":" in parts[0]:
                reason, parts = "its name leads out of the zip", (filename.removesuffix(".ipynb") + ".ipynb",)
            elif stat.S_ISLNK(info.external_attr >> 16):
                reason = "it is a symbolic link"
            if parts[-1].endswith(".ipynb") and len(parts) <= LEVELS and not info.is_dir():
                files.append(_File(parts, partial(_read_member, path, info, reason), _packed(info)))
            elif len(parts) > 1 or info.is_dir():
                students.append(parts[0])
    return files, students


def _member_name(info: zipfile.ZipInfo) -> str:
    """A member's name: without the flag that says UTF-8 it is in whatever its system takes for usual."""
    if info.flag_bits & UTF8_FLAG:
        return info.filename
    try:
        raw = info.filename.encode("cp437")  # what `zipfile` has read it as
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _packed(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _read_member(path: Path, info: zipfile.ZipInfo, reason: str) -> bytes:
    if reason:
        raise ValueError(reason)
    with zipfile.ZipFile(path) as archive, archive.open(info) as member:
        return _bounded(member.read, info.file_size)
