"""A check once its options are known: inputs compiled, and shown in one of the formats.

Files are shown in the order in which they were given; all are compiled before anything is shown.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from msgspec import Struct

from netspec import __version__
from netspec.cli.exit_codes import HAS_ERRORS, IS_UNREADABLE
from netspec.cli.inputs import Input, Inputs, read_inputs, tell_unreadable, working_on
from netspec.cli.output import standard_output
from netspec.cli.screen import FOR_MACHINES, Format, When, choose_screen
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.recipe.device import Device
from netspec.render.outline import EVERYTHING
from netspec.render.page import Line, join_blocks, printable, styled
from netspec.render.report import Detail, render_programs
from netspec.source import SourceFile
from netspec.syntax.parser import parse_source


class Checking(Struct, frozen=True):
    """What a command line asks for, apart from its files."""

    settings: Mapping[str, str] = {}
    device: Device = Device()
    form: Format = "auto"
    color: When = "auto"
    stage: str | None = None
    detail: Detail = Detail()

    def compile(self, each: Input) -> Program:
        """A program, which for the stage `tree` goes no further than the text."""
        with working_on(each):
            if self.stage == "tree":
                return Program(each.source, diagnostics=tuple(parse_source(each.source)[1]))
            return compile_source(each.source, self.settings, each.net, device=self.device)

    def show(
        self, programs: Sequence[Program], unreadable: Mapping[str, str], stream: TextIO
    ) -> None:
        """The tables and diagnostics, or what was asked for in their place."""
        if self.form in FOR_MACHINES:
            stream.write(render_facts(programs, unreadable, self.form))
            return
        screen = choose_screen(self.form, self.color, stream, os.environ)
        if self.stage:
            screen.write(list_stage(programs, self.stage))
            screen.write(render_programs(programs, screen.page, Detail(quiet=True)))
        else:
            screen.write(render_programs(programs, screen.page, self.detail))


def check_files(
    words: Sequence[str],
    checking: Checking,
    stdin_filename: str | None = None,
    *,
    strict: bool = False,
) -> int:
    """Compile what the words of a command line name, and show it; gives the exit code."""
    with standard_output() as stream:
        inputs = read_inputs(words, stdin_filename)
        tell_unreadable(inputs)
        programs = [checking.compile(each) for each in inputs.found]
        checking.show(programs, inputs.unreadable, stream)
    return find_exit_code(programs, inputs, strict)


def find_exit_code(programs: Sequence[Program], inputs: Inputs, strict: bool) -> int:
    """What the shell is told; a file that cannot be read says most."""
    if inputs.unreadable:
        return IS_UNREADABLE
    failed = any(p.has_errors or (strict and p.diagnostics) for p in programs)
    return HAS_ERRORS if failed else 0


def choose_detail(full: bool, depth: int | None, quiet: bool) -> Detail:
    return Detail(EVERYTHING if full else depth, quiet)


def render_facts(programs: Sequence[Program], unreadable: Mapping[str, str], form: Format) -> str:
    """What machines read: the same facts as JSON, or the diagnostics alone."""
    if form == "json":
        from netspec.render.json import render_json  # its models take time to build

        return render_json(programs, unreadable, __version__)
    if form == "sarif":
        from netspec.render.sarif import render_sarif

        return render_sarif(programs, unreadable, __version__)
    from netspec.render.github import render_github

    return render_github(programs, unreadable)


def list_stage(programs: Sequence[Program], stage: str) -> list[Line]:
    """What stands after a phase, of the programs without errors."""
    blocks: list[list[Line]] = []
    for program in programs:
        if not program.has_errors:
            lines = list_tree(program.source) if stage == "tree" else list_graphs(program)
            blocks.append([styled(printable(line)) for line in lines])
    return join_blocks(blocks)


def list_tree(source: SourceFile) -> Iterator[str]:
    from netspec.render.stages import render_tree

    file, _ = parse_source(source)
    yield f"tree {source.name}"
    yield from render_tree(file.items, "items", 1)


def list_graphs(program: Program) -> Iterator[str]:
    from netspec.render.stages import render_graph

    for net in program.nets:
        yield from render_graph(net.graph)
