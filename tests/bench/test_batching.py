"""course_tools.bench.batching: mini-batches by indexing and by three loaders, on a few pictures."""

import torch

from course_tools.bench import batching
from course_utils.data.image_set import ImageSet


def test_indexing_is_timed_against_three_ways_of_loading(monkeypatch):
    few = ImageSet(torch.rand(300, 1, 28, 28), torch.randint(10, (300,)), tuple("abcdefghij"))
    monkeypatch.setattr(batching.fashion_mnist, "load", lambda: (few, few))
    passes: list[int] = []

    def two_milliseconds(one_pass, repeats):
        passes.extend(repeats * [len(one_pass())])
        return 0.002

    monkeypatch.setattr(batching, "median_seconds", two_milliseconds)
    rows, note = batching.run(repeats=1)
    assert [row.what.split(",")[0] for row in rows] == ["shuffled pass"] * 3 and passes == 4 * [3]  # batches of 300
    assert [(row.ours, row.other, row.unit) for row in rows] == 3 * [(2.0, 2.0, "ms")]
    assert "batches of 128" in note
