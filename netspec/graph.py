"""The graph: what a net means, whatever way it was spelled. Every phase after elaboration, and
every target, reads this and nothing else of the file.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from netspec.layers.base import Layer
from netspec.source import Span
from netspec.tensor import Shape, Weight


class Node(Struct, frozen=True):
    """One layer of the elaborated net."""

    name: str
    """The dotted path of labels: `a3.concat_1.branch_2.conv_1`."""
    layer: Layer
    inputs: tuple[str, ...]
    """Names of the nodes whose tensors it reads."""
    input_shapes: tuple[Shape, ...]
    shape: Shape
    weights: tuple[Weight, ...]
    macs: int
    written: str
    """Kind and arguments as the file gives them, with values in place of names."""
    span: Span
    """The line's kind word, in the file that has it."""
    calls: tuple[Span, ...] = ()
    """The calls of blocks that led to it, outermost first."""
    shares_weights_of: str | None = None
    """The node whose weights it uses (`again`); its `weights` then describe the same tensors."""
    head: str | None = None
    """The head that it belongs to."""

    @property
    def num_params(self) -> int:
        """Learned numbers, shared ones included."""
        return sum(weight.elements for weight in self.weights if weight.is_learned)


class Head(Struct, frozen=True):
    """A side exit, trained with a weight in the loss and absent from inference."""

    name: str
    weight: float
    output: str


class Graph(Struct, frozen=True, dict=True):
    """A net with every size known. Nodes stand in an order in which they can be computed."""

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    output: str
    heads: tuple[Head, ...] = ()
    gpus: int = 1
    parameters: tuple[tuple[str, object], ...] = ()
    """The values that the net's parameters have here."""

    def __repr__(self) -> str:
        return f"<Graph {self.describe()}>"

    def describe(self) -> str:
        """`lenet: 1x28x28 -> 10, 8 layers, 431,080 parameters`."""
        inputs = ", ".join(str(self[name].shape) for name in self.inputs)
        layers = sum(node.layer.takes != "none" for node in self.inference_nodes)
        return (
            f"{self.name}: {inputs} -> {self[self.output].shape}, "
            f"{layers:,} layer{'' if layers == 1 else 's'}, {self.num_params:,} parameters"
        )

    @cached_property
    def node_by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def readers_by_name(self) -> dict[str, list[Node]]:
        """For each node that is read, the nodes that read it."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers

    def __getitem__(self, name: str) -> Node:
        return self.node_by_name[name]

    @property
    def inference_nodes(self) -> Iterator[Node]:
        """The nodes outside heads."""
        return (node for node in self.nodes if node.head is None)

    @cached_property
    def num_params(self) -> int:
        """Learned numbers that inference uses: no heads, shared weights once."""
        return count_params(self.inference_nodes)

    @cached_property
    def macs(self) -> int:
        """Multiply-adds of inference for one image."""
        return sum(node.macs for node in self.inference_nodes)


def count_params(nodes: Iterable[Node]) -> int:
    """Learned numbers of some nodes, weights that they share once."""
    owned = {node.shares_weights_of or node.name: node.num_params for node in nodes}
    return sum(owned.values())
