"""The cells of the table of layers: an outline's rows in words and numbers."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from netspec.graph import Graph, Head, Node
from netspec.render.facts import NetFacts
from netspec.render.outline import (
    Entry,
    Row,
    build_outline,
    find_call,
    find_result,
    list_readers,
    list_rows,
)
from netspec.render.page import count_noun, printable
from netspec.tensor import Interval, Shape

NONE = "-"
"""Stands for a number that is zero: most layers learn nothing."""
DEEPEST_INDENT = 12
"""Levels of headings that are shown by indentation; deeper ones stand below each other."""
BRANCH = re.compile(r"(.*\bbranch_\d+)\.")


class LayerRow(NamedTuple):
    """A row's cells; an empty text is an empty cell."""

    label: str
    layer: str
    """Kind and arguments as written, or what a heading stands for."""
    shape: Shape | str = ""
    params: str = ""
    macs: str = ""
    on_gpus: str = ""
    crossing: str = ""
    returning: str = ""
    depth: int = 0
    is_open: bool = False

    @property
    def indented_label(self) -> str:
        return "  " * min(self.depth, DEEPEST_INDENT) + self.label


def list_layer_rows(facts: NetFacts, head: Head | None, depth: int) -> list[LayerRow]:
    """The rows of a head, or of all that lies outside heads."""
    nodes = facts.nodes_of(head)
    readers = list_readers(facts.graph)
    named = dict(name_sources(facts.graph))
    above: list[Entry] = []
    rows: list[LayerRow] = []
    for row in list_rows(build_outline(nodes), depth):
        above[row.depth :] = [row.entry]
        heading = above[-2] if row.depth else None
        text = describe_row(row, heading, named)
        rows.append(fill_row(row, text, find_result(row.entry, readers), facts))
    return rows


def fill_row(row: Row, text: str, result: Node, facts: NetFacts) -> LayerRow:
    """The numbers of a row; an opened heading that is no layer itself has none."""
    shape = result.shape
    label = row.entry.folded_label if row.is_folded else row.entry.label
    if row.is_open and not row.nodes:
        return LayerRow(label, text, shape, depth=row.depth, is_open=True)
    placement = facts.placement
    runs = placement.nodes[result.name].runs if placement else ()
    placed = [placement.nodes[node.name] for node in row.nodes] if placement else []
    return LayerRow(
        label,
        text,
        shape,
        params="shared" if is_shared(row) else show_count(row.cost.params),
        macs=show_count(row.cost.macs),
        on_gpus=" | ".join(map(show_run, runs)),
        crossing=show_count(sum(n.crossing_bytes for n in placed)) if placement else "",
        returning=show_count(sum(n.returning_bytes for n in placed)) if placement else "",
        depth=row.depth,
        is_open=row.is_open,
    )


def is_shared(row: Row) -> bool:
    """Whether all its weights are counted elsewhere."""
    weighted = [node for node in row.nodes if node.weights]
    return bool(weighted) and all(node.shares_weights_of for node in weighted)


def show_count(number: int) -> str:
    return f"{number:,}" if number else NONE


def show_run(run: Interval) -> str:
    return show_count(run.end - run.start)


def describe_row(row: Row, above: Entry | None, named: dict[str, str]) -> str:
    """Kind and arguments of a layer, with what it reads where that is not the line above; for a
    heading the block that it calls, and how many layers are folded away."""
    entry = row.entry
    parts: list[str] = []
    call = find_call(entry, above) if entry.entries else None
    if call:
        parts.append(call.text)
    if entry.node and not (call and row.is_folded):
        parts.append(entry.node.written + named.get(entry.node.name, ""))
    text = printable(": ".join(parts))
    if row.is_folded:
        folded = count_noun(len(row.nodes), "layer")
        return f"{text}, {folded}" if text else folded
    return text


def name_sources(graph: Graph) -> Iterator[tuple[str, str]]:
    """` from NAME` for each layer that reads something else than what stands right above it: the
    start of a branch and the join of branches say so by their place."""
    flowing = ""
    seen_branches: set[str] = set()
    for node in graph.nodes:
        branches = set(BRANCH.findall(node.name))
        starts_branch = not branches <= seen_branches
        seen_branches |= branches
        joins_branches = any(name.startswith(f"{node.name}.") for name in node.inputs)
        expected = node.inputs == (flowing,) or not node.inputs
        if not expected and not starts_branch and not joins_branches:
            yield node.name, f" from {', '.join(shorten_name(n, node.name) for n in node.inputs)}"
        flowing = node.name


def shorten_name(name: str, reader: str) -> str:
    """A layer's name without the headings that it has in common with its reader."""
    above = reader.rpartition(".")[0]
    while above:
        if name.startswith(f"{above}."):
            return name[len(above) + 1 :]
        above = above.rpartition(".")[0]
    return name
