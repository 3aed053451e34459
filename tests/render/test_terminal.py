"""Colours: the same text as the plain format, with escapes around it."""

import io
import re

from netspec.render.page import Page, line_text
from netspec.render.report import Detail, render_programs
from netspec.render.terminal import write_lines
from tests.compiled import compile_text


def paint(text: str, page: Page) -> tuple[str, str]:
    """The plain text, and what a terminal gets."""
    lines = render_programs([compile_text(text)], page, Detail())
    stream = io.StringIO()
    write_lines(lines, stream)
    return "".join(f"{line_text(line)}\n" for line in lines), stream.getvalue()


def test_without_its_escapes_the_text_is_the_plain_one() -> None:
    for text in ("net a { input 3x8x8; conv 8, 3x3 }", "net a { input 3x8x8; tahn [b]x[/b] }"):
        plain, painted = paint(text, Page(ellipsis="…", rule="─"))
        assert painted != plain
        assert re.sub(r"\x1b\[[\d;]*m", "", painted) == plain


def test_errors_are_red_and_long_lines_are_left_alone() -> None:
    _, painted = paint(f"net a {{ input 3x8x8; tahn }} # {'x' * 300}", Page(80))
    assert "\x1b[1;31merror[NS101]\x1b[0m" in painted
    _, painted = paint("net a { input 3x8x8; conv 8, 3x3, init=normal(0.01), bias=no }", Page())
    assert "conv 8, 3x3, init=normal(0.01), bias=no" in painted


def test_rules_stand_around_the_table() -> None:
    plain, _ = paint("net a { input 3x8x8; relu }", Page(rule="-"))
    rules = [line for line in plain.splitlines() if line and set(line) == {"-"}]
    assert len(rules) == 2
    plain, _ = paint("net a { input 3x8x8; relu }", Page())
    assert not [line for line in plain.splitlines() if line and set(line) == {"-"}]
