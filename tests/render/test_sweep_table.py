"""The table of a sweep, on wide and narrow pages, whole and in part."""

import pytest

from netspec.render.page import Page, count_cells, line_text
from netspec.render.sweep_table import list_sweep, write_sweep
from tests.recipe.test_sweep import make_report, make_run

REPORT = make_report(
    relu=[make_run(0, 50, 0.80), make_run(1, 70, 0.82)],
    tanh=[make_run(0, 300, 0.78), make_run(1, None, 0.76)],
    wild=[make_run(0, None, 0.70), make_run(1, state="diverged")],
)
WIDE = """\
tiny on clothes (built in): 2 seeds, 600 updates, 100 held-out images (chance 0.100)

activation  accuracy     +-   loss  training loss  training error  updates to error 0.25  +-   ratio
relu           0.810  0.014  0.190          0.500           0.200                     60  14     1.0
tanh           0.770  0.014  0.230          0.500           0.200                 1 of 2       > 7.5
wild           0.700         0.300          0.500           0.200                  never      > 10.0

wild, seed 1: it broke
"""


def test_a_row_for_each_value() -> None:
    assert write_sweep(REPORT) == WIDE


def test_what_is_still_to_be_done_is_said() -> None:
    missing = make_run(1, state="unfinished")
    report = make_report(relu=[make_run(0, 50), missing], tanh=[make_run(0), missing])
    *_, relu, tanh, _, last = write_sweep(report).splitlines()
    assert last == "2 of 4 runs still to be done"
    assert relu.endswith("  1 of 2")
    assert "never" not in tanh


@pytest.mark.parametrize("width", [12, 20, 33, 47, 60, 80, 95])
def test_a_narrow_page_loses_the_least_important_first(width: int) -> None:
    lines = [line_text(line) for line in list_sweep(REPORT, Page(width))]
    assert max(map(count_cells, lines)) <= width
    text = " ".join(" ".join(line.split()) for line in lines)
    assert ("training error" in text) == ("0.200" in text)
    for figure in ("relu", "0.810", "0.014", "> 7.5"):
        assert figure in text
