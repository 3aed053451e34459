"""A check once its options are known: inputs compiled, and shown in one of the formats.

Files are shown in the order in which they were given; all are compiled before anything is shown.
"""

from collections.abc import Iterator, Mapping
from typing import TextIO

from netspec import __version__
from netspec.cli.inputs import Input, Inputs
from netspec.cli.screen import Screen
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.render.outline import EVERYTHING
from netspec.render.page import Line, join_blocks, printable, styled
from netspec.render.report import Detail, render_programs
from netspec.syntax.parser import parse_source


def choose_detail(full: bool, depth: int | None, quiet: bool) -> Detail:
    return Detail(EVERYTHING if full else depth, quiet)


def compile_inputs(inputs: Inputs, settings: Mapping[str, str]) -> list[Program]:
    return [compile_source(each.source, settings, each.net) for each in inputs.found]


def print_report(
    inputs: Inputs, settings: Mapping[str, str], detail: Detail, screen: Screen
) -> list[Program]:
    """The tables and diagnostics, for people."""
    programs = compile_inputs(inputs, settings)
    screen.write(render_programs(programs, screen.page, detail))
    return programs


def print_json(inputs: Inputs, settings: Mapping[str, str], stream: TextIO) -> list[Program]:
    """The same facts, for machines."""
    from netspec.render.json import render_json  # its models take time to build

    programs = compile_inputs(inputs, settings)
    stream.write(render_json(programs, inputs.unreadable, __version__))
    return programs


def print_stage(
    inputs: Inputs, settings: Mapping[str, str], stage: str, screen: Screen
) -> list[Program]:
    """What stands after a phase; for a file with errors, those."""
    programs: list[Program] = []
    blocks: list[list[Line]] = []
    for each in inputs.found:
        program = (
            parse(each) if stage == "tree" else compile_source(each.source, settings, each.net)
        )
        programs.append(program)
        if not program.has_errors:
            lines = list_tree(each) if stage == "tree" else list_graphs(program)
            blocks.append([styled(printable(line)) for line in lines])
    screen.write(join_blocks(blocks))
    screen.write(render_programs(programs, screen.page, Detail(quiet=True)))
    return programs


def parse(each: Input) -> Program:
    """A program that went no further than its text."""
    return Program(each.source, diagnostics=tuple(parse_source(each.source)[1]))


def list_tree(each: Input) -> Iterator[str]:
    from netspec.render.stages import render_tree

    file, _ = parse_source(each.source)
    yield f"tree {each.source.name}"
    yield from render_tree(file.items, "items", 1)


def list_graphs(program: Program) -> Iterator[str]:
    from netspec.render.stages import render_graph

    for net in program.nets:
        yield from render_graph(net.graph)
