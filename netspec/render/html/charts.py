"""Curves over the number of updates, drawn as SVG.

A chart has one pair of axes. Its colours are names, which `charts.css` gives their values, by day
and by night. Which curves a run has is decided in `curves.py`.
"""

from collections.abc import Iterable, Sequence
from math import ceil, floor, isfinite, log10
from typing import NamedTuple
from xml.etree.ElementTree import Element

from msgspec import Struct

from netspec.render.html.markup import element

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 68, 26, 50, 44
LEGEND_ROW = 16
LETTER = 6.4
"""Of a legend: about the width of a letter, and below the gap between two entries."""
LEGEND_GAP = 44
COLOURS = 8
"""Colours there are; further curves have them again, dashed."""
MOST_DOTS = 60
"""Of more points than that none is marked."""
Point = tuple[float, float]


class Curve(NamedTuple):
    """A line through points (update, value)."""

    name: str
    colour: str
    """A class of `charts.css`: c0 to c7, `quiet` or `chance`."""
    points: Sequence[Point]
    is_dashed: bool = False
    has_dots: bool = False
    band: Sequence[tuple[float, float, float]] = ()
    """An area behind the lines: updates, each with its lowest and highest value."""


class Chart(Struct, frozen=True):
    """A pair of axes and what is drawn between them."""

    title: str
    unit: str
    """What the values are, along the axis."""
    curves: Sequence[Curve]
    most_updates: int
    low: float
    high: float
    is_log: bool = False
    across: str = "updates"
    has_legend: bool = True

    @property
    def rows(self) -> list[list[Curve]]:
        """The legend, as many curves in a row as fit."""
        rows: list[list[Curve]] = [[]]
        room = used = float(WIDTH - LEFT - RIGHT)
        for curve in self.curves if self.has_legend else ():
            used += measure_entry(curve)
            if used > room:
                rows.append([])
                used = measure_entry(curve)
            rows[-1].append(curve)
        return [row for row in rows if row]

    @property
    def top(self) -> int:
        return TOP + LEGEND_ROW * (max(1, len(self.rows)) - 1)

    @property
    def height(self) -> int:
        """Of the whole picture."""
        return HEIGHT + self.top - TOP

    def x(self, update: float) -> float:
        return LEFT + update / max(1, self.most_updates) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """What lies beyond the axes is drawn at their edge."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, value = log10(low), log10(high), log10(value)
        share = (value - low) / (high - low)
        return self.top + (HEIGHT - TOP - BOTTOM) * (1 - share)


def measure_entry(curve: Curve) -> float:
    return len(curve.name) * LETTER + LEGEND_GAP


def name_colour(number: int) -> str:
    """The colour of the n-th of several curves."""
    return f"c{number % COLOURS}"


def chart_picture(chart: Chart) -> Element:
    """A chart as a picture of its own, which fits itself into the page."""
    return element(
        "svg",
        draw_chart(chart),
        class_="chart",
        viewBox=f"0 0 {WIDTH} {chart.height}",
        role="img",
        aria_label=describe(chart),
    )


def describe(chart: Chart) -> str:
    """A chart in words: how each curve begins and ends."""
    told = [
        f"{curve.name} from {curve.points[0][1]:.4g} to {curve.points[-1][1]:.4g}"
        for curve in chart.curves
        if curve.points
    ]
    return f"{chart.title}, {chart.unit}: {'; '.join(told) or 'nothing yet'}"


def draw_chart(chart: Chart) -> Element:
    """Axes, curves and legend, from the upper left corner on."""
    middle = (chart.top + chart.y(chart.low)) / 2
    return element(
        "g",
        element("text", chart.title, x=LEFT, y=16, class_="title"),
        element(
            "text",
            chart.unit,
            class_="axis",
            text_anchor="middle",
            transform=f"translate(13 {middle:.1f}) rotate(-90)",
        ),
        draw_axes(chart),
        (draw_band(chart, curve) for curve in chart.curves),
        (draw_curve(chart, curve) for curve in chart.curves),
        (draw_legend(row, 36 + LEGEND_ROW * n) for n, row in enumerate(chart.rows)),
    )


def draw_axes(chart: Chart) -> Iterable[Element]:
    left, right, bottom = chart.x(0), chart.x(chart.most_updates), chart.y(chart.low)
    for value in list_values(chart):
        y = chart.y(value)
        yield element("path", d=f"M{left:.1f} {y:.1f}H{right:.1f}", class_="grid")
        yield element("text", f"{value:g}", x=left - 7, y=y + 4, class_="axis", text_anchor="end")
    for update in list_ticks(0, chart.most_updates):
        if update == int(update):
            x = chart.x(update)
            yield element("path", d=f"M{x:.1f} {bottom:.1f}v4", class_="tick")
            yield element(
                "text", f"{update:,.0f}", x=x, y=bottom + 17, class_="axis", text_anchor="middle"
            )
    yield element("path", d=f"M{left:.1f} {bottom:.1f}H{right:.1f}", class_="tick")
    yield element(
        "text",
        chart.across,
        x=(left + right) / 2,
        y=bottom + 35,
        class_="axis",
        text_anchor="middle",
    )


def draw_band(chart: Chart, curve: Curve) -> Iterable[Element]:
    if curve.band:
        there = [(chart.x(update), chart.y(high)) for update, _, high in curve.band]
        back = [(chart.x(update), chart.y(low)) for update, low, _ in reversed(curve.band)]
        outline = write_points([*there, *back])
        yield element("polygon", points=outline, class_=f"band {curve.colour}")


def draw_curve(chart: Chart, curve: Curve) -> Iterable[Element]:
    points = [(chart.x(update), chart.y(value)) for update, value in curve.points]
    yield element("polyline", points=write_points(points), class_=list_classes(curve))
    if len(points) == 1 or (curve.has_dots and len(points) <= MOST_DOTS):
        for x, y in points:
            yield element("circle", cx=x, cy=y, r=2.6, class_=curve.colour)


def write_points(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def draw_legend(row: Sequence[Curve], y: float) -> Iterable[Element]:
    x = float(LEFT)
    for curve in row:
        yield element("path", d=f"M{x:.1f} {y - 4:.1f}h20", class_=list_classes(curve))
        yield element("text", curve.name, x=x + 25, y=y, class_="axis")
        x += measure_entry(curve)


def list_classes(curve: Curve) -> str:
    return f"curve {curve.colour}" + (" dashed" if curve.is_dashed else "")


def list_values(chart: Chart) -> list[float]:
    """Where the axis of values is marked: at round steps, or at powers of ten and, where these are
    few, at twice and five times them."""
    if not chart.is_log:
        return list_ticks(chart.low, chart.high)
    powers = range(floor(log10(chart.low)), ceil(log10(chart.high)) + 1)
    for factors in ((1,), (1, 2, 5)):
        marks = [factor * 10.0**power for power in powers for factor in factors]
        inside = [m for m in marks if chart.low * 0.999 <= m <= chart.high * 1.001]
        if len(inside) >= 3:
            break
    return inside[:: ceil(len(inside) / 7)]


def choose_step(span: float) -> float:
    """A round step of 1, 2 or 5 times a power of ten that divides a span into about five."""
    rough = span / 5
    power = 10.0 ** floor(log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def list_ticks(low: float, high: float) -> list[float]:
    step = choose_step(high - low) if high > low else 1.0
    return [step * n for n in range(ceil(low / step), floor(high / step + 1e-9) + 1)]


def choose_top(curves: Iterable[Curve]) -> float:
    """The upper end of an axis: above all but a short peak, such as many losses begin with."""
    values = sorted(value for curve in curves for _, value in curve.points)
    if not values:
        return 1.0
    usual = values[len(values) * 9 // 10]
    return round_up(min(values[-1], 1.5 * usual))


def choose_bottom(curves: Iterable[Curve]) -> float:
    """The lower end of an axis of shares up to 1: below all but the few that runs begin with."""
    values = sorted(value for curve in curves for _, value in curve.points)
    usual = values[len(values) // 10] if values else 0.0
    step = choose_step(max(1 - usual, 0.01))
    return step * min(floor(usual / step), ceil(1 / step) - 1)


def round_up(value: float) -> float:
    """The next round number, so that a curve stays below the top."""
    if value <= 0:
        return 1.0
    step = choose_step(value)
    return step * ceil(value / step)


def choose_decades(curves: Iterable[Curve]) -> tuple[float, float]:
    """The ends of a logarithmic axis: the powers of ten around all values, which are above 0."""
    values = [value for curve in curves for _, value in curve.points]
    if not values:
        return 0.1, 1.0
    low, high = floor(log10(min(values)) + 1e-9), ceil(log10(max(values)) - 1e-9)
    return 10.0**low, 10.0 ** max(high, low + 1)


def take_points(entries: Iterable[Sequence[float]]) -> list[Point]:
    """The points of finite values."""
    return [(update, value) for update, value in entries if isfinite(value)]
