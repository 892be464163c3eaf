"""course_utils.data: what is embedded, how it is verified, how the full set is had, how batches are cut."""

import errno
import gzip
import hashlib
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import embedded
from course_utils.data import fashion_mnist, king_james, photographs
from course_utils.data.detection_set import DetectionSet
from course_utils.data.image_set import ImageSet, fits
from course_utils.errors import CourseError


def counting_set(count: int) -> ImageSet:
    """A set whose n-th picture is one pixel of value n."""
    numbers = torch.arange(count)
    return ImageSet(images=numbers.float().reshape(-1, 1, 1, 1), labels=numbers, classes=())


def test_the_embedded_fashion_mnist_has_its_shape_range_and_classes():
    train, test = fashion_mnist.load()
    assert train.images.shape == (12_000, 1, 28, 28) and test.images.shape == (2_000, 1, 28, 28)
    assert train.images.dtype == torch.float32 and train.labels.dtype == torch.int64
    assert train.images.min() == 0 and train.images.max() == 1
    # Counted from the first 12,000 labels of the original file.
    assert train.labels.bincount().tolist() == [1122, 1220, 1201, 1212, 1181, 1204, 1244, 1192, 1195, 1229]
    assert test.labels.bincount(minlength=10).min() > 180 and len(train.classes) == 10


def test_the_recorded_mean_and_std_are_those_of_all_training_pixels():
    pixels = fashion_mnist.load()[0].images.double()
    assert round(pixels.mean().item(), 4) == fashion_mnist.MEAN
    assert round(pixels.std(correction=0).item(), 4) == fashion_mnist.STD


@pytest.mark.skipif(not fashion_mnist.DEBIAN_FOLDER.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_the_embedded_pictures_are_the_first_ones_of_the_full_set():
    for part, whole in zip(fashion_mnist.load(), fashion_mnist.load(full=True), strict=True):
        assert torch.equal(part.images, whole.images[: len(part)])
        assert torch.equal(part.labels, whole.labels[: len(part)])


def test_the_text_starts_with_genesis_and_ends_with_ruth():
    text = king_james.load()
    assert len(text.text) == king_james.CHARACTERS
    assert text.text.startswith("In the beginning God created") and text.text.endswith("and Jesse begat David.\n")
    assert len(text.vocabulary) == len(set(text.text))


def test_encoding_and_decoding_a_text_gives_the_text_back():
    text = king_james.load()
    sample = text.text[5_000:6_000]
    assert text.decode(text.encode(sample)) == sample


@pytest.mark.parametrize("name", photographs.PHOTOGRAPHS)
def test_every_photograph_is_there_in_its_recorded_shape(name):
    image = photographs.load(name)
    assert image.shape == photographs.PHOTOGRAPHS[name].shape and image.dtype == torch.uint8


def test_an_unknown_photograph_is_a_clear_error():
    with pytest.raises(CourseError, match="no photograph 'lena': choose one of astronaut"):
        photographs.load("lena")


@pytest.mark.parametrize("name, package", [("astronaut", "scikit-image"), ("china", "scikit-learn")])
def test_a_photograph_whose_package_is_not_installed_is_a_clear_error(monkeypatch, name, package):
    monkeypatch.setattr(photographs, "find_spec", lambda _: None)
    with pytest.raises(CourseError, match=f"{package}, which ships the photograph '{name}', is not installed: reinst"):
        photographs.load(name)


def test_a_photograph_of_another_version_of_its_package_is_a_clear_error(monkeypatch):
    monkeypatch.setitem(photographs.SHA256, "camera", "0" * 64)
    with pytest.raises(CourseError, match=r"camera.png is damaged.*pip install --force-reinstall --no-deps scikit-im"):
        photographs.load("camera")


@pytest.fixture
def copied_files(monkeypatch, tmp_path) -> Path:
    """The embedded files in a folder that a test may damage."""
    folder = tmp_path / "files"
    shutil.copytree(embedded.FOLDER, folder)
    monkeypatch.setattr(embedded, "FOLDER", folder)
    return folder


def test_a_damaged_data_file_is_a_clear_error(copied_files):
    path = copied_files / "fashion_mnist_test.png"
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(CourseError, match=r"fashion_mnist_test.png is damaged.*git checkout"):
        fashion_mnist.load()


def test_a_missing_data_file_is_a_clear_error(copied_files):
    (copied_files / "king_james_genesis_to_ruth.txt.gz").unlink()
    with pytest.raises(CourseError, match=r"cannot be read \(No such file.*git checkout"):
        king_james.load()


# --- the full set: small idx files stand in for it


def write_idx(folder: Path, *, compressed: bool) -> None:
    """Four idx files of three training and two test pictures."""
    folder.mkdir(parents=True)
    for name, count in (("train", 3), ("t10k", 2)):
        pixels = np.full((count, 28, 28), 51, dtype=np.uint8).tobytes()
        for kind, content in (("images-idx3", bytes(16) + pixels), ("labels-idx1", bytes(8) + bytes(range(count)))):
            path = folder / f"{name}-{kind}-ubyte"
            if compressed:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
            else:
                path.write_bytes(content)


@pytest.fixture
def small_full_set(monkeypatch, tmp_path) -> Path:
    """No Debian package, an empty cache, and the sums of the stand-in files; returns the cache's folder."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    sums = {
        split: (
            hashlib.sha256(np.full(count * 784, 51, dtype=np.uint8)).hexdigest(),
            hashlib.sha256(bytes(range(count))).hexdigest(),
        )
        for split, count in (("train", 3), ("test", 2))
    }
    monkeypatch.setattr(fashion_mnist, "FULL_SHA256", sums)
    return tmp_path / "cache"


class FakeDownload:
    """Stands in for torchvision's data set: writes what it would fetch, or fails as `failure` says."""

    failure: Exception | None = None

    def __init__(self, root: str, *, train: bool, download: bool) -> None:
        print("Downloading …")  # torchvision talks
        folder = Path(root, "FashionMNIST", "raw")
        if train:
            write_idx(folder, compressed=False)
        elif self.failure is not None:
            raise self.failure


@pytest.mark.parametrize("compressed", [True, False])
def test_the_full_set_is_read_from_an_installed_package(small_full_set, compressed):
    write_idx(fashion_mnist.DEBIAN_FOLDER, compressed=compressed)
    train, test = fashion_mnist.load(full=True)
    assert (len(train), len(test)) == (3, 2)
    assert torch.all(train.images == 51 / 255) and train.labels.tolist() == [0, 1, 2]


def test_the_full_set_is_fetched_once_and_then_cached(small_full_set, monkeypatch, capsys):
    monkeypatch.setattr(fashion_mnist.datasets, "FashionMNIST", FakeDownload)
    assert len(fashion_mnist.load(full=True)[0]) == 3
    monkeypatch.setattr(FakeDownload, "failure", AssertionError("fetched twice"))
    assert len(fashion_mnist.load(full=True)[0]) == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("failure", [URLError("no network"), RuntimeError("Error downloading train-images")])
def test_without_a_network_the_error_names_three_ways_and_nothing_is_left(small_full_set, monkeypatch, failure):
    monkeypatch.setattr(fashion_mnist.datasets, "FashionMNIST", FakeDownload)
    monkeypatch.setattr(FakeDownload, "failure", failure)
    with pytest.raises(CourseError, match=r"could not be fetched.*network.*apt install.*copy the four idx files"):
        fashion_mnist.load(full=True)
    assert list(small_full_set.iterdir()) == []


def test_a_full_disk_is_a_clear_error_and_nothing_is_left(small_full_set, monkeypatch):
    monkeypatch.setattr(fashion_mnist.datasets, "FashionMNIST", FakeDownload)
    monkeypatch.setattr(FakeDownload, "failure", OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(CourseError, match=r"the disk is full: free 150 MB in .*cache, or set COURSE_DATA"):
        fashion_mnist.load(full=True)
    assert list(small_full_set.iterdir()) == []


def test_a_damaged_full_set_is_a_clear_error(small_full_set):
    write_idx(fashion_mnist.DEBIAN_FOLDER, compressed=False)
    (fashion_mnist.DEBIAN_FOLDER / "train-images-idx3-ubyte").write_bytes(b"half")
    with pytest.raises(CourseError, match="are damaged: delete that folder and try again"):
        fashion_mnist.load(full=True)


def test_a_full_set_without_its_labels_is_a_clear_error(small_full_set):
    write_idx(fashion_mnist.DEBIAN_FOLDER, compressed=False)
    (fashion_mnist.DEBIAN_FOLDER / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(CourseError, match=r"no t10k-labels-idx1-ubyte in .*debian: either connect to a network"):
        fashion_mnist.load(full=True)


def test_a_file_that_cannot_be_unpacked_is_a_clear_error(small_full_set):
    write_idx(fashion_mnist.DEBIAN_FOLDER, compressed=True)
    path = fashion_mnist.DEBIAN_FOLDER / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CourseError, match=r"train-images-idx3-ubyte.gz cannot be read .*: delete it and try again"):
        fashion_mnist.load(full=True)


def test_half_a_set_in_the_cache_is_fetched_anew(small_full_set, monkeypatch):
    (small_full_set / "FashionMNIST" / "raw").mkdir(parents=True)
    (small_full_set / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte").touch()
    monkeypatch.setattr(fashion_mnist.datasets, "FashionMNIST", FakeDownload)
    assert len(fashion_mnist.load(full=True)[1]) == 2


def test_a_cache_that_cannot_be_written_is_a_clear_error(small_full_set, monkeypatch):
    monkeypatch.setattr(fashion_mnist.datasets, "FashionMNIST", FakeDownload)
    monkeypatch.setattr(FakeDownload, "failure", PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(CourseError, match="cache cannot be written: set COURSE_DATA to a folder of your own"):
        fashion_mnist.load(full=True)


# --- sets and batches


def test_a_set_stays_where_it_is_when_the_gpu_has_no_room_for_it(monkeypatch):
    """It may take half of what is free: the network needs the rest."""
    images = counting_set(100)  # 400 bytes
    detections = DetectionSet(images.images, torch.zeros(100, 1, 4), torch.zeros(100, 1), torch.zeros(100, 1, 1), ())
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (799, 10_000))
    assert images.to("cuda") is images and detections.to("cuda") is detections
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (800, 10_000))
    assert fits(images.images, "cuda")


@given(count=st.integers(1, 60), batch_size=st.integers(1, 70), shuffle=st.booleans())
def test_each_pass_over_batches_brings_every_picture_once(count, batch_size, shuffle):
    batches = counting_set(count).batches(batch_size=batch_size, shuffle=shuffle)
    passed = list(batches)
    assert len(passed) == len(batches)
    assert sorted(torch.cat([labels for _, labels in passed]).tolist()) == list(range(count))
    assert all(torch.equal(images.flatten().long(), labels) for images, labels in passed)


def test_shuffled_batches_come_in_another_order_each_pass_and_in_the_same_one_for_the_same_seed():
    def passes() -> list[list[int]]:
        generator = torch.Generator().manual_seed(0)
        batches = counting_set(50).batches(batch_size=7, shuffle=True, generator=generator)
        return [torch.cat([labels for _, labels in batches]).tolist() for _ in range(2)]

    first, second = passes()
    assert first != second and [first, second] == passes()


def test_the_data_loader_gives_the_same_batches_as_indexing():
    images = counting_set(10)
    for cut, collated in zip(images.batches(batch_size=4), images.loader(batch_size=4), strict=True):
        assert torch.equal(cut[0], collated[0]) and torch.equal(cut[1], collated[1])


def test_normalized_pixels_have_mean_zero_and_std_one():
    images = counting_set(100)
    mean, std = images.images.mean().item(), images.images.std(correction=0).item()
    pixels = images.normalized(mean, std).images
    assert abs(pixels.mean()) < 1e-5 and abs(pixels.std(correction=0) - 1) < 1e-5


def test_three_sets_share_no_picture_and_the_first_two_are_the_training_set():
    (train, test), three = fashion_mnist.load(), fashion_mnist.load_three()
    assert [len(part) for part in three] == [10_000, 2_000, 2_000]
    assert torch.equal(torch.cat([three[0].images, three[1].images]), train.images)
    assert torch.equal(torch.cat([three[0].labels, three[1].labels]), train.labels)
    assert torch.equal(three[2].images, test.images) and three[1].classes == train.classes
    assert min(three[1].labels.bincount()) > 150  # every class is there: the files are in no order


def test_a_validation_set_that_leaves_nothing_to_learn_from_is_a_clear_error():
    with pytest.raises(CourseError, match=r"from 1 to 11,999 of the training pictures, not 12,000"):
        fashion_mnist.load_three(validation=12_000)
