"""course_tools.bench: the comparisons with the peers, and the page that is made from them."""

import json

import pytest
import torch

from course_tools.bench import page, speed_run
from course_tools.bench.page import Comparison
from course_utils import runtime
from course_utils.command import notebooks
from course_utils.data.image_set import ImageSet

ROWS = [
    Comparison("a thing", 0.5, 2.0, "ms", "lesson", "torch"),
    Comparison("another", 12.0, 6.0),
    Comparison("a filter", -4.8, -5.1, "%", divides=False),
    Comparison("a stage", 3.0, None, ours_is=""),
]


def test_the_table_begins_with_the_ratio_of_their_time_to_ours():
    lines = page.table(ROWS).splitlines()
    assert lines[2] == "| 4 | a thing | lesson: 0.50 ms | torch: 2.00 ms |"
    assert lines[3].startswith("| 0.5 | another | ours: 12.0 s") and lines[4].startswith("| – |")
    assert lines[5] == "| – | a stage | 3.00 s | – |"


def test_a_part_is_stored_and_replaced_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "course_root", lambda: tmp_path)
    folder = tmp_path / page.FOLDER
    folder.mkdir(parents=True)
    for name, rows in (("batching", ROWS[:1]), ("speed-run", ROWS[1:]), ("batching", ROWS[:2])):
        page.store(name, rows, command=f"course bench {name}", note="A note.")
    parts = json.loads((folder / "benchmarks.json").read_text())
    assert list(parts) == ["speed-run", "batching"] and len(parts["batching"]["rows"]) == 2
    text = (folder / "benchmarks.md").read_text()
    assert text.index(page.TITLES["speed-run"]) < text.index(page.TITLES["batching"]) and "`course bench" in text
    assert (folder / "benchmarks.png").stat().st_size > 5000


def test_the_stored_page_is_the_one_that_its_figures_make():
    folder = notebooks.course_root() / page.FOLDER
    parts = json.loads((folder / "benchmarks.json").read_text(encoding="utf-8"))
    assert (folder / "benchmarks.md").read_text(encoding="utf-8") == page.page(parts)


def test_times_are_medians_and_the_first_call_does_not_count(monkeypatch):
    clock = iter([0, 100, 0, 1, 0, 5, 0, 2])
    monkeypatch.setattr(page.time, "perf_counter", lambda: next(clock))
    assert page.median_seconds(lambda: None, repeats=3) == 2


def test_flipped_batches_end_after_the_steps_and_mirror_half(tmp_path):
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
    with pytest.raises(Exception, match=r"below 0\.91: nothing to compare"):
        speed_run.run(1, device=torch.device("cpu"), say=lambda _: None)
    monkeypatch.setattr(speed_run, "GOAL", 0)
    monkeypatch.setattr(speed_run, "WORKERS", 0)
    monkeypatch.setattr(speed_run, "TEXTBOOK_BATCH", 8)
    monkeypatch.setattr(speed_run, "BATCH", 8)
    rows, note = speed_run.run(1, device=torch.device("cpu"), timed_steps=1, say=lambda _: None)
    assert all(row.ours > 0 and row.other > 0 for row in rows) and "was not measured" in note


def test_a_bench_for_a_lab_that_is_not_there_ends_in_one_line(type_command):
    done = type_command("bench", "grading", "lab99", cwd=notebooks.course_root())
    assert done.returncode == 2 and "lab99" in done.stderr and "Traceback" not in done.stderr
