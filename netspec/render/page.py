"""What the human formats are made of: lines of styled pieces, and the page they have to fit.

A piece names what it is (an error, a shape, a rule), never a colour; `terminal.py` chooses colours
and `plain.py` none. Widths are counted in cells of a terminal: East Asian wide characters take two,
combining marks none.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias
from unicodedata import category, combining, east_asian_width

Style = Literal[
    "text",
    "strong",
    "faint",
    "code",
    "error",
    "warning",
    "good",
    "gutter",
    "secondary",
    "shape",
    "rule",
]
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Piece(NamedTuple):
    """A run of text with one style, without a line's end."""

    text: str
    style: Style = "text"


Line: TypeAlias = tuple[Piece, ...]


class Page(NamedTuple):
    """The room there is, and the signs that may be used."""

    width: int | None = None
    """Cells of a line; None where lines may be as long as they need."""
    ellipsis: str = "..."
    rule: str = ""
    """The sign of a horizontal rule; empty where there are none."""
    bar: str = "#"
    """The sign that bars are made of."""

    def rule_line(self, width: int) -> list[Line]:
        """A horizontal rule, where the page has any."""
        return [(Piece(self.rule * width, "rule"),)] if self.rule else []


def styled(text: str, style: Style = "text") -> Line:
    """A line of one piece."""
    return (Piece(text, style),)


def line_text(line: Line) -> str:
    """The bare text of a line."""
    return "".join(piece.text for piece in line)


def printable(text: str) -> str:
    """Text with the characters that would move the cursor, hide or reorder text made visible."""
    return text if text.isprintable() else "".join(map(show_character, text))


def show_character(char: str) -> str:
    """The character, or the replacement sign for control and format characters."""
    if char == "\t":
        return " "
    return REPLACEMENT if category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char


def count_cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return len(text) if text.isascii() else sum(map(cells_of, text))


def cells_of(char: str) -> int:
    if combining(char) or category(char) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def take_cells(text: str, width: int) -> str:
    """The longest start of the text that fits the width."""
    used = 0
    for index, char in enumerate(text):
        used += cells_of(char)
        if used > width:
            return text[:index]
    return text


def pad_cells(text: str, width: int, *, right: bool = False) -> str:
    """Text filled up to the width, at its end or, for numbers, at its start."""
    filling = " " * (width - count_cells(text))
    return filling + text if right else text + filling


def wrap_text(text: str, width: int | None, *, hang: int = 0) -> list[str]:
    """Break text at spaces so that its lines fit; later lines are indented by `hang`. A word longer
    than the line is broken where the line ends; spaces before it that leave it no room go."""
    if width is None or count_cells(text) <= width:
        return [text]
    lines: list[str] = []
    current = ""
    for word in split_words(text, max(1, width - hang)):
        if count_cells(current + word.rstrip()) > width:
            if current.strip():
                lines.append(current.rstrip())
            current = " " * hang if lines else ""
        current += word
    return [*lines, current.rstrip()]


def split_words(text: str, width: int) -> Iterator[str]:
    """Words with the spaces behind them, those that are longer than the width in parts."""
    for word in re.findall(r" *[^ ]+ *", text):
        while count_cells(word.rstrip()) > width:
            part = take_cells(word, width) or word[0]
            yield part
            word = word[len(part) :]
        yield word


def count_noun(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def join_blocks(blocks: Iterable[list[Line]]) -> list[Line]:
    """Put blocks of lines one below the other, an empty line between two."""
    lines: list[Line] = []
    for block in blocks:
        if block and lines:
            lines.append(())
        lines += block
    return lines
