"""The data files that travel with the course, read only after their sha256 was checked."""

import hashlib
from pathlib import Path

from course_utils.errors import CourseError

FOLDER = Path(__file__).parent / "data" / "files"


def read_verified(path: Path, sha256: str, *, restore: str) -> bytes:
    """The bytes of `path`. Raises `CourseError`, ending with `restore`, where it is missing or its sha256 differs."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"data file {path.name} cannot be read ({error.strerror}): {restore}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CourseError(f"data file {path.name} is damaged (its sha256 is not the recorded one): {restore}")
    return content


def read(name: str, sha256: str) -> bytes:
    """The bytes of the embedded file `name`. Raises `CourseError` where it is missing or damaged."""
    restore = f"restore it with `git checkout -- course_utils/data/files/{name}`"
    return read_verified(FOLDER / name, sha256, restore=restore)
