"""Pictures that every notebook draws the same way: readable in grey and by the colour-blind, labelled, 100 dpi."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from course_utils.training import History

# Okabe and Ito (2008), Color Universal Design: distinguishable with every common kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))  # tell lines apart in grey too


def style() -> None:
    """Set matplotlib's defaults for a notebook; call it once, in the set-up cell."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=COLOURS, linestyle=LINE_STYLES),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "axes.titlesize": 11,
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "font.size": 10,
            "image.cmap": "gray",
        }
    )


def show_images(
    images: Tensor, titles: Sequence[str] | None = None, *, columns: int = 10, title: str = "", side: float = 0.95
) -> Figure:
    """A grid of pictures: images (N, C, H, W) with C = 1 or 3 and any range; `side` is a picture's width in inches.

    Each grey picture is stretched to its own range; RGB pictures are expected in [0, 1].
    """
    rows = -(-len(images) // columns)
    columns = min(columns, len(images))
    extra = 0.22 if titles else 0.0
    figure, axes = plt.subplots(
        rows, columns, figsize=(side * columns, (side + extra) * rows + (0.35 if title else 0)), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images.detach().float().cpu(), strict=False)):
        axis.imshow(image.permute(1, 2, 0).squeeze(-1).numpy())
        if titles:
            axis.set_title(titles[index], fontsize=8)
    figure.suptitle(title, fontsize=11)
    return figure


def loss_curves(histories: Mapping[str, History], *, title: str, axis: Axes | None = None, smooth: int = 1) -> Axes:
    """Training loss against step for several runs, each line labelled at its end; `smooth` steps are averaged."""
    axis = axis or plt.subplots(figsize=(7, 3))[1]
    for name, history in histories.items():
        values = history.step_loss
        means = [sum(values[max(0, i - smooth + 1) : i + 1]) / min(smooth, i + 1) for i in range(len(values))]
        (line,) = axis.plot(range(1, len(means) + 1), means)
        end = (len(means), means[-1])
        axis.annotate(name, end, xytext=(4, 0), textcoords="offset points", color=line.get_color(), va="center")
    axis.set(title=title, xlabel="step", ylabel="training loss (nats)")
    return axis


def draw_boxes(
    axis: Axes, boxes: Tensor, captions: Sequence[str] = (), *, colour: str = COLOURS[4], line_style: str = "-"
) -> None:
    """Draw boxes (K, 4), x1 y1 x2 y2 in pixel edges as in `DetectionSet`, over a picture that `axis.imshow` shows."""
    for index, (x1, y1, x2, y2) in enumerate(boxes.detach().cpu().tolist()):
        # imshow puts the centre of pixel 0 at 0, so its left edge lies at -0.5.
        axis.add_patch(
            Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linestyle=line_style)
        )
        if captions:
            label = {"facecolor": "black", "alpha": 0.6, "pad": 0.8, "edgecolor": "none"}
            axis.text(x1, y1, captions[index], color="white", fontsize=6, va="bottom", bbox=label, clip_on=True)
