"""Comments that silence warnings on their line, `# netspec: allow NS503: the reason`, and NS514:
one that silences nothing.

Told of the checked file alone, and only of lines that were looked at: a used file, a line in an
`if` that is not taken or in a block that nothing calls may warn elsewhere. `--set`, and a single
net of a file, leave out more than can be told apart, so that nothing is said then.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from netspec.compiler.program import Program
from netspec.diagnostics import CODES, Diagnostic, Label, Severity
from netspec.source import Span
from netspec.syntax import tree

ALLOW = re.compile(r"#\s*netspec:\s*allow\s+(NS\d{3}(?:\s*,?\s*NS\d{3})*)")
MEANT = re.compile(r"#\s*netspec:?\s*(?:allow\b|.*\bNS\d)")
"""What may have been meant to allow something."""
CODE = re.compile(r"NS\d{3}")
UNUSED = "NS514"
OF_THE_DEVICE = "NS513"
"""What a file's nets are trained on decides whether this one is given, not the file."""
LINTS = "NS5"
"""The block of the codes that a comment silences."""


class Allowance(NamedTuple):
    """A code that a comment allows on its line."""

    file: str
    line: int
    code: str


def drop_allowed(program: Program, files: Iterable[tree.File]) -> Iterator[Diagnostic]:
    """What was found, without the warnings that a comment on their line allows."""
    allowed = {allowance for file in files for allowance in list_allowances(file)}
    for diagnostic in program.diagnostics:
        if diagnostic.is_error or find_key(diagnostic) not in allowed:
            yield diagnostic


def list_allowances(file: tree.File) -> dict[Allowance, Span]:
    """The codes that the comments of a file allow, each with its place."""
    return {
        Allowance(file.source.name, file.source.locate(comment.start)[0], code.text): code
        for comment in file.comments
        for code in list_codes(comment)
    }


def list_codes(comment: Span) -> Iterator[Span]:
    found = ALLOW.search(comment.text)
    for code in CODE.finditer(comment.text, *found.span(1)) if found else ():
        yield Span(comment.source, comment.start + code.start(), comment.start + code.end())


def find_key(diagnostic: Diagnostic) -> Allowance:
    """The allowance that would silence a diagnostic."""
    span = diagnostic.primary.span
    return Allowance(span.source.name, span.source.locate(span.start)[0], diagnostic.code)


def find_unused_allowances(program: Program, file: tree.File) -> Iterator[Diagnostic]:
    """The comments of the checked file that silence nothing."""
    for comment in file.comments:
        if MEANT.search(comment.text) and not ALLOW.search(comment.text):
            yield report(comment, "the comment allows nothing", "`# netspec: allow NS503` would")
    allowances = list_allowances(file)
    idle = allowances.keys() - {find_key(d) for d in program.diagnostics}
    if not idle:
        return
    seen = list_seen_lines(program, file)
    for allowance in idle:
        code, span = allowance.code, allowances[allowance]
        if not code.startswith(LINTS) or code not in CODES:
            what = "an error, which no comment silences" if code in CODES else "no code"
            yield report(span, f"{code} is {what}", "leave it out")
        elif allowance.line in seen and code not in (UNUSED, OF_THE_DEVICE):
            yield report(span, f"nothing on this line is allowed by {code}", "leave it out")


def report(span: Span, headline: str, help: str) -> Diagnostic:
    label = Label(span, "silences nothing")
    return Diagnostic(UNUSED, headline, label, help=(help,), severity=Severity.WARNING)


def list_seen_lines(program: Program, file: tree.File) -> set[int]:
    """The lines of which a lint would have spoken, and those that have a comment alone."""
    source = file.source
    spans = [item.name.span for item in file.items if isinstance(item, tree.Block)]
    for net in program.nets:
        spans += [net.span, *(node.span for node in net.graph.nodes)]
        spans += net.recipe.spans.values() if net.recipe else ()
    lines = {source.locate(span.start)[0] for span in spans if span.source == source}
    return lines | {source.locate(span.start)[0] for span in file.comments if is_alone(span)}


def is_alone(comment: Span) -> bool:
    """Whether nothing stands before the comment on its line."""
    line, column = comment.source.locate(comment.start)
    return not comment.source.line_text(line)[: column - 1].strip()
