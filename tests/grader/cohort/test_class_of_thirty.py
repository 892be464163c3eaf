"""A class of thirty through its whole life: two zips, a late one, a changed test, changed points, a person's marks."""

import csv
import io
import json
import unicodedata
import zipfile

import nbformat
import pytest
from small_class import DOUBLE, HALVE, JUDGE, LAB, WRONG, answered, korean_windows, make_course, needs_jail

from course_tools.grader import release
from course_tools.grader.cohort import grade, pool
from course_tools.grader.cohort.gradebook import Recorder
from course_utils.errors import CourseError

pytestmark = [needs_jail, pytest.mark.timeout(280)]

KIM = unicodedata.normalize("NFC", "김철수")
WITH_DATA = (
    JUDGE
    + """
from pathlib import Path

@hidden_test("check_halve", points=1, hint="from the file")
def halves_what_the_file_says(student, generator):
    number = int(Path(__file__).with_name("hidden.txt").read_text())
    same(student.halve(number), number / 2, "halve")
"""
)


def marks(into):
    """The rows of the table by student."""
    text = (into / f"{LAB}.csv").read_text(encoding="utf-8-sig")
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}


def totals(into):
    return {student: row["total"] for student, row in marks(into).items()}


def packed(submissions, place):
    """A zip as an operating system makes it: of the folder, not of what is in it."""
    with zipfile.ZipFile(place, "w") as archive:
        for name, notebook in submissions.items():
            archive.writestr(f"class/{name}/{LAB}.ipynb", json.dumps(notebook))
    return place


def set_points(lab, grade_id, points, judge):
    source = nbformat.read(lab.source, as_version=4)
    for cell in source.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            cell.metadata.nbgrader["points"] = points
    nbformat.write(source, lab.source)
    lab.judge.write_text(judge)
    release.write(lab)


def test_a_class_of_thirty_is_graded_and_nobody_is_lost_or_mixed_up(tmp_path, monkeypatch):
    lab = make_course(tmp_path)
    lab.folder.joinpath("hidden.txt").write_text("8")
    set_points(lab, "check_halve", 2, WITH_DATA)
    into = tmp_path / "grading"
    ran = []
    on_processes = pool._on_processes
    monkeypatch.setattr(pool, "_on_processes", lambda todo, *rest: ran.append(len(todo)) or on_processes(todo, *rest))

    def course_grade(path, **options):
        ran.clear()
        return grade.grade(path, tmp_path, grade.Options(into=into, workers=2, **options), lab=LAB)[LAB]

    # Twenty-eight in a zip of the folder: good and wrong ones, one that crashes, one that scripts, one that is damaged.
    handed_in = {f"student{number:02}": answered(lab, double=(DOUBLE, WRONG)[number % 2]) for number in range(22)}
    handed_in |= {
        "crashes": answered(lab, double="import os\ndef double(x):\n    os._exit(1)"),
        "leaves": answered(lab, halve=f"{HALVE}\nexit()"),
        "scripts": answered(lab, report="[my plot](javascript:alert(1))"),
        "surrogate": answered(lab, halve=f"{HALVE}\nraise ValueError('\\ud800')"),
        # Two spellings of one name: composed letters, and single ones.
        KIM: answered(lab),
        unicodedata.normalize("NFD", KIM): answered(lab, double=WRONG),
    }
    zips = tmp_path / "class.zip"
    packed(handed_in, zips)
    course_grade(zips)
    first = totals(into)
    assert len(first) == 28 and sum(ran) == 1 + 5  # the solution, and each different notebook once
    expected = {"crashes": "2", "leaves": "4", "scripts": "4", "surrogate": "4", KIM: "4", f"{KIM}~2": "2"}
    assert {student: first[student] for student in expected} == expected
    assert {first[f"student{number:02}"] for number in range(0, 22, 2)} == {"4"}
    assert {first[f"student{number:02}"] for number in range(1, 22, 2)} == {"2"}
    assert "equal to the submission of" in marks(into)["student00"]["remarks"]

    # A second zip, of Korean Windows, with a late one and a damaged one: the table stays whole.
    (into / "late.toml").write_text(
        f"[{LAB}]\ndeadline = 2020-01-01T00:00:00Z\npercent_a_day = 25\nmost_percent = 50\n"
    )
    (tmp_path / "late.zip").write_bytes(
        korean_windows((f"이영희/{LAB}.ipynb", json.dumps(answered(lab)).encode()), (f"damaged/{LAB}.ipynb", b"{"))
    )
    made = course_grade(tmp_path / "late.zip")
    second = totals(into)
    assert len(second) == 30 and {student: second[student] for student in first} == first and ran == []
    assert second["이영희"] == "2" and "late (-2)" in marks(into)["이영희"]["reasons"]
    assert [row.student for row in made.rows if row.asks] == ["damaged"]
    (into / "late.toml").unlink()

    # A person's mark stays, is said, and is asked for again once the work has changed; one student alone is graded.
    with Recorder(into) as recorder:
        mark = recorder.gradebook.find_grade("check_double", LAB, LAB, "student01")
        mark.manual_score, mark.needs_manual_grade = 1.5, False
        recorder.gradebook.db.commit()
    handed_in["student01"] = answered(lab)
    packed(handed_in, zips)
    course_grade(zips, student="student01")
    row = marks(into)["student01"]
    assert row["check_double"] == "1.5" and row["needs_manual_grade"] == "yes"
    assert "1.5 by hand, 2 by the tests" in row["reasons"] and "changed since it was graded by hand" in row["reasons"]

    # Changed points run nothing; a changed test is judged again, alone.
    ran.clear()
    set_points(lab, "check_halve", 4, WITH_DATA.replace('points=1, hint="from', 'points=3, hint="from'))
    course_grade(zips)
    assert ran == [] and totals(into)["student00"] == "6"
    jobs = []
    monkeypatch.setattr(
        pool, "_on_processes", lambda todo, *rest: jobs.extend(todo.values()) or on_processes(todo, *rest)
    )
    lab.judge.write_text(lab.judge.read_text().replace("x / 2", "x / 2.0"))
    course_grade(zips)
    assert {tuple(job.tests) for job in jobs} == {("halves_numbers",)} and totals(into)["student00"] == "6"
    before = totals(into)

    # A fault of ours stops grading with one line, before anybody's marks are touched.
    lab.folder.joinpath("hidden.txt").write_text("damaged")
    with pytest.raises(CourseError, match=r"nothing is graded: the solution of lab98 .*halves_what_the_file_says"):
        course_grade(zips)
    assert totals(into) == before
    with Recorder(into) as recorder:
        scores = {one.student.id: one.score for one in recorder.gradebook.assignment_submissions(LAB)}
    late = float(marks(into)["이영희"]["late"])
    assert {student: float(total) for student, total in before.items()} == scores | {"이영희": scores["이영희"] - late}
