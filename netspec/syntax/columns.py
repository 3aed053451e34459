"""What the canonical form aligns across lines: the columns of a table, claims at the ends of lines,
the comments behind them. Moves words that already have a place.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from netspec.syntax.words import Line, Word

Cell = list[Word]
"""A value of a row, with the comma behind it."""
CLAIM_ROLES = frozenset({"ARROW", "NAME", "NUMBER", "SIZE", "COMMA"})
APART = 2
"""From so many spaces on, something stands apart and is aligned."""


class Tail(NamedTuple):
    """The end of a line that stands apart from the rest: a claim or a comment."""

    line: Line
    words: list[Word]
    after: Word
    """The last word of the rest."""

    @property
    def column(self) -> int:
        return self.words[0].column

    @property
    def wanted(self) -> int:
        """Its own column, as the line moves, or as near as the words before it let it."""
        return max(self.column + self.line.shift, self.after.end + APART)


def move(words: Iterable[Word], place: int) -> None:
    """Put words to where the first is at `place`, the distances between them kept."""
    shift: int | None = None
    for word in words:
        shift = place - word.place if shift is None else shift
        word.place += shift


def align_table(rows: Sequence[Line]) -> None:
    """Put the cells of a table into columns. A column whose cells begin together keeps that, any
    other is aligned at its right; the space between two columns stays, but for one at least."""
    table = [list(split_cells(row)) for row in rows]
    start = min(rows, key=lambda row: row.start.column).start.place
    source_end = 0
    for number in range(max(map(len, table))):
        cells = [row[number] for row in table if number < len(row)]
        if number:
            start += max(1, min(cell[0].column for cell in cells) - source_end)
        width = max(last_value(cell).end - cell[0].place for cell in cells)
        begin_together = len({cell[0].column for cell in cells}) == 1
        for cell in cells:
            room = 0 if begin_together else width - (last_value(cell).end - cell[0].place)
            move(cell, start + room)
        start += width + 1
        source_end = max(last_value(cell).source_end for cell in cells) + 1


def split_cells(row: Line) -> Iterator[Cell]:
    cell: Cell = []
    for word in row.words:
        cell.append(word)
        if word.role == "CELL_END":
            yield cell
            cell = []
    if cell:
        yield cell


def last_value(cell: Cell) -> Word:
    """The last word of a cell but for its comma."""
    return cell[-2] if cell[-1].role == "CELL_END" else cell[-1]


def align_tails(lines: Sequence[Line]) -> None:
    """Align the claims of each item, then all comments."""
    settled: list[Word] = []
    for _, item in groupby(lines, key=attrgetter("item")):
        settled += align_claims(list(item))
    for run in find_comment_runs(lines):
        align_comments(run, settled)


def align_claims(lines: Iterable[Line]) -> list[Word]:
    """Put the claims of a net, block or recipe that stand apart into one column, that of the
    rightmost, and with them the comments that stand in the column of one. Returns these."""
    claims = [(line, find_claim(line)) for line in lines]
    columns = {line.words[index].column for line, index in claims if index}
    tails: list[Tail] = []
    comments: list[Word] = []
    for line, index in claims:
        if index:
            tails.append(Tail(line, line.words[index:], line.words[index - 1]))
        elif line.words and line.comment and line.comment.column in columns:
            tails.append(Tail(line, [line.comment], line.words[-1]))
            comments.append(line.comment)
    place = max((tail.wanted for tail in tails), default=0)
    for tail in tails:
        move(tail.words, place)
    return comments


def find_claim(line: Line) -> int | None:
    """Which word of a line begins a claim at its end that stands apart."""
    for index in range(len(line.words) - 1, 0, -1):
        role = line.words[index].role
        if role == "ARROW":
            return index if line.gap_before(index) >= APART else None
        if role not in CLAIM_ROLES:
            return None
    return None


def find_comment_runs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines one below the other with comments in the same column of the source. The first comment
    of a run stands behind words; one alone on its line goes on with it."""
    run: list[Line] = []
    for line in lines:
        if line.comment is None:
            continue
        last = run[-1] if run else None
        follows = (
            last
            and last.comment
            and line.number == last.number + 1
            and line.comment.column == last.comment.column
        )
        if not follows:
            if run:
                yield run
            run = []
        if run or line.words:
            run.append(line)
    if run:
        yield run


def align_comments(run: Iterable[Line], settled: Iterable[Word]) -> None:
    """Put the comments of a run into one column."""
    comments = [(line, line.comment) for line in run if line.comment]
    keep = {id(word) for word in settled}
    place = max(
        comment.place if id(comment) in keep else Tail(line, [comment], line.words[-1]).wanted
        for line, comment in comments
        if line.words
    )
    for _, comment in comments:
        comment.place = place
