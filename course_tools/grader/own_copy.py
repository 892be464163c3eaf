"""A copy of the lessons and labs for one student, out of an installation that many share."""

import shutil
from pathlib import Path

from course_utils.errors import CourseError

FOLDERS = ("lessons", "labs")


def make(root: Path, folder: Path) -> list[Path]:
    """Copy what the course at `root` holds for students into `folder`, which may exist; the files that were copied.

    A file that is there already stays as it is: it may hold a student's work. Raises `CourseError` for the course's own
    folder, where there is nothing to copy.
    """
    if folder.resolve().is_relative_to(root.resolve()):
        raise CourseError(f"{folder} lies in the course itself: name a folder of your own")
    copied = []
    for source in sorted(path for name in FOLDERS for path in (root / name).rglob("*") if path.is_file()):
        place = folder / source.relative_to(root)
        if ".ipynb_checkpoints" in source.parts or place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)  # without its rights: a shared file may be read-only
        copied.append(place)
    return copied
