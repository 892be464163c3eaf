"""Pictures and labels held in tensors, and the two ways to draw mini-batches from them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class ImageSet:
    """Labelled pictures in memory.

    images: (N, C, H, W) float32, in [0, 1] as loaded
    labels: (N,) int64, each an index into `classes`
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Pictures (B, C, H, W) and labels (B,) of `indices`."""
        return self.images[indices], self.labels[indices]

    def to(self, device: torch.device | str) -> "ImageSet":
        """The same set on `device`; where a GPU lacks the memory it stays put, and each batch travels by itself."""
        if not fits(self.images, device):
            return self
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def normalized(self, mean: float, std: float) -> "ImageSet":
        """The same set with pixels (x - mean) / std."""
        return replace(self, images=(self.images - mean) / std)

    def batches(self, *, batch_size: int, shuffle: bool = False, generator: torch.Generator | None = None) -> "Batches":
        """Mini-batches cut from the tensors by indexing; see `Batches`."""
        return Batches(self, batch_size=batch_size, shuffle=shuffle, generator=generator)

    def loader(
        self, *, batch_size: int, shuffle: bool = False, generator: torch.Generator | None = None
    ) -> DataLoader[tuple[Tensor, ...]]:
        """torch's `DataLoader` over the same pictures: item by item, then collated; the slower, common interface."""
        dataset = TensorDataset(self.images, self.labels)
        return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, generator=generator)


def fits(images: Tensor, device: torch.device | str) -> bool:
    """Whether `images` leave half of the free memory of `device` to the network and its activations."""
    device = torch.device(device)
    if device.type != "cuda" or images.device.type == "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= free // 2


class InMemory(Protocol):
    """A set that lies in tensors: `images` (N, …), and `set[indices]` is the mini-batch of these pictures."""

    @property
    def images(self) -> Tensor: ...

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Tensor) -> tuple[Tensor, Any]: ...


class Batches:
    """An iterable of (images, targets) mini-batches of a set that lies in memory, cut by indexing.

    Each pass draws a new order where `shuffle` is set. The order comes from the CPU `generator` (or torch's own), so
    it is the same on every device. The last batch may be smaller.
    """

    def __init__(
        self, images: InMemory, *, batch_size: int, shuffle: bool = False, generator: torch.Generator | None = None
    ) -> None:
        self.set = images
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def __len__(self) -> int:
        return -(-len(self.set) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Any]]:
        count = len(self.set)
        order = torch.randperm(count, generator=self.generator) if self.shuffle else torch.arange(count)
        for indices in order.to(self.set.images.device).split(self.batch_size):
            yield self.set[indices]
