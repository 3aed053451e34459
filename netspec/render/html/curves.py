"""Which curves runs have: loss, accuracy on held-out images, rate, the sizes of updates.

A run's metrics are the lines of its metrics.jsonl.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from netspec.render.html.charts import (
    COLOURS,
    WIDTH,
    Chart,
    Curve,
    Point,
    choose_decades,
    choose_top,
    draw_chart,
    name_colour,
    take_points,
)
from netspec.render.html.markup import element, read_style, write_svg

Entry = Mapping[str, Any]
TITLE_HEIGHT = 26
SPAN_OF_LOG = 20
"""Values whose largest is so many times the smallest are drawn on a logarithmic axis."""


class RunCurves(NamedTuple):
    """What is drawn of a run."""

    name: str
    entries: Sequence[Entry]
    chance: float | None
    """The accuracy of always giving the most frequent class, where it is known."""
    updates_per_epoch: int | None = None

    def take(self, kind: str, key: str) -> list[Point]:
        """The points of a figure; of tests those on one view."""
        chosen = (e for e in self.entries if e["kind"] == kind and e.get("views", 1) == 1)
        return take_points((entry["update"], entry[key]) for entry in chosen if key in entry)

    @property
    def most_updates(self) -> int:
        return max((entry["update"] for entry in self.entries), default=1)

    @property
    def across(self) -> str:
        """What the axis of updates says."""
        each = self.updates_per_epoch
        return f"updates, {each:,} an epoch" if each else "updates"


def draw_curves(title: str, run: RunCurves) -> str:
    """The picture of a run as a file of its own: loss above, accuracy below."""
    return stack_charts(title, [chart_losses(run), chart_accuracies(run)])


def stack_charts(title: str, charts: Sequence[Chart]) -> str:
    """Charts one below the other, as a file of its own."""
    tops = [TITLE_HEIGHT]
    for chart in charts:
        tops.append(tops[-1] + chart.height)
    height = tops[-1]
    root = element(
        "svg",
        element("style", read_style("charts.css")),
        element("rect", width=WIDTH, height=height, class_="paper"),
        element("text", title, x=14, y=18, class_="title"),
        (
            element("g", draw_chart(chart), transform=f"translate(0 {top})")
            for chart, top in zip(charts, tops, strict=False)
        ),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH * 3 // 2,
        height=height * 3 // 2,
    )
    return write_svg(root)


def chart_losses(run: RunCurves) -> Chart:
    curves = [
        Curve("training", "quiet", run.take("train", "loss")),
        Curve("held out", "c1", run.take("test", "loss"), has_dots=True),
    ]
    return Chart(
        "Loss",
        "nats an image",
        curves,
        run.most_updates,
        0.0,
        choose_top(curves),
        across=run.across,
    )


def chart_accuracies(run: RunCurves) -> Chart:
    most = run.most_updates
    training = [(update, 1 - error) for update, error in run.take("train", "error")]
    curves = [
        Curve("training, top-1", "quiet", training),
        Curve("held out, top-1", "c0", run.take("test", "top1"), has_dots=True),
    ]
    top_five = run.take("test", "top5")
    if any(share < 1 for _, share in top_five):
        curves.append(Curve("held out, top-5", "c2", top_five, has_dots=True))
    if run.chance is not None:
        line = [(0.0, run.chance), (float(most), run.chance)]
        curves.append(Curve("chance", "chance", line, is_dashed=True))
    return Chart("Accuracy", "share of images", curves, most, 0.0, 1.0, across=run.across)


def chart_rate(run: RunCurves) -> Chart:
    points = [(update, rate) for update, rate in run.take("train", "rate") if rate > 0]
    curves = [Curve("rate", "c0", points)]
    return fit_values("Rate", "step size", curves, run, has_legend=False)


def chart_updates(run: RunCurves) -> Chart:
    """The size of updates beside that of the weights, for each weight that was watched."""
    ratios: dict[str, list[Point]] = {}
    for entry in run.entries:
        if entry["kind"] == "layers":
            for name, sizes in entry["layers"].items():
                if sizes["ratio"]:
                    ratios.setdefault(name, []).append((entry["update"], sizes["ratio"]))
    named = [name for name in ratios if name.endswith("weight")]
    few = len(named) <= COLOURS
    curves = [
        Curve(name, name_colour(number) if few else "quiet", ratios[name])
        for number, name in enumerate(named)
    ]
    low, high = choose_decades(curves)
    return Chart(
        "Updates beside weights",
        "size of update / weight",
        curves,
        run.most_updates,
        low,
        high,
        is_log=True,
        across=run.across,
        has_legend=few,
    )


def fit_values(
    title: str, unit: str, curves: Sequence[Curve], run: RunCurves, *, has_legend: bool
) -> Chart:
    """A chart whose axis is logarithmic where the values say so."""
    values = [value for curve in curves for _, value in curve.points]
    is_log = bool(values) and max(values) >= SPAN_OF_LOG * min(values)
    low, high = choose_decades(curves) if is_log else (0.0, choose_top(curves))
    return Chart(
        title,
        unit,
        curves,
        run.most_updates,
        low,
        high,
        is_log=is_log,
        across=run.across,
        has_legend=has_legend,
    )


def compare_curves(runs: Sequence[RunCurves]) -> list[Chart]:
    """The curves of several runs over each other, without a legend: `name_colour` has the colour of
    each."""
    most = max(run.most_updates for run in runs)
    wanted = (
        ("Accuracy on held-out images, top-1", "share of images", "test", "top1"),
        ("Loss on held-out images", "nats an image", "test", "loss"),
        ("Loss in training", "nats an image", "train", "loss"),
    )
    charts = []
    for title, unit, kind, key in wanted:
        curves = [
            Curve(
                run.name,
                name_colour(number),
                run.take(kind, key),
                is_dashed=number >= COLOURS,
                has_dots=kind == "test",
            )
            for number, run in enumerate(runs)
        ]
        top = 1.0 if key == "top1" else choose_top(curves)
        charts.append(Chart(title, unit, curves, most, 0.0, top, has_legend=False))
    return charts


def legend(runs: Iterable[RunCurves]) -> Element:
    """Which colour is which run, for all charts."""
    entries = (
        element(
            "li",
            element(
                "svg",
                element(
                    "path",
                    d="M0 6h24",
                    class_=f"curve {name_colour(number)}"
                    + (" dashed" if number >= COLOURS else ""),
                ),
                viewBox="0 0 24 12",
                width=24,
                height=12,
                aria_hidden="true",
            ),
            f" {run.name}",
        )
        for number, run in enumerate(runs)
    )
    return element("ul", chain(entries), class_="legend")
