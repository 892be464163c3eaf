"""course_utils.data.voc: Pascal VOC read from a folder such as torchvision fetches; none is fetched here."""

import tarfile
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data import voc
from course_utils.data.detection_set import VOID
from course_utils.errors import CourseError

OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult>
<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"""


def write_photograph(base, name, objects, *, width=80, height=40, with_map=False):
    """One photograph of width × height pixels with `objects` (name, difficult, box as VOC counts)."""
    Image.fromarray(np.full((height, width, 3), 51, dtype=np.uint8)).save(base / "JPEGImages" / f"{name}.jpg")
    inside = "".join(OBJECT.format(name=kind, difficult=difficult, box=box) for kind, difficult, box in objects)
    (base / "Annotations" / f"{name}.xml").write_text(f"<annotation><folder>VOC2007</folder>{inside}</annotation>")
    if with_map:
        pixels = np.zeros((height, width), dtype=np.uint8)
        pixels[:, : width // 2] = 12
        pixels[0, :] = 255
        Image.fromarray(pixels).save(base / "SegmentationClass" / f"{name}.png")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A data folder with two training photographs and one test photograph."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    for split, names in (("trainval", ["000001", "000002"]), ("test", ["000003"])):
        # torchvision looks for the test year of 2007 in the same folder
        base = tmp_path / "voc" / "VOCdevkit" / "VOC2007"
        for folder in ("JPEGImages", "Annotations", "SegmentationClass", "ImageSets/Main"):
            (base / folder).mkdir(parents=True, exist_ok=True)
        (base / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")
    write_photograph(base, "000001", [("dog", 0, (1, 1, 40, 20)), ("person", 1, (5, 5, 9, 9))], with_map=True)
    write_photograph(base, "000002", [("car", 0, (41, 21, 80, 40)), ("bus", 0, (1, 1, 80, 40))])
    write_photograph(base, "000003", [])
    return tmp_path


def test_boxes_are_scaled_counted_from_zero_and_difficult_ones_left_out(home):
    train, test = voc.load(side=20)
    assert train.images.shape == (2, 3, 20, 20) and train.boxes.shape == (2, 2, 4)
    boxes, labels = train.objects(0)
    assert boxes.tolist() == [[0, 0, 10, 10]] and [train.classes[label] for label in labels] == ["dog"]
    boxes, labels = train.objects(1)
    assert boxes.tolist() == [[10, 10, 20, 20], [0, 0, 20, 20]]
    assert [train.classes[label] for label in labels] == ["car", "bus"]
    assert len(test) == 1 and len(test.objects(0)[0]) == 0
    assert torch.allclose(train.images, torch.tensor(0.2), atol=0.02)


def test_class_maps_are_read_where_there_are_any_and_void_elsewhere(home):
    train, _ = voc.load(side=20)
    assert train.class_maps[0, 10, :].tolist() == [12] * 10 + [0] * 10  # 12 is the dog, as 1 + label
    assert train.classes[11] == "dog"
    assert (train.class_maps[1] == VOID).all()


def test_only_photographs_with_class_maps_when_these_are_asked_for(home):
    train, test = voc.load(side=20, only_with_class_maps=True)
    assert len(train) == 1 and len(test) == 0


def test_a_damaged_photograph_is_named(home):
    (home / "voc/VOCdevkit/VOC2007/JPEGImages/000002.jpg").write_bytes(b"no picture")
    with pytest.raises(CourseError, match=r"000002\.jpg cannot be read"):
        voc.load(side=20)


@pytest.mark.parametrize("error", [URLError("no network"), RuntimeError("not found"), tarfile.ReadError("broken")])
def test_without_a_network_the_three_ways_are_named(monkeypatch, tmp_path, error):
    def refuse(*arguments, download, **options):
        raise error if download else RuntimeError("Dataset not found or corrupted")

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(voc.datasets, "VOCDetection", refuse)
    with pytest.raises(CourseError, match=r"connect to a network.*or download.*or copy the folder VOCdevkit"):
        voc.load()


def test_a_full_disk_is_a_clear_error(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(voc.datasets, "VOCDetection", refuse)
    with pytest.raises(CourseError, match="the disk is full: free 3 GB"):
        voc.load()
