"""The curves of runs: well-formed, in their frame, with the numbers where they belong."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from netspec.render.html.charts import WIDTH
from netspec.render.html.curves import (
    Entry,
    RunCurves,
    chart_rate,
    chart_updates,
    compare_curves,
    draw_curves,
)

SVG = "{http://www.w3.org/2000/svg}"


def draw(title: str, entries: Sequence[Entry], chance: float | None) -> str:
    return draw_curves(title, RunCurves("net", entries, chance, 63))


def train(update: int, loss: float, rate: float = 0.01) -> Entry:
    return {"kind": "train", "update": update, "loss": loss, "error": 0.5, "rate": rate}


def held_out(update: int, loss: float, top1: float, views: int = 1) -> Entry:
    return {
        "kind": "test",
        "update": update,
        "loss": loss,
        "top1": top1,
        "top5": min(1.0, 2 * top1),
        "views": views,
    }


RUN = [
    train(1, 2.3),
    train(50, 1.2),
    held_out(50, 1.4, 0.4),
    train(100, 0.7),
    held_out(100, 0.9, 0.8),
]


def read_lines(picture: str) -> dict[str, list[tuple[float, float]]]:
    """The points of each curve, by its name, in pixels."""
    root = ElementTree.fromstring(picture)
    lines = [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        for line in root.iter(f"{SVG}polyline")
    ]
    names = ["training", "held out", "top-1 in training", "top-1", "top-5", "chance"]
    if len(lines) < len(names):  # no five likeliest were ever wrong
        names.remove("top-5")
    return dict(zip(names, lines, strict=True))  # type: ignore[arg-type]


def test_curves_run_from_left_to_right_and_fall_as_the_figures_do() -> None:
    lines = read_lines(draw("net", RUN, chance=0.1))
    xs, ys = zip(*lines["training"], strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys)  # down the page is a lower loss
    assert lines["top-1"][0][1] > lines["top-1"][1][1]
    assert lines["training"][1][0] == lines["held out"][0][0] == lines["top-1"][0][0]
    assert len({y for _, y in lines["chance"]}) == 1


def test_equal_values_have_equal_heights() -> None:
    lines = read_lines(draw("net", [held_out(10, 1.0, 0.25), held_out(20, 1.0, 0.5)], 0.5))
    assert lines["top-5"][0][1] == lines["top-1"][1][1] == lines["chance"][0][1]


@pytest.mark.parametrize(
    "entries",
    [[], [train(1, 2.0)], [train(1, 0.0)], [train(1, float("inf")), train(2, 1e30)], RUN],
)
def test_everything_stays_in_the_frame(entries: list[Entry]) -> None:
    picture = draw("net", entries, chance=0.1)
    root = ElementTree.fromstring(picture)
    for x, y in [point for line in read_lines(picture).values() for point in line]:
        assert 0 <= x <= WIDTH
        assert 0 <= y <= float(root.attrib["height"])
    assert "nan" not in picture
    assert not re.search(r"\binf\b", picture)


def test_a_peak_at_the_beginning_leaves_room_for_the_rest() -> None:
    losses = [50.0, 80.0, *(2.0 - 0.01 * n for n in range(100))]
    run = [train(update, loss) for update, loss in enumerate(losses, start=1)]
    heights = [y for _, y in read_lines(draw("net", run, 0.1))["training"]]
    assert heights[0] == heights[1] == min(heights)
    assert heights[-1] - heights[2] > 50


def test_the_title_is_text_and_not_markup() -> None:
    root = ElementTree.fromstring(draw("a < b & c", RUN, 0.1))
    assert "a < b & c" in [text.text for text in root.iter(f"{SVG}text")]
    assert {
        "Loss",
        "Accuracy",
        "chance",
        "nats an image",
        "updates, 63 an epoch",
    } <= {text.text for text in root.iter(f"{SVG}text")}


def test_a_test_on_several_views_is_not_part_of_the_curve() -> None:
    lines = read_lines(draw("net", [*RUN, held_out(100, 0.8, 0.9, views=10)], 0.1))
    assert len(lines["top-1"]) == 2


def test_a_rate_that_falls_far_has_a_logarithmic_axis() -> None:
    rates = [0.01, 0.001, 0.0001]
    run = [train(update, 1.0, rate) for update, rate in enumerate(rates, start=1)]
    chart = chart_rate(RunCurves("net", run, 0.1))
    assert (chart.is_log, chart.low, chart.high) == (True, 1e-4, 1e-2)
    upper, middle, lower = (chart.y(rate) for rate in rates)
    assert upper - middle == pytest.approx(middle - lower)
    even = chart_rate(RunCurves("net", RUN, 0.1))
    assert (even.is_log, even.low) == (False, 0.0)


def test_the_ratio_of_updates_to_weights_is_drawn_for_each_weight() -> None:
    sizes = {"weights": 0.1, "updates": 1e-4, "ratio": 1e-3}
    layers = {"conv1.weight": sizes, "conv1.bias": {**sizes, "ratio": None}}
    entries = [{"kind": "layers", "update": n, "layers": layers} for n in (1, 2)]
    chart = chart_updates(RunCurves("net", entries, 0.1))
    assert [(curve.name, curve.points) for curve in chart.curves] == [
        ("conv1.weight", [(1, 1e-3), (2, 1e-3)])
    ]
    assert chart.low < 1e-3 < chart.high or chart.low == 1e-3


def test_runs_are_drawn_over_each_other_on_the_same_axes() -> None:
    longer = [*RUN, train(300, 0.2), held_out(300, 0.8, 0.9)]
    runs = [RunCurves(f"run {n}", entries, 0.1) for n, entries in enumerate((RUN, longer))]
    for chart in compare_curves(runs):
        assert [curve.name for curve in chart.curves] == ["run 0", "run 1"]
        assert len({curve.colour for curve in chart.curves}) == 2
        assert chart.most_updates == 300
        assert chart.high >= max(value for curve in chart.curves for _, value in curve.points)
