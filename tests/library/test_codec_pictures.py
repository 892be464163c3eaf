"""The pictures of the codec labs: there, as described, apart from each other, and with a licence."""

import torch

from course_utils.data import codec_pictures, photographs


def test_the_training_crops_are_sixteen_of_each_source():
    crops = codec_pictures.training()
    assert crops.shape == (16 * 15, 128, 128) and crops.dtype == torch.uint8
    assert crops.float().std(dim=(1, 2)).median() > 20


def test_no_two_training_crops_are_the_same():
    assert len(codec_pictures.training().flatten(1).unique(dim=0)) == 240


def test_the_training_crops_show_no_blocks_of_an_old_coding():
    """Steps between columns 8 apart are as large as any; after a JPEG of quality 85 one offset in 8 has 10 % more."""
    crops = codec_pictures.training().float()
    steps = crops.diff(dim=2).abs().mean(dim=(0, 1))  # (127,), entry k between columns k and k + 1
    for offset in range(8):
        assert 0.97 < steps[offset::8].mean() / steps.mean() < 1.03


def test_the_held_out_pictures_are_luma_in_their_own_size():
    pictures = codec_pictures.held_out()
    assert len(pictures) == 12
    for name, picture in pictures.items():
        assert picture.shape == photographs.PHOTOGRAPHS[name].shape[1:] and picture.dtype == torch.uint8


def test_the_corners_are_those_of_the_pictures_cut_to_multiples_of_sixteen():
    pictures, corners = codec_pictures.held_out(), codec_pictures.held_out_corners(320)
    assert corners["chelsea"].shape == (288, 320) and pictures["chelsea"].shape == (300, 451)
    for name, corner in corners.items():
        height, width = corner.shape
        assert height % 16 == width % 16 == 0 and torch.equal(corner, pictures[name][:height, :width])


def test_the_clip_moves_and_is_cut_in_the_middle():
    clip = codec_pictures.clip().int()
    assert clip.shape == codec_pictures.CLIP_SHAPE
    change = clip.diff(dim=0).abs().float().mean(dim=(1, 2))
    assert change.argmax() == codec_pictures.CLIP_CUT - 1 and change.min() > 1
