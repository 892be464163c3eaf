"""course_tools.authoring.embed_codec_pictures: what it embeds is what `codec_pictures` reads back. Small sources."""

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from course_tools.authoring import embed_codec_pictures
from course_tools.authoring.crops import LEAST_DETAIL, detail
from course_tools.authoring.embed_codec_pictures import Source
from course_utils import embedded
from course_utils.data import codec_pictures


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The folder into which data files are embedded, empty."""
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setattr(embedded, "FOLDER", folder)
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def photograph(seed: int, *, flat_columns: int = 0) -> Image.Image:
    """A picture of 2800×2000 with detail everywhere but in the left columns."""
    pixels = np.random.default_rng(seed).integers(0, 256, (250, 350, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    pixels[:, :flat_columns] = 90
    return Image.fromarray(pixels)


def test_luma_has_the_asked_long_side_but_is_at_most_half_of_the_picture():
    assert embed_codec_pictures.luma_at(photograph(0), 640).shape == (457, 640)
    assert embed_codec_pictures.luma_at(photograph(0), 5000).shape == (1000, 1400)


def test_crops_are_of_both_scales_differ_and_leave_out_what_is_flat():
    crops = embed_codec_pictures.crops_of(photograph(1, flat_columns=1200), np.random.default_rng(0))
    assert len(crops) == codec_pictures.CROPS_PER_SOURCE and {crop.shape for crop in crops} == {(128, 128)}
    assert (detail(torch.stack(crops)) > LEAST_DETAIL).all()
    assert len({crop.numpy().tobytes() for crop in crops}) == len(crops)


def test_where_too_little_has_detail_the_most_detailed_crops_are_taken():
    crops = embed_codec_pictures.crops_of(photograph(1, flat_columns=2500), np.random.default_rng(0))
    assert len(crops) == codec_pictures.CROPS_PER_SOURCE
    coarse = torch.stack(crops[: embed_codec_pictures.SCALES[0][1]])
    assert (detail(coarse) > 0).any()


def test_the_training_crops_come_back_source_by_source(files, tmp_path, monkeypatch, capsys):
    sources = tuple(Source(f"{name}.png", name, "CC0") for name in ("one", "two"))
    for seed, source in enumerate(sources):
        photograph(seed).save(tmp_path / source.file)
    monkeypatch.setattr(embed_codec_pictures, "SOURCES", sources)
    embed_codec_pictures.embed_training(tmp_path)
    path = files / codec_pictures.TRAINING_FILE
    assert sha256(path) in capsys.readouterr().out
    monkeypatch.setattr(codec_pictures, "TRAINING_SHA256", sha256(path))
    crops = codec_pictures.training()
    generator = np.random.default_rng(0)
    drawn = [crop for seed in (0, 1) for crop in embed_codec_pictures.crops_of(photograph(seed), generator)]
    assert torch.equal(crops, torch.stack(drawn))


def test_the_clip_is_the_middle_of_the_frames_half_as_large(files, tmp_path, monkeypatch):
    monkeypatch.setattr(codec_pictures, "CLIP_SHAPE", (3, 96, 160))
    monkeypatch.setattr(embed_codec_pictures, "FIRST_FRAME", 2)
    place = tmp_path / embed_codec_pictures.CLIP
    place.parent.mkdir(parents=True)
    levels = (40, 60, 80, 120, 160, 200)
    with av.open(str(place), "w", format="mpeg") as container:
        stream = container.add_stream("mpeg1video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 352, 224, "yuv420p", 4_000_000
        for level in levels:
            luma = np.full((224 + 112, 352), 128, dtype=np.uint8)
            luma[:224] = level
            container.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="yuv420p")))
        container.mux(stream.encode())
    embed_codec_pictures.embed_clip(tmp_path)
    monkeypatch.setattr(codec_pictures, "CLIP_SHA256", sha256(files / codec_pictures.CLIP_FILE))
    clip = codec_pictures.clip().float()
    assert clip.shape == (3, 96, 160)
    assert (clip.mean(dim=(1, 2)) - torch.tensor([80.0, 120.0, 160.0])).abs().max() < 3


def test_every_source_and_the_clip_have_a_licence_line():
    text = (embedded.FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    for source in embed_codec_pictures.SOURCES:
        assert f"| {source.file.removesuffix('.jpg')} | {source.credit} | {source.licence} |" in text
    assert codec_pictures.TRAINING_FILE in text and codec_pictures.CLIP_FILE in text
