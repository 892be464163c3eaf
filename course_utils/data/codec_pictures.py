"""Luma pictures for the codec lessons and labs: a training set, a test set of other sources, and a short video.

Training: 240 crops of 128×128 from 15 photographs of Debian's `lomiri-wallpapers`, made 2 to 8 times smaller first, so
that the traces of their JPEG coding are gone. Test: the photographs of `TEST`, which scikit-image and scikit-learn
ship. No photograph, place or photographer is in both. Video: 32 frames of 320×192 from Kivy's examples, with a cut in
the middle. Licences: CC0, CC BY, CC BY-SA, each in `files/LICENSES.md`, which also says how the files were made.

Luma is BT.709 in full range, 0 to 255, of RGB pictures; the video's is as it was stored, 16 to 235.
"""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_utils import embedded
from course_utils.codec import blocks, colour
from course_utils.data import photographs

SIDE = 128  # pixels along a training crop
CORNER = 512  # pixels: the most of a test picture that a slow experiment codes
CROPS_PER_SOURCE = 16
TRAINING_FILE = "codec_training_crops.png"
TRAINING_SHA256 = "fdcce49d595224315efe073f877c6200c058164305e6a18487065e9c9dc80b96"
CLIP_FILE = "codec_city_clip.png"
CLIP_SHA256 = "42cabafa7a05acb8d525c9cf0364a8d81c617587213df0b06477c5b56a014558"
CLIP_SHAPE = (32, 192, 320)  # frames, height, width
CLIP_CUT = 16  # the first frame of the second shot

# Those of scikit-image and scikit-learn that show no coding blocks; moon, coins and retina do.
TEST = (
    *("astronaut", "coffee", "chelsea", "rocket", "camera", "brick", "grass", "gravel", "motorcycle", "hubble"),
    *("china", "flower"),
)


def training() -> Tensor:
    """The training crops, (240, 128, 128) uint8: crops 16·k to 16·k + 15 are of one photograph.

    Keep whole photographs apart where you need a validation set: its crops look alike. Raises `CourseError`
    where the embedded file is missing or damaged.
    """
    sprite = _grey_png(TRAINING_FILE, TRAINING_SHA256)
    return blocks.cut(sprite, SIDE).flatten(0, 1).contiguous()


def held_out() -> dict[str, Tensor]:
    """The twelve test pictures by name, each (H, W) uint8, from 300×451 to 872×1000."""
    return {name: colour.luma(photographs.load(name)) for name in TEST}


def held_out_corners(side: int = CORNER) -> dict[str, Tensor]:
    """The upper left corners of the test pictures by name: each side a multiple of 16 and at most `side` pixels."""
    return {
        name: picture[: min(side, picture.shape[0] // 16 * 16), : min(side, picture.shape[1] // 16 * 16)]
        for name, picture in held_out().items()
    }


def clip() -> Tensor:
    """A time lapse of a city at night, (32, 192, 320) uint8 at 25 frames a second; a second shot begins at frame 16."""
    frames, height, width = CLIP_SHAPE
    return _grey_png(CLIP_FILE, CLIP_SHA256).reshape(frames, height, width)


def _grey_png(name: str, sha256: str) -> Tensor:
    """An embedded grey PNG, (H, W) uint8."""
    return torch.from_numpy(np.array(Image.open(io.BytesIO(embedded.read(name, sha256)))))
