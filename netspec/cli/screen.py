"""In what form a result is shown, and how much room it has: decided from the options, from what
standard output is, and from the environment (NO_COLOR, FORCE_COLOR, TERM, COLUMNS).
"""

import os
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TextIO, TypeAlias

from netspec.render.page import Line, Page

Format: TypeAlias = Literal["auto", "plain", "json", "sarif", "github"]
When: TypeAlias = Literal["auto", "always", "never"]

FOR_MACHINES: tuple[Format, ...] = ("json", "sarif", "github")
"""Formats that look the same on every screen."""

SIGNS = Page(ellipsis="…", rule="─", bar="█")
ASCII_SIGNS = Page(ellipsis="...", rule="-")


class Screen(NamedTuple):
    """Where lines go and how."""

    stream: TextIO
    page: Page
    colour: bool

    def write(self, lines: Sequence[Line]) -> None:
        """Show lines; rich is loaded only for colours."""
        if self.colour:
            from netspec.render.terminal import write_lines
        else:
            from netspec.render.plain import write_lines
        write_lines(lines, self.stream)


def choose_screen(
    form: Format, color: When, stream: TextIO, environment: Mapping[str, str]
) -> Screen:
    """The screen for a human format: rules, signs and colours on a terminal, none elsewhere."""
    is_terminal = stream.isatty() and environment.get("TERM") != "dumb"
    colour = form == "auto" and wants_colour(color, is_terminal, environment)
    page = Page()
    if form == "auto" and (is_terminal or colour):
        page = SIGNS if can_show(SIGNS, stream) else ASCII_SIGNS
    width = find_width(stream, environment)
    return Screen(stream, page._replace(width=width), colour)


def wants_colour(color: When, is_terminal: bool, environment: Mapping[str, str]) -> bool:
    """An option says more than NO_COLOR, NO_COLOR more than FORCE_COLOR."""
    if color != "auto":
        return color == "always"
    if environment.get("NO_COLOR"):
        return False
    return is_terminal or environment.get("FORCE_COLOR", "0") not in ("", "0")


def can_show(signs: Page, stream: TextIO) -> bool:
    """Whether the stream's encoding has the signs."""
    try:
        (signs.ellipsis + signs.rule + signs.bar).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def find_width(stream: TextIO, environment: Mapping[str, str]) -> int | None:
    """COLUMNS, or the terminal's width; None where lines may be as long as they need."""
    columns = environment.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80
