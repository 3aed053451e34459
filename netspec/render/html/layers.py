"""The table of a net's layers, as `netspec check` prints it."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from netspec.analyses.cost import Cost
from netspec.graph import Head
from netspec.render.facts import NetFacts
from netspec.render.html.markup import Child, element, facts, folded
from netspec.render.html.run import Run, capitalize
from netspec.render.layer_rows import LayerRow, list_layer_rows
from netspec.render.net_report import (
    CELLS,
    CROSSING,
    GPUS,
    LABEL,
    LAYER,
    MACS,
    OUTPUT,
    PARAMS,
    RETURNING,
    describe_claims,
    list_facts,
    title_head,
    total_row,
)
from netspec.render.outline import EVERYTHING, choose_depth
from netspec.render.page import count_noun, line_text
from netspec.render.table import Column

COLUMNS = (LABEL, LAYER, OUTPUT, PARAMS, MACS)
ON_GPUS = (GPUS, CROSSING, RETURNING)


def render_net(run: Run) -> Iterator[Child]:
    """What the net is and costs, and its layers; a deep net is folded, and whole on request."""
    if run.net is None:
        reason = run.program.diagnostics[0].headline if run.program.diagnostics else "it has no net"
        yield element(
            "p", f"There is no table of layers: the spec does not hold, {reason}.", class_="missing"
        )
        return
    net = NetFacts(run.net)
    if run.net.documentation:
        yield element("p", run.net.documentation.strip(), class_="kept")
    yield facts((name.strip(), value) for name, value in list_facts(net))
    depth = choose_depth(net.graph.nodes)
    yield from render_tables(net, depth)
    if depth != EVERYTHING:
        title = f"All {count_noun(len(net.graph.nodes), 'layer')}"
        yield folded(title, render_tables(net, EVERYTHING))
    yield element("p", f"{capitalize(line_text(describe_claims(run.net.claims)))}.")


def render_tables(net: NetFacts, depth: int) -> Iterator[Child]:
    """The layers, and those of each head."""
    yield render_layers(net, None, net.total, depth)
    for head in net.graph.heads:
        yield element("h4", title_head(head))
        yield render_layers(net, head, net.head_cost(head), depth)


def render_layers(net: NetFacts, head: Head | None, cost: Cost, depth: int) -> Element:
    columns = (*COLUMNS, *ON_GPUS) if net.placement else COLUMNS
    rows = list_layer_rows(net, head, depth)
    return element(
        "div",
        element(
            "table",
            element("thead", element("tr", (render_heading(column) for column in columns))),
            element("tbody", (render_row(row, columns) for row in rows)),
            element("tfoot", render_row(total_row(net, cost, head), columns)),
            class_="layers",
        ),
        class_="scrolls",
    )


def render_heading(column: Column) -> Element:
    return element("th", column.heading, scope="col", class_="number" if column.right else None)


def render_row(row: LayerRow, columns: Sequence[Column]) -> Element:
    """A row; a heading whose layers follow it stands back behind them."""
    cells = (
        element(
            "th" if column is LABEL else "td",
            row.label if column is LABEL else CELLS[column](row),
            scope="row" if column is LABEL else None,
            class_="number" if column.right else None,
            style=f"--depth: {row.depth}" if column is LABEL and row.depth else None,
        )
        for column in columns
    )
    return element("tr", cells, class_="open" if row.is_open else None)
