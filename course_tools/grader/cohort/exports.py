"""Marks and pages to hand on: a CSV that Moodle or Canvas reads, and a zip of all students' pages."""

import csv
import io
import zipfile
from pathlib import Path

from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.gradebook import BYTE_ORDER_MARK, Graded, Recorder, plain
from course_utils.command import notebooks

SYSTEMS = ("moodle", "canvas")


def write_marks(folder: Path, recorder: Recorder, assignment: Assignment, rows: list[Graded], system: str) -> Path:
    """Write <lab>-<system>.csv. A mark that a person has yet to give is left empty, so that none is overwritten.

    Moodle finds a student by `ID number`, `Username` or `Email address`, Canvas by `ID` or `SIS Login ID`: they come
    from the roster of `course grade --roster`, and where it has none from the student's id.
    """
    most = sum(exercise.points for exercise in assignment.exercises)
    students = {student.id: student for student in recorder.gradebook.students}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if system == "moodle":
        writer.writerow(["Username", "ID number", "Full name", "Email address", assignment.name, "Feedback comments"])
    else:
        writer.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.name])
        writer.writerow(["    Points Possible", "", "", "", "", f"{most:g}"])
    for row in rows:
        student = students[row.student]
        mark = "" if row.needs_manual_grade or row.asks else f"{row.total:g}"
        name, lms_id = plain(row.name or row.student), student.lms_user_id or ""
        if system == "moodle":
            failed = sum(map(len, row.hints.values()))
            comment = f"{row.total:g} of {most:g}; {failed} tests did not pass"
            writer.writerow([row.student, lms_id or row.student, name, student.email or "", mark, comment])
        else:
            writer.writerow([name, lms_id, "", row.student, "", mark])
    place = folder / f"{assignment.name}-{system}.csv"
    notebooks.write_text(place, BYTE_ORDER_MARK + text.getvalue())
    return place


def write_pages(folder: Path, assignment: Assignment, rows: list[Graded]) -> Path:
    """Write <lab>-feedback.zip: <student>.html for each student."""
    place = folder / f"{assignment.name}-feedback.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as pages:
        for row in rows:
            page = folder / "feedback" / row.student / assignment.name / f"{assignment.name}.html"
            if page.is_file():
                pages.write(page, f"{row.student}.html")
    return place
