"""The canonical form of a file: `format_source` gives its text anew, word for word.

Set are the indentation that braces give, the spaces between words (`spacing.py`), the columns of
tables and of what stands at the ends of lines (`columns.py`). Kept are alignments: a run of two or
more spaces where one would do, indentation beyond that of the braces, and what stands under a word
above. Kept too are the words, the comments, the ends of lines, and a blank line between two lines.

A file that has the form already comes out as it is. So everything here is a map from columns of the
source to columns of the result, and a chosen indentation is measured from what the braces ask for:
two columns in the result, in the source whatever its author is used to.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from msgspec import Struct, field

from netspec.source import SourceFile
from netspec.syntax.columns import APART, align_table, align_tails
from netspec.syntax.spacing import Braces, Place, count_spaces, find_role
from netspec.syntax.words import Line, Word, read_lines

STEP = 2
"""Columns by which braces indent."""
OPENERS = frozenset({"LBRACE", "LPAR", "LSQB"})
CLOSERS = frozenset({"RBRACE", "RPAR", "RSQB"})
IN_BRACKETS = ("brackets", "parameters")
HEADERS = {"NET": (3,), "BLOCK": (3,), "TRAIN": (2, 3), "TEST": (2, 3)}
"""Which word of a statement may open its parameters; a section may have no name before them."""


def format_source(source: SourceFile) -> str:
    """The text of a file, which must have no syntax errors, in canonical form. It keeps LF or CRLF,
    whichever most of its lines end with."""
    lines = read_lines(source)
    step = find_usual(lay_out(lines, STEP))
    if step != STEP:
        lay_out(lines, step)
    align_tails(lines)
    text = "".join(f"{line}\n" for line in with_blank_lines(lines))
    crlf = source.text.count("\r\n")
    if 2 * crlf > source.text.count("\n"):
        text = text.replace("\n", "\r\n")
    return "\ufeff" * source.text.startswith("\ufeff") + text


def with_blank_lines(lines: Sequence[Line]) -> list[Line | str]:
    """The lines, with an empty one wherever the source has any between two."""
    result: list[Line | str] = []
    for number, line in enumerate(lines):
        if number and line.number > lines[number - 1].number + 1:
            result.append("")
        result.append(line)
    return result


def find_usual(steps: Sequence[int]) -> int:
    """How far the braces of a file indent: the median. In the canonical form, where none indents
    less than this, at least half of them indent by this."""
    return max(0, sorted(steps)[(len(steps) - 1) // 2]) if steps else STEP


class Column(NamedTuple):
    """A column of the source, and what it becomes."""

    source: int
    result: int


HOME = Column(0, 0)
"""Where lines begin that stand in no braces."""


class Frame(Struct):
    """Open braces or brackets, or the file around them all."""

    braces: Braces
    line: int
    """The line of the opener."""
    outside: Column
    """Where the closer begins if it begins a line."""
    inside: Column
    """Where lines in it begin."""
    statement: Column
    """Where the statement begins that is being read."""
    head: str = ""
    """The role of that statement's first word; empty between two statements."""
    number: int = 0
    """How many words of it were read."""
    columns: dict[int, int] = field(default_factory=dict)
    """Where words of the lines above stand, by their column in the source."""
    first: Word | None = None
    """The word behind the opener, if it is on its line."""
    lines: list[Line] = field(default_factory=list)
    """The lines that begin with a statement of it."""
    is_irregular: bool = False
    """Whether there is more or less on a line of it than one statement."""


def lay_out(lines: Sequence[Line], step: int) -> list[int]:
    """Give every word its role and its place, as if nothing stood apart at the ends of lines.
    `step` is how far braces indent in the source. Returns how far each of them really does."""
    layout = _Layout(step)
    for line in lines:
        layout.lay_line(line)
    return [
        min(line.start.column for line in frame.lines) - frame.outside.source
        for frame in layout.indenting
        if frame.lines
    ]


class _Layout:
    """Walks through the words of a file once."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.frames = [Frame("file", 0, HOME, HOME, HOME)]
        self.indenting: list[Frame] = []
        """The braces that show how far their author indents."""
        self.before = ""
        """The role of the last word, on whatever line; empty where a statement begins."""
        self.item = 0

    def lay_line(self, line: Line) -> None:
        is_continued = self._is_continued()
        closers = sum(1 for _ in takewhile(lambda word: word.terminal in CLOSERS, line.words))
        line.start.place = self._find_start(line.start.column, closers, is_continued)
        if line.words and is_continued:
            for frame in self.frames:
                frame.is_irregular = True
        elif line.words and not closers:
            self._begin_statement(line)
        line.item = self.item
        around = self.frames[-1 - closers]
        for index in range(len(line.words)):
            self._lay_word(line, index, around.columns)
        here = {word.column: word.place for word in line.words[1:]}
        for frame in self.frames:
            if frame is around or frame.line == line.number:
                frame.columns |= here

    def _is_continued(self) -> bool:
        """Whether the next line goes on with the statement of the last one."""
        braces = self.frames[-1].braces
        if braces in IN_BRACKETS:
            return True
        return self.before in ("COMMA", "CELL_END") and braces != "default"

    def _find_start(self, column: int, closers: int, is_continued: bool) -> int:
        """Where a line begins that begins at a column of the source: where its braces ask for it,
        or deeper, if it does; under a word above, if it does."""
        frame = self.frames[-max(1, closers)]
        base = frame.outside if closers else frame.inside
        if frame.first and frame.first.column == column and not closers:
            return frame.first.place
        if is_continued and frame.braces not in IN_BRACKETS:
            base = self._indent(frame.statement)
        if column <= base.source or base is HOME:
            return base.result
        return max(base.result, frame.columns.get(column, base.result + column - base.source))

    def _indent(self, column: Column) -> Column:
        return Column(column.source + self.step, column.result + STEP)

    def _begin_statement(self, line: Line) -> None:
        """A statement begins a line."""
        self._end_statement()
        frame = self.frames[-1]
        frame.statement = Column(line.start.column, line.start.place)
        frame.lines.append(line)
        self.item += frame.braces == "file"

    def _end_statement(self) -> None:
        self.before = ""
        self.frames[-1].head = ""
        self.frames[-1].number = 0

    def _lay_word(self, line: Line, index: int, above: dict[int, int]) -> None:
        word = line.words[index]
        frame = self.frames[-1]
        after = line.words[index + 1].terminal if index + 1 < len(line.words) else ""
        place = Place(frame.braces, frame.head, frame.number, self.before, after)
        word.role = find_role(word.terminal, word.text, place)
        if index:
            word.place = self._find_place(line, index, above)
        if index and (word.terminal == "RBRACE" or not frame.head):
            frame.is_irregular = True
        if word.terminal == "SEP":
            frame.is_irregular = True
            self._end_statement()
            return
        if word.terminal in CLOSERS:
            self._close()
        else:
            frame.head = frame.head or word.role
        self.frames[-1].number += 1
        if word.terminal in OPENERS:
            self._open(line, index)
        self.before = word.role

    def _find_place(self, line: Line, index: int, above: dict[int, int]) -> int:
        """Where a word behind another one begins: a run of spaces stays as wide as it is, or as it
        must be for the word to stand under one above."""
        word, previous = line.words[index], line.words[index - 1]
        spaces = count_spaces(previous.role, word.role)
        gap = line.gap_before(index)
        if not spaces or gap < APART:
            return previous.end + spaces
        return max(previous.end + 1, above.get(word.column, previous.end + gap))

    def _open(self, line: Line, index: int) -> None:
        around = self.frames[-1]
        braces = self._find_braces(line.words[index])
        outside = around.statement
        if braces in IN_BRACKETS:
            outside = Column(line.start.column, line.start.place)
        inside = self._indent(outside)
        frame = Frame(braces, line.number, outside, inside, inside)
        self.frames.append(frame)
        if index + 1 < len(line.words):
            frame.first = line.words[index + 1]
        elif around.lines and braces in ("lines", "default"):
            self.indenting.append(frame)

    def _find_braces(self, opener: Word) -> Braces:
        """What an opener that was just read begins."""
        frame = self.frames[-1]
        if opener.terminal != "LBRACE":
            is_header = frame.number in HEADERS.get(frame.head, ())
            return "parameters" if is_header else "brackets"
        if frame.head == "FOR" and self.before == "IN":
            return "table"
        return "default" if frame.head == "DEFAULT" else "lines"

    def _close(self) -> None:
        frame = self.frames.pop()
        if frame.braces == "table" and frame.lines and not frame.is_irregular:
            align_table(frame.lines)
