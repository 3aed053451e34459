"""Markdown: paragraphs and lists written at the width of a page, and pages shown on a terminal.

What is shown is what the pages of this project use: headings, paragraphs, lists, tables, fenced and
indented text; in a line `code`, **bold** and links, of which only the words stay.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from netspec.render.page import (
    Line,
    Page,
    Piece,
    Style,
    count_cells,
    join_blocks,
    printable,
    styled,
    wrap_text,
)
from netspec.render.table import Column, TableRow, fit_columns, render_table

WIDTH = 100
"""Of written pages, and the most that a shown one takes."""
INDENT = "  "
"""In front of text that stands as it is."""

BLOCK = re.compile(
    r"^(?P<fence>`{3,})[^\n]*\n(?P<fenced>.*?)^(?P=fence)$"
    r"|^<!--.*?-->$"
    r"|^(?P<level>#+) (?P<heading>[^\n]+)$"
    r"|^(?P<table>\|[^\n]*(?:\n\|[^\n]*)*)$"
    r"|^(?P<items>(?:\*|\d+\.) [^\n]*(?:\n(?! *$)[^\n]*)*)"
    r"|^(?P<indented> {4}[^\n]*(?:\n {4}[^\n]*)*)$"
    r"|^(?P<paragraph>[^\n]+(?:\n(?!```|\* |\||#)[^\n]+)*)",
    re.MULTILINE | re.DOTALL,
)
ITEM = re.compile(r"^(\*|\d+\.) (.*?)(?=^(?:\*|\d+\.) |\Z)", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?P<code>`[^`]+`)|\*\*(?P<strong>.+?)\*\*|\[(?P<link>[^\]]*)\]\([^)]*\)")


def fill(paragraph: str) -> str:
    """A paragraph, wrapped."""
    return "\n".join(wrap(paragraph, ""))


def fill_item(entry: str) -> str:
    """An entry of a list, wrapped."""
    return "\n".join(wrap(entry, "* "))


def wrap(text: str, bullet: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def render_markdown(text: str, page: Page) -> list[Line]:
    """The lines of a page."""
    room = page._replace(width=min(page.width or WIDTH, WIDTH))
    text = text.replace("…", page.ellipsis)
    return join_blocks(render_block(match, room) for match in BLOCK.finditer(text))


def render_block(block: re.Match[str], page: Page) -> list[Line]:
    """One block; a comment gives none."""
    if block["heading"]:
        return fill_pieces(split_inline(block["heading"], "strong"), page)
    if block["fence"]:
        return render_verbatim(block["fenced"], page)
    if block["indented"]:
        return render_verbatim(textwrap.dedent(block["indented"]), page)
    if block["table"]:
        return render_rows(block["table"].splitlines(), page)
    if block["items"]:
        items = ITEM.findall(block["items"])
        return [line for sign, item in items for line in render_item(sign, item, page)]
    return fill_pieces(split_inline(block["paragraph"]), page) if block["paragraph"] else []


def render_item(sign: str, item: str, page: Page) -> list[Line]:
    bullet = f"{sign} "
    return fill_pieces(split_inline(item), page, first=bullet, rest=" " * len(bullet))


def render_verbatim(body: str, page: Page) -> list[Line]:
    """Text as it stands; a command that is typed is told from what it prints."""
    lines: list[Line] = []
    for text in body.splitlines():
        style: Style = "strong" if text.startswith("$ ") else "text"
        for part in wrap_text(f"{INDENT}{printable(text)}".rstrip(), page.width, hang=4):
            lines.append(styled(part, style) if part else ())
    return lines


def render_rows(rows: Sequence[str], page: Page) -> list[Line]:
    """A table; on a page on which its columns don't fit, a row is told in a line."""
    cells = [[bare(cell.strip()) for cell in row.strip("|").split("|")] for row in rows]
    headings, body = cells[0], [TableRow(tuple(row)) for row in cells[2:]]
    columns = [Column(name, folds=name is headings[-1]) for name in headings]
    widths = fit_columns(columns, body, page.width)
    if widths:
        return render_table(columns, body, widths, page)
    told = (": ".join(filter(None, row.cells)) for row in body)
    return [styled(part) for text in told for part in wrap_text(text, page.width, hang=2)]


def bare(text: str) -> str:
    """A cell's text; code keeps its quotes."""
    return "".join(piece.text for piece in split_inline(text))


def split_inline(text: str, style: Style = "text") -> Iterator[Piece]:
    """The pieces of a paragraph or heading."""
    reached = 0
    text = printable(" ".join(text.split()))
    for match in INLINE.finditer(text):
        yield Piece(text[reached : match.start()], style)
        if match["link"] is not None:
            yield from split_inline(match["link"], style)
        elif match["strong"]:
            yield Piece(match["strong"].strip("`"), "strong")
        else:
            yield Piece(match["code"], "code" if style == "text" else style)
        reached = match.end()
    yield Piece(text[reached:], style)


def fill_pieces(pieces: Iterable[Piece], page: Page, first: str = "", rest: str = "") -> list[Line]:
    """Pieces broken at spaces into lines that fit, the first and the others with their starts."""
    assert page.width is not None
    lines: list[Line] = []
    line, used, is_fresh = [Piece(first)], count_cells(first), True
    for word in split_words(pieces):
        cells = sum(count_cells(piece.text) for piece in word)
        if not is_fresh and used + 1 + cells > page.width:
            lines.append(join_pieces(line))
            line, used, is_fresh = [Piece(rest)], count_cells(rest), True
        if not is_fresh:
            line.append(Piece(" "))
            used += 1
        line += word
        used += cells
        is_fresh = False
    return [*lines, join_pieces(line)]


def split_words(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """What stands between two spaces, which may have several styles."""
    word: list[Piece] = []
    for text, style in pieces:
        for index, part in enumerate(text.split(" ")):
            if index and word:
                yield word
                word = []
            if part:
                word.append(Piece(part, style))
    if word:
        yield word


def join_pieces(pieces: Iterable[Piece]) -> Line:
    """Neighbours of one style as one piece."""
    runs = groupby(pieces, key=lambda piece: piece.style)
    joined = (Piece("".join(piece.text for piece in run), style) for style, run in runs)
    return tuple(piece for piece in joined if piece.text)
