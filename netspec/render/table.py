"""Columns on a page. Numbers are never cut: one column folds its text, and where even that does not
fit, the caller is told so and chooses fewer columns.
"""

from collections.abc import Sequence
from typing import NamedTuple

from netspec.render.page import Line, Page, Piece, Style, count_cells, pad_cells, wrap_text

GAP = 2
"""Cells between two columns."""
LEAST_FOLD = 24
"""The narrowest that the folding column may become, unless all its text is narrower."""


class Column(NamedTuple):
    """A heading and how the cells below it stand."""

    heading: str
    right: bool = False
    """Whether cells end at the column's right edge, as numbers do."""
    folds: bool = False
    """Whether long cells go on in the next line; at most one column does."""
    style: Style = "text"


class TableRow(NamedTuple):
    """A cell for each column; the style, if any, is the whole row's."""

    cells: tuple[str, ...]
    style: Style | None = None


def fit_columns(
    columns: Sequence[Column], rows: Sequence[TableRow], width: int | None
) -> list[int] | None:
    """The width of each column; None where they do not fit side by side."""
    cells = [[column.heading] for column in columns]
    for row in rows:
        for index, text in enumerate(row.cells):
            cells[index].append(text)
    widths = [max(map(count_cells, texts)) for texts in cells]
    excess = 0 if width is None else sum(widths) + GAP * (len(widths) - 1) - width
    if excess <= 0:
        return widths
    for index, column in enumerate(columns):
        if column.folds and widths[index] - excess >= min(LEAST_FOLD, widths[index]):
            widths[index] -= excess
            return widths
    return None


def render_table(
    columns: Sequence[Column], rows: Sequence[TableRow], widths: Sequence[int], page: Page
) -> list[Line]:
    """The headings and the rows."""
    headings = tuple(column.heading for column in columns)
    lines = render_row(columns, TableRow(headings, "faint"), widths)
    lines += page.rule_line(sum(widths) + GAP * (len(widths) - 1))
    for row in rows:
        lines += render_row(columns, row, widths)
    return lines


def render_row(columns: Sequence[Column], row: TableRow, widths: Sequence[int]) -> list[Line]:
    """One row, in as many lines as its folding cell takes."""
    stacks = [
        fold_cell(text, width) if column.folds else [text]
        for column, text, width in zip(columns, row.cells, widths, strict=True)
    ]
    return [
        trim_line(
            [
                Piece(
                    pad_cells(stack[index] if index < len(stack) else "", width, right=column.right)
                    + " " * GAP,
                    row.style or column.style,
                )
                for column, stack, width in zip(columns, stacks, widths, strict=True)
            ]
        )
        for index in range(max(map(len, stacks)))
    ]


def fold_cell(text: str, width: int) -> list[str]:
    """Break a cell's text, its own indentation kept and later lines set in by two more."""
    indent = len(text) - len(text.lstrip(" "))
    return wrap_text(text, width, hang=min(indent + 2, width // 2))


def trim_line(pieces: list[Piece]) -> Line:
    """The line without the spaces at its end."""
    while pieces and not pieces[-1].text.rstrip():
        pieces.pop()
    if pieces:
        pieces[-1] = Piece(pieces[-1].text.rstrip(), pieces[-1].style)
    return tuple(pieces)
