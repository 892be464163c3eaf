"""The way through the course: the last cell of each notebook leads to the notebook before and to the next."""

import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_tools.authoring import course_metadata
from course_utils.command import notebooks

CELL_ID = "course-links"


@dataclass(frozen=True)
class Stop:
    """A notebook on the way. path: where students open it; source: the file that is edited, another one for a lab."""

    path: Path
    source: Path
    notebook: NotebookNode
    title: str

    @property
    def place(self) -> tuple[int, bool, str]:
        """What sorts the way: a lab stands behind the last lesson that it builds on."""
        number = self.path.stem.split("_")[0]
        is_lab = not number.isdigit()
        return max(self.notebook.metadata.course.requires, default=0) if is_lab else int(number), is_lab, self.path.stem


def stale(root: Path) -> dict[Path, str]:
    """The lessons and solutions whose last cell does not lead on as it should, each with its right text.

    Links to a lab name the students' copy in `labs/`; that copy gets its own cell from `course release`.
    """
    way = sorted(_stops(root), key=lambda stop: stop.place)
    right = {}
    for index, stop in enumerate(way):
        neighbours = {"Before": way[index - 1 : index], "Next": way[index + 1 : index + 2]}
        links = [f"*{word}:* {_link(stop, other)}" for word, others in neighbours.items() for other in others]
        cells = [cell for cell in stop.notebook.cells if cell.id != CELL_ID]
        if links:
            cells.append(nbformat.v4.new_markdown_cell(" · ".join(links), id=CELL_ID))
        if cells != stop.notebook.cells:
            stop.notebook.cells = cells
            right[stop.source] = nbformat.writes(stop.notebook) + "\n"
    return right


def _stops(root: Path) -> list[Stop]:
    """All lessons, and all labs; in what students receive there are labs, and no solutions."""
    sources = {path: path for path in notebooks.find([root / "lessons"], root)}
    solutions = sorted((root / "solutions").glob("*/*.ipynb"))
    sources |= {root / "labs" / path.relative_to(root / "solutions"): path for path in solutions}
    if not solutions:
        sources |= {path: path for path in sorted((root / "labs").glob("*/*.ipynb"))}
    stops = []
    for path, source in sources.items():
        notebook = notebooks.read(source)
        stops.append(Stop(path, source, notebook, course_metadata.read(notebook, path).title))
    return stops


def _link(stop: Stop, other: Stop) -> str:
    """A link from one notebook to the other: its number or name, and its title."""
    target = Path(os.path.relpath(other.path, stop.path.parent)).as_posix()
    return f"[{other.path.stem.split('_')[0]} {other.title}]({target})"
