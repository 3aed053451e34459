"""The memory that training needs, from shapes alone: the most that one update of eager PyTorch
allocates, in float32 or in bf16 under autocast.

Counted are weights, running averages, what the solver remembers, the batch, the activations that
are kept for the way back (`kept_tensors.py`), and gradients while they live (`update_walk.py`). In
a net with `gpus n` each device has its run of every layer's channels, and what it fetches of the
others'.

Not counted are PyTorch itself, the context of a device and the workspaces of its libraries, what an
allocator rounds up or cannot use, images that are read ahead, and what `--compile` saves.
tests/netspec_torch/test_training_memory.py holds the estimate against what updates on a CPU
allocate.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

from netspec.analyses.kept_tensors import FLOAT
from netspec.analyses.placement import (
    NodePlacement,
    Placement,
    count_channels,
    find_trained,
    merge_reads,
    place_graph,
    share_weight,
)
from netspec.analyses.update_walk import Share, Walk
from netspec.graph import Graph, Node
from netspec.recipe.device import Precision, show_bytes
from netspec.recipe.solver import Solver

STEP_TENSORS = {"rmsprop": 3, "lars": 2, "adagrad": 2, "adadelta": 3}
"""Tensors of a weight's size that a solver makes while it updates one; the others have kernels that
need none."""
MOST_IMAGES = 2**30


class TrainingMemory(NamedTuple):
    """Bytes on a device."""

    weights: int
    """Learned numbers and running averages."""
    gradients: int
    """Of the learned numbers that are not frozen."""
    solver: int
    """What the solver remembers of these."""
    activations: int
    """What is kept for the way back, with the batch itself."""
    peak: int
    """The most that lives at once. Gradients of weights come as activations go, so it may be less
    than all the others together."""

    @property
    def passing(self) -> int:
        """What is there beside all the others at that moment: gradients of activations, mostly."""
        return max(0, self.peak - self.weights - self.gradients - self.solver - self.activations)

    def describe_parts(self) -> str:
        """`weights 232.6 MiB, gradients 232.6 MiB, …`, without those that are nothing."""
        parts = {name: getattr(self, name) for name in (*self._fields[:-1], "passing")}
        return ", ".join(f"{name} {show_bytes(number)}" for name, number in parts.items() if number)


class TrainingNeeds(Struct, frozen=True, dict=True):
    """What a device has of a net, ready to be measured for a batch."""

    graph: Graph
    shares: Mapping[str, Share]
    """What lies of each layer on the device, by the layer's name."""
    solver: Solver | None
    """None where there is no recipe: then it remembers nothing."""

    @cached_property
    def trained(self) -> frozenset[str]:
        return find_trained(self.graph)

    @cached_property
    def gradients(self) -> int:
        """Bytes of the gradients of weights."""
        return FLOAT * sum(share.trained for share in self.shares.values())

    @cached_property
    def summed_gradients(self) -> int:
        """Bytes of those that other devices have too, and which are added up."""
        return FLOAT * sum(s.trained for s in self.shares.values() if not s.is_of_all)

    def measure(
        self,
        batch: int,
        precision: Precision = "float32",
        *,
        keeps_gradients: bool = False,
        of_all: int | None = None,
    ) -> TrainingMemory:
        """What an update by so many images needs. `keeps_gradients` where there is room for the
        gradients from the start: with those of other parts of a batch that is computed in parts,
        or where the gradients of replicas are added up. `of_all` are the images of all devices,
        where layers compute these."""
        weights = FLOAT * sum(share.weights for share in self.shares.values())
        gradients = self.gradients
        remembered = gradients * (self.solver.remembered if self.solver else 0)
        walk = Walk(
            self.graph, self.shares, self.trained, batch, precision, keeps_gradients, of_all
        )
        activations = walk.go_forward()
        walk.go_back()
        there = weights + remembered + (self.summed_gradients if keeps_gradients else 0)
        stepping = weights + remembered + gradients + self._count_step()
        peak = max(there + walk.ledger.peak, stepping)
        return TrainingMemory(weights, gradients, remembered, activations, peak)

    def _count_step(self) -> int:
        """Bytes that the solver makes for a moment, for the largest weight."""
        tensors = STEP_TENSORS.get(self.solver.kind, 0) if self.solver else 0
        return tensors * FLOAT * max(share.largest for share in self.shares.values())


def find_largest_batch(
    devices: Iterable[TrainingNeeds],
    room: float,
    precision: Precision = "float32",
    *,
    keeps_gradients: bool = False,
) -> int:
    """The most images whose update fits each of the devices, which have so many bytes; 0 where not
    one does."""
    needs = tuple(devices)

    def fits(batch: int) -> bool:
        return all(
            need.measure(batch, precision, keeps_gradients=keeps_gradients).peak <= room
            for need in needs
        )

    high = 1
    while high < MOST_IMAGES and fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def need_one_device(graph: Graph, solver: Solver | None) -> TrainingNeeds:
    """The whole net on one device."""
    shares = {
        node.name: Share(node.shape.elements, 0, *count_weights(node, node.shape.channels))
        for node in graph.nodes
    }
    return TrainingNeeds(graph, shares, solver)


def need_columns(
    graph: Graph, solver: Solver | None, placement: Placement | None = None
) -> tuple[TrainingNeeds, ...]:
    """The net on as many devices as it says, laid there as in `placement`, where that is known."""
    if graph.gpus == 1:
        return (need_one_device(graph, solver),)
    places = (placement or place_graph(graph)).nodes
    return tuple(
        TrainingNeeds(
            graph, {n.name: share_node(n, places[n.name], gpu) for n in graph.nodes}, solver
        )
        for gpu in range(graph.gpus)
    )


def share_node(node: Node, place: NodePlacement, gpu: int) -> Share:
    """One GPU's run of a layer."""
    own = count_channels((place.runs[gpu],))
    numbers = node.shape.elements // node.shape.channels * own
    return Share(numbers, count_joined(node, place, gpu), *count_weights(node, own))


def count_joined(node: Node, place: NodePlacement, gpu: int) -> int:
    """Numbers, for one image, of the tensors that are joined from what the GPU has and what it
    fetches."""
    crossing = {crossing.tensor for crossing in place.crossings if crossing.receiver == gpu}
    read = merge_reads(node.inputs, place.reads[gpu])
    pixels = {
        name: shape.height * shape.width
        for name, shape in zip(node.inputs, node.input_shapes, strict=True)
    }
    return sum(count_channels(read[name]) * pixels[name] for name in crossing)


def count_weights(node: Node, own: int) -> tuple[int, int, int]:
    """Numbers that a layer brings to a device that has so many of its channels: all of them, those
    that get a gradient, and those of its largest tensor that does."""
    if node.shares_weights_of or not node.weights:
        return 0, 0, 0
    sizes = [share_weight(weight, own, node.shape.channels) for weight in node.weights]
    trained = [size for size, w in zip(sizes, node.weights, strict=True) if w.is_learned and w.rate]
    return sum(sizes), sum(trained), max(trained, default=0)
