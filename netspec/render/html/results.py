"""How well a run did: a few large figures, the table of its tests, and the curves."""

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from netspec.recipe.run import Figures
from netspec.render.facts import NetFacts
from netspec.render.figures import COLUMNS, TOP_FIVE, describe_skipped, write_cells
from netspec.render.html.charts import chart_picture
from netspec.render.html.curves import chart_accuracies, chart_losses, chart_rate
from netspec.render.html.markup import Child, element, table
from netspec.render.html.run import Run, capitalize, describe_updates, show_seconds, show_share


def render_tiles(run: Run) -> Element:
    """What one looks for first."""
    tiles = (
        element(
            "div",
            element("dt", name),
            element("dd", value, element("small", f" {about}") if about else None),
        )
        for name, value, about in list_tiles(run)
    )
    return element("dl", tiles, class_="tiles")


def list_tiles(run: Run) -> Iterator[tuple[str, str, str]]:
    """Name, value, and what the value is of."""
    figures = run.figures
    if figures is not None:
        yield "top-1 accuracy", show_share(figures.top1), ""
        if run.has_top_five:
            yield "top-5 accuracy", show_share(figures.top5), ""
        yield "loss", f"{figures.loss:.3f}", "nats"
    updates, _, epochs = describe_updates(run).partition(" update")
    yield "updates", updates, epochs.partition(", ")[2]
    if run.net is not None:
        yield "parameters", f"{NetFacts(run.net).total.params:,}", ""
    if run.facts.sessions:
        yield "time", show_seconds(run.seconds), ""


def render_results(run: Run) -> Iterator[Child]:
    """The table of the tests, and what belongs to it."""
    if run.tests:
        yield tabulate(run.tests, with_top_five=run.has_top_five)
    else:
        yield element("p", "No held-out image was tested yet.", class_="missing")
    if run.chance is not None:
        share = show_share(run.chance)
        yield element("p", f"Always giving the most frequent class is right for {share}.")
    if run.facts.skipped:
        yield element("p", f"{capitalize(describe_skipped(run.facts.skipped))}.")


def tabulate(tests: Iterable[tuple[str, Figures]], *, with_top_five: bool) -> Element:
    """The figures of tests, a row each."""
    headings = [column.heading for column in COLUMNS[1:]]
    kept = [n for n, name in enumerate(headings) if with_top_five or name not in TOP_FIVE]
    rows = []
    for name, figures in tests:
        cells = write_cells(figures)
        rows.append((name, f"{figures.images:,}", *(cells[n] for n in kept)))
    shown = ("test", "images", *(headings[n] for n in kept))
    return table(shown, rows, range(1, len(shown)))


def render_curves(run: Run) -> Iterator[Child]:
    """Loss, accuracy and rate over the updates."""
    if not run.facts.metrics:
        yield element("p", "Nothing was logged yet.", class_="missing")
        return
    charts = (chart_losses(run.curves), chart_accuracies(run.curves), chart_rate(run.curves))
    yield element("div", map(chart_picture, charts), class_="charts")
