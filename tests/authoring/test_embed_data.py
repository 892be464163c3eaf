"""course_tools.authoring.embed_data: what it embeds is what the data modules read back. Tried on small sources."""

import gzip
import hashlib

import numpy as np
import pytest

from course_tools.authoring import embed_data
from course_utils import embedded
from course_utils.data import fashion_mnist, king_james

BIBLE = """#!/bin/sh
test "$*" = "-f Ge1:1-Ruth4:22" || exit 3
echo "Ge1:1 In the beginning."
echo "a heading"
echo "Ge1:2 And the earth: it was (void)."
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The folder into which data files are embedded, empty."""
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setattr(embedded, "FOLDER", folder)
    return folder


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_first_pictures_of_each_split_come_back_with_their_labels(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(embed_data, "EMBEDDED_COUNTS", {"train": 200, "test": 100})
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (250, 28, 28), dtype=np.uint8)
    labels = generator.integers(0, 10, 250, dtype=np.uint8)
    for name in fashion_mnist.IDX_NAMES.values():
        for kind, header, content in (("images-idx3", 16, pixels), ("labels-idx1", 8, labels)):
            (tmp_path / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(bytes(header) + content.tobytes()))
    embed_data.embed_fashion_mnist()
    hashes = {
        split: tuple(sha256(files / f"fashion_mnist_{split}{end}") for end in (".png", "_labels.txt"))
        for split in ("train", "test")
    }
    monkeypatch.setattr(fashion_mnist, "EMBEDDED_SHA256", hashes)
    for part, count in zip(fashion_mnist.load(), (200, 100), strict=True):
        assert len(part) == count and part.labels.tolist() == labels[:count].tolist()
        assert np.array_equal((255 * part.images[:, 0]).round().numpy().astype(np.uint8), pixels[:count])
    assert f"full train labels: {hashlib.sha256(labels.tobytes()).hexdigest()}" in capsys.readouterr().out


def test_the_text_has_a_verse_a_line_without_numbers_and_headings(files, tmp_path, monkeypatch):
    bible = tmp_path / "bible"
    bible.write_text(BIBLE)
    bible.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    embed_data.embed_king_james()
    monkeypatch.setattr(king_james, "SHA256", sha256(files / "king_james_genesis_to_ruth.txt.gz"))
    assert king_james.load().text == "In the beginning.\nAnd the earth: it was (void).\n"
