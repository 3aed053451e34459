"""The layers that were elaborated so far: which of them lead to a tensor, what its chain of shapes
is, and what the shapes would be if some were different.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from netspec.compiler.scopes import NUMBERED
from netspec.graph import Node
from netspec.layers.base import Layer, LayerError
from netspec.source import SourceFile, Span
from netspec.tensor import Shape

MOST_STEPS = 30_000
"""Layers whose rules are tried, in all, to find repairs."""
FIRST_SHOWN, LAST_SHOWN = 2, 4
"""The steps of a long chain that are shown; those in the middle are folded."""

Shapes = dict[str, Shape]


class Budget(Struct):
    """How much work may still go into repairs."""

    steps: int = MOST_STEPS

    def spend(self, steps: int) -> bool:
        """Take some of it, if it is there."""
        self.steps -= steps
        return self.steps >= 0


class History(Struct):
    """The layers of a net in their order, and work that may be spent on them."""

    nodes: Sequence[Node]
    budget: Budget = field(default_factory=Budget)
    _places: dict[str, int] = field(default_factory=dict)

    def place(self, name: str) -> int:
        if len(self._places) != len(self.nodes):
            self._places = {node.name: index for index, node in enumerate(self.nodes)}
        return self._places[name]

    def find(self, name: str) -> Node:
        return self.nodes[self.place(name)]

    def list_leading(self, names: Iterable[str]) -> list[Node]:
        """The layers that some tensors come from, their own included, in the net's order."""
        waiting = [self.place(name) for name in names]
        found: set[int] = set()
        while waiting:
            index = waiting.pop()
            if index not in found:
                found.add(index)
                waiting += (self.place(name) for name in self.nodes[index].inputs)
        return [self.nodes[index] for index in sorted(found)]

    def replay(self, nodes: Sequence[Node], changed: Mapping[str, Layer]) -> Shapes | None:
        """The shapes of some layers if those that are changed were so; None where a rule is not
        met, or all work is spent. Layers before them have the shapes that they have."""
        if not self.budget.spend(len(nodes)):
            return None
        shapes: Shapes = {}
        for node in nodes:
            inputs = tuple(
                shapes.get(name, shape)
                for name, shape in zip(node.inputs, node.input_shapes, strict=True)
            )
            layer = changed.get(node.name, node.layer)
            if layer is node.layer and inputs == node.input_shapes:
                shapes[node.name] = node.shape
                continue
            try:
                shapes[node.name] = layer.infer_shape(inputs)
            except LayerError:
                return None
        return shapes


def list_chain(history: History, name: str) -> Iterator[Node]:
    """From a tensor back to an input, by the first input of each layer."""
    node = history.find(name)
    while True:
        yield node
        if not node.inputs:
            return
        node = history.find(node.inputs[0])


def describe_tensor(history: History, name: str, what: str, source: SourceFile) -> str:
    """Where a tensor's shape comes from: from the input down, a line for each layer that changes
    it. `what` is the tensor's part in the error."""
    changing = [node for node in list_chain(history, name) if changes_shape(node)]
    node = history.find(name)
    if len(changing) < 2:
        return f"{what}: {node.shape}, from {name_layer(node)} at {tell_place(node.span, source)}"
    rows = [
        (tell_place(each.span, source), name_layer(each), str(each.shape))
        for each in reversed(changing)
    ]
    hidden = len(rows) - FIRST_SHOWN - LAST_SHOWN
    if hidden > 1:
        middle = ("…", f"{hidden} more", "")
        rows = [*rows[:FIRST_SHOWN], middle, *rows[-LAST_SHOWN:]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([f"{what}: {node.shape}, step by step", *(f"  {line}" for line in lines)])


def changes_shape(node: Node) -> bool:
    return not node.inputs or node.shape != node.input_shapes[0]


def name_layer(node: Node) -> str:
    """A layer's label, or its kind where it has none."""
    return node.layer.kind if NUMBERED.fullmatch(node.name) else node.name


def tell_place(span: Span, source: SourceFile) -> str:
    """The line of a layer; with the file where that is another."""
    line, _ = span.source.locate(span.start)
    return f"line {line}" if span.source is source else f"{span.source.name}:{line}"


def recount(nodes: Sequence[Node], shapes: Shapes, is_macs: bool) -> int:
    """The count of some layers if shapes above are others; see `graph.count_params`."""
    macs = 0
    owned: dict[str, int] = {}
    for node in nodes:
        inputs = [
            shapes.get(name, shape)
            for name, shape in zip(node.inputs, node.input_shapes, strict=True)
        ]
        if is_macs:
            macs += node.layer.count_macs(inputs, shapes.get(node.name, node.shape))
        elif node.weights:
            weights = node.layer.list_weights(inputs)
            size = sum(weight.elements for weight in weights if weight.is_learned)
            owned[node.shares_weights_of or node.name] = size
    return macs if is_macs else sum(owned.values())
