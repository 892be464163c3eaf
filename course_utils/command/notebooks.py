"""Finding, reading and writing the course's notebooks."""

import difflib
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

import course_utils
from course_utils.errors import CourseError


def course_root(start: Path | None = None) -> Path:
    """The course folder: the first upwards from `start` (default: here) with lessons in `lessons/`, else the package's.

    The latter is somebody else's where many share one installation, so this says which it is.
    Raises `CourseError` where neither is a course folder.
    """
    start, own = (start or Path.cwd()).resolve(), Path(course_utils.__file__).parents[1]
    for folder in (start, *start.parents, own):
        if (folder / "lessons").is_dir() and any(folder.glob(p) for p in ("pyproject.toml", "lessons/[0-9]*_*.ipynb")):
            if folder == own and not start.is_relative_to(own):
                print(f"no lessons here: using those in {own}", file=sys.stderr)
            return folder
    raise CourseError("no course here: go to the folder that holds lessons/")


def find(names: Iterable[str | Path], root: Path, *, labs: str = "labs") -> list[Path]:
    """The notebooks that `names` mean, sorted; the lessons and the labs where there is no name.

    A name is a lesson's number (`3`) or name, a lab's name (`lab03`), a notebook's path or a folder's. labs: the folder
    in which labs lie; what is not there is looked up among the students' copies.
    Raises `CourseError` for a name that means nothing, and says the nearest; and for a folder without a notebook.
    """
    paths: set[Path] = set()
    for name in list(names) or [root / folder for folder in ("lessons", labs) if (root / folder).is_dir()]:
        path = Path(name)
        if path.is_dir():
            inside = {place for place in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in place.parts}
            if not inside:
                raise CourseError(
                    f"no notebook in {path}: name a file that ends in .ipynb, or a folder that holds some"
                )
            paths |= inside
        elif path.is_file():
            if path.suffix != ".ipynb":
                raise CourseError(f"{path} is not a notebook: name a file that ends in .ipynb, or a folder")
            paths.add(path)
        else:
            paths.add(_by_name(str(name), root, labs))
    return sorted({path.resolve() for path in paths})


def _by_name(name: str, root: Path, labs: str) -> Path:
    """The lesson of that number, or the lesson or lab of that name."""
    lessons = {path.stem.split("_")[0]: path for path in sorted((root / "lessons").glob("[0-9]*_*.ipynb"))}
    known = {path.stem: path for path in lessons.values()}
    known |= {path.stem: path for folder in ("labs", labs) for path in root.glob(f"{folder}/*/*.ipynb")}
    if name.isdigit():
        if f"{int(name):02d}" in lessons:
            return lessons[f"{int(name):02d}"]
        raise CourseError(f"no lesson {int(name):02d}: there are {', '.join(lessons) or 'none'}")
    if name in known:
        return known[name]
    raise CourseError(f"no such notebook: {name}{nearest(Path(name).stem, [*known, *lessons])}")


def lab_path(name: str) -> Path:
    """The student's copy of the lab that `name` means: its name, its number, or a path."""
    if Path(name).is_file():
        return Path(name)
    root = course_root()
    return find([lab_name(name)], root)[0]


def lab_name(text: str) -> str:
    """`lab03` for a lab's number (`3`), its name, its folder or its notebook: any of these may stand for it.

    >>> lab_name("3"), lab_name("labs/lab03"), lab_name("lab03.ipynb")
    ('lab03', 'lab03', 'lab03')
    """
    return f"lab{int(text):02d}" if text.isdigit() else Path(text).stem


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; there are {', '.join(known)}" if known else "; there is none here"


def read(path: Path) -> NotebookNode:
    """The notebook at `path`, checked against the format. Raises `CourseError` where it is not one."""
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, nbformat.reader.NotJSONError):
        raise CourseError(f"{path} is not JSON, so no notebook: restore it with `git checkout -- {path}`") from None
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"{path} is not a valid notebook ({reason}): restore it with `git checkout`") from None
    return notebook


def write_text(path: Path, text: str) -> None:
    """Replace the file at `path` whole or not at all: a full disk or a crash leaves the old one as it was."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(path.stat().st_mode if path.exists() else 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def nbgrader_fields(cell: NotebookNode) -> dict[str, Any]:
    """What nbgrader keeps in a cell: grade_id, grade, solution, points, locked; empty for other cells."""
    return dict(cell.metadata.get("nbgrader", {}))
