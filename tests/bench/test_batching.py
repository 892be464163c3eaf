"""course_tools.bench.batching: mini-batches by indexing and by three loaders, on a few pictures."""

import torch

from course_tools.bench import batching
from course_utils.data.image_set import ImageSet


def test_indexing_is_timed_against_three_ways_of_loading(monkeypatch):
    few = ImageSet(torch.rand(300, 1, 28, 28), torch.randint(10, (300,)), tuple("abcdefghij"))
    monkeypatch.setattr(batching.fashion_mnist, "load", lambda: (few, few))
    rows, note = batching.run(repeats=1)
    assert [row.what.split(",")[0] for row in rows] == ["shuffled pass"] * 3
    assert all(row.ours == rows[0].ours > 0 and row.other > 0 and row.unit == "ms" for row in rows)
    assert "batches of 128" in note
