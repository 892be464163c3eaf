"""The way through the course: the last cell of each notebook leads to the notebook before and to the next."""

import os
from pathlib import Path

import nbformat

from course_utils.command import notebooks

CELL_ID = "course-links"


def stale(root: Path) -> dict[Path, str]:
    """The lessons and solutions whose last cell does not lead on as it should, each with its right text.

    A lab stands behind the last lesson that it builds on. Links to a lab name the students' copy in `labs/`; that copy
    gets its own cell from `course release`.
    """
    lessons = {path: path for path in notebooks.find([root / "lessons"], root)}
    solutions = sorted((root / "solutions").glob("*/*.ipynb"))
    labs = {root / "labs" / path.relative_to(root / "solutions"): path for path in solutions}
    # In what students receive there are labs, and no solutions.
    labs |= {path: path for path in sorted((root / "labs").glob("*/*.ipynb")) if not solutions}

    def place(path: Path) -> tuple[int, bool, str]:
        notebook = opened[path]
        behind = notebook.metadata.course.requires if path in labs else [int(path.stem.split("_")[0])]
        return max(behind, default=0), path in labs, path.stem

    opened = {path: notebooks.read(source) for path, source in (lessons | labs).items()}
    titles = {path: notebooks.course_metadata(notebook, path).title for path, notebook in opened.items()}
    way = sorted(opened, key=place)
    changed = {}
    for before, path, after in zip([None, *way], way, [*way[1:], None]):  # noqa: B905 (the last `before` is not used)
        notebook = opened[path]
        links = []
        for word, other in (("Before", before), ("Next", after)):
            if other is not None:
                target = Path(os.path.relpath(other, path.parent)).as_posix()
                links.append(f"*{word}:* [{other.stem.split('_')[0]} {titles[other]}]({target})")
        cell = nbformat.v4.new_markdown_cell(" · ".join(links), id=CELL_ID)
        cells = [*(each for each in notebook.cells if each.id != CELL_ID), *([cell] if links else [])]
        if cells != notebook.cells:
            notebook.cells = cells
            changed[(lessons | labs)[path]] = nbformat.writes(notebook) + "\n"
    return changed
