"""course_tools.grader.jail.outputs: what a cell put out, kept within limits and without what a browser would run."""

from course_tools.grader.jail.outputs import KEPT_PICTURE, KEPT_TEXT, CellOutputs, handed_in


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
    assert kept[1].data == {"text/plain": ""}
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


def test_a_picture_that_is_too_large_is_left_out_and_its_text_stays():
    run = CellOutputs()
    run.add("display_data", {"data": {"image/jpeg": "A" * (KEPT_PICTURE + 1), "text/plain": "<Figure>"}})
    assert run.outputs[0].data == {"text/plain": "<Figure>"}
