"""`netspec fmt`: files in their canonical form.

The form itself is decided in `netspec.syntax.formatter`; here is which files get it, and how they
are written. A file with syntax errors has none, and stays as it is.
"""

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from netspec.cli.check import is_standard_input, refuse
from netspec.cli.exit_codes import HAS_ERRORS, IS_UNREADABLE
from netspec.cli.inputs import Input, read_inputs, tell_unreadable, working_on
from netspec.cli.output import standard_output
from netspec.diagnostics import Diagnostic

Files = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders (every .net file below them), patterns such as 'specs/*.net', or -"
        " for standard input, which is written to standard output.",
        show_default=False,
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check", help="Write nothing; name the files that would change and exit with 1."
    ),
]
Diff = Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")]
StdinFilename = Annotated[
    str | None,
    typer.Option(
        "--stdin-filename", metavar="FILE", help="The name that standard input is shown under."
    ),
]


class Formatted(NamedTuple):
    """A file with its canonical form, or with the syntax errors for which it has none."""

    input: Input
    text: str = ""
    errors: tuple[Diagnostic, ...] = ()

    @property
    def name(self) -> str:
        return self.input.source.name

    @property
    def is_changed(self) -> bool:
        return not self.errors and self.text != self.input.source.text

    @property
    def data(self) -> bytes:
        """The bytes of the canonical form, with the byte-order mark that the file has."""
        return BOM_UTF8 * self.input.has_mark + self.text.encode()


def fmt(
    files: Files,
    check: Check = False,
    diff: Diff = False,
    stdin_filename: StdinFilename = None,
) -> None:
    """Put files into their canonical form: indentation, spaces, columns.

    No word and no comment changes. Exits with 0 if every file has the form in the end, 1 if one has
    syntax errors, which leave it as it is, or if --check finds one that lacks the form, 2 if one
    cannot be read or written or the command is wrong.
    """
    if stdin_filename and not any(map(is_standard_input, files)):
        refuse("--stdin-filename", "standard input (-) is not among the files")
    inputs = read_inputs(files, stdin_filename)
    for each in inputs.found:
        if each.net:
            refuse("FILES", f"a file is formatted as a whole, not its {each.net} alone")
    tell_unreadable(inputs)

    results = [format_input(each) for each in inputs.found]
    with standard_output() as stream:
        for result in results:
            stream.buffer.write(describe(result, check=check, diff=diff))
    is_unwritten = not (check or diff) and not write_files(results)
    show_errors([error for result in results for error in result.errors], len(results))
    if inputs.unreadable or is_unwritten:
        raise typer.Exit(IS_UNREADABLE)
    failed = any(result.errors or (check and result.is_changed) for result in results)
    raise typer.Exit(HAS_ERRORS if failed else 0)


def format_input(each: Input) -> Formatted:
    from netspec.syntax.formatter import format_source
    from netspec.syntax.parser import parse_source

    with working_on(each):
        _, errors = parse_source(each.source)
        if errors:
            return Formatted(each, errors=tuple(errors))
        return Formatted(each, format_source(each.source))


def describe(result: Formatted, *, check: bool, diff: bool) -> bytes:
    """What standard output has of a file: what would change, its name if anything would, or the
    text that was piped in, formatted."""
    if diff:
        return "".join(list_differences(result)).encode() if result.is_changed else b""
    if check:
        return f"{result.name}\n".encode() if result.is_changed else b""
    return result.data if result.input.is_piped and not result.errors else b""


def list_differences(result: Formatted) -> Iterator[str]:
    """The lines of a unified diff."""
    from difflib import unified_diff

    before = result.input.source.text.splitlines(keepends=True)
    after = result.text.splitlines(keepends=True)
    for line in unified_diff(before, after, result.name, result.name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def write_files(results: Iterable[Formatted]) -> bool:
    """Write the files that change, and name each; whether all could be written."""
    is_written = True
    for result in results:
        if result.is_changed and not result.input.is_piped:
            try:
                replace_file(Path(result.name), result.data)
                typer.echo(f"formatted {result.name}", err=True)
            except OSError as error:
                typer.echo(f"error: {result.name}: cannot be written: {error.strerror}", err=True)
                is_written = False
    return is_written


def replace_file(path: Path, data: bytes) -> None:
    """Give a file other bytes in one step, so that it is never seen half written. It keeps its
    rights; a link goes on leading to it."""
    from shutil import copymode
    from tempfile import mkstemp

    path = path.resolve()
    os.close(os.open(path, os.O_WRONLY))  # raises where the file itself may not be written
    handle, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        copymode(path, name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def show_errors(errors: Sequence[Diagnostic], num_files: int) -> None:
    """Show syntax errors, on standard error."""
    if not errors:
        return
    from netspec.cli.screen import choose_screen
    from netspec.render.diagnostic import render_diagnostic, render_ending
    from netspec.render.page import join_blocks

    screen = choose_screen("auto", "auto", sys.stderr, os.environ)
    blocks = [render_diagnostic(error, screen.page) for error in errors]
    blocks.append(render_ending(errors, num_files, screen.page))
    screen.write(join_blocks(blocks))
