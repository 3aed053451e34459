"""Which form a result takes, from what standard output is and what the environment says."""

import io
from collections.abc import Mapping

import pytest

from netspec.cli.screen import Format, When, choose_screen, find_width


class Stream(io.TextIOWrapper):
    """A stream that claims to be a terminal or not."""

    def __init__(self, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def choose(
    terminal: bool = True,
    form: Format = "auto",
    color: When = "auto",
    encoding: str = "utf-8",
    **environment: str,
) -> tuple[bool, str]:
    """Whether there are colours, and the sign of rules."""
    screen = choose_screen(form, color, Stream(terminal, encoding), environment)
    return screen.colour, screen.page.rule


@pytest.mark.parametrize(
    ("arguments", "colour", "rule"),
    [
        ({}, True, "─"),
        ({"terminal": False}, False, ""),
        ({"form": "plain"}, False, ""),
        ({"NO_COLOR": "1"}, False, "─"),
        ({"NO_COLOR": ""}, True, "─"),
        ({"TERM": "dumb"}, False, ""),
        ({"TERM": "xterm"}, True, "─"),
        ({"color": "never"}, False, "─"),
        ({"color": "always", "NO_COLOR": "1"}, True, "─"),
        ({"color": "always", "terminal": False}, True, "─"),
        ({"FORCE_COLOR": "1", "terminal": False}, True, "─"),
        ({"FORCE_COLOR": "0", "terminal": False}, False, ""),
        ({"FORCE_COLOR": "", "terminal": False}, False, ""),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1", "terminal": False}, False, ""),
        ({"FORCE_COLOR": "1", "form": "plain"}, False, ""),
        ({"encoding": "ascii"}, True, "-"),
        ({"encoding": "latin-1"}, True, "-"),
        ({"encoding": "cp437"}, True, "-"),
    ],
)
def test_form(arguments: Mapping[str, str], colour: bool, rule: str) -> None:
    assert choose(**arguments) == (colour, rule)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terminal", "columns", "width"),
    [
        (False, None, None),
        (False, "100", 100),
        (True, "100", 100),
        (True, None, 80),
        (False, "0", None),
        (False, "-3", None),
        (False, "wide", None),
        (False, "", None),
        (False, "²", None),
    ],
)
def test_width(terminal: bool, columns: str | None, width: int | None) -> None:
    environment = {} if columns is None else {"COLUMNS": columns}
    assert find_width(Stream(terminal), environment) == width
