"""How many numbers a set of layers learns, and how many multiply-adds it takes for one image.

The counting of one layer is the layer's own (`netspec/layers/`); here they are added up, in such a
way that the parts of a net add up to the net: weights that several layers share are counted at the
layer that brings them.
"""

from collections.abc import Iterable

from msgspec import Struct

from netspec.graph import Node


class Cost(Struct, frozen=True):
    """A layer's or a group's share of the whole."""

    params: int = 0
    """Learned numbers, running averages excluded."""
    macs: int = 0
    """Multiply-adds for one image."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.params + other.params, self.macs + other.macs)


def count_node_cost(node: Node) -> Cost:
    """What one layer adds to the totals; a layer with shared weights adds no parameters."""
    return Cost(0 if node.shares_weights_of else node.num_params, node.macs)


def count_cost(nodes: Iterable[Node]) -> Cost:
    """The sum over some layers."""
    return sum((count_node_cost(node) for node in nodes), Cost())
