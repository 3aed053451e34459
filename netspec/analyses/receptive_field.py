"""The receptive field: which pixels of the net's inputs a position of a layer is computed from.

Told along each direction by three numbers, as in Araujo, Norris and Sim, "Computing Receptive
Fields of Convolutional Neural Networks", 2019. Where a layer has windows of `window` pixels every
`stride`, padded by `before`,

    size  = size of its input + (window - 1) jump of its input
    jump  = stride x jump of its input
    start = start of its input - before x jump of its input

A join has the union of what its inputs see. The numbers are not taken from these formulas but from
the pixels themselves, walked back layer by layer, which also holds for maps that are enlarged. The
padding counts as pixels, so that a field may be larger than the input and begin before it.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import takewhile
from math import lcm
from typing import NamedTuple

from msgspec import Struct

from netspec.graph import Graph, Node
from netspec.tensor import Interval, Reach

ROWS, COLUMNS = 0, 1
"""The directions, in the order of a layer's reaches."""


class Field(NamedTuple):
    """What the positions of a layer see of an input, along one direction."""

    size: int
    """Pixels of the largest window."""
    jump: Fraction | None
    """Pixels from one window to the next; 0 where all positions see the same, None where windows
    do not lie evenly, because ways of different strides meet."""
    start: int
    """The first pixel of the first window."""


class Ancestor(Struct, frozen=True):
    """A layer with its reaches: for each input, in rows and in columns."""

    node: Node
    reaches: tuple[tuple[Reach, Reach], ...]

    def read(self, axis: int) -> Iterator[tuple[str, Reach]]:
        """What it reads, each with its reach in the direction."""
        for name, reach in zip(self.node.inputs, self.reaches, strict=True):
            yield name, reach[axis]


def find_fields(graph: Graph, node: Node) -> dict[str, tuple[Field, Field]]:
    """For each input of the net that the layer depends on, its field in rows and in columns."""
    ancestors = list_ancestors(graph, node)
    rows, columns = (find_direction(graph, ancestors, axis) for axis in (ROWS, COLUMNS))
    return {name: (rows[name], columns[name]) for name in rows}


def list_ancestors(graph: Graph, node: Node) -> list[Ancestor]:
    """The layer and all that it depends on, the layer first and every reader before what it
    reads."""
    wanted = {node.name}
    found: list[Ancestor] = []
    above = [*takewhile(lambda each: each is not node, graph.nodes), node]
    for each in reversed(above):
        if each.name in wanted:
            reaches = each.layer.list_reaches(each.input_shapes, each.shape)
            found.append(Ancestor(each, reaches))
            wanted.update(each.inputs)
    return found


def find_direction(graph: Graph, ancestors: list[Ancestor], axis: int) -> dict[str, Field]:
    """The field of the first of the layers in each of the net's inputs that it depends on."""
    first = ancestors[0].node
    steps: dict[str, set[Fraction]] = {first.name: {Fraction(1)}}
    for ancestor in ancestors:
        for read, reach in ancestor.read(axis):
            after = steps[ancestor.node.name]
            steps.setdefault(read, set()).update(reach.step * step for step in after)
    period = lcm(*(step.denominator for found in steps.values() for step in found))
    positions = range(min(period, first.shape[1 + axis]))
    seen = [look_back(ancestors, Interval(position, position + 1), axis) for position in positions]
    return {
        name: Field(
            max(each[name].end - each[name].start for each in seen),
            choose_jump(steps[name]),
            seen[0][name].start,
        )
        for name in graph.inputs
        if name in steps
    }


def look_back(ancestors: list[Ancestor], wanted: Interval, axis: int) -> dict[str, Interval]:
    """The rows or columns of every ancestor that the wanted ones of the first are computed from."""
    seen = {ancestors[0].node.name: wanted}
    for ancestor in ancestors:
        for read, reach in ancestor.read(axis):
            pixels = reach.see(seen[ancestor.node.name])
            known = seen.get(read, pixels)
            seen[read] = Interval(min(known.start, pixels.start), max(known.end, pixels.end))
    return seen


def choose_jump(steps: set[Fraction]) -> Fraction | None:
    """The pixels between windows, of those along each way: a way that sees the whole map makes all
    positions see it."""
    if 0 in steps:
        return Fraction(0)
    return next(iter(steps)) if len(steps) == 1 else None
