"""What a figure shows, told to who cannot see it: from the text beside the figure into the figure's own metadata.

A figure's cell is followed by "*The picture in words: …*". A reader's eye finds it there; HTML has to find it in the
output, from where nbconvert's template `classic` takes what a screen reader says of a picture.
"""

import re

from nbformat import NotebookNode

FIGURE = "image/png"
AFTER = re.compile(r"\*The pictures? in words: (.+?)\*(?=\W|$)", re.DOTALL)
BEFORE = re.compile(r"\*The picture below in words: (.+?)\*(?=\W|$)", re.DOTALL)
CELLS_AFTER = 2  # a figure may be followed by the cell that prints its numbers
MARKS = str.maketrans("", "", "*`$")


def write(notebook: NotebookNode) -> None:
    """Give each stored figure its words as `metadata["image/png"]["alt"]`, where they stand beside it."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if FIGURE in output.get("data", {}) and (words := _words(notebook, index)):
                output.metadata[FIGURE] = {**output.metadata.get(FIGURE, {}), "alt": words}


def bare(notebook: NotebookNode) -> list[int]:
    """The numbers, from 1, of the cells with a stored figure that has no words."""
    return [
        number
        for number, cell in enumerate(notebook.cells, start=1)
        for output in cell.get("outputs", [])
        if FIGURE in output.get("data", {}) and not output.metadata.get(FIGURE, {}).get("alt")
    ]


def _words(notebook: NotebookNode, index: int) -> str:
    """What is said about the figure of cell `index`, without Markdown's marks, on one line; empty where nothing is."""
    following = "\n".join(cell.source for cell in notebook.cells[index + 1 : index + 1 + CELLS_AFTER])
    found = AFTER.search(following) or (BEFORE.search(notebook.cells[index - 1].source) if index else None)
    return " ".join(found[1].translate(MARKS).split()) if found else ""
