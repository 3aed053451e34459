"""The whole of a human format: programs as lines, whatever writes them.

Nets come first, then what was found in the file; after the last file a line sums up. What two files
both meet in a third is told once.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netspec.compiler.program import Pattern, Program
from netspec.diagnostics import Diagnostic
from netspec.render.diagnostic import render_diagnostic, render_ending
from netspec.render.net_report import render_net
from netspec.render.page import Line, Page, Piece, join_blocks, printable, styled


class Detail(NamedTuple):
    """How much is told."""

    depth: int | None = None
    """Levels of blocks that are opened; None folds those of nets that would take many lines."""
    quiet: bool = False
    """Whether only diagnostics are told."""


def render_programs(programs: Sequence[Program], page: Page, detail: Detail) -> list[Line]:
    """The nets and diagnostics of all files, and the summary."""
    found = distinct_diagnostics(programs)
    blocks: list[list[Line]] = []
    for program, diagnostics in zip(programs, found, strict=True):
        if not detail.quiet:
            blocks += render_nets(program, page, detail.depth)
        blocks += (render_diagnostic(diagnostic, page) for diagnostic in diagnostics)
    together = [diagnostic for diagnostics in found for diagnostic in diagnostics]
    files = len({program.source.name for program in programs})
    if together or (files > 1 and not detail.quiet):
        blocks.append(render_ending(together, files, page))
    return join_blocks(blocks)


def distinct_diagnostics(programs: Sequence[Program]) -> list[list[Diagnostic]]:
    """The diagnostics of each program, less those that an earlier one has too."""
    seen: set[tuple[str, str, int, str]] = set()
    distinct: list[list[Diagnostic]] = []
    for program in programs:
        distinct.append([])
        for diagnostic in program.diagnostics:
            span = diagnostic.primary.span
            key = diagnostic.code, span.source.name, span.start, diagnostic.headline
            if key not in seen:
                seen.add(key)
                distinct[-1].append(diagnostic)
    return distinct


def render_nets(program: Program, page: Page, depth: int | None) -> Iterator[list[Line]]:
    """A file's nets and patterns; for a file that has none, a line that says so."""
    for net in program.nets:
        yield render_net(net, page, depth, program.device)
    if program.patterns:
        yield [render_pattern(pattern) for pattern in program.patterns]
    if not program.nets and not program.patterns and not program.has_errors:
        yield [styled(f"{printable(program.source.name)} has no net", "faint")]


def render_pattern(pattern: Pattern) -> Line:
    missing = ", ".join(pattern.missing)
    lack = "has no value" if len(pattern.missing) == 1 else "have no values"
    text = f" is a pattern, checked through the nets made from it: {missing} {lack}"
    return Piece(printable(pattern.name), "strong"), Piece(text, "faint")
