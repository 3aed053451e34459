"""What a check says of one net, computed once for every format: totals, memory, placement."""

from functools import cached_property

from msgspec import Struct

from netspec.analyses.cost import Cost, count_cost
from netspec.analyses.memory import Memory, measure_memory
from netspec.analyses.placement import Placement, place_graph
from netspec.compiler.program import CheckedNet
from netspec.graph import Graph, Head, Node
from netspec.tensor import Shape


class NetFacts(Struct, frozen=True, dict=True):
    """A checked net with the answers of the analyses."""

    net: CheckedNet

    @property
    def graph(self) -> Graph:
        return self.net.graph

    @cached_property
    def total(self) -> Cost:
        """What inference uses."""
        return Cost(self.graph.num_params, self.graph.macs)

    @cached_property
    def memory(self) -> Memory:
        return measure_memory(self.graph)

    @cached_property
    def placement(self) -> Placement | None:
        """Where the layers lie; None for a net on a single GPU."""
        return place_graph(self.graph) if self.graph.gpus > 1 else None

    @property
    def input_shapes(self) -> tuple[tuple[str, Shape], ...]:
        """Each input's name and shape."""
        return tuple((name, self.graph[name].shape) for name in self.graph.inputs)

    @property
    def output_shape(self) -> Shape:
        return self.graph[self.graph.output].shape

    def nodes_of(self, head: Head | None) -> tuple[Node, ...]:
        """The layers of a head, or those outside all heads."""
        name = head.name if head else None
        return tuple(node for node in self.graph.nodes if node.head == name)

    def head_cost(self, head: Head) -> Cost:
        """What a head adds in training; no part of the total."""
        return count_cost(self.nodes_of(head))


def summarize(documentation: str) -> str:
    """The first sentence of a net's documentation, on one line."""
    paragraph = documentation.strip().split("\n\n")[0]
    text = " ".join(paragraph.split())
    for end, char in enumerate(text):
        if char in ".!?" and text[end + 1 : end + 2] == " " and text[end + 2 : end + 3].isupper():
            return text[: end + 1]
    return text
