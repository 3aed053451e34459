"""One net for people: what goes in and out and what it costs, the table of its layers, its heads,
and how many of its claims held.

The table has every column where the page is wide enough; where it is not, what lies on which GPU
gets a table of its own, and on very narrow pages each layer is told in a few lines.
"""

from collections.abc import Callable, Iterator, Sequence

from netspec.analyses.cost import Cost
from netspec.analyses.memory import Memory
from netspec.analyses.placement import Placement
from netspec.compiler.program import CheckedNet, ClaimTally
from netspec.graph import Head
from netspec.recipe.device import Device, show_bytes
from netspec.recipe.recipe import Recipe
from netspec.render.facts import NetFacts, summarize
from netspec.render.layer_rows import LayerRow, list_layer_rows
from netspec.render.memory_lines import list_training
from netspec.render.outline import choose_depth
from netspec.render.page import (
    Line,
    Page,
    Piece,
    count_noun,
    join_blocks,
    printable,
    styled,
    wrap_text,
)
from netspec.render.table import Column, TableRow, fit_columns, render_row, render_table
from netspec.values import format_value

FACT_WIDTH = 15
"""Cells of the names in front of a net's facts."""

LABEL = Column("label", style="strong")
LAYER = Column("layer", folds=True)
OUTPUT = Column("output", style="shape")
PARAMS = Column("parameters", right=True)
MACS = Column("multiply-adds", right=True)
GPUS = Column("on GPUs")
CROSSING = Column("crossing", right=True)
RETURNING = Column("back", right=True)

CELLS: dict[Column, Callable[[LayerRow], str]] = {
    LABEL: lambda row: row.indented_label,
    LAYER: lambda row: row.layer,
    OUTPUT: lambda row: str(row.shape),
    PARAMS: lambda row: row.params,
    MACS: lambda row: row.macs,
    GPUS: lambda row: row.on_gpus,
    CROSSING: lambda row: row.crossing,
    RETURNING: lambda row: row.returning,
}


def render_net(net: CheckedNet, page: Page, depth: int | None, device: Device) -> list[Line]:
    """All there is to say of one net that is to be trained on a device; `depth` is how many levels
    of blocks are opened, by default as many as keep the net readable."""
    facts = NetFacts(net, device)
    depth = depth or choose_depth(facts.graph.nodes)
    main = list_layer_rows(facts, None, depth)
    blocks = [
        render_title(facts, page),
        list(render_facts(facts, page)),
        render_layers(main, total_row(facts, facts.total), facts, page),
    ]
    for head in facts.graph.heads:
        rows = list_layer_rows(facts, head, depth)
        total = total_row(facts, facts.head_cost(head), head)
        title = styled(title_head(head), "strong")
        blocks.append([title, *render_layers(rows, total, facts, page)])
    blocks.append([describe_claims(net.claims)])
    return join_blocks(blocks)


def title_head(head: Head) -> str:
    return f"head {head.name}, weight {format_value(head.weight)}, trained but not in the total"


def render_title(facts: NetFacts, page: Page) -> list[Line]:
    title = Piece(facts.net.name, "strong"), Piece(f"  {printable(facts.net.span.place)}", "faint")
    about = printable(summarize(facts.net.documentation))
    return [title, *(styled(part) for part in wrap_text(about, page.width) if part)]


def render_facts(facts: NetFacts, page: Page) -> Iterator[Line]:
    """The lines above the table, a name and its value each."""
    room = None if page.width is None else max(20, page.width - FACT_WIDTH)
    for name, value in list_facts(facts):
        for index, part in enumerate(wrap_text(value, room)):
            label = name if index == 0 else ""
            yield Piece(f"{label:<{FACT_WIDTH}}", "faint"), Piece(part)


def list_facts(facts: NetFacts) -> Iterator[tuple[str, str]]:
    graph, memory = facts.graph, facts.memory
    if graph.parameters:
        given = (f"{name}={format_value(value)}" for name, value in graph.parameters)
        yield "with", printable(", ".join(given))
    inputs = facts.input_shapes
    only = len(inputs) == 1
    yield "input", ", ".join(str(s) if only else f"{name} {s}" for name, s in inputs)
    yield "output", str(facts.output_shape)
    yield "parameters", f"{facts.total.params:,}"
    yield "multiply-adds", f"{facts.total.macs:,} for one image"
    yield "weights", describe_weights(memory)
    yield (
        "activations",
        f"{memory.activations:,} numbers for one image, {show_bytes(memory.activation_bytes)}",
    )
    if facts.placement:
        yield from describe_gpus(facts.placement, facts.net.recipe)
    if facts.training:
        yield from list_training(facts.training)


def describe_weights(memory: Memory) -> str:
    averages = f", and {show_bytes(memory.average_bytes)} of running averages"
    text = f"{show_bytes(memory.weight_bytes)} in float32"
    return text + averages if memory.average_bytes else text


def describe_gpus(placement: Placement, recipe: Recipe | None) -> Iterator[tuple[str, str]]:
    """What lies on each, and what crosses between them, in training all told."""
    forward = f"{placement.crossing_bytes:,} bytes cross between them going forward"
    back = f"{placement.returning_bytes:,} going back"
    yield "GPUs", f"{placement.gpus}; for one image {forward}, {back}"
    for gpu, cost in enumerate(placement.costs):
        yield f"  GPU {gpu}", f"{cost.params:,} parameters, {cost.macs:,} multiply-adds"
    for name, reading in placement.exits.items():
        if reading.crossings:
            gpu = reading.crossings[0].receiver
            both = f"{reading.crossing_bytes:,} bytes forward, {reading.returning_bytes:,} back"
            yield "  loss", f"reads {name} whole on GPU {gpu}: {both} for one image"
    if recipe:
        crossing = placement.training_bytes * recipe.batch
        yield "  update", f"{crossing:,} bytes, for {count_noun(recipe.batch, 'image')} both ways"


def describe_claims(claims: ClaimTally) -> Line:
    """How many claims held; the line is there for a net without claims too."""
    if not claims.held and not claims.skipped:
        return styled("no claims", "faint")
    held = Piece(f"{count_noun(claims.held, 'claim')} held", "good")
    if not claims.skipped:
        return (held,)
    they = "it speaks" if claims.skipped == 1 else "they speak"
    reason = f"; {claims.skipped:,} skipped: {they} of the net's own defaults"
    return held, Piece(reason, "warning")


def total_row(facts: NetFacts, cost: Cost, head: Head | None = None) -> LayerRow:
    """The sums below the table."""
    layers = sum(node.layer.takes != "none" for node in facts.nodes_of(head))
    placement = facts.placement if head is None else None
    return LayerRow(
        label="total",
        layer=count_noun(layers, "layer"),
        params=f"{cost.params:,}",
        macs=f"{cost.macs:,}",
        crossing=f"{placement.crossing_bytes:,}" if placement else "",
        returning=f"{placement.returning_bytes:,}" if placement else "",
    )


def render_layers(
    rows: Sequence[LayerRow], total: LayerRow, facts: NetFacts, page: Page
) -> list[Line]:
    """The table in the widest form that fits the page."""
    columns = (LABEL, LAYER, OUTPUT, PARAMS, MACS)
    on_gpus = (GPUS, CROSSING, RETURNING)
    if facts.placement is None:
        return try_table(columns, rows, total, page) or list(stack_rows(rows, total, page))
    whole = try_table((*columns, *on_gpus), rows, total, page)
    if whole:
        return whole
    first = try_table(columns, rows, total, page)
    second = try_table((LABEL, *on_gpus), rows, total, page)
    if first and second:
        return join_blocks([first, second])
    return list(stack_rows(rows, total, page))


def try_table(
    columns: Sequence[Column], rows: Sequence[LayerRow], total: LayerRow, page: Page
) -> list[Line] | None:
    """The table with these columns, or None where they do not fit."""

    def cells(row: LayerRow) -> tuple[str, ...]:
        return tuple(CELLS[column](row) for column in columns)

    body = [TableRow(cells(row), "faint" if row.is_open else None) for row in rows]
    end = TableRow(cells(total), "strong")
    widths = fit_columns(columns, [*body, end], page.width)
    if widths is None:
        return None
    lines = render_table(columns, body, widths, page)
    lines += page.rule_line(sum(widths) + 2 * (len(widths) - 1))
    return lines + render_row(columns, end, widths)


def stack_rows(rows: Sequence[LayerRow], total: LayerRow, page: Page) -> Iterator[Line]:
    """Each layer in a few lines, for pages on which a table does not fit."""
    for row in (*rows, total):
        text = f"{row.indented_label}: {row.layer}" if row.layer else row.indented_label
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        parts = wrap_text(text, page.width, hang=len(indent))
        yield from (styled(part, "strong") for part in parts)
        for column in (OUTPUT, PARAMS, MACS, GPUS, CROSSING, RETURNING):
            cell = CELLS[column](row)
            if cell.strip(" -"):
                yield Piece(f"{indent}{column.heading} ", "faint"), Piece(cell, column.style)
