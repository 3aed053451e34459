"""What training a net on several devices takes of each, reckoned on paper.

k replicas of a net, each with a part of every batch, and each on as many devices as the net has
columns; or k devices that share the images and, of the fully connected layers, the channels
(`fc_split.py`). Per update and device, that with most:

    operations   6 x multiply-adds x images: two a multiply-add, and backward twice as many
    memory       4 bytes for each weight, its gradient and what the solver remembers of it, and for
                 each number of the activations, which are kept for the way back
    columns      bytes sent: what others read of its channels, and the gradients of what it reads
    fc split     bytes sent: images and channels that come together or go back, and their gradients
    replicas     bytes sent: 2 (k - 1) / k x gradients, which a ring of k devices needs to sum them;
                 with the fully connected layers split those of the others

    update       operations / speed + columns / link + fc split / link + replicas / link, nothing
                 done at once

and the efficiency of n devices, with T the time of an update, is T(1) / (n T(n)). What is counted
is what gloo sends and PyTorch's modules compute; the rounding of an allocator, workspaces, latency
and the time for reading images are not in it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from netspec.analyses.cost import count_cost
from netspec.analyses.fc_split import FcSplit, cut_evenly, is_fc, split_fcs
from netspec.analyses.memory import BYTES_PER_NUMBER, stores_its_result
from netspec.analyses.placement import (
    NodePlacement,
    Placement,
    Reading,
    count_channels,
    merge_reads,
    place_graph,
    share_cost,
)
from netspec.graph import Graph, Node

OPERATIONS_PER_MAC = 6
MOST_DEVICES = 4096


class Layout(NamedTuple):
    """How devices are used."""

    replicas: int
    columns: int = 1
    splits_fc: bool = False
    """Whether of the fully connected layers each replica has a part."""

    @property
    def devices(self) -> int:
        return self.replicas * self.columns


class Machine(NamedTuple):
    """What devices can do."""

    speed: float
    """Operations a second."""
    link: float
    """Bytes a second that a device sends to those of other replicas."""
    column_link: float
    """The same to the other columns of its replica."""


class Column(NamedTuple):
    """What training one column takes, of its GPU."""

    params: int
    """Learned numbers, heads included."""
    trained: int
    """Those that have a gradient."""
    macs: int
    """For one image, heads included."""
    activations: int
    """Numbers kept for one image."""
    sent: int
    """Bytes sent to other columns for one image."""
    received: int


class Memory(NamedTuple):
    """Bytes on a device."""

    weights: int
    gradients: int
    solver: int
    activations: int


class Load(Struct, frozen=True):
    """What an update takes of the device with most of each."""

    layout: Layout
    images: int
    """Of the largest part of the batch."""
    operations: int
    memory: Memory
    part_bytes: int
    """Sent to devices that have other parts of the same layers, columns or fully connected layers
    that are split, or received from them where that is more."""
    replica_bytes: int
    """Sent to other replicas, and received from them."""

    def seconds(self, machine: Machine) -> tuple[float, float, float]:
        """For computing, between parts of layers, between replicas."""
        part_link = machine.link if self.layout.splits_fc else machine.column_link
        return (
            self.operations / machine.speed,
            self.part_bytes / part_link,
            self.replica_bytes / machine.link,
        )


class Scaling(Struct, frozen=True):
    """A net whose training is to be spread over devices."""

    graph: Graph
    remembered: int
    """Numbers that the solver keeps for each weight."""
    whole: Column
    """The net on one device."""
    columns: tuple[Column, ...]
    """The net on as many as it says."""

    @classmethod
    def of(cls, graph: Graph, remembered: int) -> "Scaling":
        placed = place_graph(graph)
        columns = tuple(measure_column(graph, placed, gpu) for gpu in range(graph.gpus))
        return cls(graph, remembered, measure_whole(graph), columns)

    def load(self, layout: Layout, batch: int) -> Load:
        """An update of so many images."""
        if layout.splits_fc:
            return self._load_split(layout, batch)
        columns = self.columns if layout.columns > 1 else (self.whole,)
        images = -(-batch // layout.replicas)
        gradients = max(column.trained for column in columns) * BYTES_PER_NUMBER
        return Load(
            layout,
            images,
            max(column.macs for column in columns) * OPERATIONS_PER_MAC * images,
            max((self._memory(column, images) for column in columns), key=sum),
            max(max(column.sent, column.received) for column in columns) * images,
            2 * (layout.replicas - 1) * gradients // layout.replicas,
        )

    def efficiency(self, layout: Layout, batch: int, machine: Machine) -> float:
        """T(1) / (n T(n)) for a batch of the same size."""
        alone = sum(self.load(Layout(1, 1), batch).seconds(machine))
        return alone / (layout.devices * sum(self.load(layout, batch).seconds(machine)))

    def grown_efficiency(self, layout: Layout, batch: int, machine: Machine) -> float:
        """The same where each replica has so many images, and the batch grows with them: one device
        would take as many times longer for it."""
        alone = layout.replicas * sum(self.load(Layout(1, 1), batch).seconds(machine))
        together = sum(self.load(layout, batch * layout.replicas).seconds(machine))
        return alone / (layout.devices * together)

    @property
    def has_fc(self) -> bool:
        """Whether there is a fully connected layer, which could be split."""
        return any(is_fc(node) for node in self.graph.nodes)

    def list_devices(self) -> list[int]:
        """1, 2, 4, … and the net's columns times these."""
        powers = [2**power for power in range(MOST_DEVICES.bit_length())]
        multiples = [power * self.graph.gpus for power in powers]
        return sorted({n for n in (*powers, *multiples) if n <= MOST_DEVICES})

    def _load_split(self, layout: Layout, batch: int) -> Load:
        """The same for the first device, which has the most images and the most channels."""
        split = split_fcs(self.graph, layout.devices)
        shares = [run.end - run.start for run in cut_evenly(batch, layout.devices)]
        copied, part = measure_copied(self.graph, split), measure_part(self.graph, split)
        gradients = copied.trained * BYTES_PER_NUMBER
        sent, received = count_moved(split, shares)
        return Load(
            layout,
            shares[0],
            (copied.macs * shares[0] + part.macs * batch) * OPERATIONS_PER_MAC,
            Memory(
                *map(
                    sum,
                    zip(self._memory(copied, shares[0]), self._memory(part, batch), strict=True),
                )
            ),
            max(sent, received),
            2 * (layout.devices - 1) * gradients // layout.devices,
        )

    def _memory(self, column: Column, images: int) -> Memory:
        weights = column.params * BYTES_PER_NUMBER
        gradients = column.trained * BYTES_PER_NUMBER
        activations = column.activations * images * BYTES_PER_NUMBER
        return Memory(weights, gradients, gradients * self.remembered, activations)


def measure_whole(graph: Graph) -> Column:
    """A net on one device, to which nothing crosses."""
    return Column(
        params=count_cost(graph.nodes).params,
        trained=sum(count_trained(node) for node in graph.nodes),
        macs=sum(node.macs for node in graph.nodes),
        activations=sum(node.shape.elements for node in graph.nodes if is_kept(node)),
        sent=0,
        received=0,
    )


def measure_column(graph: Graph, placed: Placement, gpu: int) -> Column:
    """One GPU's part of a net."""
    nodes = [(node, placed.nodes[node.name]) for node in graph.nodes]
    readings: list[Reading] = [*placed.nodes.values(), *placed.exits.values()]
    forward = [crossing for reading in readings for crossing in reading.crossings]
    back = [crossing for reading in readings for crossing in reading.returning]
    return Column(
        params=sum(place.costs[gpu].params for _, place in nodes),
        trained=sum(
            count_trained(node) * count_channels((place.runs[gpu],)) // node.shape.channels
            for node, place in nodes
        ),
        macs=sum(place.costs[gpu].macs for _, place in nodes),
        activations=sum(count_kept(node, place, gpu) for node, place in nodes),
        sent=sum(crossing.bytes for crossing in forward if crossing.sender == gpu)
        + sum(crossing.bytes for crossing in back if crossing.receiver == gpu),
        received=sum(crossing.bytes for crossing in forward if crossing.receiver == gpu)
        + sum(crossing.bytes for crossing in back if crossing.sender == gpu),
    )


def measure_copied(graph: Graph, split: FcSplit) -> Column:
    """What each process has whole where fully connected layers are split, for its own images."""
    nodes = [node for node in graph.nodes if node.name not in split.runs]
    back = sum(move.channels * move.pixels for move in split.moves if move.way == "back")
    return Column(
        params=count_cost(nodes).params,
        trained=sum(count_trained(node) for node in nodes),
        macs=sum(node.macs for node in nodes),
        activations=back + sum(node.shape.elements for node in nodes if is_kept(node)),
        sent=0,
        received=0,
    )


def measure_part(graph: Graph, split: FcSplit) -> Column:
    """What the first process has in part, for the images of all."""
    nodes = [(node, split.runs[node.name][0]) for node in graph.nodes if node.name in split.runs]
    costs = [share_cost(node, run) for node, run in nodes]
    whole = sum(move.channels * move.pixels for move in split.moves if move.way != "back")
    return Column(
        params=sum(cost.params for cost in costs),
        trained=sum(count_trained(n) * run.end // n.shape.channels for n, run in nodes),
        macs=sum(cost.macs for cost in costs),
        activations=whole
        + sum(n.shape.elements * run.end // n.shape.channels for n, run in nodes if is_kept(n)),
        sent=0,
        received=0,
    )


def count_moved(split: FcSplit, images: Sequence[int]) -> tuple[int, int]:
    """Bytes that the first process sends and receives for an update, gradients included."""
    sent = received = 0
    for move in split.moves:
        there, here = move.count_sent(0, images), move.count_received(0, images)
        sent += there + here * move.has_gradient
        received += here + there * move.has_gradient
    return sent, received


def count_trained(node: Node) -> int:
    """Numbers of the layer that get a gradient; those that it shares are counted where they are."""
    if node.shares_weights_of is not None:
        return 0
    return sum(weight.elements for weight in node.weights if weight.is_learned and weight.rate)


def is_kept(node: Node) -> bool:
    """Whether the layer's result needs room until the way back; an image does."""
    return node.layer.takes == "none" or stores_its_result(node)


def count_kept(node: Node, place: NodePlacement, gpu: int) -> int:
    """Numbers kept for one image: of the result, and of what was fetched, joined with its own."""
    own = node.shape.elements // node.shape.channels * count_channels((place.runs[gpu],))
    crossing = {crossing.tensor for crossing in place.crossings}
    read = merge_reads(node.inputs, place.reads[gpu])
    pixels = {
        name: shape.height * shape.width
        for name, shape in zip(node.inputs, node.input_shapes, strict=True)
    }
    fetched = sum(count_channels(read[name]) * pixels[name] for name in crossing)
    return own * is_kept(node) + fetched
