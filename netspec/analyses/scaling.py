"""What training a net on several devices takes of each, reckoned on paper.

k replicas of a net, each with a part of every batch, and each on as many devices as the net has
columns; or k devices that share the images and, of the fully connected layers, the channels
(`fc_split.py`). Per update and device, that with most:

    operations   6 x multiply-adds x images: two a multiply-add, and backward twice as many
    memory       what training_memory.py says, in float32
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

from netspec.analyses.fc_split import FcSplit, cut_evenly, find_way, is_fc, split_fcs
from netspec.analyses.placement import Placement, Reading, place_graph, share_cost
from netspec.analyses.training_memory import (
    TrainingMemory,
    TrainingNeeds,
    count_weights,
    need_columns,
    need_one_device,
)
from netspec.analyses.update_walk import Share
from netspec.graph import Graph, Node
from netspec.recipe.solver import Solver

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

    needs: TrainingNeeds
    """Heads included, as in what follows."""
    macs: int
    """For one image."""
    sent: int
    """Bytes sent to other columns for one image."""
    received: int


class Load(Struct, frozen=True):
    """What an update takes of the device with most of each."""

    layout: Layout
    images: int
    """Of the largest part of the batch."""
    operations: int
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
    solver: Solver | None
    """Without one nothing is remembered of a weight."""
    whole: Column
    """The net on one device."""
    columns: tuple[Column, ...]
    """The net on as many as it says."""

    @classmethod
    def of(cls, graph: Graph, solver: Solver | None) -> "Scaling":
        placed = place_graph(graph)
        columns = tuple(
            measure_column(placed, gpu, needs)
            for gpu, needs in enumerate(need_columns(graph, solver, placed))
        )
        macs = sum(node.macs for node in graph.nodes)
        whole = Column(need_one_device(graph, solver), macs, sent=0, received=0)
        return cls(graph, solver, whole, columns)

    def load(self, layout: Layout, batch: int) -> Load:
        """An update of so many images."""
        if layout.splits_fc:
            return self._load_split(layout, batch)
        columns = self._columns(layout)
        images = -(-batch // layout.replicas)
        gradients = max(column.needs.gradients for column in columns)
        return Load(
            layout,
            images,
            max(column.macs for column in columns) * OPERATIONS_PER_MAC * images,
            max(max(column.sent, column.received) for column in columns) * images,
            2 * (layout.replicas - 1) * gradients // layout.replicas,
        )

    def measure_memory(self, layout: Layout, batch: int) -> TrainingMemory:
        """That of the device that needs most. Where replicas add gradients up, these stay there."""
        images, sums = -(-batch // layout.replicas), layout.replicas > 1
        if layout.splits_fc:
            needs = need_split(self.graph, self.solver, split_fcs(self.graph, layout.devices))
            return needs.measure(images, keeps_gradients=sums, of_all=batch)
        memories = [
            column.needs.measure(images, keeps_gradients=sums) for column in self._columns(layout)
        ]
        return max(memories, key=lambda memory: memory.peak)

    def _columns(self, layout: Layout) -> tuple[Column, ...]:
        """Those of a replica."""
        return self.columns if layout.columns > 1 else (self.whole,)

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
        copied = [node for node in self.graph.nodes if node.name not in split.runs]
        cut = [node for node in self.graph.nodes if node.name in split.runs]
        macs = sum(node.macs for node in copied) * shares[0]
        macs += sum(share_cost(node, split.runs[node.name][0]).macs for node in cut) * batch
        gradients = need_split(self.graph, self.solver, split).summed_gradients
        return Load(
            layout,
            shares[0],
            macs * OPERATIONS_PER_MAC,
            max(count_moved(split, shares)),
            2 * (layout.devices - 1) * gradients // layout.devices,
        )


def measure_column(placed: Placement, gpu: int, needs: TrainingNeeds) -> Column:
    """One GPU's part of a net."""
    readings: list[Reading] = [*placed.nodes.values(), *placed.exits.values()]
    forward = [crossing for reading in readings for crossing in reading.crossings]
    back = [crossing for reading in readings for crossing in reading.returning]
    return Column(
        needs,
        macs=sum(place.costs[gpu].macs for place in placed.nodes.values()),
        sent=sum(crossing.bytes for crossing in forward if crossing.sender == gpu)
        + sum(crossing.bytes for crossing in back if crossing.receiver == gpu),
        received=sum(crossing.bytes for crossing in forward if crossing.receiver == gpu)
        + sum(crossing.bytes for crossing in back if crossing.sender == gpu),
    )


def need_split(graph: Graph, solver: Solver | None, split: FcSplit) -> TrainingNeeds:
    """What the first device has where fully connected layers are split: of these a part, for the
    images of all, and all of the others for its own."""
    return TrainingNeeds(
        graph, {node.name: share_split(node, split) for node in graph.nodes}, solver
    )


def share_split(node: Node, split: FcSplit) -> Share:
    """The first device's part of a layer, and the tensors that come together or back for it."""
    shapes = dict(zip(node.inputs, node.input_shapes, strict=True))
    joined = sum(
        shape.elements for name, shape in shapes.items() if find_way(name, node, split.runs)
    )
    if node.name not in split.runs:
        weights = count_weights(node, node.shape.channels)
        return Share(node.shape.elements, joined, *weights)
    own = split.runs[node.name][0].end
    numbers = node.shape.elements // node.shape.channels * own
    return Share(numbers, joined, *count_weights(node, own), is_of_all=True)


def count_moved(split: FcSplit, images: Sequence[int]) -> tuple[int, int]:
    """Bytes that the first process sends and receives for an update, gradients included."""
    sent = received = 0
    for move in split.moves:
        there, here = move.count_sent(0, images), move.count_received(0, images)
        sent += there + here * move.has_gradient
        received += here + there * move.has_gradient
    return sent, received
