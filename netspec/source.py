"""Source text and places in it.

A `Span` is a pair of offsets in code points; line and column, which people read, are computed when
a message is rendered.
"""

from bisect import bisect_right
from functools import cached_property
from pathlib import Path

from msgspec import Struct


def decode_source(data: bytes) -> str:
    """A file's bytes as text: UTF-8, less a byte-order mark; line ends stay as they are. Raises
    UnicodeDecodeError."""
    return data.decode("utf-8-sig")


class SourceFile(Struct, frozen=True, dict=True):
    """A file's text under the name that messages show."""

    name: str
    text: str
    path: Path | None = None
    """Where it lies, if it is a file: `use` looks beside it."""

    def __repr__(self) -> str:
        return f"SourceFile({self.name!r})"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line, from 1, without its end."""
        start = self._line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")


class Span(Struct, frozen=True):
    """A run of text in a file, `end` excluded."""

    source: SourceFile
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def place(self) -> str:
        """`file:line:column`."""
        line, column = self.source.locate(self.start)
        return f"{self.source.name}:{line}:{column}"

    def to(self, other: "Span") -> "Span":
        """From this span's start to the other's end."""
        return Span(self.source, self.start, other.end)
