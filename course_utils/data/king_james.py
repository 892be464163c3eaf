"""Text for language models: the King James Bible from Genesis to Ruth, about a million characters.

Source: the Authorized Version of 1611, as in Debian's package `bible-kjv`. Licence: public domain, since its copyright
has expired (`files/LICENSES.md`). One verse a line, without its number.
"""

import gzip
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils import embedded

SHA256 = "f0280f3900ea316326aff756fc0bd21d53dca0382874f427cb1925c8698f088c"
CHARACTERS = 1_026_921


@dataclass(frozen=True)
class Text:
    """A text and its characters as numbers.

    text: the characters
    vocabulary: the different characters, sorted; a character's number is its place here

    >>> Text("abba", vocabulary=("a", "b")).encode("ba")
    tensor([1, 0])
    """

    text: str
    vocabulary: tuple[str, ...]

    def encode(self, text: str) -> Tensor:
        """Character numbers of `text`: (T,) int64. Raises `KeyError` for a character outside the vocabulary."""
        number = {character: index for index, character in enumerate(self.vocabulary)}
        return torch.tensor([number[character] for character in text], dtype=torch.int64)

    def decode(self, numbers: Tensor) -> str:
        """The text behind character numbers (T,)."""
        return "".join(self.vocabulary[index] for index in numbers.tolist())


def load() -> Text:
    """The excerpt and its vocabulary. Raises `CourseError` where the embedded file is missing or damaged."""
    text = gzip.decompress(embedded.read("king_james_genesis_to_ruth.txt.gz", SHA256)).decode("ascii")
    return Text(text=text, vocabulary=tuple(sorted(set(text))))
