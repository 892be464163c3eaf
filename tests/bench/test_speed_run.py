"""course_tools.bench.speed_run: our loop and the tutorials', on a few pictures."""

import pytest
import torch

from course_tools.bench import speed_run
from course_utils import runtime
from course_utils.data.image_set import ImageSet
from course_utils.errors import CourseError


def test_flipped_batches_end_after_the_steps_and_mirror_half():
    generator = runtime.seed(0)
    images = torch.arange(4.0).expand(300, 1, 4, 4)
    batches = list(speed_run.Flipped(ImageSet(images, torch.zeros(300).long(), ("a",)), 20, generator))
    assert [len(labels) for _, labels in batches[:4]] == [128, 128, 44, 128] and len(batches) == 20
    mirrored = sum(bool(x[0, 0, 0, 0] == 3) for x, _ in batches)
    assert 4 <= mirrored <= 16


def test_the_speed_run_trains_both_loops_and_says_where_the_goal_is_missed(monkeypatch):
    part = ImageSet(torch.rand(256, 1, 28, 28), torch.randint(10, (256,)), tuple("abcdefghij"))
    monkeypatch.setattr(speed_run.fashion_mnist, "load", lambda full: (part, part))
    monkeypatch.setattr(speed_run, "STEPS", 2)
    with pytest.raises(CourseError, match=r"below 0\.91: nothing to compare"):
        speed_run.run(1, device=torch.device("cpu"), say=lambda _: None)
    monkeypatch.setattr(speed_run, "GOAL", 0)
    monkeypatch.setattr(speed_run, "WORKERS", 0)
    monkeypatch.setattr(speed_run, "TEXTBOOK_BATCH", 8)
    monkeypatch.setattr(speed_run, "BATCH", 8)
    rows, note = speed_run.run(1, device=torch.device("cpu"), timed_steps=1, say=lambda _: None)
    assert all(row.ours > 0 and row.other > 0 for row in rows) and "was not measured" in note
