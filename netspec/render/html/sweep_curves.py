"""The curves of a sweep: the training error above, the accuracy on held-out images below. A choice
of values has a line, which is the mean over the seeds, and behind it an area from the lowest seed
to the highest.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from netspec.recipe.training_error import average_lately, list_stretches
from netspec.render.html.charts import (
    COLOURS,
    Chart,
    Curve,
    Point,
    choose_bottom,
    choose_top,
    name_colour,
)
from netspec.render.html.curves import Entry, stack_charts

UNIT = "share of images"


class SweptCurves(NamedTuple):
    """What is drawn of one choice of values."""

    name: str
    window: int
    """The updates that a running mean is taken over."""
    runs: Sequence[Sequence[Entry]]
    """The metrics of each seed's run."""


def draw_sweep(title: str, swept: Sequence[SweptCurves], level: float) -> str:
    """The picture of a sweep as a file of its own; `level` is the training error that the values
    are compared at."""
    errors = [_draw_line(each.name, n, _list_errors(each)) for n, each in enumerate(swept)]
    accuracies = [
        _draw_line(each.name, n, map(_list_accuracies, each.runs)) for n, each in enumerate(swept)
    ]
    ends = [curve.points[-1][0] for curve in errors + accuracies if curve.points]
    most = int(max(ends, default=1))
    top = max(level, choose_top(errors))
    line = [(0.0, level), (float(most), level)]
    errors.append(Curve(f"{level:g}", "chance", line, is_dashed=True))
    bottom = choose_bottom(accuracies)
    return stack_charts(
        title,
        [
            Chart("Training error, running mean", UNIT, errors, most, 0.0, top),
            Chart("Accuracy on held-out images", UNIT, accuracies, most, bottom, 1.0),
        ],
    )


def _draw_line(name: str, number: int, series: Iterable[Sequence[Point]]) -> Curve:
    """The mean of several series of points and their band."""
    values: dict[float, list[float]] = {}
    for points in series:
        for update, value in points:
            values.setdefault(update, []).append(value)
    ordered = sorted(values.items())
    return Curve(
        name,
        name_colour(number),
        [(update, fmean(each)) for update, each in ordered],
        is_dashed=number >= COLOURS,
        band=[(update, min(each), max(each)) for update, each in ordered],
    )


def _list_errors(swept: SweptCurves) -> list[list[Point]]:
    averaged = (average_lately(list_stretches(run, "error"), swept.window) for run in swept.runs)
    return [[(float(update), value) for update, value in each] for each in averaged]


def _list_accuracies(run: Iterable[Entry]) -> list[Point]:
    return [(e["update"], e["top1"]) for e in run if e["kind"] == "test" and e["views"] == 1]
