"""The picture of a sweep: a line and a band for each choice of values, over the same axes."""

import re
from xml.etree import ElementTree

import pytest

from netspec.render.html.charts import COLOURS, WIDTH
from netspec.render.html.curves import Entry
from netspec.render.html.sweep_curves import SweptCurves, draw_sweep
from tests.render.test_html_curves import SVG, held_out

Points = list[tuple[float, float]]


def make_run(*errors: float, accuracy: float = 0.5) -> list[Entry]:
    """A line for every ten updates, and a test at the end."""
    lines: list[Entry] = [
        {"kind": "train", "update": 10 * n, "loss": 1.0, "error": error}
        for n, error in enumerate(errors, start=1)
    ]
    return [*lines, held_out(10 * len(errors), 1.0, accuracy)]


def read(picture: str, tag: str) -> list[tuple[str, Points]]:
    """The classes and the points of each line or band."""
    found = ElementTree.fromstring(picture).iter(f"{SVG}{tag}")
    return [
        (
            each.attrib["class"],
            [
                (float(x), float(y))
                for x, y in (p.split(",") for p in each.attrib["points"].split())
            ],
        )
        for each in found
    ]


def test_a_line_is_the_mean_and_a_band_from_the_lowest_to_the_highest() -> None:
    runs = [make_run(0.8, 0.4), make_run(0.6, 0.4)]
    picture = draw_sweep("a", [SweptCurves("relu", 10, runs)], level=0.4)
    (classes, line), (_, level), _ = read(picture, "polyline")
    (band_classes, band), _ = read(picture, "polygon")
    assert (classes, band_classes) == ("curve c0", "band c0")
    assert [x for x, _ in line] == [x for x, _ in band[:2]] == [x for x, _ in band[:1:-1]]
    highest, lowest = band[0][1], band[-1][1]
    assert highest < line[0][1] < lowest  # up the page is a higher error
    assert 2 * line[0][1] == pytest.approx(highest + lowest, abs=0.2)
    assert {line[1][1], band[1][1], band[2][1]} == {y for _, y in level}


def test_values_have_the_same_names_and_colours_in_both_charts() -> None:
    swept = [SweptCurves(name, 10, [make_run(0.8, 0.4)]) for name in ("relu", "tanh < sigmoid")]
    picture = draw_sweep("net: activation", swept, 0.25)
    texts = [text.text for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]
    assert [texts.count(name) for name in ("relu", "tanh < sigmoid", "0.25")] == [2, 2, 1]
    classes = [each for each, _ in read(picture, "polyline")]
    assert classes == ["curve c0", "curve c1", "curve chance dashed", "curve c0", "curve c1"]


def test_the_mean_begins_where_its_window_is_full() -> None:
    picture = draw_sweep("a", [SweptCurves("relu", 20, [make_run(0.9, 0.5, 0.1)])], 0.25)
    (_, line), *_ = read(picture, "polyline")
    assert len(line) == 2


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [[]],
        [make_run()],
        [make_run(1.0, 1.0, accuracy=0.0)],
        [make_run(0.0, 0.0, accuracy=1.0)],
        [make_run(0.5), make_run(0.5, 0.4, 0.3)],
    ],
)
@pytest.mark.parametrize("count", [1, 3, 30])
def test_everything_stays_in_the_frame(runs: list[list[Entry]], count: int) -> None:
    swept = [SweptCurves(f"activation {n}, rate 0.01", 10, runs) for n in range(count)]
    picture = draw_sweep("net", swept, 0.25)
    root = ElementTree.fromstring(picture)
    height = float(root.attrib["viewBox"].split()[-1])
    for _, points in read(picture, "polyline") + read(picture, "polygon"):
        assert all(0 <= x <= WIDTH and 0 <= y <= height for x, y in points)
    names = [text for text in root.iter(f"{SVG}text") if (text.text or "").startswith("activation")]
    assert len(names) == 2 * count
    assert not re.search(r"\b(nan|inf)\b", picture)


def test_more_lines_than_colours_are_dashed() -> None:
    swept = [SweptCurves(str(n), 10, [make_run(0.5, 0.4)]) for n in range(COLOURS + 1)]
    classes = [each for each, _ in read(draw_sweep("a", swept, 0.25), "polyline")]
    assert classes[COLOURS - 1 : COLOURS + 1] == ["curve c7", "curve c0 dashed"]
