"""A picture and its sliders: whoever has a kernel moves them, whoever reads sees a row of small pictures."""

import html
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes

from course_utils import runtime
from course_utils.errors import CourseError

Range = tuple[float, ...] | Sequence[Any]
STEPS = 100  # of a slider between two numbers with a point
COLUMNS = 4  # small pictures in a row
LIVE_SIZE, STILL_SIZE = (6.4, 4.0), (2.5, 2.3)  # inches


def explore(draw: Callable[..., str | None], *, shown: Sequence[Mapping[str, Any]], **ranges: Range) -> None:
    """Let a reader choose the arguments of `draw`, which draws on a matplotlib axis and may return a sentence.

    draw: called as `draw(axis, name=value, …)`; what it returns is said below the picture, for who cannot see it
    shown: the choices that a reader without a kernel sees, a small picture each; the sliders start at the first
    ranges: for each name (low, high) or (low, high, step), whole numbers or not, or a list of choices

    Where outputs are stored (`course run`, `course validate`) and where there is no notebook, the small pictures are
    one figure. Raises `CourseError` for a range that is none, and for a choice that the sliders could not reach.

    Example: `explore(lambda axis, slope: axis.plot([0, slope]), slope=(-2, 2), shown=[{"slope": 1}])`
    """
    for name, span in ranges.items():
        _valid_range(name, span)
    if not shown:
        raise CourseError("explore needs shown=[{…}, …]: what a reader without a kernel sees")
    for choice in shown:
        _valid_choice(draw, choice, ranges)
    if runtime.watched() and hasattr(get_ipython(), "kernel"):
        display(_panel(draw, shown[0], ranges))
    else:
        _still(draw, shown)


def _still(draw: Callable[..., str | None], shown: Sequence[Mapping[str, Any]]) -> None:
    """One figure with a small picture for each choice."""
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    size = (STILL_SIZE[0] * columns, STILL_SIZE[1] * rows)
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis, choice in zip(axes.flat, shown, strict=False):
        _draw(draw, axis, choice)
    for axis in axes.flat[len(shown) :]:
        axis.axis("off")
    plt.show()


def _panel(draw: Callable[..., str | None], start: Mapping[str, Any], ranges: Mapping[str, Range]) -> widgets.VBox:
    """Sliders, the picture, and below it the choice and what `draw` says of it."""
    sliders = {name: _slider(name, span, start[name]) for name, span in ranges.items()}
    picture, words = widgets.Image(format="png"), widgets.HTML()

    def redraw(change: object = None) -> None:
        choice = {name: slider.value for name, slider in sliders.items()}
        figure, axis = plt.subplots(figsize=LIVE_SIZE, layout="constrained")
        said = _draw(draw, axis, choice)
        png = io.BytesIO()
        figure.savefig(png, format="png")
        plt.close(figure)
        picture.value = png.getvalue()
        # `status`: a screen reader says it when it changes
        text = html.escape(". ".join([_words(choice), *([said] if said else [])]))
        words.value = f'<div role="status" aria-live="polite">{text}</div>'

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    redraw()
    return widgets.VBox([*sliders.values(), picture, words])


def _draw(draw: Callable[..., str | None], axis: Axes, choice: Mapping[str, Any]) -> str | None:
    """Draw one picture with its choice as title; what `draw` says, where that is words."""
    said = draw(axis, **choice)
    axis.set_title(_words(choice), fontsize=9)
    return said if isinstance(said, str) else None


def _words(choice: Mapping[str, Any]) -> str:
    """`learning rate 0.3, momentum 0`."""
    values = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in choice.items()}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())


def _slider(name: str, span: Range, start: Any) -> widgets.Widget:
    look = {"description": name.replace("_", " "), "style": {"description_width": "9em"}, "layout": {"width": "32em"}}
    if isinstance(span, list):
        return widgets.SelectionSlider(options=span, value=start, **look)
    kind = widgets.IntSlider if all(isinstance(part, int) for part in span) else widgets.FloatSlider
    form = {} if kind is widgets.IntSlider else {"readout_format": ".3g"}
    return kind(value=start, min=span[0], max=span[1], step=_step(span), **form, **look)


def _step(span: Range) -> float:
    free = 1 if all(isinstance(part, int) for part in span) else (span[1] - span[0]) / STEPS
    return span[2] if len(span) == 3 else free


def _valid_range(name: str, span: Range) -> None:
    if isinstance(span, list) and span:
        return
    numbers = isinstance(span, tuple) and len(span) in (2, 3) and all(isinstance(part, int | float) for part in span)
    if not numbers or not span[0] < span[1] or not 0 < _step(span) <= span[1] - span[0]:
        raise CourseError(f"{name}={span!r} is no range: write (low, high), (low, high, step) or a list of choices")


def _valid_choice(draw: Callable[..., str | None], choice: Mapping[str, Any], ranges: Mapping[str, Range]) -> None:
    if set(choice) != set(ranges):
        given, sliders = (", ".join(names) or "no name" for names in (choice, ranges))
        raise CourseError(f"shown has {given} where the sliders are {sliders}: name each of them once")
    for name, value in choice.items():
        span = ranges[name]
        if isinstance(span, list):
            reached, reach = value in span, f"one of {span}"
        else:
            steps = (value - span[0]) / _step(span)
            reached = span[0] <= value <= span[1] and abs(steps - round(steps)) < 1e-6
            reach = f"from {span[0]:g} to {span[1]:g} in steps of {_step(span):g}"
        if not reached:
            raise CourseError(f"shown has {name}={value!r}, which the slider cannot reach: it is {reach}")
    try:
        inspect.signature(draw).bind(None, **choice)
    except TypeError:
        raise CourseError(f"draw is called as draw(axis, {', '.join(choice)}), and takes something else") from None
