"""What holds for any text at all: it is read, checked and, where it may be, formatted, without an
exception and soon; every error has a code, a place in the text, and can be shown.
"""

from time import perf_counter

from netspec.compiler.pipeline import compile_source
from netspec.diagnostics import CODES, Diagnostic
from netspec.render.diagnostic import render_diagnostic
from netspec.render.page import Page
from netspec.source import SourceFile
from netspec.syntax.formatter import format_source
from netspec.syntax.parser import parse_source

MOST_SECONDS = 2.0
"""For a text of at most 64 kB, whatever it holds; a busy machine may need more."""


class Verdict(Exception):  # noqa: N818 - what was found, not what went wrong here
    """A text of which something does not hold."""


def judge(text: str, slack: float = 1.0) -> int:
    """Check a text; raises Verdict, or whatever escapes. Gives the number of its errors."""
    started = perf_counter()
    source = SourceFile("fuzz.net", text)
    _, errors = parse_source(source)
    program = compile_source(source)
    for diagnostic in program.diagnostics:
        check_diagnostic(diagnostic)
    if errors and not program.has_errors:
        raise Verdict("syntax errors are lost")
    if not errors:
        check_format(text)
    taken = perf_counter() - started
    is_long = any(d.code == "NS120" for d in program.diagnostics)  # as long as nets may be
    if taken > MOST_SECONDS * (5 if is_long else 1) * slack:
        raise Verdict(f"took {taken:.1f} s")
    return len(program.diagnostics)


def check_diagnostic(diagnostic: Diagnostic) -> None:
    if diagnostic.code not in CODES or not diagnostic.headline:
        raise Verdict(f"no code or headline: {diagnostic}")
    if diagnostic.code == "NS900":
        raise Verdict("an internal error")
    for label in (diagnostic.primary, *diagnostic.secondary):
        span = label.span
        if not 0 <= span.start <= span.end <= len(span.source.text):
            raise Verdict(f"a place outside the text: {diagnostic}")
    for text in (diagnostic.headline, *diagnostic.notes, *diagnostic.help):
        if "Traceback" in text or " object at 0x" in text:
            raise Verdict(f"a text that is no sentence: {text}")
    render_diagnostic(diagnostic, Page(width=80))


def check_format(text: str) -> None:
    once = format_source(SourceFile("fuzz.net", text))
    if format_source(SourceFile("fuzz.net", once)) != once:
        raise Verdict("the canonical form is not canonical")
    _, errors = parse_source(SourceFile("fuzz.net", once))
    if errors:
        raise Verdict("the canonical form has syntax errors")
