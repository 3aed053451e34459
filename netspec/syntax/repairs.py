"""Mistakes of the text while it is read, and how each line would be right.

A line gets one error, and as long as everything wrong in it could be mended, the help is the whole
line as it should be. Which mistakes there are, and the edits that mend them, is decided where the
text is read.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from netspec.diagnostics import MOST_ERRORS, Diagnostic, cut_short
from netspec.source import SourceFile, Span

LONGEST_LINE = 160
"""A line longer than this is not repeated in a help."""
MOST_EDITS = 12


class Edit(NamedTuple):
    """Text that belongs in place of a span's."""

    span: Span
    text: str


class WrongLine(Struct):
    """A line with a mistake: its error, and the edits that mend what is wrong in it."""

    diagnostic: Diagnostic
    edits: list[Edit]
    is_mended: bool


class Mistakes(Struct):
    """All that was found wrong in a file's text."""

    lines: dict[int, WrongLine] = field(default_factory=dict)
    """The lines with an error of their own, by number."""
    others: dict[int, list[Diagnostic]] = field(default_factory=dict)
    """What is wrong beside that, with brackets or the file as a whole, by the line's number."""
    num_others: int = 0

    def add(self, diagnostic: Diagnostic, edits: Sequence[Edit] = (), *, follows: bool) -> None:
        """Note a mistake on its line. One that may only follow from another on that line, as
        `follows` says, is not told beside it."""
        if self.are_too_many:
            return
        number = line_of(diagnostic.primary.span)
        line = self.lines.get(number)
        if follows and number in self.others:
            return
        if line is None:
            self.lines[number] = WrongLine(diagnostic, list(edits), bool(edits))
        elif edits and line.is_mended:
            line.edits += edits
        else:
            line.is_mended = False
            if not follows:
                self.add_other(diagnostic)

    def add_other(self, diagnostic: Diagnostic) -> None:
        """Note a mistake that is told beside any other on its line."""
        if self.are_too_many:
            return
        self.num_others += 1
        self.others.setdefault(line_of(diagnostic.primary.span), []).append(diagnostic)

    @property
    def are_too_many(self) -> bool:
        """Whether as many were found as one file is told of."""
        return len(self.lines) + self.num_others >= MOST_ERRORS

    def is_hopeless(self, span: Span) -> bool:
        """Whether a line has so much wrong with it that nothing more is told of it."""
        line = self.lines.get(line_of(span))
        return line is not None and (not line.is_mended or len(line.edits) >= MOST_EDITS)

    def give_up(self, span: Span) -> None:
        """Note that a line's edits do not mend it."""
        line = self.lines.get(line_of(span))
        if line:
            line.is_mended = False

    def forget(self, first: int, last: int) -> None:
        """Drop what was found on these lines, because something else explains them all."""
        for number in range(first, last + 1):
            self.lines.pop(number, None)
            self.num_others -= len(self.others.pop(number, ()))

    def list(self, comments: Sequence[Span]) -> list[Diagnostic]:
        """The errors in the order of the text, each line's with the line as it should be."""
        found = [_finish(line, comments) for line in self.lines.values()]
        found += (diagnostic for others in self.others.values() for diagnostic in others)
        found.sort(key=lambda diagnostic: diagnostic.primary.span.start)
        return cut_short(found) if self.are_too_many else found


def line_of(span: Span) -> int:
    return span.source.locate(span.start)[0]


def _finish(line: WrongLine, comments: Sequence[Span]) -> Diagnostic:
    if not line.is_mended:
        return line.diagnostic
    text = mend_line(line.diagnostic.primary.span, line.edits, comments)
    if text is None:
        return line.diagnostic
    return replace(line.diagnostic, help=(f"write `{text}`",))


def mend_line(span: Span, edits: Sequence[Edit], comments: Sequence[Span]) -> str | None:
    """The line of a span with its edits made, without its comment; None where it is too long or an
    edit goes beyond it."""
    source = span.source
    number, column = source.locate(span.start)
    start = span.start - column + 1
    end = start + len(source.line_text(number))
    edits = sorted(edits, key=lambda edit: edit.span.start)
    comment = _find_comment(source, start, end, comments)
    if comment and not any(edit.span.end > comment.start for edit in edits):
        end = comment.start
    if edits[-1].span.end > end or end - start > LONGEST_LINE:
        return None
    text = ""
    for edit in edits:
        if edit.span.start < start:
            return None
        text += source.text[start : edit.span.start] + edit.text
        start = edit.span.end
    return " ".join((text + source.text[start:end]).split())


def _find_comment(
    source: SourceFile, start: int, end: int, comments: Sequence[Span]
) -> Span | None:
    """The comment of a line, if it has one."""
    place = bisect_right(comments, start, key=lambda comment: comment.start)
    for comment in comments[max(0, place - 1) : place + 1]:
        if start <= comment.start < end:
            return comment
    return None
