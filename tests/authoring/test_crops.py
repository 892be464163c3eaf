"""course_tools.authoring.crops: training crops from a folder of pictures."""

import pytest
import torch
from PIL import Image

from course_tools.authoring import crops
from course_utils.errors import CourseError


def test_a_folder_of_ones_own_pictures_becomes_crops(tmp_path):
    Image.new("RGB", (100, 70), (255, 255, 255)).save(tmp_path / "b.png")
    Image.new("L", (64, 64), 10).save(tmp_path / "a.png")
    Image.new("L", (10, 10), 10).save(tmp_path / "small.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    cut = crops.from_folder(tmp_path, side=16, shrink=2)
    assert cut.shape == (4 + 6, 16, 16) and cut.dtype == torch.uint8
    assert cut[:4].unique().tolist() == [10] and cut[4:].unique().tolist() == [255]


def test_crops_without_a_pixel_are_a_clear_error(tmp_path):
    with pytest.raises(CourseError, match="side and shrink are at least 1, not 0 and 2"):
        crops.from_folder(tmp_path, side=0)


@pytest.mark.parametrize(
    ("name", "message"), [("nowhere", "is no folder"), (".", "holds no picture of at least 256×256")]
)
def test_a_folder_without_pictures_is_a_clear_error(tmp_path, name, message):
    with pytest.raises(CourseError, match=message):
        crops.from_folder(tmp_path / name)


def test_detail_is_what_grey_levels_differ_by_down_and_across():
    flat = torch.full((1, 4, 4), 200, dtype=torch.uint8)
    stripes = (torch.arange(4) % 2 * 10).to(torch.uint8).expand(1, 4, 4)
    assert crops.detail(torch.cat([flat, stripes])).tolist() == [0, 10]
