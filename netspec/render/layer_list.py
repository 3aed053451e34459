"""The layers of a net by their whole names, for those who look for one."""

from collections.abc import Iterable

from netspec.graph import Node
from netspec.render.page import Line, Page, printable, styled, wrap_text
from netspec.render.table import Column, TableRow, fit_columns, render_table

COLUMNS = (
    Column("name", style="strong"),
    Column("layer", folds=True),
    Column("output", style="shape"),
)


def render_layer_list(title: str, nodes: Iterable[Node], page: Page) -> list[Line]:
    """A row a layer; where these do not fit, the names alone."""
    rows = [TableRow((printable(n.name), printable(n.written), str(n.shape))) for n in nodes]
    heading = [styled(part, "strong") for part in wrap_text(title, page.width, hang=2)]
    widths = fit_columns(COLUMNS, rows, page.width)
    if widths:
        return [*heading, (), *render_table(COLUMNS, rows, widths, page)]
    names = (wrap_text(row.cells[0], page.width, hang=2) for row in rows)
    return [*heading, (), *(styled(part) for parts in names for part in parts)]
