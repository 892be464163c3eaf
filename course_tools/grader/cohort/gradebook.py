"""What grading leaves behind, under one folder: nbgrader's gradebook and notebooks, feedback, a table.

    grading/gradebook.db                       marks, comments; `course formgrader` and nbgrader read and write it
    grading/source/<lab>/                      empty: formgrader lists the labs that are here
    grading/handed_in/<student>/<lab>/         every version that was handed in
    grading/submitted/<student>/<lab>/         the one that was graded
    grading/autograded/<student>/<lab>/        what ran, with its output, for the instructor
    grading/records/<lab>/<student>.json       what the hidden tests gave, and what was repaired
    grading/feedback/<student>/<lab>/          a page for the student
    grading/<lab>.csv                          a row for each student, for the instructor

Marks come from the gradebook alone: the table is written from it, always whole. Names of tests, points and hints are
for the student; what a test compared, and why it failed, is for the instructor.
"""

import csv
import hashlib
import io
import json
import logging
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from course_tools.grader import release
from course_tools.grader.cohort.assignment import Assignment
from course_tools.grader.cohort.execution import Result
from course_utils.command import notebooks

HIDDEN_TESTS = "[hidden tests]"  # begins the output that is added to a check cell
NOT_RUN = "[as handed in: grading did not run this cell]\n"
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes a file for one in the system's old encoding


@dataclass
class Record:
    """What grading found out about one submission, but for its marks: kept as JSON beside the gradebook.

    outcomes: of each hidden test: name, passed, reason
    trouble: why nothing could be graded; look: whether a person has to look at it then
    remarks: what was repaired, for the student too; private: what the instructor alone should know
    work: by grade id a digest of what was handed in for it, "" for nothing: a mark by hand is of this work
    hours_late: behind the deadline, 0 where it was in time; percent_off: the points that this costs
    """

    outcomes: list[tuple[str, bool, str]] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    trouble: str = ""
    look: bool = False
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    work: dict[str, str] = field(default_factory=dict)
    hours_late: float = 0
    percent_off: float = 0


@dataclass
class Graded:
    """One student's marks in one lab, as they are in the gradebook now.

    points: of each exercise, by the grade id of its check; None where a person has yet to grade it
    lost: a line for each test that failed, with the points that it cost and the reason (for the instructor)
    hints: the same for the student, by exercise
    asks: why a person has to look, beyond grading what is written
    penalty: points taken off because it was late
    """

    student: str
    lab: str
    points: dict[str, float | None]
    most: dict[str, float]
    name: str = ""
    trouble: str = ""
    lost: list[str] = field(default_factory=list)
    hints: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    comments: dict[str, str] = field(default_factory=dict)
    asks: list[str] = field(default_factory=list)
    penalty: float = 0
    outcomes: list[tuple[str, bool, str]] = field(default_factory=list)

    @property
    def total(self) -> float:
        return max(0.0, sum(points or 0 for points in self.points.values()) - self.penalty)

    @property
    def needs_manual_grade(self) -> bool:
        return None in self.points.values()

    @property
    def reasons(self) -> list[str]:
        """Why points were lost, a line each."""
        late = [f"late (-{self.penalty:g})"] if self.penalty else []
        return list(
            dict.fromkeys([*([self.trouble] if self.trouble else []), *self.asks, *self.lost, *late, *self.notes])
        )


def work_of(notebook: NotebookNode, assignment: Assignment) -> dict[str, str]:
    """A digest of what a clean notebook holds for each exercise; "" where nothing was written."""
    sources = {notebooks.nbgrader_fields(cell).get("grade_id"): cell.source.strip() for cell in notebook.cells}
    work = {}
    for exercise in assignment.exercises:
        name = exercise.grade_id
        text = sources.get(name if exercise.by_hand else name.removeprefix("check_"), "")
        empty = exercise.by_hand and text in ("", "YOUR ANSWER HERE")
        work[name] = "" if empty else hashlib.sha256(text.encode()).hexdigest()[:16]
    return work


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

    def enter_student(self, student: str, *, name: str = "", email: str = "", lms_id: str = "") -> None:
        """Enter a student, or what is known of one; what is "" stays as it is."""
        known = {"first_name": "", "last_name": name, "email": email, "lms_user_id": lms_id}
        self.gradebook.update_or_create_student(
            student, **{key: value for key, value in known.items() if value or name}
        )

    def record(
        self,
        student: str,
        assignment: Assignment,
        record: Record,
        *,
        notebook: NotebookNode | None = None,
        result: Result | None = None,
        content: bytes | None = None,
    ) -> None:
        """Enter one submission, and write what it was and what ran.

        notebook: the clean notebook, or None where nothing could be used; content: the file as it was handed in
        """
        lab = assignment.name
        if content is not None:
            self._place("submitted", student, lab).write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLAlchemy 2.1's, about the order in which nbgrader adds rows
            self.gradebook.update_or_create_student(student)
            self.gradebook.update_or_create_submission(lab, student)
        entered = self.gradebook.find_submission_notebook(lab, lab, student)
        before = self.find(student, lab)
        if before is None or (before.trouble, before.work) != (record.trouble, record.work):
            entered.flagged = record.look  # a person may take the flag away, and it stays so
        for grade in entered.grades:
            changed = before is not None and before.work.get(grade.name) != record.work.get(grade.name)
            asked = grade.manual_score is not None and (grade.needs_manual_grade or changed)
            grade.needs_manual_grade = asked
        self.gradebook.db.commit()
        place = self._record_place(student, lab)
        place.parent.mkdir(parents=True, exist_ok=True)
        notebooks.write_text(place, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")
        shown = executed(notebook, result) if notebook is not None else _instead(assignment, record)
        shown = with_outcomes(shown, assignment, record)
        notebooks.write_text(self._place("autograded", student, lab), nbformat.writes(shown) + "\n")

    def find(self, student: str, lab: str) -> Record | None:
        """What is kept of a submission; None where there is nothing."""
        try:
            made = Record(**json.loads(self._record_place(student, lab).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # not there, or written by another version
            return None
        made.outcomes = [(name, passed, reason) for name, passed, reason in made.outcomes]
        return made

    def rows(self, assignment: Assignment) -> list[Graded]:
        """The marks of all students, sorted by student; the gradebook holds the very same when this returns."""
        submissions = self.gradebook.assignment_submissions(assignment.name)
        rows = [self._settle(assignment, submission) for submission in submissions]
        self.gradebook.db.commit()
        return sorted(rows, key=lambda row: row.student)

    def _settle(self, assignment: Assignment, submission: Any) -> Graded:
        """Make the gradebook agree with the outcomes and with today's points, and read the marks."""
        record = self.find(submission.student.id, assignment.name) or Record()
        graded = marks(submission.student.id, assignment, record)
        graded.name = " ".join(filter(None, [submission.student.first_name, submission.student.last_name]))
        (entered,) = submission.notebooks
        by_hand = {exercise.grade_id for exercise in assignment.exercises if exercise.by_hand}
        for grade in entered.grades:
            if grade.name not in graded.points:
                continue
            name, most = grade.name, graded.most[grade.name]
            auto = graded.points[name]
            if auto is None and not record.work.get(name):
                auto = 0.0
                graded.lost.append(f"{name} (-{most:g}): nothing was written")
            grade.auto_score = auto
            if grade.manual_score is None:
                withheld = name in record.broken
                grade.needs_manual_grade = auto is None or withheld
                if withheld:
                    grade.auto_score = 0.0
                    uses = ", ".join(record.broken[name])
                    graded.asks.append(f"{name}: {auto:g} points withheld, since it uses what its rules forbid: {uses}")
            elif grade.manual_score > most:
                grade.manual_score = most
            base = grade.manual_score if grade.manual_score is not None else grade.auto_score
            if base is not None and grade.extra_credit:
                grade.extra_credit = min(grade.extra_credit, most - base)
            graded.points[name] = None if base is None else base + (grade.extra_credit or 0)
            if grade.manual_score is not None:
                self._by_hand(graded, grade, auto if name not in by_hand else None, most)
        if entered.flagged:
            graded.asks.insert(0, record.trouble or "flagged by a person")
        graded.penalty = round(sum(points or 0 for points in graded.points.values()) * record.percent_off / 100, 2)
        entered.late_submission_penalty = graded.penalty
        for comment in entered.comments:
            if comment.manual_comment:
                graded.comments[comment.name] = comment.manual_comment
        return graded

    def _by_hand(self, graded: Graded, grade: Any, auto: float | None, most: float) -> None:
        """Say that a mark is a person's; `auto`: what the tests gave, None where they give nothing."""
        points = graded.points[grade.name] or 0
        if auto is not None and points != auto:
            graded.lost.append(f"{grade.name}: {points:g} by hand, {auto:g} by the tests")
        elif auto is None and points < most:
            graded.lost.append(f"{grade.name} (-{most - points:g}): graded by hand")
        if grade.needs_manual_grade:
            graded.asks.append(f"{grade.name}: the work has changed since it was graded by hand")

    def write_table(self, assignment: Assignment, rows: list[Graded]) -> Path:
        """Write <lab>.csv; the same marks give the same bytes."""
        place = self.folder / f"{assignment.name}.csv"
        notebooks.write_text(place, BYTE_ORDER_MARK + table(rows))
        return place

    def keep(self, student: str, lab: str, name: str, content: bytes) -> None:
        """Keep a version that was handed in, under `name`."""
        place = self.folder / "handed_in" / student / lab / f"{name}.ipynb"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def _record_place(self, student: str, lab: str) -> Path:
        return self.folder / "records" / lab / f"{student}.json"

    def _place(self, step: str, student: str, lab: str) -> Path:
        folder = self.folder / step / student / lab
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{lab}.ipynb"


def marks(student: str, assignment: Assignment, record: Record) -> Graded:
    """The marks that the hidden tests give; a written answer's are None until the gradebook has been asked."""
    most = {exercise.grade_id: exercise.points for exercise in assignment.exercises}
    graded = Graded(student, assignment.name, {}, most, trouble=record.trouble, outcomes=record.outcomes)
    found = {name: (passed, reason) for name, passed, reason in record.outcomes}
    for exercise in assignment.exercises:
        own = [test for test in assignment.tests if test.exercise == exercise.grade_id]
        reached = sum(test.points for test in own if found.get(test.name, (False, ""))[0])
        waits = exercise.by_hand and not record.trouble
        graded.points[exercise.grade_id] = None if waits else min(reached, exercise.points)
        for test in own if found else []:
            passed, reason = found.get(test.name, (False, "not judged yet: grade this student again"))
            if not passed:
                graded.lost.append(f"{test.name} (-{test.points:g}): {reason}")
                hint = f"{test.name} ({test.points:g} points): {test.hint}"
                graded.hints.setdefault(exercise.grade_id, []).append(hint)
    graded.notes, graded.remarks, graded.private = list(record.notes), list(record.remarks), list(record.private)
    return graded


def table(rows: list[Graded]) -> str:
    """The rows as CSV: student, name, each exercise, late, total, max, needs_manual_grade, reasons, remarks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = sorted(rows, key=lambda row: row.student)
    names = list(rows[0].most) if rows else []
    writer.writerow(["student", "name", *names, "late", "total", "max", "needs_manual_grade", "reasons", "remarks"])
    for row in rows:
        cells = ["" if row.points[name] is None else f"{row.points[name]:g}" for name in names]
        texts = [plain("; ".join(sentences)) for sentences in (row.reasons, [*row.private, *row.remarks])]
        person = "yes" if row.needs_manual_grade or row.asks else "no"
        totals = [f"{row.penalty:g}", f"{row.total:g}", f"{sum(row.most.values()):g}", person]
        writer.writerow([row.student, plain(row.name), *cells, *totals, *texts])
    return text.getvalue()


def executed(notebook: NotebookNode, result: Result | None) -> NotebookNode:
    """The clean notebook with the output of its cells.

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
    return made


def with_outcomes(notebook: NotebookNode, assignment: Assignment, record: Record) -> NotebookNode:
    """`notebook` with a line for each hidden test under its check."""
    found = {name: (passed, reason) for name, passed, reason in record.outcomes}
    for cell in notebook.cells:
        name = notebooks.nbgrader_fields(cell).get("grade_id")
        own = [test for test in assignment.tests if test.exercise == name and test.name in found]
        if cell.cell_type == "code" and own:
            lines = [f"{HIDDEN_TESTS} {sum(found[test.name][0] for test in own)} of {len(own)} passed"]
            lines += [
                f"[ok] {test.name}" if found[test.name][0] else f"[no] {test.name}: {found[test.name][1]}"
                for test in own
            ]
            cell.outputs.append(new_output("stream", name="stdout", text="\n".join(lines) + "\n"))
    return notebook


def _instead(assignment: Assignment, record: Record) -> NotebookNode:
    """What stands for a submission of which nothing can be shown: the released notebook, under the reason."""
    made = nbformat.from_dict(assignment.released)
    made.cells.insert(0, new_markdown_cell(f"**Nothing was graded**: {record.trouble}", id="trouble"))
    return made


def plain(text: str) -> str:
    """`text` for a spreadsheet: nothing that it would take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
