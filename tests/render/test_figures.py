"""The table of a test, on wide and narrow pages."""

import pytest

from netspec.recipe.results import TestedNet, TestReport
from netspec.recipe.run import Figures
from netspec.render.figures import list_figures, write_figures
from netspec.render.page import Page, count_cells, line_text


def make_report(
    nets: int = 2, skipped: int = 0, classes: int = 1000, top5: float = 0.8125
) -> TestReport:
    figures = tuple(
        Figures(images=1234, views=views, top1=0.5930, top5=top5, loss=1.75) for views in (1, 10)
    )
    return TestReport(
        data="flowers",
        origin="data/flowers",
        tested="held-out images",
        classes=classes,
        chance=0.25,
        nets=tuple(
            TestedNet(f"runs/alexnet/seed-{n}/last.safetensors", "alexnet", 90, figures)
            for n in range(nets)
        ),
        ensemble=figures if nets > 1 else (),
        skipped=tuple((f"{n}.jpg", "is empty") for n in range(skipped)),
    )


WIDE = """\
flowers (data/flowers): 1,234 held-out images, 1,000 classes (chance 0.250)

weights                               views  top-1  top-5   loss  top-1 error  top-5 error
runs/alexnet/seed-0/last.safetensors      1  0.593  0.812  1.750       40.7 %       18.8 %
                                         10  0.593  0.812  1.750       40.7 %       18.8 %
runs/alexnet/seed-1/last.safetensors      1  0.593  0.812  1.750       40.7 %       18.8 %
                                         10  0.593  0.812  1.750       40.7 %       18.8 %
mean of 2                                 1  0.593  0.812  1.750       40.7 %       18.8 %
                                         10  0.593  0.812  1.750       40.7 %       18.8 %
"""


def test_each_net_and_the_mean_of_all() -> None:
    assert write_figures(make_report()) == WIDE


def test_one_net_has_no_mean() -> None:
    lines = write_figures(make_report(nets=1)).splitlines()
    assert lines == WIDE.splitlines()[:5]


def test_images_that_could_not_be_read_are_named() -> None:
    last = write_figures(make_report(skipped=7)).splitlines()[-1]
    assert last.startswith("skipped, because they cannot be read: 0.jpg (is empty), 1.jpg")
    assert last.endswith("4.jpg (is empty) and 2 more")


def test_with_five_classes_the_five_best_are_no_figure() -> None:
    lines = write_figures(make_report(nets=1, classes=5, top5=1.0)).splitlines()
    assert lines[2].split() == ["weights", "views", "top-1", "loss", "top-1", "error"]
    assert lines[3].split()[1:] == ["1", "0.593", "1.750", "40.7", "%"]
    assert "top-5" in write_figures(make_report(classes=5))  # of a net that knows more classes
    narrow = [line_text(line) for line in list_figures(make_report(1, 0, 5, 1.0), Page(20))]
    assert "top-5" not in "".join(narrow)


@pytest.mark.parametrize("width", [12, 20, 33, 47, 60, 80, 95])
def test_a_narrow_page_loses_no_figure(width: int) -> None:
    lines = [line_text(line) for line in list_figures(make_report(skipped=1), Page(width))]
    assert max(map(count_cells, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert text.count("0.593") == 6
    assert text.count("1.750") == 6
