"""course_tools.grader.cohort.pool: what was done is kept, and a worker that dies costs nothing but time."""

import os
import signal
import sys
from pathlib import Path

import pytest

from course_tools.grader.cohort import execution, pool
from course_tools.grader.cohort.execution import Job, Result
from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.sandbox import SandboxError
from course_utils.errors import CourseError


def job(lab: str) -> Job:
    return Job(lab, "", "", limits=Limits())


def test_a_damaged_cache_is_as_good_as_none(tmp_path):
    cache = pool.Cache(tmp_path)
    cache.put("a", Result([("t", True, "")], {}, [], 1.0))
    assert cache.get("a").outcomes == [["t", True, ""]] and cache.get("b") is None
    for text in ("", "{", "[]", '{"unknown": 1}'):
        (tmp_path / "a.json").write_text(text)
        assert cache.get("a") is None


def test_a_result_is_the_same_at_once_and_from_the_cache(tmp_path):
    cache = pool.Cache(tmp_path)
    at_once = cache.put("a", Result([("t", True, "")], {"cell": []}, ["a note"], 1.0))
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


def test_without_dask_a_scheduler_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CourseError, match=r"--scheduler needs dask\.distributed: pip install"):
        list(pool.run({"a": job("lab")}, pool.Cache(tmp_path), scheduler="tcp://127.0.0.1:1"))
