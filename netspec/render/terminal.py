"""The terminal format: the same lines in colour, by rich. Imported only where a terminal is."""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from netspec.render.page import Line
from netspec.render.page import Style as PieceStyle

COLOURS: dict[PieceStyle, str] = {
    "text": "",
    "strong": "bold",
    "faint": "dim",
    "code": "cyan",
    "error": "bold red",
    "warning": "bold yellow",
    "good": "green",
    "gutter": "blue",
    "secondary": "cyan",
    "shape": "cyan",
    "rule": "dim",
}
"""Of the sixteen that every terminal has, so that they suit its background."""


def write_lines(lines: Sequence[Line], stream: TextIO) -> None:
    """Write lines with their styles."""
    console = Console(
        file=stream,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )
    for line in lines:
        console.print(Text.assemble(*((text, COLOURS[style]) for text, style in line), end=""))
