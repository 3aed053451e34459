"""The classes of a picture with their bars, on wide and narrow pages."""

import pytest

from netspec.recipe.results import ClassProbability, Prediction
from netspec.render.bars import list_prediction
from netspec.render.page import Page, count_cells, line_text

CAT = Prediction(
    "cat.jpg",
    (
        ClassProbability("tabby, tabby cat", 281, 0.75),
        ClassProbability("Egyptian cat", 285, 0.2),
        ClassProbability("虎", 292, 0.05),
        ClassProbability("a\x1b[31mb", 3, 0.0004),
    ),
)


def show(page: Page) -> list[str]:
    return [line_text(line) for line in list_prediction(CAT, page)]


def test_bars_are_as_long_as_probabilities() -> None:
    assert show(Page()) == [
        "cat.jpg",
        "  tabby, tabby cat  0.750  ##############################",
        "  Egyptian cat      0.200  ########",
        "  虎                0.050  ##",
        "  a\N{REPLACEMENT CHARACTER}[31mb           0.000",
    ]


def test_signs_are_the_page_s() -> None:
    lines = show(Page(40, ellipsis="…", bar="█"))
    assert lines[1] == "  tabby, tabby cat  0.750  " + 10 * "█"


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (35, "  tabby, tabby cat  0.750  ######"),
        (34, "  tabby, tabby cat  0.750"),
        (25, "  tabby, tabby cat  0.750"),
        (20, "  tabby, t...  0.750"),
        (14, "  ta...  0.750"),
        (11, "  ta  0.750"),
    ],
)
def test_names_go_before_bars(width: int, line: str) -> None:
    assert show(Page(width))[1] == line


@pytest.mark.parametrize("width", range(10, 60))
def test_no_line_is_wider_than_the_page(width: int) -> None:
    assert max(map(count_cells, show(Page(width)))) <= width
