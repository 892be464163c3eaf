"""course_tools.grader.cohort.gradebook: marks, those by hand included, the table, the notebooks and the feedback."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from small_class import LAB, REPORT, answered, make_course

from course_tools.grader.cohort import assignment, gradebook
from course_tools.grader.cohort.execution import Result
from course_tools.grader.cohort.gradebook import Graded, Recorder


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The small lab as a class is graded in it."""
    return assignment.read(make_course(tmp_path_factory.mktemp("course")))


@pytest.fixture(scope="module")
def into(tmp_path_factory):
    """One folder for the marks of all tests, each with students of its own: to make a gradebook takes seconds."""
    return tmp_path_factory.mktemp("grading")


def result_of(asked, *failed):
    """What came of a submission that fails the hidden tests of these names."""
    outcomes = [(test.name, test.name not in failed, "wrong" if test.name in failed else "") for test in asked.tests]
    return Result(outcomes)


def record(asked, into, student, *, failed=(), report=REPORT):
    """Enter one submission, as `course grade` does."""
    result = result_of(asked, *failed)
    graded = gradebook.marks(student, asked, result)
    with Recorder(into) as recorder:
        recorder.open_lab(asked)
        recorder.record(graded, answered(asked.lab, report=report), result, b"{}")
    return graded


def set_by_hand(into, student, points=None, comment=None):
    """What a person does on formgrader's page."""
    with Recorder(into) as recorder:
        book = recorder.gradebook
        if points is not None:
            book.find_grade("report", LAB, LAB, student).manual_score = points
        if comment is not None:
            book.find_comment("report", LAB, LAB, student).manual_comment = comment
        book.db.commit()


def waits_for_a_person(into, student):
    with Recorder(into) as recorder:
        return recorder.gradebook.find_grade("report", LAB, LAB, student).needs_manual_grade


def test_a_failed_test_costs_its_points_and_tells_student_and_instructor_apart(asked):
    graded = gradebook.marks("ann", asked, result_of(asked, "doubles_tensors"))
    assert graded.points == {"check_double": 1, "check_halve": 1, "report": None}
    assert graded.total == 2 and graded.needs_manual_grade
    assert graded.lost == ["doubles_tensors (-1): wrong"]
    assert graded.hints == {"check_double": ["doubles_tensors (1 points): tensors, too"]}


def test_what_cannot_be_used_gets_nothing_and_a_page_that_says_why(asked, into):
    graded = gradebook.marks("dan", asked, None, "the file is empty")
    with Recorder(into) as recorder:
        recorder.open_lab(asked)
        recorder.record(graded, None, None, b"")
        assert "dan" not in [student.id for student in recorder.gradebook.students]
    assert graded.total == 0 and not graded.needs_manual_grade and graded.reasons == ["the file is empty"]
    assert "the file is empty" in (into / "feedback" / "dan" / LAB / f"{LAB}.html").read_text()


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


def test_a_persons_comment_stands_in_the_feedback_as_text(asked, into):
    record(asked, into, "gil")
    set_by_hand(into, "gil", 1.5, "Why <so>?")
    record(asked, into, "gil")
    page = (into / "feedback" / "gil" / LAB / f"{LAB}.html").read_text()
    assert "Why &lt;so&gt;?" in page and "4.5 of 5 points" in page


def test_the_autograded_notebook_is_one_that_nbgrader_reads(asked, into):
    record(asked, into, "hal", failed=["doubles_numbers", "doubles_tensors"])
    notebook = nbformat.read(into / "autograded" / "hal" / LAB / f"{LAB}.ipynb", as_version=4)
    nbformat.validate(notebook)
    said = next(cell for cell in notebook.cells if cell.id == "check-double").outputs[-1].text
    assert said.splitlines()[0] == "[hidden tests] 0 of 2 points"
    assert "[no] doubles_tensors (1 points): tensors, too" in said


def test_the_table_is_sorted_and_holds_nothing_that_a_spreadsheet_would_run():
    most = {"check_double": 2.0, "report": 2.0}
    rows = [
        Graded("eve", LAB, {"check_double": 2.0, "report": None}, most, remarks=["=cmd()"]),
        Graded("ann", LAB, {"check_double": 0.5, "report": 2.0}, most, lost=["one", "two"]),
    ]
    assert gradebook.table(rows).splitlines() == [
        "student,check_double,report,total,max,needs_manual_grade,reasons,remarks",
        "ann,0.5,2,2.5,4,no,one; two,",
        "eve,2,,2,4,yes,,'=cmd()",
    ]
    assert gradebook.table([]) == "student,total,max,needs_manual_grade,reasons,remarks\n"


def test_an_experiment_shows_what_it_was_handed_in_with_and_says_so():
    cells = {name: new_code_cell(name, id=name) for name in ("setup", "data", "mean")}
    cells["data"].outputs = [new_output("stream", name="stdout", text="31 %\n")]
    cells["mean"].outputs = [new_output("stream", name="stdout", text="replaced\n")]
    result = Result(outputs={"mean": [new_output("stream", name="stdout", text="run\n")]})
    made = gradebook.executed(new_notebook(cells=list(cells.values())), result, Graded("ann", LAB, {}, {}))
    shown = {cell.id: "".join(output.text for output in cell.outputs) for cell in made.cells}
    assert shown == {"setup": "", "data": gradebook.NOT_RUN + "31 %\n", "mean": "run\n"}
