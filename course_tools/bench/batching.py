"""Mini-batches of data that fit in memory: by indexing, and by torch's `DataLoader`, with and without transforms."""

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader
from torchvision.transforms import v2

from course_tools.bench.page import Comparison
from course_tools.bench.speed_run import BATCH, Flipped, Pictures, tutorial_transform
from course_tools.bench.timing import median_seconds
from course_utils import runtime
from course_utils.data import fashion_mnist


def run(repeats: int = 5) -> tuple[list[Comparison], str]:
    """One pass over 12,000 pictures each way."""
    generator = runtime.seed(0)
    raw, _ = fashion_mnist.load()
    train = raw.normalized(fashion_mnist.MEAN, fashion_mnist.STD)
    transform = v2.Compose([*tutorial_transform(), v2.Normalize([fashion_mnist.MEAN], [fashion_mnist.STD])])
    pictures = Pictures(raw, transform)
    indexing = _pass_seconds(Flipped(train, -(-len(train) // BATCH), generator), repeats)
    loaders = {
        "shuffled pass, DataLoader over tensors": train.loader(batch_size=BATCH, shuffle=True, generator=generator),
        "shuffled pass, DataLoader with transforms": DataLoader(pictures, batch_size=BATCH, shuffle=True),
        "shuffled pass, the same with two workers": DataLoader(
            pictures, batch_size=BATCH, shuffle=True, num_workers=2, persistent_workers=True
        ),
    }
    rows = [
        Comparison(what, 1000 * indexing, 1000 * _pass_seconds(loader, repeats), "ms", "indexing", "DataLoader")
        for what, loader in loaders.items()
    ]
    note = (
        f"12,000 pictures of 28×28 in batches of {BATCH}. Ours are normalised once, before the first pass, and "
        "mirrored by batches; the transforms do both picture by picture."
    )
    return rows, note


def _pass_seconds(batches: Iterable[Any], repeats: int) -> float:
    return median_seconds(lambda: [None for _ in batches], repeats=repeats)
