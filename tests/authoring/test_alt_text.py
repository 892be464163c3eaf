"""course_tools.authoring.alt_text: every stored figure tells its words to who cannot see it."""

import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_tools.authoring import alt_text
from course_utils.command import notebooks

STORED = sorted([*(ROOT / "lessons").glob("*.ipynb"), *(ROOT / "solutions").glob("*/*.ipynb")])


def figure_cell():
    return new_code_cell("plt.show()", outputs=[new_output("display_data", data={"image/png": "iVBOR"})])


def words_of(*cells) -> list[str]:
    notebook = new_notebook(cells=list(cells))
    alt_text.write(notebook)
    return [
        output.metadata.get("image/png", {}).get("alt", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]


def test_the_words_below_a_figure_become_its_text_alternative():
    below = new_markdown_cell("*The picture in words: a line\nthat rises with `x` to $|w|$.* And more.")
    assert words_of(figure_cell(), below) == ["a line that rises with x to |w|."]
    assert words_of(figure_cell(), new_code_cell("print(1)"), below) == ["a line that rises with x to |w|."]


def test_words_may_stand_above_where_they_say_below():
    above = new_markdown_cell("*The picture below in words: a block.*\n\nMore text.")
    assert words_of(above, figure_cell()) == ["a block."]


def test_the_words_of_the_figure_before_are_not_taken():
    assert words_of(figure_cell(), new_markdown_cell("*The picture in words: one.*"), figure_cell()) == ["one.", ""]


def test_html_says_the_words_of_a_figure():
    from nbconvert import HTMLExporter

    notebook = new_notebook(cells=[figure_cell(), new_markdown_cell("*The picture in words: one line.*")])
    alt_text.write(notebook)
    html, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    assert 'alt="one line."' in html


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_no_stored_figure_is_bare(path):
    assert alt_text.bare(notebooks.read(path)) == []
