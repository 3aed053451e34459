"""The curves of a run as a picture: loss above, accuracy below, over the number of updates.

SVG written by hand, so that a run needs no plotting library; any browser shows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from netspec_torch.run_folder import Entry

WIDTH, PANEL_HEIGHT, TITLE_HEIGHT = 720, 240, 30
HEIGHT = TITLE_HEIGHT + 2 * PANEL_HEIGHT
LEFT, RIGHT, TOP, BOTTOM = 64, 150, 34, 40
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line through points (update, value)."""

    name: str
    colour: str
    points: Sequence[Point]
    is_dashed: bool = False
    has_dots: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes, `top` pixels down the picture."""

    title: str
    curves: Sequence[Curve]
    most_updates: int
    low: float
    high: float
    top: int

    def x(self, update: float) -> float:
        return LEFT + update / max(1, self.most_updates) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """What lies above the axes is drawn at their upper edge."""
        inner = PANEL_HEIGHT - TOP - BOTTOM
        share = (min(value, self.high) - self.low) / (self.high - self.low)
        return self.top + TOP + inner * (1 - share)


def draw_curves(title: str, entries: Iterable[Entry], chance: float) -> str:
    """The picture of a run's metrics as SVG text."""
    entries = list(entries)
    train = [entry for entry in entries if entry["kind"] == "train"]
    tests = [entry for entry in entries if entry["kind"] == "test" and entry["views"] == 1]
    most = max((entry["update"] for entry in entries), default=1)
    losses = [
        Curve("training", "#8aa4c8", _points(train, "loss")),
        Curve("held out", "#c2410c", _points(tests, "loss"), has_dots=True),
    ]
    accuracies = [
        Curve("top 1", "#c2410c", _points(tests, "top1"), has_dots=True),
        Curve("top 5", "#b08a2e", _points(tests, "top5"), has_dots=True),
        Curve("chance", "#777777", [(0, chance), (most, chance)], is_dashed=True),
    ]
    panels = [
        Panel("loss", losses, most, 0.0, _choose_top(losses), TITLE_HEIGHT),
        Panel(
            "accuracy on held-out images", accuracies, most, 0.0, 1.0, TITLE_HEIGHT + PANEL_HEIGHT
        ),
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for panel in panels:
        parts += _draw_panel(panel)
    return "\n".join([*parts, "</svg>\n"])


def _points(entries: Iterable[Entry], key: str) -> list[Point]:
    return [(e["update"], e[key]) for e in entries if isfinite(e[key])]


def _draw_panel(panel: Panel) -> list[str]:
    parts = [f'<text x="{LEFT}" y="{panel.top + 22}">{escape(panel.title)}</text>']
    left, right = panel.x(0), panel.x(panel.most_updates)
    for value in _ticks(panel.low, panel.high):
        y = panel.y(value)
        parts += [
            f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="#dddddd"/>',
            f'<text x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>',
        ]
    bottom = panel.y(panel.low)
    for update in _ticks(0, panel.most_updates):
        parts += [
            f'<text x="{panel.x(update):.1f}" y="{bottom + 18:.1f}" text-anchor="middle">'
            f"{update:,.0f}</text>"
        ]
    parts += [f'<text x="{right + 32:.1f}" y="{bottom + 18:.1f}">updates</text>']
    for number, curve in enumerate(panel.curves):
        parts += _draw_curve(panel, curve, number)
    return parts


def _draw_curve(panel: Panel, curve: Curve, number: int) -> list[str]:
    points = [(panel.x(update), panel.y(value)) for update, value in curve.points]
    dash = ' stroke-dasharray="5 4"' if curve.is_dashed else ""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    key_x, key_y = WIDTH - RIGHT + 20, panel.top + TOP + 18 * number
    parts = [
        f'<polyline points="{line}" fill="none" stroke="{curve.colour}" stroke-width="1.6"{dash}/>',
        f'<path d="M{key_x} {key_y}h22" stroke="{curve.colour}" stroke-width="1.6"{dash}/>',
        f'<text x="{key_x + 28}" y="{key_y + 4}">{escape(curve.name)}</text>',
    ]
    if curve.has_dots:
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{curve.colour}"/>' for x, y in points
        ]
    return parts


def _step(span: float) -> float:
    """A round step of 1, 2 or 5 times a power of ten that divides a span into about five."""
    rough = span / 5
    power = 10.0 ** floor(log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def _ticks(low: float, high: float) -> list[float]:
    step = _step(high - low) if high > low else 1.0
    return [step * n for n in range(ceil(low / step), floor(high / step + 1e-9) + 1)]


def _choose_top(losses: Sequence[Curve]) -> float:
    """The upper edge of the losses: above all but a short peak, such as many runs begin with."""
    values = sorted(value for curve in losses for _, value in curve.points)
    if not values:
        return 1.0
    usual = values[len(values) * 9 // 10]
    return _round_up(min(values[-1], 1.5 * usual))


def _round_up(value: float) -> float:
    """The next round number, so that a curve stays below the top."""
    if value <= 0:
        return 1.0
    step = _step(value)
    return step * ceil(value / step)
