"""`netspec check`: what files say of their nets, and what is wrong with them."""

import os
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from netspec.cli.inputs import STANDARD_INPUT, Inputs, read_inputs
from netspec.cli.output import standard_output
from netspec.cli.screen import Format, When, choose_screen
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.render.page import Line, join_blocks, styled
from netspec.render.report import Detail, render_programs

HAS_ERRORS = 1
IS_UNREADABLE = 2

Stage = Literal["tree", "graph"]


def check(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Files, folders (every .net file in them), patterns, - for standard input;"
            " FILE:NAME looks at one net only.",
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Give a net's parameter a value, as the language writes it: classes=10,"
            " counts=[3,4,6,3]. May be given several times.",
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="auto: for people; plain: no colour, no boxes; json: for machines."
        ),
    ] = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Open every block in the tables.")] = False,
    depth: Annotated[
        int | None,
        typer.Option("--depth", min=1, help="Open blocks this many levels deep."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show errors and warnings only.")
    ] = False,
    color: Annotated[When, typer.Option("--color", help="When to use colours.")] = "auto",
    stage: Annotated[
        Stage | None, typer.Option("--stage", help="Print what stands after this phase instead.")
    ] = None,
    stdin_filename: Annotated[
        str | None,
        typer.Option(
            "--stdin-filename",
            metavar="FILE",
            help="The name under which standard input is shown, and beside which it looks for"
            " the files that it uses.",
        ),
    ] = None,
) -> None:
    """Check networks: shapes, parameters, multiply-adds, and every claim.

    Prints a table for each net and every error and warning to standard output. Exits with 0 if no
    file has errors, 1 if one has, 2 if one cannot be read or the command is wrong.
    """
    refuse_contradictions(form, color, full, depth, quiet, stage)
    if stdin_filename and not any(word.partition(":")[0] == STANDARD_INPUT for word in files):
        raise typer.BadParameter("standard input is not among the files", param_hint="--stdin-filename")
    values = parse_settings(settings or [])
    inputs = read_inputs(files, stdin_filename)
    programs = [compile_source(each.source, values, each.net) for each in inputs.found]
    detail = Detail(EVERYTHING if full else depth, quiet)
    show(inputs, programs, detail, form, color, stage)
    raise typer.Exit(find_exit_code(inputs, programs, strict))
