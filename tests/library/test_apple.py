"""On Apple's GPU, which has no float64, what the library measures and compares comes out as on the CPU."""

import re

import apple
import pytest
import torch
from conftest import ROOT

from course_utils import checks, compare
from course_utils.codec import flags, metrics, quantisation, transforms
from course_utils.command import notebooks

NOTEBOOKS = sorted([*(ROOT / "lessons").glob("*.ipynb"), *(ROOT / "solutions").glob("*/*.ipynb")])
# float64 is made on the CPU, `.cpu().double()`: the other order stops on a Mac.
FLOAT64_ON_THE_DEVICE = re.compile(
    r"\.double\(\)(\.\w+\([^()]*\))*\.(cpu\(\)|to\((\w+\.)?device\))|float64[^\n]*(device=(\w+\.)?device|\.to\(device\))"
)


@pytest.fixture
def mps():
    with apple.device() as device:
        yield device


def test_the_stand_in_refuses_float64_as_a_mac_does(mps):
    x = torch.ones(2, 3).to(mps)
    assert x.device.type == "mps" and (x + 1).device.type == "mps" and x.cpu().device.type == "cpu"
    with pytest.raises(TypeError, match="doesn't support float64"):
        x.double()
    with pytest.raises(TypeError, match="doesn't support float64"):
        torch.zeros(3, dtype=torch.float64, device=mps)
    with pytest.raises(TypeError, match="to numpy"):
        x.numpy()
    assert x.cpu().double().sum() == 6


def test_a_right_answer_on_the_device_is_right(mps):
    right = torch.rand(4, 5)
    compare.same(right.to(mps), right, "the answer")
    checks.same(right.to(mps), right, "the answer", hint="none")


@pytest.mark.parametrize("measure", [metrics.psnr, metrics.ssim])
def test_pictures_on_the_device_are_as_good_as_on_the_cpu(mps, measure):
    reference = torch.randint(0, 256, (2, 1, 32, 32), generator=torch.Generator().manual_seed(0)).float()
    pictures = (reference + 3).clamp(max=255)
    assert torch.allclose(
        measure(pictures.to(mps), reference.to(mps)).cpu().double(), measure(pictures, reference).double(), rtol=1e-5
    )


def test_the_codecs_transforms_and_flags_work_on_the_device(mps):
    residual = torch.randint(-255, 256, (5, 8, 8), generator=torch.Generator().manual_seed(0))
    levels = quantisation.hevc_quantise(transforms.hevc_forward(residual.to(mps)), 27)
    assert torch.equal(levels.cpu(), quantisation.hevc_quantise(transforms.hevc_forward(residual), 27))
    restored = transforms.hevc_inverse(quantisation.hevc_dequantise(levels, 27))
    assert restored.device.type == "mps"
    pictures = torch.rand(2, 16, 16)
    better = flags.choose(pictures.to(mps), (pictures / 2).to(mps), (pictures / 3).to(mps), 8)
    assert torch.equal(better.cpu(), flags.choose(pictures, pictures / 2, pictures / 3, 8))
    assert torch.equal(flags.bits(better).cpu(), flags.bits(better.cpu()))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_makes_float64_on_the_cpu_alone(path):
    sources = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]
    assert not [line for source in sources for line in source.splitlines() if FLOAT64_ON_THE_DEVICE.search(line)]
