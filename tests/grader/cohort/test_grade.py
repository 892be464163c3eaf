"""`course grade` over a class: the same table however it is run, marks by hand kept, wrong use in one clear line."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import assert_one_clear_line
from small_class import HALVE, LAB, WRONG, answered, hand_in, make_course, needs_jail, with_extra

from course_tools.grader.cohort import grade, pool
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
    made = grade.grade(submissions, lab.root, grade.Options(into=into, **options), lab=LAB)
    assert [row.student for row in made[LAB].rows] == ["ann", "bob", "cem", "dan", "eve", "fay"]
    return (into / f"{LAB}.csv").read_bytes()


@pytest.fixture(scope="module")
def one_by_one(lab, submissions):
    """The table of `-j 1`, that all others must equal."""
    if sandbox.trouble():
        pytest.skip(f"no sandbox: {sandbox.trouble()}")
    return graded(lab, submissions, lab.root / "one", workers=1)


def test_the_table_says_what_everybody_has_and_why(one_by_one):
    lines = one_by_one.decode("utf-8-sig").splitlines()
    heading = "student,name,check_double,check_halve,report,late,total,max,needs_manual_grade,reasons,remarks"
    assert lines[0] == heading
    assert lines[1] == "ann,,2,1,,0,3,5,yes,,equal to the submission of eve"
    assert lines[2].startswith('bob,,0,1,,0,1,5,yes,"doubles_numbers (-1): double: expected ')
    assert lines[3].startswith("cem,,2,0,,0,2,5,yes,halves_numbers (-1): halve: NameError")
    assert lines[4] == 'dan,,0,0,0,0,0,5,yes,"the file is not JSON, so no notebook",'
    assert lines[5] == "eve,,2,1,,0,3,5,yes,,equal to the submission of ann"
    assert lines[6].startswith("fay,,0,1,0,0,1,5,no,") and "report (-2): nothing was written" in lines[6]


def test_two_at_a_time_give_the_same_table(lab, submissions, one_by_one):
    assert graded(lab, submissions, lab.root / "two", workers=2) == one_by_one


def test_a_jail_for_each_kernel_gives_the_same_table(lab, submissions, one_by_one, tmp_path):
    small = tmp_path / "submissions"
    hand_in(small, "ann", (submissions / "ann" / f"{LAB}.ipynb").read_bytes())
    made = grade.grade(small, lab.root, grade.Options(into=tmp_path / "cold", cold=True), lab=LAB)
    assert (
        made[LAB].rows[0].total == 3 and (tmp_path / "cold" / f"{LAB}.csv").read_bytes().splitlines()[1] in one_by_one
    )


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
        wait_for(lambda: process.poll() is not None or len(list((into / "cache").glob("*.json"))) >= 3)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=WAIT_SECONDS)
    finally:
        process.kill()
    done = {place.name: place.stat().st_mtime_ns for place in (into / "cache").glob("*.json")}
    assert 3 <= len(done) < 6  # the solution is the first
    wait_for(lambda: not jails_of(lab))
    assert graded(lab, submissions, into, workers=1) == one_by_one
    for name, when in done.items():
        assert (into / "cache" / name).stat().st_mtime_ns == when
    assert len(list((into / "cache").glob("*.json"))) == 6


def wait_for(condition):
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def jails_of(lab):
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if "bwrap" in line and str(lab.root) in line]


def test_what_was_graded_is_not_run_again_until_something_changes(lab, submissions, one_by_one, monkeypatch):
    monkeypatch.setattr(pool, "_on_processes", lambda *arguments: pytest.fail("it ran again"))
    assert graded(lab, submissions, lab.root / "one", workers=1) == one_by_one


def test_a_labs_number_means_its_name(lab, tmp_path):
    hand_in(tmp_path / "in", "dan", "{")  # nothing to run
    options = grade.Options(into=tmp_path / "out", unsafe=True)
    (row,) = grade.grade(tmp_path / "in", lab.root, options, lab="98")[LAB].rows
    assert (row.student, row.reasons) == ("dan", ["the file is not JSON, so no notebook"])


# --- the command


def test_a_missing_folder_and_an_unknown_lab_are_clear_errors(type_command, lab):
    assert_one_clear_line(type_command("grade", "nowhere", cwd=lab.root), "nowhere is no folder and no zip")
    done = type_command("grade", ".", "--lab", "lab01", cwd=lab.root)
    assert_one_clear_line(done, f"no lab 'lab01' under solutions/; did you mean {LAB}?")


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
