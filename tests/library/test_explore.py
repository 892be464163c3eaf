"""course_utils.explore: sliders for who has a kernel, small pictures for who reads, clear words for mistakes."""

import subprocess
import sys

import matplotlib.pyplot as plt
import nbformat
import pytest

from course_tools.authoring import run
from course_utils import explore as module
from course_utils.errors import CourseError
from course_utils.explore import explore

SHOWN = [{"slope": 1, "dashed": False}, {"slope": -2, "dashed": True}]
CELL = """from course_utils.explore import explore
import matplotlib.pyplot as plt
plt.rcParams["figure.dpi"] = 50
def line(axis, slope):
    axis.plot([0, slope])
explore(line, slope=(-2, 2), shown=[dict(slope=1), dict(slope=-2)])"""


def line(axis, slope, dashed):
    """A line; what it says is for who cannot see it."""
    axis.plot([0, slope], linestyle="--" if dashed else "-")
    return f"the line ends at {slope}"


@pytest.fixture
def figures(monkeypatch):
    """The figures that are open when `explore` is done."""
    plt.close("all")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield lambda: [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")


def test_without_a_notebook_there_is_one_figure_with_a_small_picture_for_each_choice(figures):
    explore(line, slope=(-2, 2), dashed=[False, True], shown=SHOWN)
    (figure,) = figures()
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["slope 1, dashed False", "slope -2, dashed True"]
    assert [list(axis.lines[0].get_ydata()) for axis in figure.axes] == [[0, 1], [0, -2]]


def test_more_choices_than_fit_a_row_stand_in_two_and_no_empty_frame_is_drawn(figures):
    explore(lambda axis, n: axis.plot([n]), n=(0, 9), shown=[{"n": n} for n in range(6)])
    (figure,) = figures()
    assert [axis.axison for axis in figure.axes] == [True] * 6 + [False] * 2


def test_a_number_with_a_point_is_said_short_and_a_name_with_spaces(figures):
    explore(lambda axis, learning_rate: None, learning_rate=(0.0, 1.0), shown=[{"learning_rate": 0.3}])
    assert figures()[0].axes[0].get_title() == "learning rate 0.3"


@pytest.mark.parametrize(
    ("ranges", "shown", "message"),
    [
        ({"slope": (-2, 2)}, [{"slope": 3}], "shown has slope=3, which the slider cannot reach: it is from -2 to 2"),
        ({"slope": (0.0, 1.0, 0.25)}, [{"slope": 0.3}], "in steps of 0.25"),
        ({"slope": [1, 2]}, [{"slope": 3}], r"it is one of \[1, 2\]"),
        ({"slope": (-2, 2)}, [{"tilt": 1}], "shown has tilt where the sliders are slope: name each of them once"),
        ({"slope": (-2, 2)}, [{}], "shown has no name where the sliders are slope"),
        ({"slope": (2, -2)}, [{"slope": 1}], "is no range: write"),
        ({"slope": (0, 1, 2)}, [{"slope": 1}], "is no range: write"),
        ({"slope": "abc"}, [{"slope": "a"}], "is no range: write"),
        ({"slope": []}, [{"slope": 1}], "is no range: write"),
        ({"slope": (-2, 2)}, [], "explore needs shown"),
        ({"tilt": (-2, 2)}, [{"tilt": 1}], r"draw is called as draw\(axis, tilt\), and takes something else"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(ranges, shown, message):
    with pytest.raises(CourseError, match=message) as raised:
        explore(lambda axis, slope: None, shown=shown, **ranges)
    assert len(str(raised.value).splitlines()) == 1


def test_a_panel_has_a_slider_each_draws_anew_when_one_moves_and_says_the_choice(figures):
    panel = module._panel(line, SHOWN[0], {"slope": (-2, 2), "dashed": [False, True]})
    slope, dashed, picture, words = panel.children
    assert (slope.min, slope.max, slope.step, slope.value, dashed.value) == (-2, 2, 1, 1, False)
    before = picture.value
    slope.value = 2
    assert picture.value != before and bytes(picture.value).startswith(b"\x89PNG")
    assert "slope 2, dashed False. the line ends at 2" in words.value and 'role="status"' in words.value
    assert not figures()  # each picture was closed


def test_what_is_stored_is_the_row_of_pictures_and_never_a_widget_and_html_shows_it(course):
    path = course(CELL, execute=False)
    run.run(path, device="cpu")
    (output,) = nbformat.read(path, as_version=4).cells[1].outputs
    assert "image/png" in output.data and "widget" not in str(output.data.keys())
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    assert "data:image/png;base64" in path.with_suffix(".html").read_text(encoding="utf-8")
