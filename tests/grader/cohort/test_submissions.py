"""course_tools.grader.cohort.submissions: files that were handed in, read without trust in names, kinds and sizes."""

import os
import stat
import unicodedata
import zipfile
from datetime import UTC, datetime

import pytest
from small_class import LAB, hand_in, korean_windows

from course_tools.grader.cohort import submissions
from course_tools.grader.cohort.deadlines import Deadline
from course_tools.grader.cohort.roster import Ids, Student, student_id
from course_utils.errors import CourseError


def find(path, known, lab=None, *, roster=(), **options):
    """`submissions.find`, with the names of a grading folder of its own."""
    return submissions.find(path, known, lab, ids=Ids(path.parent / "names.json", roster), **options)


def rows(handed_in):
    return [(submission.student, submission.lab, submission.trouble) for submission in handed_in]


def test_three_layouts_are_understood(tmp_path):
    for parts in (("ann.ipynb",), ("bob", f"{LAB}.ipynb"), ("cem", LAB, f"{LAB}.ipynb")):
        place = tmp_path.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("{}")
    assert rows(find(tmp_path, [LAB], LAB)) == [("ann", LAB, ""), ("bob", LAB, ""), ("cem", LAB, "")]


def test_without_a_lab_files_are_taken_by_their_names(tmp_path):
    hand_in(tmp_path, "ann", "{}", name="lab01")
    hand_in(tmp_path, "bob", "{}", name="lab02")
    missing = "handed in nothing for this lab"
    expected = [("ann", "lab01", ""), ("bob", "lab01", missing), ("ann", "lab02", missing), ("bob", "lab02", "")]
    assert rows(find(tmp_path, ["lab01", "lab02", "lab03"])) == expected


def test_a_notebook_of_another_name_is_taken_where_it_is_the_only_one(tmp_path):
    hand_in(tmp_path, "ann", "{}", name="lab98 (1)")
    hand_in(tmp_path, "bob", "{}", name="one")
    hand_in(tmp_path, "bob", "{}", name="two")
    ann, bob = find(tmp_path, [LAB], LAB)
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
    assert student_id(name) == safe


def test_a_link_inside_the_folder_is_followed_and_one_out_of_it_is_not(tmp_path):
    folder = tmp_path / "in"
    hand_in(folder, "ann", "{}")
    hand_in(tmp_path, "outside", "secret")
    for student, target in (("bob", folder / "ann"), ("cem", tmp_path / "outside")):
        (folder / student).mkdir()
        (folder / student / f"{LAB}.ipynb").symlink_to(target / f"{LAB}.ipynb")
    (folder / "dan").symlink_to(tmp_path / "outside")
    by_student = {submission.student: submission for submission in find(folder, [LAB], LAB)}
    assert (
        by_student["bob"].content == b"{}" and by_student["cem"].content is None and by_student["dan"].content is None
    )
    assert "symbolic link out of the folder" in by_student["cem"].trouble


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
    by_student = {submission.student: submission for submission in find(place, [LAB], LAB)}
    assert by_student["ann"].content == b"{}" and len(by_student) == 5
    reasons = {name: submission.trouble for name, submission in by_student.items() if submission.content is None}
    assert sum("its name leads out of the zip" in reason for reason in reasons.values()) == 2
    assert "20 MiB are allowed" in reasons["bomb"] and "symbolic link" in reasons["link"]
    assert all("/" not in name and ".." not in name for name in by_student)


def test_a_folder_without_submissions_and_a_file_that_is_none_are_clear_errors(tmp_path):
    with pytest.raises(CourseError, match="no submission in"):
        find(tmp_path, [LAB], LAB)
    (tmp_path / "x.txt").touch()
    with pytest.raises(CourseError, match="is no folder and no zip"):
        find(tmp_path / "x.txt", [LAB], LAB)


def zipped(path, *names):
    """A zip with a notebook under each name."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return path


def students(handed_in):
    return [submission.student for submission in handed_in]


def test_a_folder_around_all_submissions_is_no_student(tmp_path):
    place = zipped(tmp_path / "a.zip", f"class/ann/{LAB}.ipynb", f"class/bob/{LAB}.ipynb")
    assert rows(find(place, [LAB])) == [("ann", LAB, ""), ("bob", LAB, "")]
    place = zipped(tmp_path / "b.zip", "class/ann.ipynb", "class/bob.ipynb")
    assert rows(find(place, [LAB], LAB)) == [("ann", LAB, ""), ("bob", LAB, "")]
    hand_in(tmp_path / "in" / "class", "cem", "{}")
    hand_in(tmp_path / "in" / "class", "dan", "{}")
    assert students(find(tmp_path / "in", [LAB])) == ["cem", "dan"]


@pytest.mark.parametrize("name", [f"ann/{LAB}.ipynb", f"ann/{LAB}/{LAB}.ipynb", "ann/homework.ipynb"])
def test_a_class_of_one_student_is_that_student(tmp_path, name):
    assert students(find(zipped(tmp_path / "a.zip", name), [LAB], LAB)) == ["ann"]


def test_a_zip_of_korean_windows_has_korean_names(tmp_path):
    place = tmp_path / "a.zip"
    place.write_bytes(korean_windows((f"김철수/{LAB}.ipynb", b"{}"), (f"이영희/{LAB}.ipynb", b"{}")))
    assert rows(find(place, [LAB])) == [("김철수", LAB, ""), ("이영희", LAB, "")]


def test_folders_whose_names_are_bytes_of_korean_windows_have_korean_names(tmp_path):
    for name in ("김철수", "이영희"):
        hand_in(tmp_path / "in", os.fsdecode(name.encode("cp949")), "{}")
    assert students(find(tmp_path / "in", [LAB])) == ["김철수", "이영희"]


def test_names_that_look_alike_are_two_students_in_this_run_and_in_later_ones(tmp_path):
    one, two = unicodedata.normalize("NFC", "김철수"), unicodedata.normalize("NFD", "김철수")
    long = "x" * 150
    for name in (one, two, f"{long}1", f"{long}2"):
        hand_in(tmp_path / "in", name, name)
    handed_in = find(tmp_path / "in", [LAB])
    assert len({submission.student for submission in handed_in}) == 4
    remarks = [remark for submission in handed_in for remark in submission.remarks]
    assert len(remarks) == 2 and all("another name is spelled alike" in remark for remark in remarks)
    by_content = {submission.content: submission.student for submission in handed_in}
    ids = Ids(tmp_path / "kept.json")
    submissions.find(tmp_path / "in", [LAB], ids=ids)
    ids.write()
    hand_in(tmp_path / "late", two, two)  # alone, and still not the other one
    (late,) = submissions.find(tmp_path / "late", [LAB], ids=Ids(tmp_path / "kept.json"))
    assert late.student == by_content[two.encode()]


def test_moodles_and_canvas_names_say_who_handed_in(tmp_path):
    place = zipped(
        tmp_path / "moodle.zip",
        f"Kim Cheolsu_1234567_assignsubmission_file_/{LAB}.ipynb",
        f"Lee Younghee_1234568_assignsubmission_file/{LAB}.ipynb",
        f"Park Minsu_1234569_assignsubmission_file_{LAB}.ipynb",
    )
    assert students(find(place, [LAB])) == ["Kim%20Cheolsu", "Lee%20Younghee", "Park%20Minsu"]
    place = zipped(
        tmp_path / "canvas.zip",
        f"kimcheolsu_1001_55501_{LAB}.ipynb",
        f"leeyounghee_LATE_1002_55502_{LAB}-1.ipynb",
    )
    kim, lee = find(place, [LAB])
    assert (kim.student, lee.student) == ("kimcheolsu_1001", "leeyounghee_1002")
    assert kim.content == b"{}" and lee.remarks == ("late, says the download's name",)


def test_a_roster_says_whose_a_file_is_and_who_handed_in_nothing(tmp_path):
    place = zipped(
        tmp_path / "a.zip",
        f"Kim Cheolsu_1234567_assignsubmission_file_/{LAB}.ipynb",
        f"leeyounghee_1002_55502_{LAB}.ipynb",
    )
    known = [Student("s1", "Kim Cheolsu"), Student("s2", "Lee Younghee", lms_id="1002"), Student("s3", "Park Minsu")]
    handed_in = find(place, [LAB], LAB, roster=known)
    assert rows(handed_in) == [("s1", LAB, ""), ("s2", LAB, ""), ("s3", LAB, submissions.NOTHING)]


def version(folder, name, content, day):
    place = folder / "ann" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    when = datetime(2026, 5, day, 12, tzinfo=UTC).timestamp()
    os.utime(place, (when, when))


def test_the_last_version_before_the_deadline_counts_and_all_are_kept(tmp_path):
    for name, content, day in ((f"{LAB}.ipynb", "1", 1), (f"{LAB} (1).ipynb", "2", 3), (f"{LAB}-2.ipynb", "3", 5)):
        version(tmp_path / "in", name, content, day)
    (last,) = find(tmp_path / "in", [LAB])
    assert last.content == b"3" and [content for _, content in last.versions] == [b"1", b"2", b"3"]
    due = {LAB: Deadline(datetime(2026, 5, 4, tzinfo=UTC), 10)}
    (in_time,) = find(tmp_path / "in", [LAB], deadlines=due)
    assert in_time.content == b"2" and not in_time.hours_late and "before the deadline" in in_time.remarks[0]
    due = {LAB: Deadline(datetime(2026, 4, 30, 12, tzinfo=UTC), 10, 45)}
    (late,) = find(tmp_path / "in", [LAB], deadlines=due)
    assert late.content == b"3" and late.hours_late == 120
    assert due[LAB].percent_off(late.hours_late) == 45 and due[LAB].percent_off(25) == 20
