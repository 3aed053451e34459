"""Graphs by hand: a layer's shape, weights and work come from its own rules, as in a file."""

from collections.abc import Sequence

from torch import Tensor, fx

from netspec.graph import Graph, Head, Node
from netspec.layers.base import Layer
from netspec.layers.input import Input
from netspec.source import SourceFile, Span
from netspec.tensor import Shape

NOWHERE = Span(SourceFile("by_hand.net", "conv"), 0, 4)


def make_input(shape: Shape, name: str = "input_1") -> Node:
    return make_node(name, Input.model_construct(size=shape), [])


def make_node(
    name: str,
    layer: Layer,
    inputs: Sequence[Node],
    *,
    shares: str | None = None,
    head: str | None = None,
) -> Node:
    """A node that reads the given ones."""
    shapes = tuple(node.shape for node in inputs)
    shape = layer.infer_shape(shapes)
    return Node(
        name=name,
        layer=layer,
        inputs=tuple(node.name for node in inputs),
        input_shapes=shapes,
        shape=shape,
        weights=layer.list_weights(shapes),
        macs=layer.count_macs(shapes, shape),
        written=layer.kind,
        span=NOWHERE,
        shares_weights_of=shares,
        head=head,
    )


def make_graph(nodes: Sequence[Node], heads: Sequence[Head] = ()) -> Graph:
    """A net of the nodes; the last outside the heads is its output."""
    inference = [node for node in nodes if node.head is None]
    inputs = tuple(node.name for node in inference if node.layer.kind == "input")
    return Graph("by_hand", tuple(nodes), inputs, inference[-1].name, tuple(heads))


def make_layer_graph(layer: Layer, *shapes: Shape) -> Graph:
    """A net of one layer that reads an input of each shape; the layer is called `it`."""
    inputs = [make_input(shape, f"input_{i}") for i, shape in enumerate(shapes, start=1)]
    return make_graph([*inputs, make_node("it", layer, inputs)])


def make_chain(shape: Shape, layers: Sequence[tuple[str, Layer]]) -> Graph:
    """A net of named layers, each reading the one before."""
    nodes = [make_input(shape)]
    for name, layer in layers:
        nodes.append(make_node(name, layer, nodes[-1:]))
    return make_graph(nodes)


def record_shapes(module: fx.GraphModule, *inputs: Tensor) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a run, by its name in the torch graph."""
    recorder = ShapeRecorder(module)
    recorder.run(*inputs)
    return recorder.shapes


class ShapeRecorder(fx.Interpreter):
    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> object:
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n.name] = tuple(value.shape)
        return value
