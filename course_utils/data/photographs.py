"""Real photographs that need no download: those that scikit-image and scikit-learn ship in their wheels.

`PHOTOGRAPHS` lists each with its size, credit and licence. Nothing is copied into the course; the files are read where
the two packages keep them, after their sha256 was checked.
"""

import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_utils import embedded
from course_utils.errors import CourseError

PACKAGE_FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}


@dataclass(frozen=True)
class Photograph:
    """One photograph of a package: (channels, height, width) as stored, who made it, under which licence."""

    package: str
    file: str
    shape: tuple[int, int, int]
    credit: str
    licence: str


PHOTOGRAPHS = {
    "astronaut": Photograph(
        "skimage", "astronaut.png", (3, 512, 512), "NASA, Great Images database (Eileen Collins)", "public domain"
    ),
    "coffee": Photograph(
        "skimage", "coffee.png", (3, 400, 600), "Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0"
    ),
    "chelsea": Photograph("skimage", "chelsea.png", (3, 300, 451), "Stefan van der Walt", "CC0"),
    "rocket": Photograph("skimage", "rocket.jpg", (3, 427, 640), "SpaceX (launch of DSCOVR)", "public domain"),
    "camera": Photograph("skimage", "camera.png", (1, 512, 512), "Lav Varshney", "CC0"),
    "brick": Photograph("skimage", "brick.png", (1, 512, 512), "CC0Textures (Bricks25)", "CC0"),
    "grass": Photograph("skimage", "grass.png", (1, 512, 512), "linolafett", "CC0"),
    "gravel": Photograph("skimage", "gravel.png", (1, 512, 512), "CC0Textures (Gravel04)", "CC0"),
    "motorcycle": Photograph(
        "skimage",
        "motorcycle_left.png",
        (3, 500, 741),
        "Middlebury 2014 stereo benchmark (Nesic, Westling, Wang, Kitajima, Krathwohl, Scharstein)",
        "not stated; shipped by scikit-image",
    ),
    "hubble": Photograph(
        "skimage", "hubble_deep_field.jpg", (3, 872, 1000), "NASA, Hubble eXtreme Deep Field", "public domain"
    ),
    "retina": Photograph(
        "skimage", "retina.jpg", (3, 1411, 1411), "Mikael Häggström (2014), WikiJournal of Medicine 1 (2)", "CC0"
    ),
    "tissue": Photograph(
        "skimage",
        "ihc.png",
        (3, 512, 512),
        "Center for Microscopy and Molecular Imaging (stained colonic glands)",
        "no known copyright restrictions, says scikit-image",
    ),
    "coins": Photograph(
        "skimage",
        "coins.png",
        (1, 303, 384),
        "Brooklyn Museum Collection (coins from Pompeii)",
        "no known copyright restrictions, says scikit-image",
    ),
    "handwriting": Photograph(
        "skimage", "text.png", (1, 172, 448), "Wikipedia, File:Corner.png", "public domain, says scikit-image"
    ),
    "china": Photograph("sklearn", "china.jpg", (3, 427, 640), "danielbuechele, Flickr 6061409035", "CC BY 2.0"),
    "flower": Photograph("sklearn", "flower.jpg", (3, 427, 640), "vultilion, Flickr 6056698931", "CC BY 2.0"),
}
SHA256 = {
    "astronaut": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "coffee": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "chelsea": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "rocket": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    "camera": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "brick": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "grass": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "motorcycle": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    "hubble": "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    "retina": "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
    "tissue": "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    "coins": "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    "handwriting": "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1",
    "china": "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    "flower": "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
}


def load(name: str) -> Tensor:
    """The photograph `name` of `PHOTOGRAPHS`: (C, H, W) uint8, with C = 3 (RGB) or 1 (grey).

    Raises `CourseError` for an unknown name and for a file that is missing or not the recorded one.
    """
    if name not in PHOTOGRAPHS:
        raise CourseError(f"no photograph {name!r}: choose one of {', '.join(PHOTOGRAPHS)}")
    photograph = PHOTOGRAPHS[name]
    distribution = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[photograph.package]
    restore = f"reinstall it with `pip install --force-reinstall --no-deps {distribution}`"
    package = find_spec(photograph.package)  # the package itself is slow to import, and not needed
    if package is None or package.origin is None:
        raise CourseError(f"{distribution}, which ships the photograph {name!r}, is not installed: {restore}")
    path = Path(package.origin).parent / PACKAGE_FOLDERS[photograph.package] / photograph.file
    content = embedded.read_verified(path, SHA256[name], restore=restore)
    pixels = np.array(Image.open(io.BytesIO(content)))
    return torch.from_numpy(pixels).reshape(*photograph.shape[1:], -1).permute(2, 0, 1).contiguous()
