"""course_tools.grader.cohort.submissions: files that were handed in, read without trust in names, kinds and sizes."""

import stat
import zipfile

import pytest
from small_class import LAB, hand_in

from course_tools.grader.cohort import submissions
from course_utils.errors import CourseError


def rows(handed_in):
    return [(submission.student, submission.lab, submission.trouble) for submission in handed_in]


def test_three_layouts_are_understood(tmp_path):
    for parts in (("ann.ipynb",), ("bob", f"{LAB}.ipynb"), ("cem", LAB, f"{LAB}.ipynb")):
        place = tmp_path.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("{}")
    assert rows(submissions.find(tmp_path, [LAB], LAB)) == [("ann", LAB, ""), ("bob", LAB, ""), ("cem", LAB, "")]


def test_without_a_lab_files_are_taken_by_their_names(tmp_path):
    hand_in(tmp_path, "ann", "{}", name="lab01")
    hand_in(tmp_path, "bob", "{}", name="lab02")
    missing = "handed in nothing for this lab"
    expected = [("ann", "lab01", ""), ("bob", "lab01", missing), ("ann", "lab02", missing), ("bob", "lab02", "")]
    assert rows(submissions.find(tmp_path, ["lab01", "lab02", "lab03"])) == expected


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
    by_student = {submission.student: submission for submission in submissions.find(folder, [LAB], LAB)}
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
    by_student = {submission.student: submission for submission in submissions.find(place, [LAB], LAB)}
    assert by_student["ann"].content == b"{}" and len(by_student) == 5
    reasons = {name: submission.trouble for name, submission in by_student.items() if submission.content is None}
    assert sum("its name leads out of the zip" in reason for reason in reasons.values()) == 2
    assert "20 MiB are allowed" in reasons["bomb"] and "symbolic link" in reasons["link"]
    assert all("/" not in name and ".." not in name for name in by_student)


def test_a_folder_without_submissions_and_a_file_that_is_none_are_clear_errors(tmp_path):
    with pytest.raises(CourseError, match="no submission in"):
        submissions.find(tmp_path, [LAB], LAB)
    (tmp_path / "x.txt").touch()
    with pytest.raises(CourseError, match="is no folder and no zip"):
        submissions.find(tmp_path / "x.txt", [LAB], LAB)
