"""Pictures with boxes and class maps, held in tensors: what every lesson on detection trains on."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from course_utils.data.image_set import Batches, fits

ABSENT = -1  # the label of a row of `boxes` that holds no object
VOID = 255  # the class of a pixel that counts neither as right nor as wrong


@dataclass(frozen=True)
class DetectionSet:
    """Pictures in memory, each with up to M objects.

    images: (N, 3, H, W) float32 in [0, 1]
    boxes: (N, M, 4) float32, x1 y1 x2 y2 in pixels; x2 and y2 are the edges behind the last pixel, so x2 - x1 is a
        width. Rows without an object are zero.
    labels: (N, M) int64, each an index into `classes`, or `ABSENT`; present objects come first
    class_maps: (N, H, W) uint8, 0 for the background, 1 + label for an object's visible pixels, or `VOID`
    """

    images: Tensor
    boxes: Tensor
    labels: Tensor
    class_maps: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: Tensor | slice) -> tuple[Tensor, dict[str, Tensor]]:
        """Pictures and targets of `indices`: (B, 3, H, W) and a dict of boxes, labels and class_maps."""
        targets = {name: getattr(self, name)[indices] for name in ("boxes", "labels", "class_maps")}
        return self.images[indices], targets

    def first(self, count: int) -> "DetectionSet":
        """The set of the first `count` pictures."""
        names = ("images", "boxes", "labels", "class_maps")
        return replace(self, **{name: getattr(self, name)[:count] for name in names})

    def objects(self, index: int) -> tuple[Tensor, Tensor]:
        """Boxes (K, 4) and labels (K,) of the K objects in picture `index`."""
        present = self.labels[index] != ABSENT
        return self.boxes[index][present], self.labels[index][present]

    def to(self, device: torch.device | str) -> "DetectionSet":
        """The same set on `device`; where a GPU lacks the memory it stays put, and each batch travels by itself."""
        if not fits(self.images, device):
            return self
        names = ("images", "boxes", "labels", "class_maps")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def batches(self, *, batch_size: int, shuffle: bool = False, generator: torch.Generator | None = None) -> Batches:
        """Mini-batches of (images, targets), cut from the tensors by indexing; see `__getitem__` and `Batches`."""
        return Batches(self, batch_size=batch_size, shuffle=shuffle, generator=generator)
