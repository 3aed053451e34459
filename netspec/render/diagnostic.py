"""A diagnostic as text: code and headline, the place, the lines it is about, notes and help.

    error[NS203]: conv2 cannot split 96 input channels into 5 groups
      --> specs/alexnet.net:20:32
       |
    20 |   conv2: conv 256, 5x5, pad=2, groups=5, bias_init=1
       |                                ^^^^^^^^ 96 = 5 x 19 + 1
       = input: 96x27x27, from maxpool at line 18
       = help: 1, 2, 4, 8, 16, 32 divide both 96 and 256

How the lines of a file are drawn with the marks beneath them is decided in `snippet.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.render.page import Line, Page, Piece, Style, count_noun, printable, styled, wrap_text
from netspec.render.snippet import Mark, render_snippet
from netspec.source import SourceFile, Span

SEVERITY_STYLE: dict[Severity, Style] = {Severity.ERROR: "error", Severity.WARNING: "warning"}

MOST_CODES = 8
"""So many codes are listed below the diagnostics."""


def render_diagnostic(diagnostic: Diagnostic, page: Page) -> list[Line]:
    """The lines of one diagnostic."""
    labels = (diagnostic.primary, *diagnostic.secondary)
    gutter = max(len(str(last_line(label))) for label in labels)
    style = SEVERITY_STYLE[diagnostic.severity]
    lines: list[Line] = [
        (
            Piece(f"{diagnostic.severity}[{diagnostic.code}]", style),
            Piece(f": {printable(diagnostic.headline)}", "strong"),
        )
    ]
    for source, arrow in list_sources(labels):
        here = [label for label in labels if label.span.source == source]
        marks = [
            Mark(label.span, printable(label.text), style if label is labels[0] else "secondary")
            for label in here
        ]
        lines.append(
            (
                Piece(f"{' ' * gutter}{arrow} ", "gutter"),
                Piece(printable(here[0].span.place)),
            )
        )
        lines += render_snippet(source, marks, gutter, page)
    lines += render_remarks(diagnostic, gutter, page)
    return lines


def list_sources(labels: Iterable[Label]) -> Iterator[tuple[SourceFile, str]]:
    """The files that the labels speak of, the primary one first, each with its arrow."""
    seen: list[SourceFile] = []
    for label in labels:
        if label.span.source not in seen:
            yield label.span.source, ":::" if seen else "-->"
            seen.append(label.span.source)


def last_line(label: Label) -> int:
    span = label.span
    return span.source.locate(max(span.start, span.end - 1))[0]


def render_remarks(diagnostic: Diagnostic, gutter: int, page: Page) -> Iterator[Line]:
    """Notes and help, each behind an equals sign."""
    remarks = [(note, "") for note in diagnostic.notes]
    remarks += [(advice, "help: ") for advice in diagnostic.help]
    room = None if page.width is None else max(20, page.width - gutter - 3)
    for remark, word in remarks:
        texts = (word + remark).split("\n")
        parts = [part for text in texts for part in wrap_text(printable(text), room, hang=2)]
        for index, part in enumerate(parts):
            sign, lead = ("=", word) if index == 0 else (" ", "")
            yield (
                Piece(f"{' ' * gutter} {sign} ", "gutter"),
                Piece(lead, "good"),
                Piece(part.removeprefix(lead)),
            )


def describe_diagnostic(diagnostic: Diagnostic) -> str:
    """All that a diagnostic says without showing the file: a line for the headline, for what is
    wrong at its place, for each note and each help."""
    lines = [diagnostic.headline, diagnostic.primary.text, *diagnostic.notes]
    lines += (f"help: {advice}" for advice in diagnostic.help)
    return "\n".join(filter(None, lines))


class Extent(NamedTuple):
    """Lines and columns of a span, from 1; the end column is the one behind its last character."""

    line: int
    column: int
    end_line: int
    end_column: int


def find_extent(span: Span) -> Extent:
    """Where a span begins and ends; the end of a line is no part of it."""
    end = span.start + len(span.text.rstrip("\r\n"))
    return Extent(*span.source.locate(span.start), *span.source.locate(end))


def render_ending(diagnostics: Sequence[Diagnostic], num_files: int, page: Page) -> list[Line]:
    """What stands below all diagnostics: how many they are, and how to learn more of them."""
    lines = [styled(render_summary(diagnostics, num_files), "strong")]
    codes = list(dict.fromkeys(diagnostic.code for diagnostic in diagnostics))
    advice = ""
    if len(codes) == 1:
        advice = f"`netspec explain {codes[0]}` tells more"
    elif codes:
        more = [page.ellipsis] if len(codes) > MOST_CODES else []
        shown = ", ".join([*codes[:MOST_CODES], *more])
        advice = f"`netspec explain CODE` tells more of each: {shown}"
    return lines + [styled(part, "faint") for part in wrap_text(advice, page.width) if part]


def render_summary(diagnostics: Iterable[Diagnostic], num_files: int) -> str:
    """`2 errors, 1 warning in 3 files`."""
    found = list(diagnostics)
    errors = sum(diagnostic.is_error for diagnostic in found)
    warnings = len(found) - errors
    counts = [
        count_noun(number, noun)
        for number, noun in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    return f"{', '.join(counts) or 'no errors'} in {count_noun(num_files, 'file')}"
