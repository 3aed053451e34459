"""What a check says of one net, computed once for every format: totals, memory, placement, and what
training takes of each device.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from netspec.analyses.cost import Cost, count_cost
from netspec.analyses.memory import Memory, measure_memory
from netspec.analyses.placement import Placement, place_graph
from netspec.compiler.program import CheckedNet
from netspec.graph import Graph, Head, Node
from netspec.recipe.device import Device, Precision
from netspec.tensor import Shape

if TYPE_CHECKING:
    from netspec.analyses.training_memory import TrainingMemory


class TrainingFacts(Struct, frozen=True):
    """What an update takes of the devices that train a net."""

    batch: int
    """Images of an update: those of the recipe, or 1 where there is none."""
    has_recipe: bool
    """Without one there is no solver that remembers anything."""
    precision: Precision
    devices: "tuple[TrainingMemory, ...]"
    """Of as many devices as the net says."""
    whole: "TrainingMemory"
    """Of one device that has it all."""
    room: int | None
    """The bytes that each of the devices is said to have."""
    largest_batch: int | None
    """The most images whose update has room there."""


class NetFacts(Struct, frozen=True, dict=True):
    """A checked net with the answers of the analyses."""

    net: CheckedNet
    device: Device = Device()

    @property
    def graph(self) -> Graph:
        return self.net.graph

    @cached_property
    def total(self) -> Cost:
        """What inference uses."""
        return Cost(self.graph.num_params, self.graph.macs)

    @cached_property
    def memory(self) -> Memory:
        return measure_memory(self.graph)

    @cached_property
    def placement(self) -> Placement | None:
        """Where the layers lie; None for a net on a single GPU."""
        return place_graph(self.graph) if self.graph.gpus > 1 else None

    @cached_property
    def training(self) -> TrainingFacts | None:
        """None where neither a recipe nor a device asks for it."""
        recipe, room, precision = self.net.recipe, self.device.memory, self.device.precision
        if recipe is None and room is None:
            return None
        from netspec.analyses.training_memory import (  # not where only mistakes are shown
            find_largest_batch,
            need_columns,
            need_one_device,
        )

        solver, batch = (recipe.solver, recipe.batch) if recipe else (None, 1)
        needs = need_columns(self.graph, solver, self.placement)
        devices = tuple(each.measure(batch, precision) for each in needs)
        whole = devices[0]
        if len(devices) > 1:
            whole = need_one_device(self.graph, solver).measure(batch, precision)
        largest = None if room is None else find_largest_batch(needs, room, precision)
        return TrainingFacts(batch, recipe is not None, precision, devices, whole, room, largest)

    @property
    def input_shapes(self) -> tuple[tuple[str, Shape], ...]:
        """Each input's name and shape."""
        return tuple((name, self.graph[name].shape) for name in self.graph.inputs)

    @property
    def output_shape(self) -> Shape:
        return self.graph[self.graph.output].shape

    def nodes_of(self, head: Head | None) -> tuple[Node, ...]:
        """The layers of a head, or those outside all heads."""
        name = head.name if head else None
        return tuple(node for node in self.graph.nodes if node.head == name)

    def head_cost(self, head: Head) -> Cost:
        """What a head adds in training; no part of the total."""
        return count_cost(self.nodes_of(head))


def summarize(documentation: str) -> str:
    """The first sentence of a net's documentation, on one line."""
    paragraph = documentation.strip().split("\n\n")[0]
    text = " ".join(paragraph.split())
    for end, char in enumerate(text):
        if char in ".!?" and text[end + 1 : end + 2] == " " and text[end + 2 : end + 3].isupper():
            return text[: end + 1]
    return text
