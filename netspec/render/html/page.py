"""The page of one run or several: its parts in their order, and what stands where one is missing.

The page loads nothing, and a browser that reads it is told not to let it: all pictures are in it,
and it has no scripts.
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from netspec.recipe.run_facts import RunsFacts
from netspec.render.html.answers import render_confusion, render_samples
from netspec.render.html.comparison import render_comparison
from netspec.render.html.health import has_health, render_health
from netspec.render.html.kernels import render_kernels
from netspec.render.html.layers import render_net
from netspec.render.html.machine import render_machine, show_time
from netspec.render.html.markup import Child, element, folded, read_style, write_page
from netspec.render.html.recipe import (
    is_held_against_paper,
    render_changes,
    render_deviations,
    render_recipe,
)
from netspec.render.html.results import render_curves, render_results, render_tiles
from netspec.render.html.run import Run, describe_end, describe_updates
from netspec.render.page import count_noun

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What the page may load: nothing but what it has in itself."""


def render_runs(facts: RunsFacts, written: str, version: str) -> str:
    """The page as text; `written` is the time at which it is written, as ISO 8601 has it, `version`
    netspec's."""
    runs = [Run(each, f"run-{number}") for number, each in enumerate(facts.runs, start=1)]
    only = len(runs) == 1
    title = describe_title(runs)
    body = element(
        "main",
        element("header", element("h1", title), () if only else render_contents(runs)),
        ()
        if only
        else section("comparison", "Side by side", render_comparison(runs, facts.ensembles)),
        (render_run(run, only=only) for run in runs),
        element("footer", f"Written by netspec {version} on {show_time(written)}."),
    )
    styles = element("style", read_style("charts.css") + read_style("page.css"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        styles,
    )
    return write_page(element("html", head, element("body", body), lang="en"))


def describe_title(runs: Sequence[Run]) -> str:
    names = ", ".join(dict.fromkeys(run.facts.net for run in runs))
    if len(runs) > 1:
        return f"{count_noun(len(runs), 'run')}: {names}"
    data = runs[0].facts.data.get("name")
    return f"{names} on {data}" if data else names


def render_contents(runs: Sequence[Run]) -> Element:
    links = (element("li", element("a", run.name, href=f"#{run.anchor}")) for run in runs)
    return element("nav", element("ol", links), aria_label="runs")


def render_run(run: Run, *, only: bool) -> Element:
    """All that is known of a run; one of several has its name above it."""
    end = describe_end(run)
    return element(
        "article",
        None if only else element("h2", run.name),
        element("p", describe_run(run, only=only), class_="about"),
        element("p", end, class_="notice kept") if end else None,
        render_tiles(run),
        (
            section(f"{run.anchor}-{name}", title, children, level=2 if only else 3)
            for name, title, children in list_parts(run)
        ),
        id=run.anchor,
    )


def describe_run(run: Run, *, only: bool) -> str:
    """Where it is, and how far it came."""
    machine = run.facts.sessions[-1].machine if run.facts.sessions else {}
    device = f", on {machine['device']}" if "device" in machine else ""
    place = f"{run.name}: " if only else ""
    return f"{place}{describe_updates(run)}{device}."


def list_parts(run: Run) -> Iterator[tuple[str, str, Child]]:
    """The name, the title and the content of each part that a run has."""
    facts = run.facts
    yield "results", "Results", render_results(run)
    yield "curves", "Curves", render_curves(run)
    answers = facts.answers
    yield (
        "confusion",
        "Which classes are taken for which",
        render_missing(run, "answers") if answers is None else render_confusion(answers),
    )
    if answers is not None:
        yield "predictions", "Predictions", render_samples(answers)
    yield (
        "kernels",
        "The first layer\N{RIGHT SINGLE QUOTATION MARK}s kernels",
        render_missing(run, "kernels") if facts.kernels is None else render_kernels(facts.kernels),
    )
    yield "net", "The net", render_net(run)
    yield "recipe", "The recipe", render_recipe(run)
    yield "changes", "What is not as the file says", render_changes(run)
    if is_held_against_paper(run):
        yield "paper", "What is not as in the paper", render_deviations(run)
    if has_health(run):
        yield "health", "Weights and updates", render_health(run)
    yield "machine", "The machine", render_machine(run)
    yield "spec", "The spec", render_texts(run)


def render_missing(run: Run, name: str) -> Iterator[Child]:
    """Why a part is not there."""
    reason = run.facts.missing.get(name, "it cannot be had")
    yield element("p", f"This is missing: {reason.rstrip('.')}.", class_="missing")


def render_texts(run: Run) -> Iterator[Child]:
    """The files, as they were used."""
    for name, text in run.facts.texts.items():
        yield folded(name, element("pre", text), is_printed=True)


def section(name: str, title: str, children: Child, level: int = 2) -> Element:
    """A part with its heading; its own headings come below that."""
    return element("section", element(f"h{level}", title), children, id=name)
