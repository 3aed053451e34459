"""The figures of a test as people read them: a row for each net, and for each number of views, with
the errors that papers print beside the accuracies.
"""

from collections.abc import Iterable, Iterator, Sequence

from netspec.recipe.results import TestReport
from netspec.recipe.run import TOP, Figures
from netspec.render.page import Line, Page, Piece, printable, wrap_text
from netspec.render.plain import render_text
from netspec.render.table import Column, TableRow, fit_columns, render_table

COLUMNS = (
    Column("weights", folds=True, style="strong"),
    Column("views", right=True),
    Column("top-1", right=True),
    Column("top-5", right=True),
    Column("loss", right=True),
    Column("top-1 error", right=True),
    Column("top-5 error", right=True),
)
ERRORS = frozenset({"top-1 error", "top-5 error"})
"""The columns that say nothing new, and go first where there is no room."""
TOP_FIVE = frozenset({"top-5", "top-5 error"})
"""The columns that say nothing where there are no more than five classes."""
Row = tuple[str, ...]
"""A cell for each column."""
MOST_SKIPPED = 5
"""Skipped images that are named."""


def list_figures(report: TestReport, page: Page) -> list[Line]:
    """What was tested, the table, and what could not be read."""
    lines = _wrap(_describe_images(report), page)
    lines += [(), *_list_table(report, page)]
    if report.skipped:
        lines += [(), *_wrap(describe_skipped(report.skipped), page)]
    return lines


def write_figures(report: TestReport) -> str:
    """The same as a text of its own."""
    return render_text(list_figures(report, Page()))


def describe_skipped(skipped: Sequence[tuple[str, str]]) -> str:
    """Images that could not be read, in a line."""
    named = ", ".join(f"{name} ({why})" for name, why in skipped[:MOST_SKIPPED])
    more = len(skipped) - MOST_SKIPPED
    rest = f" and {more:,} more" if more > 0 else ""
    return f"skipped, because they cannot be read: {named}{rest}"


def _describe_images(report: TestReport) -> str:
    return (
        f"{report.data} ({report.origin}): {report.images:,} {report.tested}, "
        f"{report.classes:,} classes (chance {report.chance:.3f})"
    )


def _wrap(text: str, page: Page) -> list[Line]:
    return [(Piece(part),) for part in wrap_text(printable(text), page.width, hang=2)]


def _list_table(report: TestReport, page: Page) -> list[Line]:
    rows = list(_list_rows(report))
    figures = (each for net in report.nets for each in net.figures)
    empty = frozenset[str]() if has_top_five(report.classes, figures) else TOP_FIVE
    for left_out in (empty, empty | ERRORS):
        columns, shown = _leave_out(left_out, rows)
        table = [TableRow(row) for row in shown]
        widths = fit_columns(columns, table, page.width)
        if widths is not None:
            return render_table(columns, table, widths, page)
    columns, shown = _leave_out(empty, rows)
    return [line for row in shown for line in _list_narrow(row, columns, page)]


def has_top_five(classes: int, figures: Iterable[Figures]) -> bool:
    """Whether the five best of a net can be wrong: it may know more classes than the data have."""
    return classes > TOP or any(each.top5 < 1 for each in figures)


def _leave_out(headings: frozenset[str], rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """The other columns, and the rows without their cells."""
    kept = [place for place, column in enumerate(COLUMNS) if column.heading not in headings]
    return [COLUMNS[place] for place in kept], [tuple(row[place] for place in kept) for row in rows]


def _list_rows(report: TestReport) -> Iterator[tuple[str, ...]]:
    answers = [(net.weights, net.figures) for net in report.nets]
    if report.ensemble:
        answers.append((f"mean of {len(report.nets)}", report.ensemble))
    for name, figures in answers:
        for number, each in enumerate(figures):
            yield (printable(name) if number == 0 else "", *write_cells(each))


def write_cells(figures: Figures) -> tuple[str, ...]:
    """The cells of all columns but the first."""
    return (
        str(figures.views),
        f"{figures.top1:.3f}",
        f"{figures.top5:.3f}",
        f"{figures.loss:.3f}",
        f"{100 * (1 - figures.top1):.1f} %",
        f"{100 * (1 - figures.top5):.1f} %",
    )


def _list_narrow(row: tuple[str, ...], columns: Sequence[Column], page: Page) -> Iterator[Line]:
    """A row where no table has room."""
    name, *cells = row
    if name:
        yield from ((Piece(part, "strong"),) for part in wrap_text(name, page.width))
    pairs = zip(columns[1:], cells, strict=True)
    text = ", ".join(f"{column.heading} {cell}" for column, cell in pairs)
    yield from ((Piece(f"  {part}"),) for part in wrap_text(text, page.width and page.width - 2))
