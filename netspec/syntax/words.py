"""A file as lines of words, each with its column: what the formatter works on.

Words are the tokens of a file, as written, and its comments. Columns count from 0, and a tab goes
on to the next multiple of eight.
"""

from msgspec import Struct, field

from netspec.source import SourceFile, Span
from netspec.syntax.tokens import scan

TAB = 8


class Word(Struct):
    """A token or a comment on its line."""

    terminal: str
    text: str
    column: int
    """Where it begins in the source."""
    role: str = ""
    """What it is in its place; see `spacing.py`."""
    place: int = 0
    """Where it begins in the canonical form."""

    @property
    def source_end(self) -> int:
        return self.column + len(self.text)

    @property
    def end(self) -> int:
        return self.place + len(self.text)


class Line(Struct):
    """A line that is not blank: tokens, a comment, or both."""

    number: int
    words: list[Word] = field(default_factory=list)
    comment: Word | None = None
    item: int = 0
    """Which item of the file it belongs to, from 0."""

    @property
    def start(self) -> Word:
        first = self.words[0] if self.words else self.comment
        assert first
        return first

    @property
    def shift(self) -> int:
        """How far to the right the line's beginning moves."""
        return self.start.place - self.start.column

    def gap_before(self, index: int) -> int:
        """The columns between a word and the one before it, in the source."""
        return self.words[index].column - self.words[index - 1].source_end

    def __str__(self) -> str:
        text = ""
        for word in (*self.words, *filter(None, [self.comment])):
            text += " " * (word.place - len(text)) + word.text
        return text


def read_lines(source: SourceFile) -> list[Line]:
    """The lines of a file without syntax errors, blank ones left out."""
    lines: list[Line] = []
    reader = _ColumnReader(source)
    for span, terminal in _list_words(source):
        number, column = reader.locate(span)
        if not lines or lines[-1].number != number:
            lines.append(Line(number))
        word = Word(terminal, span.text, column)
        if terminal == "COMMENT":
            lines[-1].comment = word
        else:
            lines[-1].words.append(word)
    return lines


def _list_words(source: SourceFile) -> list[tuple[Span, str]]:
    """Tokens and comments in the order of the text, line ends left out."""
    found = scan(source)
    ends = ("\n", "\r\n")
    words = [(t.span, t.type) for t in found.tokens if t.type != "$END" and t.text not in ends]
    words += ((span, "COMMENT") for span in found.comments)
    return sorted(words, key=lambda word: word[0].start)


class _ColumnReader:
    """Counts columns along a text; is given its words in their order."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.number = 0
        self.offset = 0
        self.column = 0
        """The column of the offset."""

    def locate(self, span: Span) -> tuple[int, int]:
        """Line and column of a word. Tabs before it are spread out, those in it count as one."""
        number, from_start = self.source.locate(span.start)
        if number != self.number:
            self.number, self.offset, self.column = number, span.start - from_start + 1, 0
        between = " " * (self.column % TAB) + self.source.text[self.offset : span.start]
        column = self.column - self.column % TAB + len(between.expandtabs(TAB))
        self.offset, self.column = span.end, column + span.end - span.start
        return number, column
