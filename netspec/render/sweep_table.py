"""A sweep as people read it: a row for each choice of values, with means and standard deviations
over the seeds, and below it which runs diverged or are still to be done.
"""

from collections.abc import Iterator

from netspec.recipe.sweep import Spread, SweepReport, SweptValues
from netspec.render.page import Line, Page, Piece, count_noun, printable, wrap_text
from netspec.render.plain import render_text
from netspec.render.table import Column, TableRow, fit_columns, render_table

FIGURES = ("accuracy", "+-", "loss", "training loss", "training error")
LEAST_IMPORTANT = ("training error", "training loss", "loss")
"""Columns that go first where there is no room, in this order."""
NEVER = "never"


def list_sweep(report: SweepReport, page: Page) -> list[Line]:
    """What was compared, the table, and what is missing in it."""
    lines = _wrap(_describe(report), page)
    lines += [(), *_list_table(report, page)]
    notes = list(_list_notes(report))
    if notes:
        lines += [(), *(line for note in notes for line in _wrap(note, page))]
    return lines


def write_sweep(report: SweepReport) -> str:
    """The same as a text of its own."""
    return render_text(list_sweep(report, Page()))


def _describe(report: SweepReport) -> str:
    seeds = count_noun(len(report.seeds), "seed")
    updates = sorted({values.total for values in report.values})
    most = " or ".join(f"{total:,}" for total in updates)
    return (
        f"{report.net} on {report.data} ({report.origin}): {seeds}, {most} updates, "
        f"{report.held_out:,} held-out images (chance {report.chance:.3f})"
    )


def _wrap(text: str, page: Page) -> list[Line]:
    return [(Piece(part),) for part in wrap_text(printable(text), page.width, hang=2)]


def _list_columns(report: SweepReport) -> list[Column]:
    until = f"updates to error {report.until_error:g}"
    names = [Column(printable(name), style="strong") for name in report.names]
    return names + [Column(heading, right=True) for heading in (*FIGURES, until, "+-", "ratio")]


def _list_table(report: SweepReport, page: Page) -> list[Line]:
    columns = _list_columns(report)
    rows = [_write_row(report, values) for values in report.values]
    for count in range(len(LEAST_IMPORTANT) + 1):
        kept = [n for n, c in enumerate(columns) if c.heading not in LEAST_IMPORTANT[:count]]
        chosen = [columns[n] for n in kept]
        shown = [TableRow(tuple(row[n] for n in kept)) for row in rows]
        widths = fit_columns(chosen, shown, page.width)
        if widths is not None:
            return render_table(chosen, shown, widths, page)
    return [line for row in rows for line in _list_narrow(columns, row, page)]


def _write_row(report: SweepReport, values: SweptValues) -> tuple[str, ...]:
    ratio = report.compare(values)
    until = Spread.of(values.reached) if values.have_all_reached else None
    return (
        *(printable(value) for value in values.settings.values()),
        _write_mean(values.accuracy),
        _write_deviation(values.accuracy),
        _write_mean(values.loss),
        _write_mean(values.training_loss),
        _write_mean(values.training_error),
        f"{until.mean:,.0f}" if until else _count_reached(values),
        f"{until.deviation:,.0f}" if until and until.deviation is not None else "",
        f"{'> ' if ratio.is_bound else ''}{ratio.times:.1f}" if ratio else "",
    )


def _write_mean(spread: Spread | None) -> str:
    return f"{spread.mean:.3f}" if spread else ""


def _write_deviation(spread: Spread | None) -> str:
    return f"{spread.deviation:.3f}" if spread and spread.deviation is not None else ""


def _count_reached(values: SweptValues) -> str:
    if not values.reached:
        return NEVER if values.has_all_ended else ""
    return f"{len(values.reached)} of {len(values.runs)}"


def _list_narrow(columns: list[Column], row: tuple[str, ...], page: Page) -> Iterator[Line]:
    """A row where no table has room."""
    pairs = zip(columns, row, strict=True)
    text = ", ".join(f"{column.heading} {cell}" for column, cell in pairs if cell)
    yield from ((Piece(part),) for part in wrap_text(text, page.width, hang=2))


def _list_notes(report: SweepReport) -> Iterator[str]:
    for values in report.values:
        for run in values.runs:
            if run.state == "diverged":
                first, *_ = run.reason.splitlines()
                yield f"{values.label}, seed {run.seed}: {first}"
    unfinished = sum(run.state == "unfinished" for run in report.runs)
    if unfinished:
        yield f"{unfinished:,} of {count_noun(len(report.runs), 'run')} still to be done"
