"""The plain format: no boxes, no colour, nothing beyond ASCII but what the files hold."""

from collections.abc import Sequence
from typing import TextIO

from netspec.compiler.program import Program
from netspec.render.page import Line, Page, line_text
from netspec.render.report import Detail, render_programs


def render_program(program: Program, width: int | None = None, detail: Detail | None = None) -> str:
    """A program as text; its lines are as long as they need to be unless a width is given."""
    return render_text(render_programs([program], Page(width), detail or Detail()))


def render_text(lines: Sequence[Line]) -> str:
    """Lines as text, each with its end."""
    return "".join(f"{line_text(line)}\n" for line in lines)


def write_lines(lines: Sequence[Line], stream: TextIO) -> None:
    """Write lines without their styles."""
    stream.write(render_text(lines))
