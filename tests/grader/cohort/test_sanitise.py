"""course_tools.grader.cohort: submissions read without trust, and a notebook rebuilt on the released one."""

import json
import stat
import zipfile

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell
from small_class import DOUBLE, HALVE, LAB, REPORT, answered, hand_in, make_course, with_extra

from course_tools.grader.cohort import submissions
from course_tools.grader.cohort.sanitise import harmless, sanitise
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def released(lab):
    return nbformat.read(lab.released, as_version=4)


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)>"),
        ("[x](JavaScript:alert(1))", "[x](JavaScript&#58;alert(1))"),
        ("if a < b and c <= d", "if a < b and c <= d"),
    ],
)
def test_written_text_cannot_act_in_a_browser(text, shown):
    assert harmless(text) == shown


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


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_with_a_reason(released, content):
    assert sanitise(content, released).trouble


# --- finding the files


def names(found):
    return [(each.student, each.lab, each.trouble) for each in found]


def test_three_layouts_are_understood(tmp_path):
    for parts in (("ann.ipynb",), ("bob", f"{LAB}.ipynb"), ("cem", LAB, f"{LAB}.ipynb")):
        place = tmp_path.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("{}")
    assert names(submissions.find(tmp_path, [LAB], LAB)) == [("ann", LAB, ""), ("bob", LAB, ""), ("cem", LAB, "")]


def test_without_a_lab_files_are_taken_by_their_names(tmp_path):
    hand_in(tmp_path, "ann", "{}", name="lab01")
    hand_in(tmp_path, "bob", "{}", name="lab02")
    missing = "handed in nothing for this lab"
    expected = [("ann", "lab01", ""), ("bob", "lab01", missing), ("ann", "lab02", missing), ("bob", "lab02", "")]
    assert names(submissions.find(tmp_path, ["lab01", "lab02", "lab03"])) == expected


def test_a_notebook_of_another_name_is_taken_where_it_is_the_only_one(tmp_path):
    hand_in(tmp_path, "ann", "{}", name="lab98 (1)")
    hand_in(tmp_path, "bob", "{}", name="one")
    hand_in(tmp_path, "bob", "{}", name="two")
    ann, bob = submissions.find(tmp_path, [LAB], LAB)
    assert ann.content == b"{}" and bob.trouble == f"handed in several notebooks, and none is named {LAB}.ipynb"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ann", "ann"),
        ("김철수", "김철수"),
        ("Ann Lee", "Ann%20Lee"),
        ("a/../b", "student_a%2F%2E%2E%2Fb"),
        ("..", "student_%2E%2E"),
        ("=cmd()", "student_%3Dcmd%28%29"),
        ("-rf", "student_-rf"),
        ("x\n<b>", "x%0A%3Cb%3E"),
    ],
)
def test_a_students_name_is_safe_in_paths_urls_and_spreadsheets(name, safe):
    assert submissions.student_id(name) == safe


def test_a_link_inside_the_folder_is_followed_and_one_out_of_it_is_not(tmp_path):
    folder = tmp_path / "in"
    hand_in(folder, "ann", "{}")
    hand_in(tmp_path, "outside", "secret")
    for student, target in (("bob", folder / "ann"), ("cem", tmp_path / "outside")):
        (folder / student).mkdir()
        (folder / student / f"{LAB}.ipynb").symlink_to(target / f"{LAB}.ipynb")
    (folder / "dan").symlink_to(tmp_path / "outside")
    found = {each.student: each for each in submissions.find(folder, [LAB], LAB)}
    assert found["bob"].content == b"{}" and found["cem"].content is None and found["dan"].content is None
    assert "symbolic link out of the folder" in found["cem"].trouble


def test_a_zip_is_read_and_names_that_lead_out_of_it_are_refused(tmp_path):
    place = tmp_path / "class.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"ann/{LAB}.ipynb", "{}")
        archive.writestr(f"../../evil/{LAB}.ipynb", "{}")
        archive.writestr("/etc/cron.ipynb", "{}")
        archive.writestr(f"bomb/{LAB}.ipynb", bytes(submissions.MOST_BYTES + 1))
        link = zipfile.ZipInfo(f"link/{LAB}.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = {each.student: each for each in submissions.find(place, [LAB], LAB)}
    assert found["ann"].content == b"{}" and len(found) == 5
    reasons = {student: each.trouble for student, each in found.items() if each.content is None}
    assert sum("its name leads out of the zip" in reason for reason in reasons.values()) == 2
    assert "20 MiB are allowed" in reasons["bomb"] and "symbolic link" in reasons["link"]
    assert all("/" not in student and ".." not in student for student in found)


def test_a_folder_without_submissions_and_a_file_that_is_none_are_clear_errors(tmp_path):
    with pytest.raises(CourseError, match="no submission in"):
        submissions.find(tmp_path, [LAB], LAB)
    (tmp_path / "x.txt").touch()
    with pytest.raises(CourseError, match="is no folder and no zip"):
        submissions.find(tmp_path / "x.txt", [LAB], LAB)
