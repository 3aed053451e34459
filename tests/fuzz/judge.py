"""What holds for any text at all. It is read and checked without an exception and soon, and every
error has a code, a place in the text, and can be shown. A text without syntax errors is formatted:
that changes nothing of what it says, and nothing once it is done. Where its nets are whole, a layer
of each can be explained.
"""

from pathlib import Path
from time import process_time

from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import Program
from netspec.diagnostics import CODES, Diagnostic
from netspec.graph import Graph, Node
from netspec.render.derivation import render_derivation
from netspec.render.diagnostic import render_diagnostic
from netspec.render.facts import NetFacts
from netspec.render.page import Page
from netspec.source import SourceFile
from netspec.syntax.formatter import format_source
from netspec.syntax.parser import parse_source
from tests.fuzz.corpus import read_used

MOST_SECONDS = 2.0
"""Of a processor, for a text of at most 64 kB."""
SECONDS_A_STEP = 1e-4
"""Beyond that, for each layer, call or pass of a loop that the text asks for."""
PAGE = Page(width=80)
USED = read_used()
PATH = Path("fuzz.net")


class Verdict(Exception):  # noqa: N818 - what was found, not what went wrong here
    """A text of which something does not hold."""


def judge(text: str, slack: float = 1.0) -> Program:
    """Check a text; raises Verdict, or whatever escapes. `slack` is for a busy machine."""
    started = process_time()
    program = compile_text(text)
    for diagnostic in program.diagnostics:
        check_diagnostic(diagnostic)
    if not any(diagnostic.code < "NS1" for diagnostic in program.diagnostics):
        check_format(text, program)
    for net in program.nets:
        node = net.graph.nodes[len(text) % len(net.graph.nodes)]
        render_derivation(NetFacts(net), node, PAGE)
    taken = process_time() - started
    if taken > (MOST_SECONDS + SECONDS_A_STEP * count_steps(program)) * slack:
        raise Verdict(f"took {taken:.1f} s")
    return program


def compile_text(text: str) -> Program:
    return compile_source(SourceFile(PATH.name, text, PATH), texts=USED)


def count_steps(program: Program) -> int:
    """About as many as a check makes; all that there may be where that is what is told."""
    if any(diagnostic.code == "NS120" for diagnostic in program.diagnostics):
        return 100_000
    return sum(len(net.graph.nodes) for net in program.nets)


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
    render_diagnostic(diagnostic, PAGE)


def check_format(text: str, program: Program) -> None:
    source = SourceFile(PATH.name, text)
    if parse_source(source)[1]:
        raise Verdict("syntax errors are lost")
    once = format_source(source)
    if format_source(SourceFile(PATH.name, once)) != once:
        raise Verdict("the canonical form is not canonical")
    formatted = compile_text(once)
    if [net.name for net in formatted.nets] != [net.name for net in program.nets]:
        raise Verdict("the canonical form has other nets")
    for before, after in zip(program.nets, formatted.nets, strict=True):
        if strip_graph(before.graph) != strip_graph(after.graph):
            raise Verdict("the canonical form has another graph")
    if list_codes(formatted) != list_codes(program):
        raise Verdict("the canonical form has other errors")


def list_codes(program: Program) -> list[tuple[str, str]]:
    return [(diagnostic.code, diagnostic.headline) for diagnostic in program.diagnostics]


def strip_graph(graph: Graph) -> object:
    """A graph without its places and spellings in the file."""
    kept = [name for name in Node.__struct_fields__ if name not in ("span", "calls", "written")]
    nodes = [[getattr(node, name) for name in kept] for node in graph.nodes]
    return nodes, graph.inputs, graph.output, graph.heads, graph.gpus, graph.parameters
