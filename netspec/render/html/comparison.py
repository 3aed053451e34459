"""Several runs side by side: their figures, what they differ in, and their curves over each
other.
"""

from collections.abc import Iterator, Mapping, Sequence

from netspec.recipe.results import TestReport
from netspec.recipe.written import write_resolved
from netspec.render.html.charts import chart_picture
from netspec.render.html.curves import compare_curves, legend
from netspec.render.html.markup import Child, element, table
from netspec.render.html.recipe import LINES, OPTIONS, list_options
from netspec.render.html.results import tabulate
from netspec.render.html.run import Run, show_seconds, show_share
from netspec.render.page import count_noun

HEADINGS = (
    "run",
    "net",
    "updates",
    "top-1",
    "top-5",
    "loss",
    "top-1 error",
    "best on the way",
    "time",
)
NUMBERS = range(2, len(HEADINGS))
MOST_LAYERS = 12
"""Of layers that differ so many are shown; more are other nets."""

DEFAULTS = {OPTIONS["seed"]: "0", OPTIONS["precision"]: "float32"}
"""What holds where the caller of a training says nothing."""


def render_comparison(runs: Sequence[Run], ensembles: Sequence[TestReport]) -> Iterator[Child]:
    """The figures, the curves, the differences."""
    with_top_five = any(run.has_top_five for run in runs)
    yield table(HEADINGS, map(list_figures, runs), NUMBERS)
    for report in ensembles:
        yield element("h3", f"The mean of {len(report.nets)}, tested together")
        tests = (("mean", figures) for figures in report.ensemble)
        yield tabulate(tests, with_top_five=with_top_five)
    yield element("h3", "Curves over each other")
    yield legend(run.curves for run in runs)
    charts = compare_curves([run.curves for run in runs])
    yield element("div", map(chart_picture, charts), class_="charts")
    differences = list(list_differences(runs))
    if differences:
        yield element("h3", "What they differ in")
        yield table(("", *(run.name for run in runs)), differences)


def list_figures(run: Run) -> tuple[Child, ...]:
    facts, figures = run.facts, run.figures
    best = "" if facts.best is None else show_share(facts.best.top1)
    shown = (
        ("", "", "", "")
        if figures is None
        else (
            f"{figures.top1:.3f}",
            f"{figures.top5:.3f}",
            f"{figures.loss:.3f}",
            show_share(figures.error),
        )
    )
    updates = f"{facts.updates:,}"
    if facts.planned is not None and facts.planned != facts.updates:
        updates += f" of {facts.planned:,}"
    time = show_seconds(run.seconds) if facts.sessions else ""
    link = element("a", run.name, href=f"#{run.anchor}")
    return link, facts.net, updates, *shown, best, time


def list_differences(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    """What is not the same in all runs, with what each has."""
    yield from compare_values([dict(list_settings(run)) for run in runs])
    layers = list(compare_values([dict(list_layers(run)) for run in runs]))
    if len(layers) <= MOST_LAYERS:
        yield from layers
    else:
        yield "layers", *(count_noun(len(dict(list_layers(run))), "layer") for run in runs)


def compare_values(told: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, ...]]:
    """The names whose values differ, with all of them."""
    for name in dict.fromkeys(name for each in told for name in each):
        values = [each.get(name, "") for each in told]
        if len(set(values)) > 1:
            yield name, *values


def list_settings(run: Run) -> Iterator[tuple[str, str]]:
    facts = run.facts
    yield from ((f"parameter {name}", value) for name, value in facts.parameters.items())
    yield from ((name, "; ".join(write_resolved(facts.recipe.get(key)))) for key, name in LINES)
    yield "trained on", str(facts.data.get("name", ""))
    yield from (DEFAULTS | dict(list_options(run))).items()


def list_layers(run: Run) -> Iterator[tuple[str, str]]:
    if run.net is not None:
        yield from ((f"layer {node.name}", node.written) for node in run.net.graph.nodes)
