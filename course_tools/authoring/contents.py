"""The README's tables of contents, written from what the notebooks say about themselves."""

from pathlib import Path

from course_tools.authoring import course_metadata
from course_utils.command import notebooks
from course_utils.errors import CourseError

MARKERS = "<!-- course index: {folder} -->\n", "<!-- end of course index: {folder} -->"
FOLDERS = ("lessons", "labs")


def stale(root: Path) -> dict[Path, str]:
    """The README, with the text that it should have, where one of its tables is not as the notebooks make it."""
    readme = root / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = indexed(before, root)
    return {readme: after} if after != before else {}


def indexed(readme: str, root: Path) -> str:
    """The text of the README with every marked table made anew.

    Raises `CourseError` where the README has no marked table, or has a begin without its end.
    """
    tables = 0
    for folder in FOLDERS:
        begin, end = (marker.format(folder=folder) for marker in MARKERS)
        if begin not in readme and end not in readme:
            continue
        head, begins, rest = readme.partition(begin)
        _, ends, tail = rest.partition(end)
        if not (begins and ends):
            raise CourseError(f"README.md has only one of {begin.strip()!r} and {end!r}: put both around the table")
        readme = head + begin + _table(root / folder, root) + end + tail
        tables += 1
    if not tables:
        raise CourseError(
            f"README.md has no place for a table: add the lines {MARKERS[0].format(folder='lessons')!r} …"
        )
    return readme


def _table(folder: Path, root: Path) -> str:
    """A row for each notebook; where they are of several parts, a row with the name before each part."""
    header = ["No.", "Title", "After it you can", "Builds on", "Minutes (CPU / GPU)", "Data"]
    paths = notebooks.find([folder], root)
    abouts = [course_metadata.read(notebooks.read(path), path) for path in paths]
    lines = [_row(header), "|" + " --- |" * len(header)]
    part = abouts[0].part if len({about.part for about in abouts}) == 1 else None
    for path, about in zip(paths, abouts, strict=True):
        if about.part != part:
            part = about.part
            lines.append(_row(["", f"**{part}**", "", "", "", ""]))
        cells = [
            path.stem.split("_")[0],
            f"[{about.title}]({path.relative_to(root.resolve()).as_posix()})",
            about.goal,
            ", ".join(f"{lesson:02d}" for lesson in about.requires) or "–",
            f"{about.minutes_cpu:g} / {about.minutes_gpu:g}",
            ", ".join(about.data) or "–",
        ]
        lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
