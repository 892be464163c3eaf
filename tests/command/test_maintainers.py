"""The verbs of `course bench`: each shows its table, and stores it only where it is asked to."""

import importlib

import pytest
from typer.testing import CliRunner

from course_tools.bench import page
from course_tools.bench.page import Comparison
from course_utils.command.app import application


@pytest.mark.parametrize(
    "command",
    [
        "batching",
        "from-scratch",
        "speed-run --seeds 2",
        "grading lab05 --students 3 -j 1",
        "validation lessons",
        "newcomer",
    ],
)
def test_a_bench_shows_its_table_and_stores_it_where_it_is_told_to(monkeypatch, command):
    name, *options = command.split()
    module = importlib.import_module(f"course_tools.bench.{name.replace('-', '_')}")
    monkeypatch.setattr(module, "run", lambda *values, **named: ([Comparison("a thing", 1.0, 2.0)], "A note."))
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    stored = []
    monkeypatch.setattr(page, "store", lambda part, rows, **about: stored.append((part, about["command"])))
    shown = CliRunner().invoke(application(), ["bench", name, *options], catch_exceptions=False)
    assert "| 2 | a thing |" in shown.stdout and "A note." in shown.stdout and stored == []
    CliRunner().invoke(application(), ["bench", name, *options, "--write"], catch_exceptions=False)
    assert stored == [(name, f"course bench {command}")]


def test_a_bench_that_is_interrupted_leaves_the_page_as_it_was(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("course_tools.bench.batching.run", interrupted)
    monkeypatch.setattr(page, "store", lambda *values, **named: pytest.fail("it was stored"))
    done = CliRunner().invoke(application(), ["bench", "batching", "--write"])
    assert done.exit_code == 130 and done.stderr == "course: stopped; the page is as it was\n"
