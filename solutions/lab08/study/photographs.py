"""Gather the photographs that the shipped loop filter was trained on, for `loop_filter.py --pictures`.

apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds plasma-workspace-wallpapers \
    lxqt-themes gcompris-qt-data
for package in *.deb; do dpkg -x "$package" unpacked; done
python solutions/lab08/study/photographs.py unpacked photographs

The 15 of `lomiri-wallpapers` stand in `embed_codec_pictures.SOURCES`, the others in the table of `LICENSES.md` and
nowhere else. Stage one of the training had these 15, stage two all but those of `gcompris-qt-data`: delete the rest.
"""

import io
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from course_tools.authoring import embed_codec_pictures
from course_utils import embedded

# A row of the table in LICENSES.md: package, what holds the photographs in it, their names.
ROW = re.compile(r"^\| `([\w-]+)`(?:, (?:folder|activity) `(\w+)`)? \| ([\w, -]+) \|", re.MULTILINE)
PLACES = {
    "mate-backgrounds": "usr/share/backgrounds/mate/{part}/{name}.jpg",
    "plasma-workspace-wallpapers": "usr/share/wallpapers/{name}/contents/images/2560x1600.jpg",
    "lxqt-themes": "usr/share/lxqt/wallpapers/{name}.*",
}
RESOURCES = "usr/share/gcompris-qt/rcc/{part}.rcc"
SUFFIXES = (".jpg", ".png", ".webp")  # drawings and sounds share names with the photographs
COMPRESSED, FOLDER = 1, 2  # flags of a node in Qt's resource files
NODE = 22  # bytes, from version 2 on


def resources(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in a binary resource file of Qt, a tree of nodes (Qt's `qresource.cpp`)."""
    content = path.read_bytes()
    magic, version, tree, data, names = struct.unpack_from(">4s4I", content)
    assert magic == b"qres" and version >= 2, path

    def walk(index: int) -> Iterator[tuple[str, bytes]]:
        at = tree + NODE * index
        name_at, flags, count, first = struct.unpack_from(">IHII", content, at)
        if flags & FOLDER:
            for child in range(first, first + count):
                yield from walk(child)
            return
        (length,) = struct.unpack_from(">H", content, names + name_at)
        name = content[names + name_at + 6 :][: 2 * length].decode("utf-16-be")  # after the length, a hash of 4 bytes
        (at,) = struct.unpack_from(">I", content, at + 10)
        (size,) = struct.unpack_from(">I", content, data + at)
        file = content[data + at + 4 :][:size]
        yield name, zlib.decompress(file[4:]) if flags & COMPRESSED else file

    return walk(0)


def photographs(unpacked: Path) -> Iterator[tuple[str, Path | io.BytesIO]]:
    """A name and a file that Pillow reads, for each photograph."""
    for source in embed_codec_pictures.SOURCES:
        yield Path(source.file).stem, next(unpacked.rglob(source.file))
    for package, part, names in ROW.findall((embedded.FOLDER / "LICENSES.md").read_text(encoding="utf-8")):
        if package in PLACES:
            for name in names.split(", "):
                (path,) = unpacked.glob(PLACES[package].format(part=part, name=name))
                yield f"{package}-{name}", path
            continue
        files = resources(unpacked / RESOURCES.format(part=part))
        found = {Path(name).stem: file for name, file in files if Path(name).suffix in SUFFIXES}
        for name in names.split(", "):
            yield f"{package}-{part}-{name}", io.BytesIO(found[name])


if __name__ == "__main__":
    unpacked, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in photographs(unpacked):
        Image.open(file).convert("RGB").save(folder / f"{name}.png", compress_level=1)
    print(f"{folder}: {len(list(folder.iterdir()))} photographs")
