"""How many numbers a net has: the weights as they lie in a file, and the results of the layers for
one image, where a layer that can put its result in the place of what it reads does so.

It is the same for every target. What PyTorch needs to train the net, which keeps other tensors too,
is in `training_memory.py`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from netspec.graph import Graph, Node

BYTES_PER_NUMBER = 4
"""float32."""

OVERWRITES_ITS_INPUT = frozenset(
    {"relu", "relu6", "leakyrelu", "sigmoid", "tanh", "dropout", "flatten", "identity"}
)
"""Layer kinds whose result takes the place of what they read: an activation whose derivative is a
function of its result, a mask, another view of the same numbers."""


class Memory(NamedTuple):
    """Sizes of what inference uses; heads are not part of it."""

    weight_bytes: int
    """Learned numbers in float32, shared ones once."""
    average_bytes: int
    """Running averages in float32."""
    activations: int
    """Numbers of results for one image, the image itself excluded."""

    @property
    def activation_bytes(self) -> int:
        """The results for one image in float32."""
        return self.activations * BYTES_PER_NUMBER


def measure_memory(graph: Graph) -> Memory:
    """The net's weights and results."""
    nodes = [node for node in graph.nodes if node.head is None]
    return Memory(
        weight_bytes=graph.num_params * BYTES_PER_NUMBER,
        average_bytes=count_averages(nodes) * BYTES_PER_NUMBER,
        activations=sum(node.shape.elements for node in nodes if stores_its_result(node)),
    )


def count_averages(nodes: Iterable[Node]) -> int:
    """Numbers that training keeps beside the learned ones, such as batch norm's."""
    return sum(
        weight.elements
        for node in nodes
        if node.shares_weights_of is None
        for weight in node.weights
        if not weight.is_learned
    )


def stores_its_result(node: Node) -> bool:
    """Whether the layer's result needs room of its own beside what it reads."""
    return node.layer.takes != "none" and node.layer.kind not in OVERWRITES_ITS_INPUT
