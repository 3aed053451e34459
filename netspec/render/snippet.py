"""Lines of a file with marks beneath them.

A mark is drawn below its text: carets for what is wrong, dashes for where else to look. A mark over
several lines is drawn at its first and its last one. Lines between marked ones are left out. A line
too long for the page is shown through a window around its first mark. Tabs are widened to
the next multiple of four.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from netspec.render.page import (
    Line,
    Page,
    Piece,
    Style,
    count_cells,
    show_character,
    wrap_text,
)
from netspec.source import SourceFile, Span

TAB = 4
LONGEST = 160
"""Cells shown of a line where the page sets no width."""
CONTEXT = 20
"""Cells kept before the first mark when a line is windowed, where there is room."""


class Mark(NamedTuple):
    """A span with its text and style; the style also chooses the sign."""

    span: Span
    text: str
    style: Style

    @property
    def sign(self) -> str:
        return "-" if self.style == "secondary" else "^"


class Stroke(NamedTuple):
    """The part of a mark that lies on one line, in cells of the line as shown."""

    line: int
    start: int
    end: int
    text: str
    mark: Mark


class ShownLine(NamedTuple):
    """A line of the file as it is shown: tabs widened, unprintable characters replaced."""

    number: int
    text: str
    cells: Sequence[int]
    """The cell at which each character of the file's line starts, and the cell after the last."""
    ends: Sequence[int]
    """The same of the characters that are shown, a space behind them included: any start of the
    text that fits some cells ends before the first character that begins beyond them."""

    def fit(self, cells: int) -> int:
        """How many characters at the line's start fit so many cells."""
        return bisect_right(self.ends, cells) - 1


def render_snippet(
    source: SourceFile, marks: Sequence[Mark], gutter: int, page: Page
) -> Iterator[Line]:
    """The marked lines of one file, with the gutter of line numbers."""
    room = max(20, (page.width or LONGEST) - gutter - 3)
    yield (Piece(f"{' ' * gutter} |", "gutter"),)
    strokes = [stroke for mark in marks for stroke in split_mark(source, mark)]
    numbers = sorted({stroke.line for stroke in strokes})
    for number, following in zip(numbers, [*numbers[1:], numbers[-1] + 1], strict=True):
        here = [stroke for stroke in strokes if stroke.line == number]
        yield from draw_line(show_line(source, number), here, gutter, room, page.ellipsis)
        if following - number == 2:
            between = show_line(source, number + 1)
            yield from draw_line(between, [], gutter, room, page.ellipsis)
        elif following - number > 2:
            yield (Piece("...", "gutter"),)


def draw_line(
    line: ShownLine, strokes: list[Stroke], gutter: int, room: int, ellipsis: str
) -> Iterator[Line]:
    """A line and the rows of marks beneath it; a long line again for each mark out of sight."""
    blank = Piece(f"{' ' * gutter} | ", "gutter")
    strokes = sorted(strokes, key=lambda s: (s.mark.style == "secondary", s.start))
    while True:
        text, shown, strokes = window_line(line, strokes, room, ellipsis)
        yield Piece(f"{line.number:>{gutter}} | ", "gutter"), Piece(text)
        for row in pack_strokes(shown):
            for drawn in draw_row(row, room):
                yield blank, *drawn
        if not strokes:
            return


@lru_cache(maxsize=8)
def show_line(source: SourceFile, number: int) -> ShownLine:
    """Make a line ready for the screen, remembering where its characters went. A long one may have
    many mistakes, each of which shows a part of it."""
    written = source.line_text(number)
    if written.isascii() and written.isprintable():
        return ShownLine(number, written, range(len(written) + 1), range(len(written) + 2))
    parts: list[str] = []
    cells, ends = [0], [0]
    for char in written:
        width = TAB - cells[-1] % TAB if char == "\t" else count_cells(char)
        parts.append(" " * width if char == "\t" else show_character(char))
        cells.append(cells[-1] + width)
        ends += range(ends[-1] + 1, cells[-1] + 1) if char == "\t" else [cells[-1]]
    return ShownLine(number, "".join(parts), cells, [*ends, ends[-1] + 1])


def split_mark(source: SourceFile, mark: Mark) -> Iterator[Stroke]:
    """The strokes of a mark: one on its only line, or one on its first and one on its last line."""
    span = mark.span
    first, start = source.locate(span.start)
    last, end = source.locate(max(span.start, span.end - 1))
    cells = show_line(source, first).cells
    begin = cells[min(start - 1, len(cells) - 1)]
    if first == last:
        stop = cells[min(end if span.end > span.start else start, len(cells) - 1)]
        yield Stroke(first, begin, max(stop, begin + 1), mark.text, mark)
        return
    yield Stroke(first, begin, max(cells[-1], begin + 1), "", mark)
    bottom = show_line(source, last)
    indent = len(bottom.text) - len(bottom.text.lstrip())
    stop = bottom.cells[min(end, len(bottom.cells) - 1)]
    yield Stroke(last, max(0, min(indent, stop - 1)), max(stop, 1), mark.text, mark)


def window_line(
    line: ShownLine, strokes: list[Stroke], room: int, ellipsis: str
) -> tuple[str, list[Stroke], list[Stroke]]:
    """Cut a long line down to a window that shows its first stroke. Gives the text, the strokes in
    sight, moved along, and those out of sight."""
    if line.cells[-1] < room:
        return line.text, strokes, []
    first = strokes[0].start if strokes else 0
    context = min(CONTEXT, room // 3)
    start = line.fit(0 if first + context <= room else first - context)
    head = ellipsis if start else ""
    shift = len(head) - line.ends[start]
    end, tail = line.fit(room - shift), ""
    if end <= len(line.text):
        end, tail = line.fit(room - len(ellipsis) - shift), ellipsis
    text = (line.text + " ")[start:end] + tail  # a mark may stand at the line's end
    left, right = len(head), line.ends[end] + shift + len(tail)
    shown: list[Stroke] = []
    out_of_sight: list[Stroke] = []
    for stroke in strokes:
        begin, end = max(left, stroke.start + shift), min(right, stroke.end + shift)
        if begin < end:
            shown.append(stroke._replace(start=begin, end=end))
        else:
            out_of_sight.append(stroke)
    return (head + text).rstrip(), shown, out_of_sight


def pack_strokes(strokes: list[Stroke]) -> list[list[Stroke]]:
    """Deal strokes onto rows so that none touches another; the primary one comes first."""
    rows: list[list[Stroke]] = []
    for stroke in strokes:
        for row in rows:
            if all(stroke.end < other.start or other.end < stroke.start for other in row):
                row.append(stroke)
                break
        else:
            rows.append([stroke])
    return [sorted(row, key=attrgetter("start")) for row in rows]


def draw_row(row: list[Stroke], room: int) -> Iterator[Line]:
    """A row of strokes. The text of the last stands behind it, the texts of the others below, each
    under its stroke."""
    pieces: list[Piece] = []
    reached = 0
    for stroke in row:
        pieces.append(Piece(" " * (stroke.start - reached)))
        pieces.append(Piece(stroke.mark.sign * (stroke.end - stroke.start), stroke.mark.style))
        reached = stroke.end
    last = row[-1]
    fits = bool(last.text) and reached + 1 + count_cells(last.text) <= room
    if fits:
        pieces.append(Piece(f" {last.text}", last.mark.style))
    yield tuple(pieces)
    for stroke in reversed(row[:-1] if fits else row):
        if stroke.text:
            yield from draw_text_below(stroke, room)


def draw_text_below(stroke: Stroke, room: int) -> Iterator[Line]:
    """A text on rows of its own, under its stroke or as far left as it needs to fit."""
    start = max(0, min(stroke.start, room - count_cells(stroke.text)))
    for part in wrap_text(stroke.text, room - start):
        yield Piece(" " * start), Piece(part, stroke.mark.style)
