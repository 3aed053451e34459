"""Where each tensor of a net with `gpus n` lies, and what has to cross from one GPU to another.

Every tensor but an input lies in n equal runs of its channels, in order, one on each GPU; an input
is given to all of them. A layer with `gpu=k` lies whole on that one. A GPU computes its own run of
a layer's channels; what that run reads (`Layer.list_reads`) and the GPU does not hold crosses. Each
line is charged with what it reads itself: a tensor that two lines gather is counted at both.

In training the gradient of what has crossed goes back the same way, unless nothing that is trained
lies before it. The loss reads all channels of the output, and of each head's, on the GPU that holds
it, which is the first for one that is split.

That the counts divide is checked in `compiler/placement.py`; here it is taken for granted.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from msgspec import Struct

from netspec.analyses.cost import Cost
from netspec.analyses.memory import BYTES_PER_NUMBER
from netspec.graph import Graph, Node
from netspec.tensor import Interval, Shape, Weight

Reads = tuple[tuple[Interval, ...], ...]
"""For each input of a layer the channels that are read of it."""
Runs = Mapping[str, tuple[Interval, ...]]
"""By the layer's name, the channels on each GPU."""


class Crossing(NamedTuple):
    """Numbers of one tensor that one GPU fetches from another for one image, going forward."""

    tensor: str
    """The layer whose result is read."""
    sender: int
    receiver: int
    elements: int

    @property
    def bytes(self) -> int:
        """In float32."""
        return self.elements * BYTES_PER_NUMBER


class Reading(Struct, frozen=True):
    """What is read in one place, and what has to be fetched for it."""

    reads: tuple[Reads, ...]
    """What each GPU reads."""
    crossings: tuple[Crossing, ...]
    returning: tuple[Crossing, ...]
    """Those of the crossings whose gradient goes back from the receiver to the sender."""

    @property
    def crossing_bytes(self) -> int:
        """For one image, going forward."""
        return sum(crossing.bytes for crossing in self.crossings)

    @property
    def returning_bytes(self) -> int:
        """For one image, gradients going back."""
        return sum(crossing.bytes for crossing in self.returning)


class NodePlacement(Reading, frozen=True):
    """Where one layer lies and what it fetches."""

    runs: tuple[Interval, ...]
    """The channels on each GPU; an empty run where it holds none."""
    costs: tuple[Cost, ...]
    """Each GPU's share of the layer's parameters and multiply-adds."""


class Placement(NamedTuple):
    """A whole net on its GPUs."""

    gpus: int
    nodes: dict[str, NodePlacement]
    """By the layer's name."""
    exits: dict[str, Reading]
    """What the loss reads, by the layer whose result it is: the output and those of heads."""
    costs: tuple[Cost, ...]
    """Each GPU's share of what inference uses."""
    crossing_bytes: int
    """Bytes between GPUs for one image, going forward, heads and loss excluded."""
    returning_bytes: int
    """Bytes of gradients that go back for one image, heads and loss excluded."""

    @property
    def training_bytes(self) -> int:
        """Bytes between GPUs for one image of an update: both ways, with heads and loss."""
        return sum(
            node.crossing_bytes + node.returning_bytes
            for node in (*self.nodes.values(), *self.exits.values())
        )


def place_graph(graph: Graph) -> Placement:
    """Lay a net's layers on its GPUs."""
    runs = {node.name: split_channels(node, graph.gpus) for node in graph.nodes}
    trained = find_trained(graph)
    nodes = {node.name: place_node(node, runs, trained) for node in graph.nodes}
    inference = [nodes[node.name] for node in graph.inference_nodes]
    costs = (
        sum(column, Cost()) for column in zip(*(node.costs for node in inference), strict=True)
    )
    return Placement(
        graph.gpus,
        nodes,
        {name: place_loss(graph[name], runs, trained) for name in list_exits(graph)},
        tuple(costs),
        crossing_bytes=sum(node.crossing_bytes for node in inference),
        returning_bytes=sum(node.returning_bytes for node in inference),
    )


def list_exits(graph: Graph) -> tuple[str, ...]:
    """The layers whose results a loss reads."""
    return tuple(dict.fromkeys((graph.output, *(head.output for head in graph.heads))))


def find_trained(graph: Graph) -> frozenset[str]:
    """The layers whose results depend on a weight that is not frozen."""
    trained: set[str] = set()
    for node in graph.nodes:
        learns = any(weight.is_learned and weight.rate != 0 for weight in node.weights)
        if learns or any(name in trained for name in node.inputs):
            trained.add(node.name)
    return frozenset(trained)


def split_channels(node: Node, gpus: int) -> tuple[Interval, ...]:
    """The run of the node's channels that lies on each GPU."""
    channels = node.shape.channels
    if node.layer.takes == "none":
        return (Interval(0, channels),) * gpus
    if node.layer.gpu is not None:
        return tuple(Interval(0, channels if gpu == node.layer.gpu else 0) for gpu in range(gpus))
    each = channels // gpus
    return tuple(Interval(gpu * each, (gpu + 1) * each) for gpu in range(gpus))


def share_cost(node: Node, run: Interval) -> Cost:
    """A run's share of a layer's cost: multiply-adds belong to output channels in equal parts."""
    length, channels = run.end - run.start, node.shape.channels
    learned = [] if node.shares_weights_of else [w for w in node.weights if w.is_learned]
    params = sum(share_weight(weight, length, channels) for weight in learned)
    return Cost(params, node.macs * length // channels)


def share_weight(weight: Weight, own: int, channels: int) -> int:
    """The numbers of a layer's weight that lie with `own` of its channels: they belong to output
    channels in equal parts, but for a weight that all channels share, which every GPU keeps."""
    if weight.elements % channels:
        return weight.elements if own else 0
    return weight.elements // channels * own


def place_node(node: Node, runs: Runs, trained: Set[str]) -> NodePlacement:
    """Where a layer lies, and what each GPU fetches for its run of the channels."""
    own = runs[node.name]
    reads = tuple(list_reads(node, run) for run in own)
    crossings = tuple(list_crossings(node.inputs, node.input_shapes, reads, runs))
    costs = tuple(share_cost(node, run) for run in own)
    return NodePlacement(reads, crossings, list_returning(crossings, trained), own, costs)


def place_loss(node: Node, runs: Runs, trained: Set[str]) -> Reading:
    """The loss reads all channels of a result, where it lies whole or else on the first GPU."""
    place, everything = node.layer.gpu or 0, Interval(0, node.shape.channels)
    reads: tuple[Reads, ...] = tuple(
        ((everything,) if gpu == place else (),) for gpu in range(len(runs[node.name]))
    )
    crossings = tuple(list_crossings((node.name,), (node.shape,), reads, runs))
    return Reading(reads, crossings, list_returning(crossings, trained))


def list_reads(node: Node, run: Interval) -> Reads:
    """What a run of the node's channels is computed from; for an empty one nothing."""
    if run.start == run.end:
        return ((),) * len(node.inputs)
    return node.layer.list_reads(node.input_shapes, node.shape, run)


def list_returning(crossings: Iterable[Crossing], trained: Set[str]) -> tuple[Crossing, ...]:
    """Tensors that nothing trained lies before get no gradient."""
    return tuple(crossing for crossing in crossings if crossing.tensor in trained)


def list_crossings(
    inputs: Sequence[str],
    shapes: Sequence[Shape],
    reads: Sequence[Reads],
    runs: Runs,
) -> Iterable[Crossing]:
    """What each GPU fetches of the tensors that it reads, each tensor once."""
    pixels = {n: shape.height * shape.width for n, shape in zip(inputs, shapes, strict=True)}
    for receiver, own in enumerate(reads):
        for name, wanted in merge_reads(inputs, own).items():
            yield from fetch_tensor(name, wanted, runs[name], receiver, pixels[name])


def merge_reads(inputs: Sequence[str], reads: Reads) -> dict[str, list[Interval]]:
    """The channels that are read of each tensor, in order, each once."""
    wanted: dict[str, list[Interval]] = {}
    for name, read in zip(inputs, reads, strict=True):
        wanted.setdefault(name, []).extend(read)
    nothing = Interval(0, 0)
    return {name: merge(subtract(read, nothing)) for name, read in wanted.items()}


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals in ascending order, none of which overlap, with neighbours made one."""
    merged: list[Interval] = []
    for interval in intervals:
        if merged and merged[-1].end == interval.start:
            interval = Interval(merged.pop().start, interval.end)
        merged.append(interval)
    return merged


def fetch_tensor(
    name: str, wanted: Sequence[Interval], held: tuple[Interval, ...], receiver: int, pixels: int
) -> Iterable[Crossing]:
    """The parts of one tensor that the receiver lacks, by the GPU that has them."""
    missing = subtract(wanted, held[receiver])
    for sender, run in enumerate(held):
        channels = sum(overlap(interval, run) for interval in missing)
        if channels:
            yield Crossing(name, sender, receiver, channels * pixels)


def subtract(intervals: Sequence[Interval], held: Interval) -> list[Interval]:
    """The channels of the intervals that are not held, each once."""
    missing: list[Interval] = []
    reached = 0
    for start, end in sorted(intervals):
        for part in (Interval(start, min(end, held.start)), Interval(max(start, held.end), end)):
            fresh = Interval(max(part.start, reached), part.end)
            if fresh.start < fresh.end:
                missing.append(fresh)
                reached = fresh.end
    return missing


def shift(run: Interval, by: int) -> Interval:
    """The run, so many channels further."""
    return Interval(run.start + by, run.end + by)


def count_channels(runs: Iterable[Interval]) -> int:
    """The channels of some runs."""
    return sum(run.end - run.start for run in runs)


def overlap(one: Interval, other: Interval) -> int:
    """How many channels two runs have in common."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))
