"""A net's layers as an outline, whose headings are the parts of the dotted names, and what of it is
folded.

    bottleneck_1          a block
      add_1               in it a join, which is a layer and the heading of its branches
        branch_1
          conv_1

A heading that holds nothing but one further heading or layer is joined to it, so no level is there
for its own sake.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from netspec.analyses.cost import Cost, count_cost
from netspec.graph import Graph, Node
from netspec.source import Span

MOST_ROWS = 60
"""A net that takes more rows has its blocks folded, unless asked otherwise."""
BRANCH = re.compile(r"branch_\d+")
"""What branches are called; no label of a file's own ends so."""
EVERYTHING = sys.maxsize
"""The depth that opens everything."""


class Entry(Struct, eq=False):
    """A layer, or a heading with what lies below it."""

    path: str
    """The dotted name."""
    label: str
    """The part of the name that its heading does not say already."""
    folded_label: str
    """The same without what was joined to it from below: its name while that is folded away."""
    node: Node | None = None
    """The layer of that name; a join is a layer and a heading at once."""
    entries: list["Entry"] = field(default_factory=list)

    calls: tuple[Span, ...] = ()
    """The calls of blocks that led to it, outermost first, its own included."""

    @property
    def nodes(self) -> Iterator[Node]:
        """Every layer in it, a join behind its branches."""
        waiting = [self]
        seen: set[int] = set()
        while waiting:
            entry = waiting[-1]
            if entry.entries and id(entry) not in seen:
                seen.add(id(entry))
                waiting += reversed(entry.entries)
                continue
            waiting.pop()
            if entry.node:
                yield entry.node


class Row(NamedTuple):
    """A line of the table of layers."""

    entry: Entry
    depth: int
    """How many headings stand above it."""
    is_open: bool
    """Whether rows for what lies in it follow; its own numbers are then those of the join alone."""

    @property
    def is_folded(self) -> bool:
        """Whether it stands for what lies in it."""
        return bool(self.entry.entries) and not self.is_open

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
    root = Entry("", "", "")
    by_path = {"": root}
    for node in nodes:
        find_entry(by_path, node.name).node = node
    for entry in by_path.values():  # what lies below a heading was made after it
        for below in entry.entries:
            below.calls = list_calls(below, entry)
    for entry in reversed(by_path.values()):
        entry.entries = [join_single(below) for below in entry.entries]
    return root.entries


def find_entry(by_path: dict[str, Entry], path: str) -> Entry:
    """The entry of a dotted name, made on first use together with its headings."""
    above = by_path[""]
    labels = path.split(".")
    for depth, label in enumerate(labels, start=1):
        part = path if depth == len(labels) else ".".join(labels[:depth])
        if part not in by_path:
            by_path[part] = Entry(part, label, label)
            above.entries.append(by_path[part])
        above = by_path[part]
    return above


def list_calls(entry: Entry, above: Entry) -> tuple[Span, ...]:
    """The calls that led to a layer; for a heading those above it, and its own if it stands for
    one. That all layers in it have a further call in common says nothing: it may be a loop's."""
    if entry.node:
        return entry.node.calls
    first = next(entry.nodes)
    is_branch = BRANCH.fullmatch(entry.label) is not None
    is_join = any(BRANCH.fullmatch(below.label) for below in entry.entries)
    is_call = not is_branch and not is_join and entry.path != first.head
    return first.calls[: len(above.calls) + is_call]


def join_single(entry: Entry) -> Entry:
    """A heading's only layer or heading in its place, called after both; any other as it is."""
    if entry.node or len(entry.entries) != 1:
        return entry
    (below,) = entry.entries
    below.folded_label = entry.folded_label
    below.label = f"{entry.label}.{below.label}"
    return below


def list_rows(outline: Sequence[Entry], depth: int) -> list[Row]:
    """The rows of an outline opened `depth` levels deep, 1 being its top level."""
    rows: list[Row] = []
    waiting = [(entry, 0) for entry in reversed(outline)]
    while waiting:
        entry, above = waiting.pop()
        is_open = bool(entry.entries) and above + 1 < depth
        rows.append(Row(entry, above, is_open))
        if is_open:
            waiting += [(below, above + 1) for below in reversed(entry.entries)]
    return rows


def choose_depth(nodes: Sequence[Node]) -> int:
    """How deep a net is opened unless asked otherwise: all of it, or nothing where that would take
    more than MOST_ROWS."""
    rows = list_rows(build_outline(nodes), EVERYTHING)
    return 1 if len(rows) > MOST_ROWS else EVERYTHING


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


def find_call(entry: Entry, above: Entry | None) -> Span | None:
    """The call of a block that a heading stands for; None for branches and the like."""
    known = len(above.calls) if above else 0
    return entry.calls[-1] if len(entry.calls) > known else None
