"""How a run was trained: its recipe, what its caller changed of the file, and for AlexNet and its
like what is not as in the paper.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from netspec.analyses.alexnet_paper import PaperRun, is_of_its_line, list_deviations
from netspec.recipe.written import resolve_recipe, write_resolved
from netspec.render.html.markup import Child, element, facts, folded, table
from netspec.render.html.run import Run, show_epochs, show_seconds
from netspec.values import spell_value

LINES = (
    ("data", "data"),
    ("train", "training images"),
    ("test", "test images"),
    ("batch", "batch"),
    ("loss", "loss"),
    ("solver", "solver"),
    ("schedule", "schedule"),
    ("stop", "stop"),
    ("views", "views of a test"),
    ("test_batch", "batch of a test"),
)
"""The lines of a resolved recipe, with what they are called here."""
OPTIONS = {
    "data": "data from",
    "device": "device",
    "seed": "seed",
    "split_seed": "seed of the division",
    "precision": "precision",
    "compile": "compiled",
    "weights": "began from the weights of",
    "weights_map": "weights were matched by",
    "fresh_last": "last layer kept its starting values",
    "eval_images": "images of the tests on the way",
    "device_batch": "images computed at once, at most",
}
"""What a caller may say that no line of a recipe has, and that is worth telling."""


def render_recipe(run: Run) -> Iterator[Child]:
    """The recipe with every value settled, the data set, and the plan as it was shown."""
    recipe, data = run.facts.recipe, run.facts.data
    lines = ((name, write_resolved(recipe.get(key))) for key, name in LINES)
    yield facts((name, "; ".join(texts) or "as they are") for name, texts in lines)
    if "name" in data:
        yield element("p", describe_data(data))
    if run.facts.plan:
        yield folded("The plan as it was shown", element("pre", run.facts.plan))


def describe_data(data: Mapping[str, Any]) -> str:
    parts = [f"Trained on {data['name']} ({data['origin']})"]
    if data["train"] is not None and data["held_out"] is not None:
        parts.append(f"{data['train']:,} images, {data['held_out']:,} held out")
    parts.append(f"{len(data['classes']):,} classes")
    division = data["division"]
    return f"{', '.join(parts)}; {division}." if division else f"{', '.join(parts)}."


def render_changes(run: Run) -> Iterator[Child]:
    """What is not as the file says, and what was said beside it."""
    changes = list(list_changes(run))
    if changes:
        yield table(("", "this run", "the file"), changes)
    else:
        yield element("p", "Nothing: the run is what its file says.")


def list_changes(run: Run) -> Iterator[tuple[str, str, str]]:
    """Name, value of the run, value of the file; empty where the file has none."""
    own, facts = run.own_net, run.facts
    if own is not None:
        written = {name: spell_value(value) for name, value in own.parameters}
        for name, given in facts.parameters.items():
            if given != written.get(name):
                yield f"parameter {name}", given, written.get(name, "")
    if own is not None and own.recipe is not None:
        theirs = resolve_recipe(own.recipe)
        for key, name in LINES:
            ours, other = write_resolved(facts.recipe.get(key)), write_resolved(theirs[key])
            if ours != other:
                yield name, "; ".join(ours), "; ".join(other)
    data = facts.data.get("name")
    if data is not None and data != facts.recipe["data"]:
        yield "data", str(data), str(facts.recipe["data"])
    yield from ((name, value, "") for name, value in list_options(run))


def list_options(run: Run) -> Iterator[tuple[str, str]]:
    """What the caller said that no line of a recipe has."""
    for key, title in OPTIONS.items():
        value = run.facts.options.get(key)
        if value is not None and value is not False:
            yield title, "yes" if value is True else str(value)


def is_held_against_paper(run: Run) -> bool:
    """Whether the net is one that the paper says something of."""
    return run.net is not None and is_of_its_line(run.net.graph)


def render_deviations(run: Run) -> Iterator[Child]:
    """What of the run is not as in Krizhevsky, Sutskever and Hinton 2012."""
    assert run.net is not None
    rows = [
        (
            each.section,
            element("span", each.what, element("small", f" {', '.join(each.layers)}")),
            each.paper,
            each.here,
        )
        for each in list_deviations(describe_for_paper(run))
    ]
    yield element(
        "p",
        "Beside Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional "
        "Neural Networks, 2012: what its text says, where this run is not so.",
    )
    yield (
        table(("section", "", "the paper", "this run"), rows)
        if rows
        else element("p", "Nothing: the run is what the paper says.")
    )


def describe_for_paper(run: Run) -> PaperRun:
    """A run as far as the paper speaks of such things."""
    assert run.net is not None
    facts = run.facts
    last = facts.sessions[-1].machine if facts.sessions else None
    return PaperRun(
        graph=run.net.graph,
        recipe=facts.recipe,
        data=str(facts.data.get("name", facts.recipe["data"])),
        images=facts.data.get("train"),
        epochs="" if run.epochs is None else show_epochs(run.epochs),
        device="" if last is None else f"{last['device']}, in {show_seconds(run.seconds)}",
    )
