"""`course grade` over a class: the same table however it is run, marks by hand kept, wrong use in one clear line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from small_class import HALVE, LAB, WRONG, answered, hand_in, make_course, needs_jail, with_extra

from course_tools.grader.cohort import execution, grade, pool
from course_tools.grader.cohort.execution import Result
from course_tools.grader.jail import sandbox
from course_utils.errors import CourseError

pytestmark = pytest.mark.timeout(280)

COURSE = Path(sys.executable).with_name("course")
WAIT_SECONDS = 120


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def submissions(lab):
    """Six students, right and wrong, quick and slow."""
    folder = lab.root / "submissions"
    hand_in(folder, "ann", answered(lab))
    hand_in(folder, "bob", answered(lab, double=WRONG))
    hand_in(folder, "cem", answered(lab, halve="import os\nos._exit(1)"))
    hand_in(folder, "dan", "{")
    hand_in(folder, "eve", with_extra(answered(lab), "import time\ntime.sleep(1)\nprint(object())"))
    hand_in(folder, "fay", answered(lab, double="def double(x):\n    return object()", report=""))
    return folder


def graded(lab, submissions, into, **options):
    """The bytes of the table."""
    rows = grade.grade(submissions, lab.root, grade.Options(into=into, **options), lab=LAB)
    assert [row.student for row in rows[LAB]] == ["ann", "bob", "cem", "dan", "eve", "fay"]
    return (into / f"{LAB}.csv").read_bytes()


@pytest.fixture(scope="module")
def one_by_one(lab, submissions):
    """The table of `-j 1`, that all others must equal."""
    if sandbox.trouble():
        pytest.skip(f"no sandbox: {sandbox.trouble()}")
    return graded(lab, submissions, lab.root / "one", workers=1)


def test_the_table_says_what_everybody_has_and_why(one_by_one):
    lines = one_by_one.decode().splitlines()
    assert lines[0] == "student,check_double,check_halve,report,total,max,needs_manual_grade,reasons,remarks"
    assert lines[1] == "ann,2,1,,3,5,yes,,"
    assert lines[2].startswith("bob,0,1,,1,5,yes,doubles_numbers (-1): double: greatest error")
    assert lines[3].startswith("cem,2,0,,2,5,yes,halves_numbers (-1): halve: NameError")
    assert lines[4] == 'dan,0,0,0,0,5,no,"the file is not JSON, so no notebook",'
    assert lines[5] == "eve,2,1,,3,5,yes,,"
    assert lines[6].startswith("fay,0,1,0,1,5,no,") and "report (-2): nothing was written" in lines[6]


def test_two_at_a_time_give_the_same_table(lab, submissions, one_by_one):
    assert graded(lab, submissions, lab.root / "two", workers=2) == one_by_one


def test_a_jail_for_each_kernel_gives_the_same_table(lab, submissions, one_by_one, tmp_path):
    small = tmp_path / "submissions"
    hand_in(small, "ann", (submissions / "ann" / f"{LAB}.ipynb").read_bytes())
    rows = grade.grade(small, lab.root, grade.Options(into=tmp_path / "cold", cold=True), lab=LAB)
    assert rows[LAB][0].total == 3 and (tmp_path / "cold" / f"{LAB}.csv").read_bytes().splitlines()[1] in one_by_one


def test_a_dask_cluster_gives_the_same_table(lab, submissions, one_by_one):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        there = graded(lab, submissions, lab.root / "dask", scheduler=cluster.scheduler_address)
    assert there == one_by_one


@needs_jail
def test_grading_that_was_killed_goes_on_where_it_was_and_leaves_nothing_running(lab, submissions, one_by_one):
    into = lab.root / "killed"
    command = [COURSE, "grade", str(submissions), "--lab", LAB, "-j", "1", "--into", str(into)]
    process = subprocess.Popen(
        command, cwd=lab.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: process.poll() is not None or len(list((into / "cache").glob("*.json"))) >= 2)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=WAIT_SECONDS)
    finally:
        process.kill()
    done = {place.name: place.stat().st_mtime_ns for place in (into / "cache").glob("*.json")}
    assert 2 <= len(done) < 5
    wait_for(lambda: not jails_of(lab))
    assert graded(lab, submissions, into, workers=1) == one_by_one
    for name, when in done.items():
        assert (into / "cache" / name).stat().st_mtime_ns == when
    assert len(list((into / "cache").glob("*.json"))) == 5


def wait_for(condition):
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def jails_of(lab):
    lines = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    return [line for line in lines if "bwrap" in line and str(lab.root) in line]


def test_what_was_graded_is_not_run_again_until_something_changes(lab, submissions, one_by_one, monkeypatch):
    job = execution.Job(LAB, str(lab.root), "{}", limits=execution.Limits())
    key = pool.key_of(job)
    assert pool.key_of(job) == key
    before = lab.judge.read_text()
    try:
        lab.judge.write_text(before + "\n# changed\n")
        assert pool.key_of(job) != key
    finally:
        lab.judge.write_text(before)
    monkeypatch.setattr(pool, "_on_processes", lambda *arguments: pytest.fail("it ran again"))
    assert graded(lab, submissions, lab.root / "one", workers=1) == one_by_one


def test_a_damaged_cache_is_as_good_as_none(tmp_path):
    cache = pool.Cache(tmp_path)
    cache.put("a", Result([("t", True, "")], {}, [], 1.0))
    assert cache.get("a").outcomes == [["t", True, ""]] and cache.get("b") is None
    for text in ("", "{", "[]", '{"unknown": 1}'):
        (tmp_path / "a.json").write_text(text)
        assert cache.get("a") is None


def test_marks_and_comments_by_hand_survive_a_regrade_and_no_mark_exceeds_its_maximum(lab, one_by_one):
    from nbgrader.api import Gradebook

    into = lab.root / "one"
    with Gradebook(f"sqlite:///{into / 'gradebook.db'}") as book:
        for student, points in (("ann", 1.5), ("bob", 99)):
            book.find_grade("report", LAB, LAB, student).manual_score = points
        book.find_comment("report", LAB, LAB, "ann").manual_comment = "Why <so>?"
        book.db.commit()
    rows = {row.student: row for row in grade.grade(lab.root / "submissions", lab.root, grade.Options(into=into))[LAB]}
    assert rows["ann"].points["report"] == 1.5 and rows["ann"].total == 4.5 and not rows["ann"].needs_manual_grade
    assert rows["ann"].lost == ["report (-0.5): graded by hand"]
    assert rows["bob"].points["report"] == 2
    page = (into / "feedback" / "ann" / LAB / f"{LAB}.html").read_text()
    assert "Why &lt;so&gt;?" in page and "4.5 of 5 points" in page
    # A new answer asks for a person again, and keeps the mark until then.
    hand_in(lab.root / "again", "ann", answered(lab, report="Something else."))
    (row,) = grade.grade(lab.root / "again", lab.root, grade.Options(into=into))[LAB]
    assert row.points["report"] == 1.5
    with Gradebook(f"sqlite:///{into / 'gradebook.db'}") as book:
        assert book.find_grade("report", LAB, LAB, "ann").needs_manual_grade


def test_the_autograded_notebook_is_one_that_nbgrader_reads(lab, one_by_one):
    notebook = nbformat.read(lab.root / "one" / "autograded" / "bob" / LAB / f"{LAB}.ipynb", as_version=4)
    nbformat.validate(notebook)
    check = next(cell for cell in notebook.cells if cell.id == "check-double")
    said = check.outputs[-1].text
    assert (
        said.splitlines()[0] == "[hidden tests] 0 of 2 points"
        and "[no] doubles_tensors (1 points): tensors, too" in said
    )


def test_a_worker_that_dies_is_replaced_and_its_submission_tried_again(tmp_path, monkeypatch):
    flag = tmp_path / "died"
    monkeypatch.setattr(execution, "run", _dies_once)
    work = {str(number): execution.Job(str(flag), "", "", limits=execution.Limits()) for number in range(3)}
    found = dict(pool.run(work, pool.Cache(tmp_path / "cache"), workers=1))
    assert sorted(found) == ["0", "1", "2"] and flag.is_file()


def _dies_once(job):
    flag = Path(job.lab)
    if not flag.is_file():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Result()


# --- the command


def assert_one_clear_line(done, *words):
    assert done.returncode == 2 and "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_grade_has_help_with_an_example(type_command):
    done = type_command("grade", "--help")
    assert done.returncode == 0 and "Example: course grade submissions --lab lab01" in " ".join(done.stdout.split())


def test_a_missing_folder_and_an_unknown_lab_are_clear_errors(type_command, lab):
    assert_one_clear_line(type_command("grade", "nowhere", cwd=lab.root), "nowhere is no folder and no zip")
    done = type_command("grade", ".", "--lab", "lab01", cwd=lab.root)
    assert_one_clear_line(done, f"no lab 'lab01' under solutions/: choose one of {LAB}")


def test_without_bubblewrap_grading_is_refused_unless_unsafe_is_said(type_command, lab, tmp_path):
    hand_in(tmp_path / "in", "ann", answered(lab))
    hand_in(tmp_path / "in", "bob", answered(lab, double=WRONG, halve=f"{HALVE}\nimport os\nos._exit(1)"))
    (tmp_path / "bin").mkdir()
    alone = {"PATH": str(tmp_path / "bin")}
    done = type_command("grade", str(tmp_path / "in"), cwd=lab.root, **alone)
    assert_one_clear_line(done, "install bubblewrap", "--unsafe")
    done = type_command("grade", str(tmp_path / "in"), "--unsafe", "-j", "1", cwd=lab.root, **alone)
    assert done.returncode == 0, done.stderr
    assert "ann: 3 of 5" in done.stdout and "bob: 0 of 5" in done.stdout


def test_a_scheduler_that_does_not_answer_is_a_clear_error(lab, submissions, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(pool, "SCHEDULER_SECONDS", 1)
    with pytest.raises(CourseError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        grade.grade(submissions, lab.root, grade.Options(into=tmp_path, scheduler="tcp://127.0.0.1:1"))


def test_limits_that_do_not_exist_are_a_clear_error(lab):
    from course_tools.grader.jail import limits

    notebook = json.loads(lab.source.read_text())
    notebook["metadata"]["course"]["grading"]["patience"] = 3
    with pytest.raises(CourseError, match="patience = 3 is no limit"):
        limits.of(nbformat.from_dict(notebook))
