"""course_tools.grader.cohort.gradebook: marks, those by hand included, the table, the notebooks and the feedback."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from small_class import DOUBLE, LAB, REPORT, answered, make_course

from course_tools.grader.cohort import assignment, gradebook
from course_tools.grader.cohort.execution import Result
from course_tools.grader.cohort.gradebook import Graded, Record, Recorder


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The small lab as a class is graded in it."""
    return assignment.read(make_course(tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="module")
def into(tmp_path_factory):
    """One folder for the marks of all tests, each with students of its own: to make a gradebook takes seconds."""
    return tmp_path_factory.mktemp("grading")


def outcomes(asked, *failed):
    """What the hidden tests give for a submission that fails those of these names."""
    return [(test.name, test.name not in failed, "wrong" if test.name in failed else "") for test in asked.tests]


def record(asked, into, student, *, failed=(), report=REPORT, double=DOUBLE, **fields):
    """Enter one submission, as `course grade` does; its row."""
    notebook = answered(asked.lab, report=report, double=double)
    made = Record(outcomes(asked, *failed), work=gradebook.work_of(notebook, asked), **fields)
    with Recorder(into) as recorder:
        recorder.open_lab(asked)
        recorder.record(student, asked, made, notebook=notebook, result=Result(made.outcomes), content=b"{}")
        return row_of(recorder, asked, student)


def row_of(recorder, asked, student):
    return next(row for row in recorder.rows(asked) if row.student == student)


def set_by_hand(into, student, points=None, comment=None, *, name="report"):
    """What a person does on formgrader's page."""
    with Recorder(into) as recorder:
        book = recorder.gradebook
        if points is not None:
            grade = book.find_grade(name, LAB, LAB, student)
            grade.manual_score, grade.needs_manual_grade = points, False
        if comment is not None:
            book.find_comment("report", LAB, LAB, student).manual_comment = comment
        book.db.commit()


def waits_for_a_person(into, student):
    with Recorder(into) as recorder:
        return recorder.gradebook.find_grade("report", LAB, LAB, student).needs_manual_grade


def test_a_failed_test_costs_its_points_and_tells_student_and_instructor_apart(asked):
    graded = gradebook.marks("ann", asked, Record(outcomes(asked, "doubles_tensors")))
    assert graded.points == {"check_double": 1, "check_halve": 1, "report": None}
    assert graded.total == 2 and graded.needs_manual_grade
    assert graded.lost == ["doubles_tensors (-1): wrong"]
    assert graded.hints == {"check_double": ["doubles_tensors (1 points): tensors, too"]}


def test_what_cannot_be_used_gets_nothing_is_in_the_gradebook_and_asks_for_a_person(asked, into):
    with Recorder(into) as recorder:
        recorder.open_lab(asked)
        recorder.record("dan", asked, Record(trouble="the file is empty", look=True), content=b"")
        graded = row_of(recorder, asked, "dan")
        assert recorder.gradebook.find_submission(LAB, "dan").score == 0
    assert graded.total == 0 and not graded.needs_manual_grade and graded.reasons == ["the file is empty"]
    assert graded.asks == ["the file is empty"]
    shown = nbformat.read(into / "autograded" / "dan" / LAB / f"{LAB}.ipynb", as_version=4)
    assert "the file is empty" in shown.cells[0].source


def test_a_worse_file_handed_in_later_replaces_the_marks_in_table_and_gradebook_alike(asked, into):
    record(asked, into, "ida")
    with Recorder(into) as recorder:
        recorder.open_lab(asked)
        recorder.record("ida", asked, Record(trouble="the file is empty", look=True), content=b"")
        row = row_of(recorder, asked, "ida")
        assert recorder.gradebook.find_submission(LAB, "ida").score == row.total == 0


def test_a_mark_by_hand_on_code_is_said_and_looked_at_again_where_the_work_changed(asked, into):
    record(asked, into, "jan", failed=["doubles_numbers", "doubles_tensors"])
    set_by_hand(into, "jan", 1.5, name="check_double")
    same = record(asked, into, "jan", failed=["doubles_numbers", "doubles_tensors"])
    assert same.points["check_double"] == 1.5 and not same.asks
    assert "check_double: 1.5 by hand, 0 by the tests" in same.lost
    for _ in range(2):  # until a person has looked
        better = record(asked, into, "jan", double=f"{DOUBLE}  # mended")
        assert better.points["check_double"] == 1.5 and "check_double: 1.5 by hand, 2 by the tests" in better.lost
        assert better.asks == ["check_double: the work has changed since it was graded by hand"]
    set_by_hand(into, "jan", 2, name="check_double")
    assert not record(asked, into, "jan", double=f"{DOUBLE}  # mended").asks


def test_a_broken_rule_withholds_the_points_until_a_person_decides(asked, into):
    graded = record(asked, into, "kai", broken={"check_halve": ["torch.div"]})
    assert graded.points["check_halve"] == 0 and graded.total == 2
    assert graded.asks == ["check_halve: 1 points withheld, since it uses what its rules forbid: torch.div"]
    set_by_hand(into, "kai", 1, name="check_halve")
    graded = record(asked, into, "kai", broken={"check_halve": ["torch.div"]})
    assert graded.points["check_halve"] == 1 and not graded.asks


def test_being_late_costs_a_share_of_the_points(asked, into):
    graded = record(asked, into, "lia", hours_late=30, percent_off=20)
    assert (graded.penalty, graded.total) == (0.6, 2.4) and "late (-0.6)" in graded.reasons


def test_a_mark_by_hand_survives_a_regrade_and_no_mark_exceeds_its_maximum(asked, into):
    for student, points in (("ann", 1.5), ("bob", 99)):
        record(asked, into, student)
        set_by_hand(into, student, points)
    ann, bob = (record(asked, into, student) for student in ("ann", "bob"))
    assert ann.points["report"] == 1.5 and ann.total == 4.5 and not ann.needs_manual_grade
    assert ann.lost == ["report (-0.5): graded by hand"]
    assert bob.points["report"] == 2


def test_a_new_answer_asks_for_a_person_again_and_keeps_the_mark_until_then(asked, into):
    record(asked, into, "cem")
    set_by_hand(into, "cem", 1.5)
    record(asked, into, "cem")
    assert not waits_for_a_person(into, "cem")
    graded = record(asked, into, "cem", report="Something else.")
    assert graded.points["report"] == 1.5 and waits_for_a_person(into, "cem")


def test_an_empty_report_is_worth_nothing_and_needs_no_person(asked, into):
    graded = record(asked, into, "fay", report="")
    assert graded.points["report"] == 0 and not waits_for_a_person(into, "fay")
    assert "report (-2): nothing was written" in graded.lost


def test_the_autograded_notebook_is_one_that_nbgrader_reads(asked, into):
    record(asked, into, "hal", failed=["doubles_numbers", "doubles_tensors"])
    notebook = nbformat.read(into / "autograded" / "hal" / LAB / f"{LAB}.ipynb", as_version=4)
    nbformat.validate(notebook)
    said = next(cell for cell in notebook.cells if cell.id == "check-double").outputs[-1].text
    assert said.splitlines()[0] == "[hidden tests] 0 of 2 passed"
    assert "[no] doubles_tensors: wrong" in said


def test_the_table_is_sorted_and_holds_nothing_that_a_spreadsheet_would_run():
    most = {"check_double": 2.0, "report": 2.0}
    rows = [
        Graded("eve", LAB, {"check_double": 2.0, "report": None}, most, name="=Eve", remarks=["=cmd()"]),
        Graded("ann", LAB, {"check_double": 0.5, "report": 2.0}, most, lost=["one", "two"]),
    ]
    assert gradebook.table(rows).splitlines() == [
        "student,name,check_double,report,late,total,max,needs_manual_grade,reasons,remarks",
        "ann,,0.5,2,0,2.5,4,no,one; two,",
        "eve,'=Eve,2,,0,2,4,yes,,'=cmd()",
    ]
    assert gradebook.table([]) == "student,name,late,total,max,needs_manual_grade,reasons,remarks\n"


def test_an_experiment_shows_what_it_was_handed_in_with_and_says_so():
    cells = {name: new_code_cell(name, id=name) for name in ("setup", "data", "mean")}
    cells["data"].outputs = [new_output("stream", name="stdout", text="31 %\n")]
    cells["mean"].outputs = [new_output("stream", name="stdout", text="replaced\n")]
    result = Result(outputs={"mean": [new_output("stream", name="stdout", text="run\n")]})
    made = gradebook.executed(new_notebook(cells=list(cells.values())), result)
    shown = {cell.id: "".join(output.text for output in cell.outputs) for cell in made.cells}
    assert shown == {"setup": "", "data": gradebook.NOT_RUN + "31 %\n", "mean": "run\n"}
