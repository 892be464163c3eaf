"""course_tools.grader.cohort.sanitise: what was handed in, rebuilt on the released notebook."""

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell
from small_class import DOUBLE, HALVE, REPORT, answered, make_course, with_extra

from course_tools.grader.cohort import assignment, feedback, gradebook
from course_tools.grader.cohort.gradebook import Record
from course_tools.grader.cohort.sanitise import MOST_CELLS, sanitise


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def released(lab):
    return nbformat.read(lab.released, as_version=4)


@pytest.fixture(scope="module")
def asked(lab):
    return assignment.read(lab)


def clean(notebook, released):
    """The rebuilt cells by id, and the remarks."""
    content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    made = sanitise(content, released)
    nbformat.validate(made.notebook)
    return {cell.id: cell.source for cell in made.notebook.cells}, made.remarks


def test_a_whole_notebook_comes_through_without_a_remark(lab, released):
    cells, remarks = clean(answered(lab), released)
    assert (cells["double"], cells["halve"], cells["report"], remarks) == (DOUBLE, HALVE, REPORT, ())


def test_outputs_and_metadata_of_the_student_are_left_behind(lab, released):
    notebook = answered(lab)
    notebook.cells[2].outputs = [{"output_type": "stream", "name": "stdout", "text": "forged"}]
    notebook.cells[2].metadata["points"] = notebook.metadata["grade"] = 100
    made = sanitise(json.dumps(notebook).encode(), released).notebook
    assert "forged" not in str(made) and "100" not in str(made)


def test_an_extra_cell_stays_behind_the_cell_that_it_followed(lab, released):
    cells, _ = clean(with_extra(answered(lab), "x = 1", after="check-double"), released)
    assert list(cells).index("extra-1") == list(cells).index("check-double") + 1


def test_a_changed_setup_cell_runs_after_the_released_one(lab, released):
    notebook = answered(lab)
    notebook.cells[1].source = "import numpy as np"
    cells, remarks = clean(notebook, released)
    assert cells["setup"] == "import torch" and cells["extra-1"] == "import numpy as np"
    assert remarks == ("setup was changed: it runs after the released one",)


def test_two_different_answers_in_one_cell_id_both_run_in_their_order(lab, released):
    notebook = answered(lab, halve="def halve(x):\n    return 1")
    again = nbformat.from_dict(json.loads(json.dumps(notebook.cells[4])))
    again.source = HALVE
    notebook.cells.insert(5, again)
    cells, remarks = clean(notebook, released)
    order = list(cells)
    assert cells["extra-1"] == HALVE and order.index("extra-1") == order.index("halve") + 1
    assert "halve is there 2 times" in remarks[0]


def test_an_untouched_copy_never_replaces_the_answer(lab, released):
    notebook = answered(lab)
    stub = next(cell for cell in released.cells if cell.id == "double")
    notebook.cells.insert(3, nbformat.from_dict(json.loads(json.dumps(stub))))
    cells, _ = clean(notebook, released)
    assert cells["double"] == DOUBLE and "extra-1" not in cells


def test_answers_are_known_by_the_names_that_they_define(lab, released):
    notebook = answered(lab)
    notebook.cells = [new_code_cell(f"# mine\n{DOUBLE}", id="a"), new_code_cell(f"# mine\n{HALVE}", id="b")]
    cells, remarks = clean(notebook, released)
    assert cells["double"].endswith(DOUBLE) and cells["halve"].endswith(HALVE)
    assert "double had lost its metadata: known by its id, text or names" in remarks


def test_a_report_without_metadata_is_the_text_behind_the_cell_before_it(lab, released):
    notebook = answered(lab)
    report = notebook.cells[-1]
    report.metadata, report.id = {}, "other"
    notebook.cells += [new_markdown_cell("More of it.", id="more"), new_code_cell("1", id="end")]
    cells, _ = clean(notebook, released)
    assert cells["report"] == f"{REPORT}\n\nMore of it." and cells["extra-1"] == "1"


def test_pictures_in_a_report_are_kept_if_they_are_pictures(lab, released):
    notebook = answered(lab)
    notebook.cells[-1].attachments = {"a.png": {"image/png": "AAAA"}, "b.svg": {"image/svg+xml": "<svg/>"}, "c": 3}
    made = sanitise(json.dumps(notebook).encode(), released).notebook
    assert made.cells[-1].attachments == {"a.png": {"image/png": "AAAA"}}


def test_a_notebook_of_version_3_is_read(lab, released):
    sheet = {"cells": [{"cell_type": "code", "input": cell.source} for cell in answered(lab).cells[2:]]}
    cells, _ = clean(json.dumps({"nbformat": 3, "worksheets": [sheet]}).encode(), released)
    assert cells["double"] == DOUBLE


def test_all_answers_in_one_cell_are_kept_where_the_stubs_were_deleted_or_left_as_they_were(lab, released):
    together = f"{DOUBLE}\n\n{HALVE}"
    deleted = answered(lab, double=together)
    deleted.cells = [cell for cell in deleted.cells if cell.id != "halve"]
    stub = next(cell.source for cell in released.cells if cell.id == "halve")
    for notebook in (deleted, answered(lab, double=together, halve=stub)):
        cells, remarks = clean(notebook, released)
        assert cells["double"] == together and "def halve" not in cells["halve"]
        assert "halve is answered in another cell" in remarks


def test_an_answer_in_a_check_cell_is_kept_behind_the_released_check(lab, released):
    notebook = answered(lab)
    stub = next(cell.source for cell in released.cells if cell.id == "double")
    cells = {cell.id: cell for cell in notebook.cells}
    cells["double"].source = stub
    cells["check-double"].source = f"import math\n{DOUBLE}\nassert double(1) == 2"
    made, remarks = clean(notebook, released)
    assert made["check-double"] == "assert double(1) == 2" and made["extra-1"] == f"import math\n{DOUBLE}"
    assert "check_double defines double: kept" in remarks and "def double" not in made["double"]


@pytest.mark.parametrize(
    "source", [f"%%time\n{DOUBLE}", "double = lambda x: 2 * x", f"!ls\n%matplotlib inline\n{DOUBLE}"]
)
def test_magics_and_lambdas_do_not_hide_an_answer_that_lost_its_metadata(lab, released, source):
    notebook = answered(lab, double=source)
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"n{number}"
    cells, _ = clean(notebook, released)
    assert cells["double"] == source


def test_too_many_cells_cost_no_answer(lab, released):
    notebook = answered(lab)
    notebook.cells += [new_code_cell("", id=f"e{number}") for number in range(MOST_CELLS)]
    cells, remarks = clean(notebook, released)
    assert cells["halve"] == HALVE and "empty ones are left out" in remarks[0]
    notebook.cells += [new_code_cell("1", id=f"f{number}") for number in range(MOST_CELLS)]
    cells, remarks = clean(notebook, released)
    assert cells["halve"] == HALVE and "cells from the 2001st on are left out" in remarks


@pytest.mark.parametrize("encoding", ["cp949", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
def test_a_file_in_an_older_encoding_is_read(lab, released, encoding):
    comment = "# é" if encoding == "cp1252" else "# 두 배"
    text = json.dumps(answered(lab, double=f"{comment}\n{DOUBLE}"), ensure_ascii=False)
    cells, remarks = clean(text.encode(encoding), released)
    assert cells["double"] == f"{comment}\n{DOUBLE}"
    assert bool(remarks) == (encoding != "utf-8-sig")


def test_line_ends_of_windows_are_no_change(lab, released):
    notebook = answered(lab)
    for own in notebook.cells:
        own.source = own.source.replace("\n", "\r\n")
    assert clean(notebook, released)[1] == ()


def test_a_picture_that_is_left_out_leaves_a_word(lab, released):
    text = f"{REPORT} ![a](attachment:a.png) ![b](attachment:b.svg) ![c](attachment:c.png)"
    notebook = answered(lab, report=text)
    notebook.cells[-1].attachments = {"a.png": {"image/png": "AAAA"}, "b.svg": {"image/svg+xml": "AAAA"}}
    cells, remarks = clean(notebook, released)
    assert cells["report"] == (
        f"{REPORT} ![a](attachment:a.png) [picture left out: b.svg, image/svg+xml may hold a script] "
        "[picture left out: c.png, it was not handed in]"
    )
    assert remarks == ("a picture was left out: b.svg, image/svg+xml may hold a script",)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
cells_of_any_kind = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw"]) | json_values,
        "source": st.sampled_from([DOUBLE, HALVE, "\ud800", "\0", "x ="]) | json_values,
        "id": st.sampled_from(["double", "report", "title"]) | json_values,
        "metadata": json_values
        | st.fixed_dictionaries(
            {"nbgrader": st.fixed_dictionaries({"grade_id": st.sampled_from(["double", "report"]) | json_values})}
        ),
        "attachments": json_values,
        "outputs": json_values
        | st.lists(
            st.fixed_dictionaries(
                {"output_type": st.sampled_from(["stream", "error", "display_data"]) | json_values},
                optional={name: st.just("\ud800") | json_values for name in ("text", "ename", "evalue", "data")},
            ),
            max_size=3,
        ),
    },
)


@given(st.lists(cells_of_any_kind | json_values, max_size=6))
def test_any_json_in_a_notebooks_shape_is_rebuilt_or_refused(lab, released, cells):
    made = sanitise(json.dumps({"cells": cells}).encode(), released)
    assert (made.notebook is None) == bool(made.trouble)
    if made.notebook is not None:
        nbformat.validate(made.notebook)
        nbformat.writes(made.notebook).encode()
        grade_ids = [cell.metadata.nbgrader.grade_id for cell in made.notebook.cells if "nbgrader" in cell.metadata]
        assert grade_ids == ["double", "check_double", "halve", "check_halve", "report"]


@given(st.lists(cells_of_any_kind, max_size=6))
def test_whatever_a_file_holds_its_pages_can_be_written(asked, released, cells):
    made = sanitise(json.dumps({"cells": cells}).encode(), released).notebook
    if made is None:
        return
    record = Record([(test.name, False, "wrong") for test in asked.tests], work=gradebook.work_of(made, asked))
    shown = gradebook.with_outcomes(gradebook.executed(made, None), asked, record)
    nbformat.validate(shown)
    nbformat.writes(shown).encode()
    feedback.page(gradebook.marks("ann", asked, record), asked, shown).encode()


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_with_a_reason(released, content):
    assert sanitise(content, released).trouble
