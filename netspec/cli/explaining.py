"""What `netspec explain` is asked for, found and shown: a code, a word, or a layer of a file.

A code or a word is taken for that, unless a layer is named beside it; a file of such a name is
written `./conv`.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

import typer

from netspec.cli.check import refuse
from netspec.cli.exit_codes import HAS_ERRORS, IS_UNREADABLE
from netspec.cli.inputs import Input, read_inputs
from netspec.cli.screen import Screen
from netspec.compiler.pipeline import compile_source
from netspec.compiler.program import CheckedNet
from netspec.compiler.suggest import did_you_mean
from netspec.diagnostics import CODES
from netspec.graph import Graph
from netspec.render.derivation import render_derivation
from netspec.render.facts import NetFacts
from netspec.render.layer_list import render_layer_list
from netspec.render.markdown import render_markdown
from netspec.render.page import Line, count_noun, join_blocks
from netspec.render.pages import read_error_page
from netspec.render.report import Detail, render_programs
from netspec.render.topics import list_words, write_topic

MOST_CANDIDATES = 6
"""Layers that are listed where a name could be one of several."""


def answer(what: str, layer: str | None, settings: Mapping[str, str], screen: Screen) -> int:
    """Show what is asked for; the exit code."""
    text = "" if layer else write_page(what)
    if text:
        if settings:
            refuse("--set", f"{what} is no file with a net")
        screen.write(render_markdown(text, screen.page))
        return 0
    word = what.replace(" ", "")  # so that `group norm` finds groupnorm
    if layer is None and word.isidentifier() and not os.path.lexists(what):
        return complain(f"there is nothing about `{what}`", did_you_mean(word, list_topics()))
    inputs = read_inputs([what])
    for file, reason in inputs.unreadable.items():
        return complain(f"{file}: {reason}")
    if len(inputs.found) > 1:
        return complain(f"{what} stands for {len(inputs.found)} files; one at a time is explained")
    return explain_file(inputs.found[0], layer, settings, screen)


def write_page(word: str) -> str:
    """The page of a code or a word, in Markdown; empty where there is none."""
    code = word.upper()
    return read_error_page(code) if code in CODES else "\n\n".join(write_topic(word))


def list_topics() -> list[str]:
    return [*CODES, *list_words()]


def explain_file(
    input: Input, layer: str | None, settings: Mapping[str, str], screen: Screen
) -> int:
    """Show a layer of a file, or which layers it has; the errors where it has any."""
    program = compile_source(input.source, settings, input.net)
    if program.has_errors:
        screen.write(render_programs([program], screen.page, Detail(quiet=True)))
        return HAS_ERRORS
    if not program.nets:
        names = ", ".join(pattern.name for pattern in program.patterns)
        lack = f"its nets have parameters without a value: {names}" if names else "it has no net"
        return complain(
            f"{input.source.name}: {lack}", ("--set NAME=VALUE gives one",) * bool(names)
        )
    if layer is None:
        screen.write(join_blocks(list_layers(net, screen) for net in program.nets))
        return 0
    return explain_layer(input.source.name, program.nets, layer, screen)


def list_layers(net: CheckedNet, screen: Screen) -> list[Line]:
    layers = count_noun(len(net.graph.nodes), "layer")
    return render_layer_list(f"{net.name}: {layers}", net.graph.nodes, screen.page)


def explain_layer(file: str, nets: Sequence[CheckedNet], layer: str, screen: Screen) -> int:
    """Show the layer of that name, or the layers of a block, branch or head of that name."""
    found = {net.name: find_layers(net.graph, layer) for net in nets}
    having = [net for net in nets if found[net.name]]
    if not having:
        known = {node.name for net in nets for node in net.graph.nodes}
        known |= {name.rpartition(".")[2] for name in known}
        helps = did_you_mean(layer, known) or (f"`netspec explain {file}` lists them",)
        return complain(f"{file} has no layer `{layer}`", helps)
    if len(having) > 1:
        picks = [f"{file}:{net.name}" for net in having]
        return complain(f"several nets of {file} have `{layer}`", (f"pick {name_some(picks)}",))
    (net,) = having
    names = found[net.name]
    if len(names) > 1:
        return complain(f"{net.name} has several `{layer}`", (f"say {name_some(names)}",))
    if names[0] in net.graph.node_by_name:
        lines = render_derivation(NetFacts(net), net.graph[names[0]], screen.page)
    else:
        inside = [node for node in net.graph.nodes if node.name.startswith(f"{names[0]}.")]
        title = f"{names[0]} in net {net.name}: {count_noun(len(inside), 'layer')}"
        lines = render_layer_list(title, inside, screen.page)
    screen.write(lines)
    return 0


def find_layers(graph: Graph, wanted: str) -> list[str]:
    """The layer of that name; else the layers whose names end so, and else the headings."""
    if wanted in graph.node_by_name:
        return [wanted]
    headings: dict[str, None] = {}
    for node in graph.nodes:
        parts = node.name.split(".")
        headings |= dict.fromkeys(".".join(parts[:end]) for end in range(1, len(parts)))
    for names in ([node.name for node in graph.nodes], list(headings)):
        found = [name for name in names if name == wanted or name.endswith(f".{wanted}")]
        if found:
            return found
    return []


def name_some(names: Sequence[str]) -> str:
    """`a or b`, of many the first few."""
    more = len(names) - MOST_CANDIDATES
    shown = list(names[:MOST_CANDIDATES])
    return " or ".join([*shown, f"one of {more} more"] if more > 0 else shown)


def complain(headline: str, helps: Iterable[str] = ()) -> int:
    """Say on standard error why there is nothing to show."""
    typer.echo(f"error: {headline}", err=True)
    for help in helps:
        typer.echo(f"  = help: {help}", err=True)
    return IS_UNREADABLE
