"""course_utils.plots: the pictures that every notebook draws the same way."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from course_utils import plots
from course_utils.training import History

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def own_settings():
    with matplotlib.rc_context():
        plots.style()
        yield
    plt.close("all")


@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_of_a_grid_is_shown_with_its_title(channels):
    figure = plots.show_images(torch.rand(7, channels, 4, 4), [f"no. {n}" for n in range(7)], columns=3)
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in shown] == [f"no. {n}" for n in range(7)]
    assert len(figure.axes) == 9  # three rows of three, two of them empty


def test_loss_curves_are_smoothed_and_labelled_at_their_end():
    axis = plots.loss_curves({"with": History(step_loss=[4.0, 2.0, 0.0])}, title="falls", smooth=2)
    assert axis.lines[0].get_ydata().tolist() == [4.0, 3.0, 1.0]
    assert [text.get_text() for text in axis.texts] == ["with"] and axis.get_xlabel() == "step"


def test_lines_differ_in_colour_and_in_stroke():
    cycle = list(plt.rcParams["axes.prop_cycle"])
    assert len({line["color"] for line in cycle}) == len({str(line["linestyle"]) for line in cycle}) == len(cycle)


def test_boxes_are_drawn_at_pixel_edges_with_their_captions():
    _, axis = plt.subplots()
    plots.draw_boxes(axis, torch.tensor([[2.0, 3.0, 6.0, 5.0], [0.0, 0.0, 1.0, 1.0]]), ["bag", "coat"])
    first = axis.patches[0]
    assert (first.get_x(), first.get_y(), first.get_width(), first.get_height()) == (1.5, 2.5, 4.0, 2.0)
    assert [text.get_text() for text in axis.texts] == ["bag", "coat"]
