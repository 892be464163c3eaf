"""course_tools.grader.jail.outputs: what a cell put out, kept within limits and without what a browser would run."""

import base64
import io
import random

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from course_tools.grader.jail import pictures
from course_tools.grader.jail.outputs import KEPT_TEXT, CellOutputs, handed_in


def test_outputs_that_were_handed_in_lose_what_a_browser_would_run_and_what_is_too_much():
    script = {"text/html": "<script>1</script>", "image/svg+xml": "<svg/>", "text/plain": ["a ", "figure"]}
    kept = handed_in(
        [
            {"output_type": "display_data", "data": {**script, "image/png": ["iVBO\n", "Rw=="]}},
            {"output_type": "execute_result", "data": {"image/png": "<img>"}},
            {"output_type": "stream", "name": "stdout", "text": "x" * (KEPT_TEXT + 1)},
            {"output_type": "stream", "text": 7},
            {"output_type": "update_display_data"},
            "no output",
        ]
    )
    assert kept[0].data == {"text/plain": "a figure", "image/png": "iVBO\nRw=="}
    assert kept[1].data == {"text/plain": "\n[picture left out: image/png without a picture]"}
    assert len(kept[2].text) < KEPT_TEXT + 100 and kept[2].text.endswith("[more was put out than is kept]\n")
    assert len(kept) == 3 and handed_in("none") == handed_in(None) == []


def test_a_stream_is_one_output_however_it_was_split_and_the_first_error_is_the_cells():
    run = CellOutputs()
    for text in ("a", "b"):
        run.add("stream", {"name": "stdout", "text": text})
    run.add("stream", {"name": "elsewhere", "text": "c"})
    run.add("error", {"ename": "ValueError", "evalue": "first", "traceback": ["secret"]})
    run.add("error", {"ename": "KeyError", "evalue": "second"})
    run.add("comm_open", {"data": {}})
    assert [output.output_type for output in run.outputs] == ["stream", "error", "error"]
    assert run.outputs[0].text == "abc" and run.error == "ValueError: first"
    assert run.outputs[1].traceback == ["ValueError: first"]


def picture(side, kind="PNG"):
    """A picture of noise, which no format makes small, as base64."""
    noise = Image.frombytes("RGB", (side, side), random.Random(0).randbytes(3 * side * side))
    made = io.BytesIO()
    noise.save(made, kind)
    return base64.b64encode(made.getvalue()).decode()


def shown(data):
    run = CellOutputs()
    run.add("display_data", {"data": data})
    return run.outputs[0].data


def test_a_picture_that_is_too_large_is_made_smaller():
    great = picture(1700)
    assert len(great) > pictures.MOST_CHARACTERS
    data = shown({"image/png": great, "text/plain": "<Figure>"})
    assert data["text/plain"] == "<Figure>" and len(data["image/jpeg"]) <= pictures.MOST_CHARACTERS
    with Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))) as small:
        assert small.size == (pictures.SIDE, pictures.SIDE)


def test_a_gif_becomes_a_png():
    assert list(shown({"image/gif": picture(8, "GIF")})) == ["text/plain", "image/png"]


def test_a_picture_that_cannot_be_kept_is_left_out_with_a_word():
    cut = picture(1700)[: pictures.MOST_CHARACTERS + 4]
    assert "[picture left out: image/png of 1.5 MiB cannot be read]" in shown({"image/png": cut})["text/plain"]
    with pytest.raises(pictures.LeftOut, match="may hold a script"):
        pictures.kept("image/svg+xml", "AAAA")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
surrogates = st.text(st.characters(categories=["Cs"]), max_size=3)
kinds = st.sampled_from(["stream", "error", "display_data", "execute_result"]) | json_values
fields = st.fixed_dictionaries(
    {"output_type": kinds},
    optional={
        name: json_values | surrogates | st.lists(surrogates, max_size=2)
        for name in ("name", "text", "ename", "evalue", "traceback")
    }
    | {"data": json_values | st.dictionaries(st.sampled_from(["text/plain", "image/png", "image/gif"]), json_values)},
)


@given(st.lists(fields, max_size=4))
def test_whatever_was_put_out_can_be_written(outputs):
    notebook = new_notebook(cells=[new_code_cell(outputs=handed_in(outputs), id="a")])
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()
    run = CellOutputs()
    for output in outputs:
        run.add(output["output_type"], output)
    run.error.encode()
