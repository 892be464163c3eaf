"""Pascal VOC 2007, in the form of the scenes: for who asks for a real detection benchmark. Nothing is embedded.

Source: Everingham, Van Gool, Williams, Winn and Zisserman (2010), *The Pascal visual object classes (VOC) challenge*,
IJCV 88; 5,011 training and 4,952 test photographs, 20 classes. Licence: the photographs are Flickr users' and come
under Flickr's terms of use; they may not be passed on, so torchvision fetches them from the organisers' server.
"""

import errno
import tarfile
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import datasets
from tqdm.auto import tqdm

from course_utils import runtime
from course_utils.data.detection_set import ABSENT, VOID, DetectionSet
from course_utils.errors import CourseError

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
SPLITS = {"train": "trainval", "test": "test"}
YEAR = "2007"


def load(
    *, side: int = 128, only_with_class_maps: bool = False, device: torch.device | str = "cpu"
) -> tuple[DetectionSet, DetectionSet]:
    """Training and test photographs, each squeezed to side × side pixels with its boxes.

    only_with_class_maps: just the 422 and 210 photographs that have a segmentation; the others' maps are all `VOID`
    Objects marked "difficult" are left out. The challenge counts a detection of one neither right nor wrong; here it
    counts as wrong, so mAP comes out lower than the challenge's. Takes a minute or two.
    Raises `CourseError` where the data cannot be had, and says how to get it.
    """
    train, test = (_read(split, side, only_with_class_maps).to(device) for split in SPLITS)
    return train, test


def _read(split: str, side: int, only_with_class_maps: bool) -> DetectionSet:
    photographs = _open(split)
    maps = [Path(path).parents[1] / "SegmentationClass" / f"{Path(path).stem}.png" for path in photographs.images]
    chosen = [i for i in range(len(maps)) if maps[i].is_file() or not only_with_class_maps]
    images = torch.empty(len(chosen), 3, side, side)
    class_maps = torch.full((len(chosen), side, side), VOID, dtype=torch.uint8)
    objects = []
    for row, index in enumerate(tqdm(chosen, desc=f"VOC {split}", disable=not runtime.watched())):
        try:
            picture, annotation = photographs[index]
            small = picture.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
            images[row] = torch.from_numpy(np.array(small)).permute(2, 0, 1) / 255
            if maps[index].is_file():
                class_map = Image.open(maps[index]).resize((side, side), Image.Resampling.NEAREST)
                class_maps[row] = torch.from_numpy(np.array(class_map))
        except (OSError, ParseError) as error:
            raise CourseError(f"{photographs.images[index]} cannot be read ({error}): fetch VOC {YEAR} anew") from None
        objects.append(_objects(annotation["annotation"], side / torch.tensor(picture.size * 2)))
    most = max((len(labels) for _, labels in objects), default=0)
    boxes, labels = torch.zeros(len(chosen), most, 4), torch.full((len(chosen), most), ABSENT)
    for row, (its_boxes, its_labels) in enumerate(objects):
        boxes[row, : len(its_boxes)], labels[row, : len(its_labels)] = its_boxes, its_labels
    return DetectionSet(images=images, boxes=boxes, labels=labels, class_maps=class_maps, classes=CLASSES)


def _objects(annotation: dict[str, Any], scale: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (K, 4) and labels (K,); VOC counts pixels from 1 and includes the last one."""
    counted = [item for item in annotation["object"] if item.get("difficult", "0") == "0"]
    corners = [[float(item["bndbox"][name]) for name in ("xmin", "ymin", "xmax", "ymax")] for item in counted]
    boxes = (torch.tensor(corners).reshape(-1, 4) - torch.tensor([1.0, 1.0, 0.0, 0.0])) * scale
    return boxes, torch.tensor([CLASSES.index(item["name"]) for item in counted], dtype=torch.int64)


def _open(split: str) -> datasets.VOCDetection:
    """torchvision's data set from the cache; fetched first where it is not there."""
    home = runtime.data_home() / "voc"
    ways = (
        "either connect to a network and try again, or download VOCtrainval_06-Nov-2007.tar and "
        f"VOCtest_06-Nov-2007.tar from the PASCAL VOC pages and unpack both in {home}, "
        "or copy the folder VOCdevkit from another computer to it"
    )
    for download in (False, True):
        try:
            return datasets.VOCDetection(home, year=YEAR, image_set=SPLITS[split], download=download)
        except (OSError, RuntimeError, tarfile.TarError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise CourseError(
                    f"the disk is full: free 3 GB in {home}, or set COURSE_DATA to another folder"
                ) from None
    raise CourseError(f"Pascal VOC {YEAR} ({split}) could not be fetched: {ways}")
