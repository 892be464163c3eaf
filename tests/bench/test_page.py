"""course_tools.bench.page: the table, the stored page and the plot that comparisons with the peers make."""

import json

from course_tools.bench import page
from course_tools.bench.page import Comparison
from course_utils.command import notebooks

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
