"""`course bundle`: the zip that may be handed to students, with no solution, no hidden test and no hidden data.

What goes in is named here, and nothing else does: a folder that an instructor adds is not handed out by accident. Of
labs/ only the notebooks go in, and only as their sources make them now. Of the packages only `course_utils` goes in;
README, Makefile, pyproject.toml and environment.yml go in without the parts that they mark as for instructors.
"""

import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from course_tools.grader import labs, release
from course_utils import checks
from course_utils.errors import CourseError

TOP = "convolution-to-codec"  # the one folder in the zip
ABRIDGED = ("README.md", "Makefile", "pyproject.toml", "environment.yml")
FILES = (
    *ABRIDGED,
    "docs/loop_filter.png",  # README.md shows it
    "LICENSE",
    "CITATION.cff",
    "constraints.txt",
)
STUDIES = "study/*/*.json"  # stored results that lessons read; the scripts that made them need `course_tools`
PACKAGE_SUFFIXES = {".py", ".md", ".png", ".txt", ".gz", ".safetensors", ".webm", ".mp4", ".json"}
# From a line that says "for instructors", in a comment of the file's language, to its end mark or to the file's end.
INSTRUCTORS_PART = re.compile(
    r"^(?P<open><!-- |# )for instructors(?P<close> -->|)\n.*?(?:^(?P=open)end of for instructors(?P=close)\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


def write(path: Path, root: Path) -> list[str]:
    """Write the bundle of the course under `root` to `path`, whole or not at all; the names in it, sorted.

    The same course gives the same bytes. Raises `CourseError` where labs/ is stale, and for a name that is no zip.
    """
    if path.suffix != ".zip":
        raise CourseError(f"{path} is not a name for a zip: call it {path.with_suffix('.zip').name}")
    if not path.parent.is_dir():
        raise CourseError(f"no folder {path.parent}: make it first")
    for lab in labs.find(root):
        if release.stale(lab):
            raise CourseError(f"labs/{lab.name} is stale: run `course release` first, look at it, and bundle again")
    members = sorted(_members(root))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
            for name in members:
                info = zipfile.ZipInfo(f"{TOP}/{name}")  # its date is 1980: the same bundle, whenever it is made
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                bundle.writestr(info, _content(root, name))
        made.replace(path)
    return members


def _members(root: Path) -> Iterator[str]:
    """The names of all that goes in, relative to `root`."""
    yield from (name for name in FILES if (root / name).is_file())
    for pattern in ("*.ipynb", checks.ANSWERS, STUDIES):
        yield from (path.relative_to(root).as_posix() for path in (root / "lessons").glob(pattern))
    for lab in labs.find(root):
        yield from (place.relative_to(root).as_posix() for place in release.files_of(lab))
    for path in (root / "course_utils").rglob("*"):
        if path.is_file() and path.suffix in PACKAGE_SUFFIXES:
            yield path.relative_to(root).as_posix()


def _content(root: Path, name: str) -> bytes:
    """The file `name` as students get it: without what only an instructor can do."""
    content = (root / name).read_bytes()
    if name in ABRIDGED:
        return INSTRUCTORS_PART.sub("", content.decode("utf-8")).encode("utf-8")
    return content
