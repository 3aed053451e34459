"""A net's layers as an outline, whose headings are the parts of the dotted names, and what of it is
folded.

    bottleneck_1          a block
      add_1               in it a join, which is a layer and the heading of its branches
        branch_1
          conv_1

A heading that holds nothing but one further heading or layer is joined to it, so no level is there
for its own sake.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from netspec.analyses.cost import Cost, count_cost
from netspec.graph import Graph, Node
from netspec.source import Span

MOST_ROWS = 60
"""A net that takes more rows has its blocks folded, unless asked otherwise."""
EVERYTHING = sys.maxsize
"""The depth that opens everything."""


@dataclass(eq=False)
class Entry:
    """A layer, or a heading with what lies below it."""

    path: str
    """The dotted name."""
    label: str
    """The part of the name that its heading does not say already."""
    node: Node | None = None
    """The layer of that name; a join is a layer and a heading at once."""
    entries: list["Entry"] = field(default_factory=list)

    @property
    def nodes(self) -> Iterator[Node]:
        """Every layer in it."""
        for entry in self.entries:
            yield from entry.nodes
        if self.node:
            yield self.node


class Row(NamedTuple):
    """A line of the table of layers."""

    entry: Entry
    depth: int
    """How many headings stand above it."""
    is_open: bool
    """Whether rows for what lies in it follow; its own numbers are then those of the join alone."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The layers that the row's numbers are about."""
        if self.is_open:
            return (self.entry.node,) if self.entry.node else ()
        return tuple(self.entry.nodes)

    @property
    def cost(self) -> Cost:
        return count_cost(self.nodes)


def build_outline(nodes: Sequence[Node]) -> list[Entry]:
    """Arrange layers under the headings that their names tell."""
    root = Entry("", "")
    by_path = {"": root}
    for node in nodes:
        find_entry(by_path, node.name).node = node
    return [join_single(entry) for entry in root.entries]


def find_entry(by_path: dict[str, Entry], path: str) -> Entry:
    """The entry of a dotted name, made on first use together with its headings."""
    if path not in by_path:
        above, _, label = path.rpartition(".")
        entry = by_path[path] = Entry(path, label)
        find_entry(by_path, above).entries.append(entry)
    return by_path[path]


def join_single(entry: Entry) -> Entry:
    """Join a heading with the only thing that it holds, all the way down."""
    entry.entries = [join_single(below) for below in entry.entries]
    if entry.node is None and len(entry.entries) == 1:
        (below,) = entry.entries
        below.label = f"{entry.label}.{below.label}"
        return below
    return entry


def list_rows(outline: Sequence[Entry], depth: int) -> list[Row]:
    """The rows of an outline opened `depth` levels deep, 1 being its top level."""
    return list(walk(outline, depth, 0))


def choose_depth(nodes: Sequence[Node]) -> int:
    """How deep a net is opened unless asked otherwise: all of it, or nothing where that would take
    more than MOST_ROWS."""
    return 1 if count_rows(build_outline(nodes)) > MOST_ROWS else EVERYTHING


def walk(entries: Sequence[Entry], levels: int, depth: int) -> Iterator[Row]:
    for entry in entries:
        is_open = bool(entry.entries) and levels > 1
        yield Row(entry, depth, is_open)
        if is_open:
            yield from walk(entry.entries, levels - 1, depth + 1)


def count_rows(entries: Sequence[Entry]) -> int:
    return sum(1 + count_rows(entry.entries) for entry in entries)


def list_readers(graph: Graph) -> dict[str, list[str]]:
    """Who reads each layer's tensor, by name; the empty name stands for the world outside."""
    readers: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for node in graph.nodes:
        for name in node.inputs:
            readers[name].append(node.name)
    for output in (graph.output, *(head.output for head in graph.heads)):
        readers[output].append("")
    return readers


def find_result(entry: Entry, readers: dict[str, list[str]]) -> Node:
    """The layer whose tensor leaves a heading: the join of that name, or the last one that
    something outside reads."""
    if entry.node:
        return entry.node
    inside = f"{entry.path}."
    nodes = list(entry.nodes)
    leaving = [n for n in nodes if any(not r.startswith(inside) for r in readers[n.name])]
    return (leaving or nodes)[-1]


def find_call(entry: Entry, above: Sequence[Entry]) -> Span | None:
    """The call of a block that a heading stands for; None for branches and the like."""
    shared = shared_calls(entry)
    known = len(shared_calls(above[-1])) if above else 0
    return shared[-1] if len(shared) > known else None


def shared_calls(entry: Entry) -> tuple[Span, ...]:
    """The calls that led to every layer in it."""
    nodes = list(entry.nodes)
    shared = nodes[0].calls
    for node in nodes[1:]:
        same = 0
        for one, other in zip(shared, node.calls, strict=False):
            if one != other:
                break
            same += 1
        shared = shared[:same]
    return shared
