"""Compile a net that a test writes on the spot."""

from collections.abc import Mapping
from textwrap import dedent

from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.diagnostics import Diagnostic
from netspec.graph import Graph
from netspec.recipe.device import Device
from netspec.source import SourceFile


def compile_text(
    text: str,
    settings: Mapping[str, str] | None = None,
    net: str | None = None,
    device: Device | None = None,
) -> Program:
    return compile_source(SourceFile("test.net", dedent(text)), settings, net, device=device)


def compile_graph(text: str, settings: Mapping[str, str] | None = None) -> Graph:
    """The graph of a file's only net, which must be free of errors."""
    program = compile_text(text, settings)
    assert not program.has_errors, summaries(program)
    (net,) = program.nets
    return net.graph


def summaries(program: Program) -> list[str]:
    """Each diagnostic as `CODE line:column text`, the text being what it underlines."""
    return [summarise(diagnostic) for diagnostic in program.diagnostics]


def summarise(diagnostic: Diagnostic) -> str:
    span = diagnostic.primary.span
    line, column = span.source.locate(span.start)
    return f"{diagnostic.code} {line}:{column} {span.text.strip()}"
