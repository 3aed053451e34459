"""Where each tensor of a net with `gpus n` lies, and what has to cross from one GPU to another.

Every tensor but an input lies in n equal runs of its channels, in order, one on each GPU; an input
is given to all of them. A layer with `gpu=k` lies whole on that one. A GPU computes its own run of
a layer's channels; what that run reads (`Layer.list_reads`) and the GPU does not hold crosses. Each
line is charged with what it reads itself: a tensor that two lines gather is counted at both.

That the counts divide is checked in `compiler/placement.py`; here it is taken for granted.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from netspec.analyses.cost import Cost
from netspec.analyses.memory import BYTES_PER_NUMBER
from netspec.graph import Graph, Node
from netspec.tensor import Interval


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


class NodePlacement(NamedTuple):
    """Where one layer lies and what it fetches."""

    runs: tuple[Interval, ...]
    """The channels on each GPU; an empty run where it holds none."""
    costs: tuple[Cost, ...]
    """Each GPU's share of the layer's parameters and multiply-adds."""
    crossings: tuple[Crossing, ...]

    @property
    def crossing_bytes(self) -> int:
        return sum(crossing.bytes for crossing in self.crossings)


class Placement(NamedTuple):
    """A whole net on its GPUs."""

    gpus: int
    nodes: dict[str, NodePlacement]
    """By the layer's name."""
    costs: tuple[Cost, ...]
    """Each GPU's share of what inference uses."""
    crossing_bytes: int
    """Bytes between GPUs for one image, going forward, heads excluded."""


def place_graph(graph: Graph) -> Placement:
    """Lay a net's layers on its GPUs."""
    runs = {node.name: split_channels(node, graph.gpus) for node in graph.nodes}
    nodes = {
        node.name: NodePlacement(
            runs[node.name],
            tuple(share_cost(node, run) for run in runs[node.name]),
            tuple(list_crossings(node, runs)),
        )
        for node in graph.nodes
    }
    inference = [nodes[node.name] for node in graph.inference_nodes]
    costs = (
        sum(column, Cost()) for column in zip(*(node.costs for node in inference), strict=True)
    )
    crossing_bytes = sum(node.crossing_bytes for node in inference)
    return Placement(graph.gpus, nodes, tuple(costs), crossing_bytes)


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
    """A run's share of a layer's cost: weights and multiply-adds belong to output channels in equal
    parts, but for a weight that all channels share, which every GPU keeps."""
    length, channels = run.end - run.start, node.shape.channels
    if not length:
        return Cost()
    learned = [] if node.shares_weights_of else [w for w in node.weights if w.is_learned]
    params = sum(
        weight.elements if weight.elements % channels else weight.elements // channels * length
        for weight in learned
    )
    return Cost(params, node.macs * length // channels)


def list_crossings(node: Node, runs: dict[str, tuple[Interval, ...]]) -> Iterable[Crossing]:
    """What each GPU fetches for its run of the node's channels."""
    for receiver, run in enumerate(runs[node.name]):
        if run.start == run.end:
            continue
        reads = node.layer.list_reads(node.input_shapes, node.shape, run)
        wanted: dict[str, list[Interval]] = {}
        for name, read in zip(node.inputs, reads, strict=True):
            wanted.setdefault(name, []).extend(read)
        shapes = dict(zip(node.inputs, node.input_shapes, strict=True))
        for name, intervals in wanted.items():
            pixels = shapes[name].height * shapes[name].width
            yield from fetch_tensor(name, intervals, runs[name], receiver, pixels)


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


def overlap(one: Interval, other: Interval) -> int:
    """How many channels two runs have in common."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))
