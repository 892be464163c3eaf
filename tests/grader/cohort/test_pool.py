"""course_tools.grader.cohort.pool: what was done is kept, and a worker that dies costs nothing but time."""

import os
import signal
import sys
from pathlib import Path

import nbformat
import pytest
from small_class import LAB, answered, make_course

from course_tools.grader.cohort import execution, pool
from course_tools.grader.cohort.execution import Job, Result
from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.sandbox import SandboxError
from course_utils.errors import CourseError


def job(lab: str) -> Job:
    return Job(lab, "", "", limits=Limits())


def test_a_damaged_cache_is_as_good_as_none(tmp_path):
    cache = pool.Cache(tmp_path)
    cache.put("a", Result([("t", True, "")], seconds=1.0))
    assert cache.get("a").outcomes == [["t", True, ""]] and cache.get("b") is None
    for text in ("", "{", "[]", '{"unknown": 1}'):
        (tmp_path / "a.json").write_text(text)
        assert cache.get("a") is None


def test_a_result_is_the_same_at_once_and_from_the_cache(tmp_path):
    cache = pool.Cache(tmp_path)
    at_once = cache.put("a", Result([("t", True, "")], outputs={"cell": []}, notes=["a note"]))
    assert at_once == cache.get("a") and at_once.outcomes == [["t", True, ""]]


def test_a_cache_that_cannot_be_read_back_costs_nobody_his_result(tmp_path, monkeypatch):
    """Else a student would get no points, and no reason."""
    monkeypatch.setattr(execution, "run", _passes)
    monkeypatch.setattr(pool.Cache, "get", lambda cache, key: None)
    (result,) = dict(pool.run({"a": job("lab")}, pool.Cache(tmp_path))).values()
    assert result.outcomes == [["t", True, ""]]


def _passes(job):
    return Result([("t", True, "")])


def test_what_the_cache_holds_is_not_run_unless_it_is_forced(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "run", _passes)
    cache = pool.Cache(tmp_path)
    cache.put("a", Result(notes=["kept"]))
    assert dict(pool.run({"a": job("lab")}, cache))["a"].notes == ["kept"]
    assert dict(pool.run({"a": job("lab")}, cache, force=True))["a"].notes == []


def test_a_worker_that_dies_is_replaced_and_its_submission_tried_again(tmp_path, monkeypatch):
    flag = tmp_path / "died"
    monkeypatch.setattr(execution, "run", _dies_once)
    work = {str(number): job(str(flag)) for number in range(3)}
    results = dict(pool.run(work, pool.Cache(tmp_path / "cache"), workers=1))
    assert sorted(results) == ["0", "1", "2"] and flag.is_file()


def _dies_once(job):
    flag = Path(job.lab)
    if not flag.is_file():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Result()


def test_a_jail_that_fails_again_and_again_stops_grading_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "run", _has_no_jail)
    with pytest.raises(SandboxError, match="no user is free; what is done is kept, run it again"):
        list(pool.run({"a": job("lab")}, pool.Cache(tmp_path)))


def _has_no_jail(job):
    raise SandboxError("no user is free")


def test_a_job_that_raises_whatever_it_is_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "run", _raises_for_some)
    results = dict(pool.run({name: job(name) for name in ("good", "bad", "worse")}, pool.Cache(tmp_path)))
    assert results["good"].trouble == "" and results["good"].outcomes == [["t", True, ""]]
    assert results["bad"].trouble == "could not be graded: hidden test t has a fault"
    assert results["worse"].trouble == "could not be graded: TypeError: what a reply was forged into"
    assert [place.name for place in tmp_path.glob("*.json")] == ["good.json"]  # tried again the next time


def _raises_for_some(job):
    if job.lab == "bad":
        raise CourseError("hidden test t has a fault")
    if job.lab == "worse":
        raise TypeError("what a reply was\nforged into")
    return Result([("t", True, "")])


def test_a_submission_that_breaks_each_jail_is_the_only_one_that_is_not_graded(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "run", _breaks_its_jail_or_its_process)
    work = {name: job(name) for name in ("good", "breaks", "kills")}
    results = dict(pool.run(work, pool.Cache(tmp_path), workers=2, jails_work=lambda: True))
    assert results["good"].outcomes == [["t", True, ""]]
    assert results["breaks"].trouble == "could not be graded: the sandbox failed"
    assert results["kills"].trouble == "could not be graded: a grading process was killed"


def _breaks_its_jail_or_its_process(job):
    if job.lab == "breaks":
        raise SandboxError("the sandbox failed")
    if job.lab == "kills":
        os.kill(os.getpid(), signal.SIGKILL)
    return Result([("t", True, "")])


def test_a_changed_test_is_judged_again_and_no_other(tmp_path, monkeypatch):
    asked = tmp_path / "asked"
    monkeypatch.setattr(execution, "run", _judges_what_is_asked)
    cache = pool.Cache(tmp_path)
    for tests, judged in (
        ({"a": "1", "b": "1"}, "a b"),
        ({"a": "1", "b": "1"}, None),
        ({"a": "1", "b": "2"}, "b"),
        ({"b": "2"}, None),  # a test that is gone
        ({"a": "1", "b": "2", "c": "1"}, "c"),
    ):
        asked.unlink(missing_ok=True)
        (result,) = dict(pool.run({"key": Job("lab", str(asked), "", limits=Limits(), tests=tests)}, cache)).values()
        assert [name for name, _, _ in result.outcomes] == list(tests)
        assert (asked.read_text() if asked.is_file() else None) == judged


@pytest.mark.parametrize(
    ("halve", "judged"), [("double(x) / 4", {"doubles", "halves"}), ("x / 3", {"doubles"})], ids=["rests", "alone"]
)
def test_a_failed_exercise_that_rests_on_one_whose_test_changed_is_judged_again(tmp_path, monkeypatch, halve, judged):
    lab = make_course(tmp_path / "course", judge=TWO_TESTS)
    notebook = nbformat.writes(answered(lab, halve=f"def halve(x):\n    return {halve}"))
    asked = []
    monkeypatch.setattr(
        pool, "_on_processes", lambda todo, *_: [(key, _fails(job, asked)) for key, job in todo.items()]
    )
    cache = pool.Cache(tmp_path / "cache")
    for doubles in ("1", "2"):
        job = Job(LAB, str(lab.root), notebook, limits=Limits(), tests={"doubles": doubles, "halves": "1"})
        list(pool.run({"key": job}, cache))
    assert asked == [{"doubles", "halves"}, judged]


TWO_TESTS = """
from course_tools.grader.judge.hidden_tests import hidden_test

@hidden_test("check_double", points=2, hint="")
def doubles(student, generator): ...

@hidden_test("check_halve", points=1, hint="")
def halves(student, generator): ...
"""


def _fails(job, asked):
    asked.append(set(job.tests))
    return Result([(name, name == "doubles", "") for name in job.tests], judged=job.tests)


def _judges_what_is_asked(job):
    Path(job.root).write_text(" ".join(job.tests))
    return Result([(name, True, "") for name in job.tests], judged=job.tests)


def test_without_dask_a_scheduler_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CourseError, match=r"--scheduler needs dask\.distributed: pip install"):
        list(pool.run({"a": job("lab")}, pool.Cache(tmp_path), scheduler="tcp://127.0.0.1:1"))
