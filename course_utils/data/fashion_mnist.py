"""Fashion-MNIST: grey 28×28 pictures of ten kinds of clothing.

Source: Xiao, Rasul and Vollgraf (2017), *Fashion-MNIST: a novel image dataset for benchmarking machine learning
algorithms*, Zalando Research. Licence: MIT (`files/LICENSES.md`).

Embedded: the first 12,000 training and the first 2,000 test pictures, as one PNG sprite each; `load(full=True)` gives
all 60,000 and 10,000. `load_three` takes the last 2,000 of the training pictures for validation: 10,000 to learn from,
2,000 to choose by, 2,000 to be looked at once.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import datasets

from course_utils import embedded, runtime
from course_utils.data.image_set import ImageSet
from course_utils.errors import CourseError

CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SIDE = 28
COLUMNS = 100  # pictures in one row of a sprite

# Of all pixels of the embedded training pictures, in [0, 1]; lesson 01 computes them.
MEAN, STD = 0.2861, 0.3538

EMBEDDED_SHA256 = {
    "train": (
        "fb24fbe570ca52f39e9bf783b68eb2e6558cea8eaabdabf1cc7e7511bfa5cec4",
        "59ced196ce4655ac29b9b0b039a83ea331856c6a3803b8fa2d265decd8e3cf1d",
    ),
    "test": (
        "8e3f2f3948aa50e2af66e07be4425fa7933ac42d2d62912771c3dfe809607cea",
        "fb3db0658eee44d5c3ec054e531d0ca39ab25e322e47f7f247ad72d2e196348e",
    ),
}
# Of the pixel and label bytes behind the headers of the full set's files.
FULL_SHA256 = {
    "train": (
        "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    ),
    "test": (
        "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
}
IDX_NAMES = {"train": "train", "test": "t10k"}
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
THREE_WAYS = (
    "either connect to a network and try again, or `apt install dataset-fashion-mnist` (Debian, Ubuntu), "
    "or copy the four idx files of Fashion-MNIST from another computer to {folder}"
)


def load(*, full: bool = False, device: torch.device | str = "cpu") -> tuple[ImageSet, ImageSet]:
    """The training and the test set, on `device` where they fit.

    Each holds images (N, 1, 28, 28) float32 in [0, 1] and labels (N,) int64; N is 12,000 and 2,000, or with `full`
    60,000 and 10,000. The full set is taken from the Debian package or the cache where it is there, else fetched by
    torchvision. Raises `CourseError` for missing or damaged data, and says how to get it.
    """
    read = _read_full if full else _read_embedded
    train, test = (_image_set(*read(split)).to(device) for split in ("train", "test"))
    return train, test


def load_three(
    *, validation: int = 2000, full: bool = False, device: torch.device | str = "cpu"
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training, validation and test set: as `load`, with the last `validation` training pictures as a set of their own.

    The files are in no order, so the last ones are as good as drawn. Raises `CourseError` where nothing is left to
    train on, and as `load`.
    """
    train, test = load(full=full, device=device)
    if not 0 < validation < len(train):
        raise CourseError(f"validation is from 1 to {len(train) - 1:,} of the training pictures, not {validation:,}")
    parts = (slice(None, -validation), slice(-validation, None))
    first, last = (replace(train, images=train.images[part], labels=train.labels[part]) for part in parts)
    return first, last, test


def _image_set(pixels: np.ndarray, labels: np.ndarray) -> ImageSet:
    images = torch.from_numpy(pixels.reshape(-1, 1, SIDE, SIDE).astype(np.float32)).div_(255)
    return ImageSet(images=images, labels=torch.from_numpy(labels.astype(np.int64)), classes=CLASSES)


def _read_embedded(split: str) -> tuple[np.ndarray, np.ndarray]:
    images_sha256, labels_sha256 = EMBEDDED_SHA256[split]
    sprite = np.asarray(Image.open(io.BytesIO(embedded.read(f"fashion_mnist_{split}.png", images_sha256))))
    rows = sprite.shape[0] // SIDE
    # (rows, 28, columns, 28) -> (rows, columns, 28, 28): a picture's own rows come together
    pixels = sprite.reshape(rows, SIDE, COLUMNS, SIDE).transpose(0, 2, 1, 3)
    digits = embedded.read(f"fashion_mnist_{split}_labels.txt", labels_sha256).decode("ascii")
    labels = np.array([int(digit) for digit in digits if digit.isdigit()])
    return np.ascontiguousarray(pixels), labels


def _read_full(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of the full set as flat uint8 arrays."""
    cached = runtime.data_home() / "FashionMNIST" / "raw"  # torchvision's own layout
    folder = next((place for place in (DEBIAN_FOLDER, cached) if _idx_file(place, split, "images-idx3")), None)
    if folder is None:
        _download()
        folder = cached
    pixels, labels = (_idx_payload(folder, split, kind) for kind in ("images-idx3", "labels-idx1"))
    for content, sha256 in zip((pixels, labels), FULL_SHA256[split], strict=True):
        if hashlib.sha256(content.data).hexdigest() != sha256:
            raise CourseError(f"the Fashion-MNIST files in {folder} are damaged: delete that folder and try again")
    return pixels, labels


def _idx_file(folder: Path, split: str, kind: str) -> Path | None:
    stem = folder / f"{IDX_NAMES[split]}-{kind}-ubyte"
    return next((path for path in (stem, stem.with_name(stem.name + ".gz")) if path.is_file()), None)


def _idx_payload(folder: Path, split: str, kind: str) -> np.ndarray:
    """The bytes behind the header of one idx file, gzipped or not (format: LeCun, the MNIST database)."""
    header_bytes = {"images-idx3": 16, "labels-idx1": 8}[kind]
    path = _idx_file(folder, split, kind)
    if path is None:
        raise CourseError(f"no {IDX_NAMES[split]}-{kind}-ubyte in {folder}: {THREE_WAYS.format(folder=folder)}")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise CourseError(f"{path} cannot be read ({error}): delete it and try again") from None
    return np.frombuffer(content, dtype=np.uint8, offset=min(header_bytes, len(content)))


def _download() -> None:
    """Let torchvision fetch the full set, and move it into the cache only when it is whole."""
    home = runtime.data_home()
    target = home / "FashionMNIST"
    ways = THREE_WAYS.format(folder=target / "raw")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, prefix="unfinished-") as unfinished:
            with contextlib.redirect_stdout(io.StringIO()):
                for train in (True, False):
                    datasets.FashionMNIST(unfinished, train=train, download=True)
            if target.exists():
                shutil.rmtree(target)
            (Path(unfinished) / "FashionMNIST").replace(target)
    except (OSError, RuntimeError) as error:  # torchvision says RuntimeError when no mirror answers
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CourseError(
                f"the disk is full: free 150 MB in {home}, or set COURSE_DATA to another folder"
            ) from None
        if isinstance(error, PermissionError):
            raise CourseError(f"{home} cannot be written: set COURSE_DATA to a folder of your own") from None
        raise CourseError(f"the full Fashion-MNIST could not be fetched: {ways}") from None
