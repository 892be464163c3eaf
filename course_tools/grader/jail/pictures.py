"""Pictures that came from a student: kept where they are small, made smaller where they are not, never run as a script.

Only PNG and JPEG are kept: an SVG may carry a script into the instructor's browser.
"""

import base64
import binascii
import io
import warnings

from PIL import Image

MOST_CHARACTERS = 2 * 2**20  # of a kept picture's base64
MOST_READ = 40 * 2**20  # characters of one that is made smaller
MOST_PIXELS = 50_000_000  # of one that is decoded
SIDE = 1600  # pixels of the longer side, after it was made smaller
SAFE = ("image/png", "image/jpeg")
CONVERTED = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}


class LeftOut(ValueError):
    """A picture that is not kept; the message says why."""


def kept(kind: str, text: str) -> tuple[str, str]:
    """The kind and the base64 text that a picture of this kind and text is kept with: itself where it is small.

    Raises `LeftOut` for what is no picture, and for one of another kind or size than can be read.
    """
    if not _is_base64(text):
        raise LeftOut(f"{kind} without a picture")
    if kind in SAFE and len(text) <= MOST_CHARACTERS:
        return kind, text
    if kind not in CONVERTED:
        raise LeftOut(f"{kind} may hold a script")
    size = f"{kind} of {len(text) * 3 / 4 / 2**20:.1f} MiB"
    if len(text) > MOST_READ:
        raise LeftOut(f"{size} is too large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(base64.b64decode(text)), formats=[CONVERTED[kind]]) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise LeftOut(f"{size} has {picture.width} x {picture.height} pixels")
                picture.thumbnail((SIDE, SIDE))
                return _written(picture)
    except LeftOut:
        raise
    except Exception:  # a decoder may raise anything for damaged bytes
        raise LeftOut(f"{size} cannot be read") from None


def _written(picture: Image.Image) -> tuple[str, str]:
    """As PNG where that is small enough, else as JPEG."""
    colours = "RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB"
    for kind, mode in (("image/png", colours), ("image/jpeg", "RGB")):
        made = io.BytesIO()
        picture.convert(mode).save(made, CONVERTED[kind])
        text = base64.b64encode(made.getvalue()).decode("ascii")
        if len(text) <= MOST_CHARACTERS:
            return kind, text
    raise LeftOut("it stays too large")


def _is_base64(text: str) -> bool:
    try:
        return bool(text) and bool(base64.b64decode(text.replace("\n", ""), validate=True))
    except (binascii.Error, ValueError):
        return False
