"""How large weights and updates were, where the run watched them (--watch-layers)."""

from collections.abc import Iterator

from netspec.render.html.charts import chart_picture
from netspec.render.html.curves import chart_updates
from netspec.render.html.markup import Child, element, folded, table
from netspec.render.html.run import Run

MOST_ROWS = 20
HEADINGS = ("weights", "mean size", "of an update", "ratio", "smallest ratio", "largest ratio")


def has_health(run: Run) -> bool:
    return any(entry["kind"] == "layers" for entry in run.facts.metrics)


def render_health(run: Run) -> Iterator[Child]:
    """The ratio over the run, and the sizes at its end."""
    yield element(
        "p",
        "The mean absolute size of weights and of single updates, and the second over the first. "
        "About a thousandth is healthy.",
    )
    yield element("div", chart_picture(chart_updates(run.curves)), class_="charts")
    rows = list(list_sizes(run))
    shown = table(HEADINGS, rows, range(1, len(HEADINGS)))
    yield shown if len(rows) <= MOST_ROWS else folded(f"All {len(rows):,} weights", shown)


def list_sizes(run: Run) -> Iterator[tuple[str, ...]]:
    """The last sizes of each weight, and the ends of its ratio over the run."""
    entries = [entry["layers"] for entry in run.facts.metrics if entry["kind"] == "layers"]
    for name, last in entries[-1].items():
        ratios = [entry[name]["ratio"] for entry in entries if entry[name]["ratio"] is not None]
        ends = (f"{end(ratios):.2g}" if ratios else "" for end in (min, max))
        ratio = "" if last["ratio"] is None else f"{last['ratio']:.2g}"
        yield name, f"{last['weights']:.3g}", f"{last['updates']:.3g}", ratio, *ends
