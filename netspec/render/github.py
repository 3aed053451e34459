"""The diagnostics of a check as commands of GitHub Actions, which marks the lines of a pull request
with them.

GitHub shows ten errors and ten warnings of a step, so a notice at the end has the total.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from netspec.compiler.program import Program
from netspec.diagnostics import Diagnostic
from netspec.render.diagnostic import describe_diagnostic, find_extent, render_summary
from netspec.render.report import distinct_diagnostics


def render_github(programs: Sequence[Program], unreadable: Mapping[str, str]) -> str:
    """The whole output; `unreadable` has the reason for each file that was not read."""
    return "".join(f"{line}\n" for line in list_commands(programs, unreadable))


def list_commands(programs: Sequence[Program], unreadable: Mapping[str, str]) -> Iterator[str]:
    for file, reason in unreadable.items():
        yield write_command("error", reason, file=Path(file).as_posix())
    diagnostics = [each for found in distinct_diagnostics(programs) for each in found]
    yield from map(write_diagnostic, diagnostics)
    if diagnostics:
        files = len({program.source.name for program in programs})
        yield write_command("notice", render_summary(diagnostics, files), title="netspec")


def write_diagnostic(diagnostic: Diagnostic) -> str:
    """GitHub takes columns only where a single line is marked."""
    span = diagnostic.primary.span
    extent = find_extent(span)
    place = {
        "line": extent.line,
        "col": extent.column,
        "endLine": extent.end_line,
        "endColumn": extent.end_column,
    }
    if extent.line != extent.end_line:
        del place["col"], place["endColumn"]
    return write_command(
        diagnostic.severity.value,
        describe_diagnostic(diagnostic),
        title=diagnostic.code,
        file=Path(span.source.name).as_posix(),
        **place,
    )


def write_command(command: str, message: str, **properties: str | int) -> str:
    """`::error file=a.net,line=1::message`, with what would end a part of it escaped."""
    pairs = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items())
    return f"::{command} {pairs}::{escape(message)}"


def escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(value: str | int) -> str:
    return escape(str(value)).replace(":", "%3A").replace(",", "%2C")
