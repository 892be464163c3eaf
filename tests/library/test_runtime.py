"""course_utils.runtime: the device, the seed, the progress bar."""

import os
import random

import numpy as np
import pytest
import torch

from course_utils import runtime
from course_utils.errors import CourseError


def test_the_named_device_is_used():
    assert runtime.device("cpu") == torch.device("cpu")


def test_the_environment_names_the_device_where_no_argument_does(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert runtime.device().type == "cpu"


@pytest.fixture
def present(monkeypatch) -> set[str]:
    """The accelerators of this machine, none at first."""
    names: set[str] = set()
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)
    return names


@pytest.mark.parametrize("names, expected", [({"cuda", "mps"}, "cuda"), ({"mps"}, "cpu"), (set(), "cpu")])
def test_auto_takes_cuda_where_it_is_and_else_the_cpu(present, names, expected):
    present |= names
    assert runtime.device().type == runtime.device("auto").type == expected


def test_apples_gpu_is_taken_where_somebody_asks_for_it(present, monkeypatch):
    with pytest.raises(CourseError, match="no mps device on this machine"):
        runtime.device("mps")
    present |= {"mps"}
    assert runtime.device("mps").type == "mps"
    monkeypatch.setenv("COURSE_DEVICE", "mps")
    assert runtime.device().type == "mps"


def test_an_unknown_device_is_a_clear_error():
    with pytest.raises(CourseError, match=r"unknown device 'gpu'.*auto, cpu, cuda, mps"):
        runtime.device("gpu")


def test_cuda_asked_for_where_there_is_none_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CourseError, match="no cuda device on this machine: use --device cpu"):
        runtime.device("cuda")


def test_the_same_seed_gives_the_same_numbers_everywhere():
    def draw() -> tuple:
        generator = runtime.seed(3)
        return random.random(), np.random.rand(), torch.rand(1).item(), torch.rand(1, generator=generator).item()

    assert draw() == draw()


@pytest.mark.parametrize("kind, waits", [("cuda", ["cuda"]), ("mps", ["mps"]), ("cpu", [])])
def test_a_clock_waits_for_the_device_that_works_in_its_own_time(monkeypatch, kind, waits):
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append(device.type))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    runtime.synchronize(torch.device(kind))
    assert waited == waits


def test_a_variable_is_set_for_a_while_and_then_as_before(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "before")
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    with pytest.raises(ZeroDivisionError), runtime.environment(COURSE_DATA="now", COURSE_PROGRESS="off", COURSE_X=None):
        assert os.environ["COURSE_DATA"] == "now" and os.environ["COURSE_PROGRESS"] == "off"
        assert "COURSE_X" not in os.environ
        _ = 1 / 0
    assert os.environ["COURSE_DATA"] == "before" and "COURSE_PROGRESS" not in os.environ


def test_no_progress_bar_while_outputs_are_stored_or_compared(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    assert not runtime.watched()
    monkeypatch.delenv("COURSE_PROGRESS")
    assert runtime.watched()
    monkeypatch.setenv("PYTEST_VERSION", "9")
    assert not runtime.watched()


def test_a_course_error_in_a_notebook_shows_its_message_without_a_traceback():
    assert CourseError("do this")._render_traceback_() == ["CourseError: do this"]
