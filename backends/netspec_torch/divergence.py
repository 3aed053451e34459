"""Where a loss that is not finite comes from: the first layer whose weights or output are not.

A batch is computed once more, layer by layer, with a look at every number. That is slow, and done
only after a loss that is not finite; what is to be said of a run then is decided here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from netspec.graph import Graph, Node
from netspec.layers.input import Input
from netspec_torch.distributed.world import World
from netspec_torch.emission import module_path
from netspec_torch.module import LAYERS


@dataclass(frozen=True, slots=True)
class Origin:
    """A layer that has or gives numbers that are not finite, while those of all before it are."""

    node: Node
    weight: str
    """The weight that has them, `bias`; empty where the output alone does."""
    count: int
    """How many are not finite."""
    total: int
    largest_read: float = 0.0
    """The largest absolute value of what the layer reads, where its output has them."""

    def describe(self) -> str:
        """The layer with its place in the file, and what is wrong there."""
        numbers = f"{self.count:,} of {self.total:,} numbers are not finite"
        if isinstance(self.node.layer, Input):
            return f"it starts in the images, of which {numbers}"
        place = f"it starts in `{self.node.name}` ({self.node.span.place})"
        if self.weight:
            return f"{place}, of whose `{self.weight}` {numbers}"
        return (
            f"{place}, of whose output {numbers}; what it reads is at most {self.largest_read:.3g}"
        )


class Examination(fx.Interpreter):
    """Computes a net to its end, and keeps the origin of what is not finite."""

    def __init__(self, module: fx.GraphModule, graph: Graph) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.origin: Origin | None = None
        self._layers = graph
        self._weights = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        self._outputs: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        for name in n.meta.get(LAYERS, ()):
            self.origin = self.origin or self._examine(self._layers[name], result)
            self._outputs[name] = result
        return result

    def _examine(self, node: Node, output: Tensor) -> Origin | None:
        path = module_path(node.shares_weights_of or node.name)
        for weight in node.weights:
            numbers = self._weights.get(f"{path}.{weight.name}")
            if numbers is not None and (count := count_not_finite(numbers)):
                return Origin(node, weight.name, count, numbers.numel())
        if count := count_not_finite(output):
            tensors = (self._outputs[name] for name in node.inputs)
            read = [float(tensor.abs().max()) for tensor in tensors if tensor.numel()]
            return Origin(node, "", count, output.numel(), max(read, default=0.0))
        return None


def count_not_finite(numbers: Tensor) -> int:
    return int((~numbers.isfinite()).sum())


def explain(module: fx.GraphModule, graph: Graph, batches: Iterable[Tensor], world: World) -> str:
    """Where in the first batch that has one the origin is.

    `module` is what this process has of the graph, and computes in its mode and in the caller's
    precision and random state. Every process of the world calls it, and each is told of the first
    layer of all that they find.
    """
    for images in batches:
        origin = find_origin(module, graph, images) if len(images) else None
        told = None if origin is None else (graph.nodes.index(origin.node), origin.describe())
        found = [each for each in world.collect(told) if each is not None]
        if found:
            return min(found)[1]
    return "what every layer gives is finite, and the loss that comes of it is not"


def find_origin(module: fx.GraphModule, graph: Graph, images: Tensor) -> Origin | None:
    """The origin in a batch; None where all numbers are finite."""
    examination = Examination(module, graph)
    with torch.no_grad():
        examination.run(images)
    return examination.origin
