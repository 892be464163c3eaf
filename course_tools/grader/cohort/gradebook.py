"""What grading leaves behind, under one folder: nbgrader's gradebook and notebooks, feedback, a table.

    grading/gradebook.db                       marks, comments; `course formgrader` and nbgrader read and write it
    grading/source/<lab>/                      empty: formgrader lists the labs that are here
    grading/submitted/<student>/<lab>/         what was handed in
    grading/autograded/<student>/<lab>/        what ran, with its output
    grading/feedback/<student>/<lab>/          a page for the student: points, and hints of the tests that failed
    grading/<lab>.csv                          a row for each submission, for the instructor

Names of tests, points and hints are for the student; what a test compared, and why it failed, is for the instructor.
"""

import csv
import html
import io
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_tools.grader import labs, release
from course_tools.grader.cohort import sanitise
from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.execution import Result
from course_utils.command import notebooks

HIDDEN_TESTS = "[hidden tests]"  # begins the output that is added to a check cell
NOT_RUN = "[as handed in: grading did not run this cell]\n"


@dataclass
class Graded:
    """One submission after grading.

    points: of each exercise, by the grade id of its check; None where a person has yet to grade it
    lost: a line for each test that failed, with the points that it cost and the reason (for the instructor)
    hints: the same for the student, by exercise
    """

    student: str
    lab: str
    points: dict[str, float | None]
    most: dict[str, float]
    trouble: str = ""
    lost: list[str] = field(default_factory=list)
    hints: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    comments: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(points or 0 for points in self.points.values())

    @property
    def needs_manual_grade(self) -> bool:
        return None in self.points.values()

    @property
    def reasons(self) -> list[str]:
        """Why points were lost, a line each."""
        return ([self.trouble] if self.trouble else []) + self.lost + self.notes


def marks(student: str, assignment: Assignment, result: Result | None, trouble: str = "") -> Graded:
    """The marks that the hidden tests give; a written answer's are None until `Recorder.record` has looked them up."""
    most = {exercise.grade_id: exercise.points for exercise in assignment.exercises}
    graded = Graded(student, assignment.name, {}, most, trouble)
    passed = {name: (ok, reason) for name, ok, reason in result.outcomes} if result else {}
    for exercise in assignment.exercises:
        own = [test for test in assignment.tests if test.exercise == exercise.grade_id]
        reached = sum(test.points for test in own if passed.get(test.name, (False, ""))[0])
        graded.points[exercise.grade_id] = None if exercise.by_hand else min(reached, exercise.points)
        for test in own if result else []:
            ok, reason = passed[test.name]
            if not ok:
                graded.lost.append(f"{test.name} (-{test.points:g}): {reason}")
                hint = f"{test.name} ({test.points:g} points): {test.hint}"
                graded.hints.setdefault(exercise.grade_id, []).append(hint)
    if result:
        graded.notes = list(result.notes)
    return graded


class Recorder:
    """Writes under `folder`. The gradebook is opened at once and must be closed: use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        from nbgrader.api import Gradebook  # slow to import

        logging.getLogger("alembic").setLevel(logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        with release.own_commands():
            self.gradebook = Gradebook(f"sqlite:///{folder / 'gradebook.db'}")

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *error: object) -> None:
        self.gradebook.close()

    def open_lab(self, assignment: Assignment) -> None:
        """Enter the lab and its cells; cells that are there keep the marks that hang on them."""
        book, name = self.gradebook, assignment.name
        (self.folder / "source" / name).mkdir(parents=True, exist_ok=True)
        book.update_or_create_assignment(name)
        book.update_or_create_notebook(name, name)
        for cell in assignment.source.cells:
            fields = notebooks.nbgrader_fields(cell)
            if not fields.get("grade_id"):
                continue
            grade_id = fields["grade_id"]
            if fields.get("grade"):
                most = float(fields["points"])
                book.update_or_create_grade_cell(grade_id, name, name, max_score=most, cell_type=cell.cell_type)
            if fields.get("solution"):
                book.update_or_create_solution_cell(grade_id, name, name)
            book.update_or_create_source_cell(
                grade_id,
                name,
                name,
                cell_type=cell.cell_type,
                source=cell.source,
                locked=bool(fields.get("locked")),
                checksum=fields.get("checksum"),
            )

    def record(
        self, graded: Graded, notebook: NotebookNode | None, result: Result | None, content: bytes | None
    ) -> None:
        """Enter one submission, write its notebooks and feedback, and put marks given by hand into `graded`.

        notebook: the clean notebook, or None where nothing could be used; content: the file as it was handed in
        """
        if notebook is not None:
            submitted = self._place("submitted", graded)
            submitted.write_bytes(content or b"")
            autograded = self._place("autograded", graded)
            before = _written(nbformat.read(autograded, as_version=4)) if autograded.is_file() else {}
            made = executed(notebook, result, graded)
            notebooks.write_text(autograded, nbformat.writes(made) + "\n")
            self._enter(graded, _written(notebook), before)
        else:
            graded.points = dict.fromkeys(graded.points, 0.0)
        page = self._place("feedback", graded).with_suffix(".html")
        notebooks.write_text(page, feedback(graded))

    def _place(self, step: str, graded: Graded) -> Path:
        folder = self.folder / step / graded.student / graded.lab
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{graded.lab}.ipynb"

    def _enter(self, graded: Graded, answers: dict[str, str], before: dict[str, str]) -> None:
        book, lab = self.gradebook, graded.lab
        book.update_or_create_student(graded.student)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLAlchemy 2.1's, about the order in which nbgrader adds rows
            book.update_or_create_submission(lab, graded.student)
        notebook = book.find_submission_notebook(lab, lab, graded.student)
        for grade in notebook.grades:
            if grade.name not in graded.points:
                continue
            points = graded.points[grade.name]
            if grade.name in answers:
                answered = bool(answers[grade.name])
                changed = answers[grade.name] != before.get(grade.name, answers[grade.name])
                grade.auto_score = None if answered else 0.0
                grade.needs_manual_grade = answered and (grade.manual_score is None or changed)
                points = grade.manual_score if grade.manual_score is not None else grade.auto_score
            else:
                grade.auto_score = points
                grade.needs_manual_grade = False
                points = grade.manual_score if grade.manual_score is not None else points
            most = graded.most[grade.name]
            graded.points[grade.name] = None if points is None else min(points + (grade.extra_credit or 0), most)
            if grade.name in answers and points is not None and points < most:
                why = "graded by hand" if grade.manual_score is not None else "nothing was written"
                graded.lost.append(f"{grade.name} (-{most - points:g}): {why}")
        for comment in notebook.comments:
            if comment.manual_comment:
                graded.comments[comment.name] = comment.manual_comment
        book.db.commit()

    def write_table(self, lab: labs.Lab, rows: list[Graded]) -> Path:
        """Write <lab>.csv, sorted by student; the same marks give the same bytes."""
        place = self.folder / f"{lab.name}.csv"
        notebooks.write_text(place, table(rows))
        return place


def table(rows: list[Graded]) -> str:
    """The rows as CSV: student, each exercise, total, max, needs_manual_grade, reasons, remarks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = sorted(rows, key=lambda row: row.student)
    names = list(rows[0].most) if rows else []
    writer.writerow(["student", *names, "total", "max", "needs_manual_grade", "reasons", "remarks"])
    for row in rows:
        cells = ["" if row.points[name] is None else f"{row.points[name]:g}" for name in names]
        texts = [_plain("; ".join(sentences)) for sentences in (row.reasons, row.remarks)]
        totals = [f"{row.total:g}", f"{sum(row.most.values()):g}", "yes" if row.needs_manual_grade else "no"]
        writer.writerow([row.student, *cells, *totals, *texts])
    return text.getvalue()


def executed(notebook: NotebookNode, result: Result | None, graded: Graded) -> NotebookNode:
    """The clean notebook with the output of its cells, and under each check what the hidden tests gave.

    A cell that was not run shows what it was handed in with, and says so.
    """
    made = nbformat.from_dict(notebook)
    for cell in made.cells:
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        ran = result.outputs.get(cell.id) if result else None
        if ran is not None:
            cell.outputs = [nbformat.from_dict(output) for output in ran]
        elif cell.outputs:
            cell.outputs.insert(0, new_output("stream", name="stdout", text=NOT_RUN))
        name = notebooks.nbgrader_fields(cell).get("grade_id")
        if sanitise.kind_of(cell) == sanitise.CHECK and name in graded.points:
            lines = [f"{HIDDEN_TESTS} {graded.points[name]:g} of {graded.most[name]:g} points"]
            lines += [f"[no] {hint}" for hint in graded.hints.get(name, [])]
            cell.outputs.append(new_output("stream", name="stdout", text="\n".join(lines) + "\n"))
    return made


def feedback(graded: Graded) -> str:
    """A page for the student: points by exercise, the hints of failed tests, comments, and what was repaired."""
    rows = []
    for name, most in graded.most.items():
        points = graded.points[name]
        said = [*graded.hints.get(name, []), *([graded.comments[name]] if name in graded.comments else [])]
        said += [text for key, text in graded.comments.items() if f"check_{key}" == name]
        cells = "<br>".join(html.escape(line) for line in said)
        reached = "not graded yet" if points is None else f"{points:g}"
        rows.append(f"<tr><td>{html.escape(name)}<td>{reached}<td>{most:g}<td>{cells}")
    lines = ([graded.trouble] if graded.trouble else []) + graded.notes + graded.remarks
    notes = "".join(f"<li>{html.escape(line)}" for line in lines)
    title = f"{html.escape(graded.lab)}: {html.escape(graded.student)}"
    total = f"{graded.total:g} of {sum(graded.most.values()):g} points"
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse }} th, td {{ text-align: left; vertical-align: top; padding: .3em .8em }}
tr {{ border-bottom: 1px solid #ccc }}
</style>
<h1>{title}</h1>
<p>{total}</p>
<table><tr><th>exercise<th>points<th>of<th>what to look at
{chr(10).join(rows)}
</table>
{f"<h2>Notes</h2><ul>{notes}</ul>" if notes else ""}
</html>
"""


def _written(notebook: NotebookNode) -> dict[str, str]:
    """The written answers by grade id; empty where nothing was written."""
    answers = {}
    for cell in notebook.cells:
        if sanitise.kind_of(cell) == sanitise.REPORT:
            text = cell.source.strip()
            answers[notebooks.nbgrader_fields(cell)["grade_id"]] = "" if text == "YOUR ANSWER HERE" else text
    return answers


def _plain(text: str) -> str:
    """`text` for a spreadsheet: nothing that it would take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
