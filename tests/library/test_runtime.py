"""course_utils.runtime: the device, the seed, the progress bar."""

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


@pytest.mark.parametrize("present, expected", [({"cuda", "mps"}, "cuda"), ({"mps"}, "mps"), (set(), "cpu")])
def test_auto_takes_the_best_device_present(monkeypatch, present, expected):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in present)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in present)
    assert runtime.device().type == expected


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


def test_no_progress_bar_while_outputs_are_stored_or_compared(monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    assert not runtime.progress_wanted()
    monkeypatch.delenv("COURSE_PROGRESS")
    assert runtime.progress_wanted()
    monkeypatch.setenv("PYTEST_VERSION", "9")
    assert not runtime.progress_wanted()


def test_a_course_error_in_a_notebook_shows_its_message_without_a_traceback():
    assert CourseError("do this")._render_traceback_() == ["CourseError: do this"]


def test_outputs_are_stored_and_compared_with_one_thread_unless_somebody_asks_for_more(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert runtime.for_stored_outputs("cpu")["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert runtime.for_stored_outputs("cpu")["OMP_NUM_THREADS"] == "2"
