"""course_tools.bench.from_scratch: finds what the lessons write out by its name, and times it beside torch's."""

import nbformat
import pytest
import torch
from conftest import small_notebook

from course_tools.bench import from_scratch
from course_utils.command import notebooks
from course_utils.errors import CourseError

WRITTEN = {
    "02_small": """import torch
import torch.nn.functional as F
import torchvision
from torch import nn

def conv2d_unfold(x, weight, bias=None, padding=0):
    return F.conv2d(x, weight, bias, padding=padding)

def conv2d_loops(x, weight, bias=None, padding=0):
    return F.conv2d(x, weight, bias, padding=padding)

def attention(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v, None
""",
    "03_more": """import torchvision
from torch import nn

def conv2d_loops(x):
    raise RuntimeError("the first lesson that defines it is taken")

def nms(boxes, scores, threshold):
    return torchvision.ops.nms(boxes, scores, threshold)

def nms_loop(boxes, scores, threshold):
    return torchvision.ops.nms(boxes, scores, threshold)

def roi_align(features, regions, size, scale, samples, aligned):
    return torchvision.ops.roi_align(features, list(regions), size, scale, samples, aligned)

LSTM = 3  # no definition of a class

class LSTM(nn.LSTM): ...
""",
}


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """A course whose two lessons write out all that the comparison needs."""
    (tmp_path / "lessons").mkdir()
    (tmp_path / "pyproject.toml").touch()
    for name, source in WRITTEN.items():
        nbformat.write(small_notebook(source), tmp_path / "lessons" / f"{name}.ipynb")
    monkeypatch.setattr(notebooks, "course_root", lambda: tmp_path)
    return tmp_path / "lessons"


def test_every_row_names_the_lesson_that_wrote_it_out(lessons):
    rows, note = from_scratch.run(1, device=torch.device("cpu"))
    assert [row.what for row in rows] == [
        "convolution as a matrix product, lesson 02",
        "convolution by loops, 14×14, lesson 02",
        "suppression of 1,000 boxes, vectorised, lesson 03",
        "suppression of 1,000 boxes, loop, lesson 03",
        "RoI align of 160 regions, lesson 03",
        "LSTM, 64 steps, with gradients, lesson 03",
        "attention over 128 places, lesson 02",
        "attention over 1,024 places, lesson 02",
    ]
    assert all(row.ours > 0 and row.other > 0 for row in rows) and "float32" in note


def test_a_name_that_no_lesson_defines_is_a_clear_error(lessons):
    (lessons / "03_more.ipynb").unlink()
    with pytest.raises(CourseError, match="no lesson defines nms, nms_loop, roi_align, LSTM: nothing to compare"):
        from_scratch.run(1, device=torch.device("cpu"))


def test_the_courses_own_lessons_define_all_that_is_compared():
    names = ("conv2d_unfold", "conv2d_loops", "nms", "nms_loop", "roi_align", "LSTM", "attention")
    written = from_scratch._written_out(*names)
    assert set(written) == set(names) and all(callable(definition.call) for definition in written.values())
