"""Make the embedded data files again from their Debian packages, and print the sha256 that the modules record.

apt install dataset-fashion-mnist bible-kjv
python -m course_tools.authoring.embed_data
"""

import gzip
import hashlib
import re
import subprocess

import numpy as np
from PIL import Image

from course_utils import embedded
from course_utils.data import fashion_mnist

EMBEDDED_COUNTS = {"train": 12_000, "test": 2_000}


def embed_fashion_mnist() -> None:
    """Write the first pictures of each split as one PNG sprite, and their labels as a line of digits."""
    for split, count in EMBEDDED_COUNTS.items():
        payload = [
            fashion_mnist._idx_payload(fashion_mnist.DEBIAN_FOLDER, split, kind)
            for kind in ("images-idx3", "labels-idx1")
        ]
        for kind, content in zip(("images", "labels"), payload, strict=True):
            print(f"full {split} {kind}: {hashlib.sha256(content.tobytes()).hexdigest()}")
        side, columns = fashion_mnist.SIDE, fashion_mnist.COLUMNS
        pictures = payload[0].reshape(-1, side, side)[:count]
        # (rows, columns, 28, 28) -> (rows, 28, columns, 28): pictures side by side
        sprite = pictures.reshape(-1, columns, side, side).transpose(0, 2, 1, 3).reshape(-1, columns * side)
        Image.fromarray(np.ascontiguousarray(sprite)).save(
            embedded.FOLDER / f"fashion_mnist_{split}.png", optimize=True
        )
        digits = "".join(map(str, payload[1][:count]))
        (embedded.FOLDER / f"fashion_mnist_{split}_labels.txt").write_text(digits + "\n", encoding="ascii")


def embed_king_james() -> None:
    """Write Genesis to Ruth, a verse a line without its number."""
    listing = subprocess.run(
        ["bible", "-f", "Ge1:1-Ruth4:22"], check=True, capture_output=True, encoding="ascii"
    ).stdout
    verses = re.findall(r"^\w+?\d+:\d+ (.*)$", listing, flags=re.MULTILINE)
    text = "".join(verse + "\n" for verse in verses)
    (embedded.FOLDER / "king_james_genesis_to_ruth.txt.gz").write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))
    print(f"king_james: {len(text):,} characters")


if __name__ == "__main__":
    embed_fashion_mnist()
    embed_king_james()
    for path in sorted(embedded.FOLDER.glob("*_*")):
        print(f"{path.name}: {hashlib.sha256(path.read_bytes()).hexdigest()}")
