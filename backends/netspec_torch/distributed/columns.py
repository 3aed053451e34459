"""From a checked graph to the module of one column: the layers' parts that lie on one GPU, with
what is fetched between them.

Where everything lies and what crosses is read off `netspec.analyses.placement`; what a part of a
layer is, off `parts.py`. The module has the names of the whole net's modules and weights. It gives
back what the whole net's does, where the loss is computed; elsewhere the same with no channels,
which is computed from what would have been read, so that gradients find their way back to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.distributed import ProcessGroup

from netspec.analyses.placement import (
    Placement,
    Reading,
    count_channels,
    merge_reads,
    overlap,
    place_graph,
)
from netspec.graph import Graph, Node
from netspec.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from netspec.layers.rearranging import Shuffle
from netspec.layers.regularization import Dropout, DropPath
from netspec.tensor import Interval
from netspec_torch.distributed.exchange import Exchange
from netspec_torch.distributed.masks import Rows, make_mask
from netspec_torch.distributed.parts import Part, Slices, take_part
from netspec_torch.distributed.synced import SyncedBatchNorm
from netspec_torch.emission import Emission, module_path
from netspec_torch.layers import find_emitter, make_batchnorm
from netspec_torch.module import LAYERS, freeze, list_weights
from netspec_torch.modules import ChannelScale, normalize_channels
from netspec_torch.starting_values import draw, seeded_generator

ALL = slice(None)


@dataclass(frozen=True)
class Column:
    """One GPU's part of a net."""

    graph: Graph
    placement: Placement
    number: int

    @classmethod
    def of(cls, graph: Graph, number: int) -> "Column":
        return cls(graph, place_graph(graph), number)

    @cached_property
    def slices(self) -> dict[str, Slices]:
        """Its part of each weight that it has, running averages too, by the keys of the module's
        `state_dict`."""
        return {
            f"{module_path(node.name)}.{name}": slices
            for node in self.graph.nodes
            if node.shares_weights_of is None and self.holds(node)
            for name, slices in self.part(node).slices.items()
        }

    def holds(self, node: Node) -> bool:
        """Whether it computes any channel of the layer."""
        return count_channels((self.run(node),)) > 0

    def run(self, node: Node) -> Interval:
        """The channels that it computes of the layer."""
        return self.placement.nodes[node.name].runs[self.number]

    def part(self, node: Node) -> Part:
        """What it computes of the layer."""
        placed = self.placement.nodes[node.name]
        return take_part(node, placed.runs[self.number], placed.reads[self.number])


class Groups(NamedTuple):
    """With whom a column speaks."""

    columns: ProcessGroup
    """The columns of one net, in order."""
    replicas: ProcessGroup | None = None
    """The same column of all replicas; None where there is one."""


def build_column(
    column: Column,
    groups: Groups,
    rows: Rows,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    heads: bool = False,
) -> fx.GraphModule:
    """Make a column's module as `build` makes the whole net's, with its part of the same starting
    values. `rows` is to be set before each forward pass in training."""
    module = emit_column(column, nn.Module(), groups, rows, heads=heads)
    weights = list_weights(column.graph, heads=heads)
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name in tensors.keys() & weights.keys():
        whole = draw(weights[name], seeded_generator(seed, name))
        with torch.no_grad():
            tensors[name].copy_(whole[column.slices[name]])
    freeze(module, weights)
    return module.to(dtype)


def emit_column(
    column: Column, root: nn.Module, groups: Groups, rows: Rows, *, heads: bool
) -> fx.GraphModule:
    """Write a column as a torch graph over the modules of `root`; those that it lacks are made."""
    return ColumnEmission(column, root, groups, rows).emit(heads=heads)


class ColumnEmission:
    """A column's torch graph that is being written."""

    def __init__(self, column: Column, root: nn.Module, groups: Groups, rows: Rows) -> None:
        self.to = Emission(root)
        self.column = column
        self.groups = groups
        self.rows = rows
        self.tensors: dict[str, fx.Node] = {}
        """For each layer the column's run of its channels."""
        self.exchanges = _free_name(column.graph)
        """Below which module the exchanges stand."""

    def emit(self, *, heads: bool) -> fx.GraphModule:
        graph = self.column.graph
        for node in graph.nodes if heads else graph.inference_nodes:
            self.tensors[node.name] = self._emit_node(node)
            self.tensors[node.name].meta.setdefault(LAYERS, []).append(node.name)
        output = self._emit_exit(graph.output)
        if heads:
            exits = {head.name: self._emit_exit(head.output) for head in graph.heads}
            self.to.graph.output((output, exits))
        else:
            self.to.graph.output(output)
        name = module_path(graph.name)
        return fx.GraphModule(self.to.root, self.to.graph, class_name=name)

    def _emit_node(self, node: Node) -> fx.Node:
        inputs = self._read(node.name, node.inputs, self.column.placement.nodes[node.name])
        layer = node.layer
        if isinstance(layer, Dropout | DropPath):
            run, channels = self.column.run(node), node.shape.channels
            mask = partial(make_mask, layer, self.rows, channels, run)
            return self.to.call_module(node, mask, *inputs)
        if not self.column.holds(node):
            name = f"{node.name}.elsewhere"
            return self.to.call(name, no_channels, tuple(inputs), *node.shape[1:])
        part = self.column.part(node)
        if isinstance(node.layer, BatchNorm) and node.layer.synced and self.groups.replicas:
            return self.to.call_module(node, lambda: self._make_synced(part.node), *inputs)
        if isinstance(node.layer, GroupNorm | LayerNorm):
            return self._emit_norm(node, part, inputs[0])
        if isinstance(node.layer, Shuffle):
            return self._emit_shuffle(node, inputs[0])
        if node.layer.kind == "slice":
            return inputs[0]
        result = find_emitter(node)(self.to, part.node, inputs)
        return self._keep(node, part, result)

    def _keep(self, node: Node, part: Part, result: fx.Node) -> fx.Node:
        if part.keep is None:
            return result
        return self._take(f"{node.name}.kept", result, part.keep)

    def _take(self, name: str, x: fx.Node, run: Interval) -> fx.Node:
        return self.to.call(name, take_channels, x, run.start, run.end)

    def _make_synced(self, node: Node) -> nn.Module:
        assert isinstance(node.layer, BatchNorm)
        assert self.groups.replicas is not None
        return SyncedBatchNorm(make_batchnorm(node.layer, node), self.groups.replicas, self.rows)

    def _emit_norm(self, node: Node, part: Part, x: fx.Node) -> fx.Node:
        """Normalised with all that is read, then each kept channel's factor and shift."""
        layer, name = part.node.layer, f"{node.name}.normalized"
        if isinstance(layer, GroupNorm):
            normalized = self.to.call(
                name, nn.functional.group_norm, x, layer.groups, eps=layer.eps
            )
        else:
            assert isinstance(layer, LayerNorm)
            normalized = self.to.call(name, normalize_channels, x, layer.eps)
        kept = self._keep(node, part, normalized)
        channels = count_channels((self.column.run(node),))
        return self.to.call_module(node, lambda: ChannelScale(channels, bias=True), kept)

    def _emit_shuffle(self, node: Node, x: fx.Node) -> fx.Node:
        layer, run = node.layer, self.column.run(node)
        assert isinstance(layer, Shuffle)
        each = node.shape.channels // layer.groups
        sources = [i % layer.groups * each + i // layer.groups for i in range(*run)]
        (read,) = self.column.placement.nodes[node.name].reads[self.column.number]
        place = {channel: at for at, channel in enumerate(c for each in read for c in range(*each))}
        order = [place[channel] for channel in sources]
        return self.to.call_module(node, lambda: ChannelOrder(order), x)

    def _emit_exit(self, name: str) -> fx.Node:
        (result,) = self._read(f"{name}.loss", (name,), self.column.placement.exits[name])
        if self.column.graph[name].shape.is_vector:
            return self.to.call(f"{name}.vector", torch.flatten, result, 1)
        return result

    def _read(self, reader: str, inputs: Sequence[str], reading: Reading) -> list[fx.Node]:
        """The channels that the column reads of each of the inputs, fetched where they are not
        its own."""
        wanted = [merge_reads(inputs, reads) for reads in reading.reads]
        crossing = {crossing.tensor for crossing in reading.crossings}
        returning = {crossing.tensor for crossing in reading.returning}
        own = reading.reads[self.column.number]
        have: dict[str, tuple[fx.Node, list[Interval]]] = {}
        for name in dict.fromkeys(inputs):
            held = self.column.placement.nodes[name].runs
            if name in crossing:
                exchange = Exchange(
                    held,
                    [each[name] for each in wanted],
                    self.column.number,
                    self.groups.columns,
                    has_gradient=name in returning,
                )
                fetched = self._call_exchange(f"{reader}.reads.{name}", exchange, name)
                have[name] = fetched, wanted[self.column.number][name]
            else:
                have[name] = self.tensors[name], [held[self.column.number]]
        return [
            self._select(f"{reader}.of.{name}", *have[name], list(read))
            for name, read in zip(inputs, own, strict=True)
        ]

    def _call_exchange(self, name: str, exchange: Exchange, tensor: str) -> fx.Node:
        path = f"{self.exchanges}.{name.replace('.', '_')}"
        return self.to.call_module_at(path, lambda: exchange, self.tensors[tensor])

    def _select(
        self, name: str, x: fx.Node, have: list[Interval], wanted: list[Interval]
    ) -> fx.Node:
        """Some of the channels of a tensor that has those of `have`, in ascending order."""
        if wanted == have:
            return x
        runs = list(_find_places(have, wanted)) or [Interval(0, 0)]
        pieces = [self._take(name, x, run) for run in runs]
        return pieces[0] if len(pieces) == 1 else self.to.call(name, torch.cat, pieces, dim=1)


class ChannelOrder(nn.Module):
    """Puts the channels into another order."""

    order: Tensor

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor(order), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(1, self.order)


def take_channels(x: Tensor, start: int, end: int) -> Tensor:
    """A run of the channels of N x C x H x W."""
    return x[:, start:end]


def no_channels(inputs: Sequence[Tensor], height: int, width: int) -> Tensor:
    """N x 0 x height x width, computed from inputs without channels."""
    maps = [x.reshape(len(x), 0, height, width) for x in inputs]
    return torch.cat(maps, dim=1)


def _find_places(have: Iterable[Interval], wanted: Iterable[Interval]) -> Iterable[Interval]:
    """Where the wanted channels stand in a tensor of those of `have`."""
    for want in wanted:
        start = 0
        for run in have:
            if overlap(run, want):
                low, high = max(run.start, want.start), min(run.end, want.end)
                yield Interval(start + low - run.start, start + high - run.start)
            start += run.end - run.start


def _free_name(graph: Graph) -> str:
    """`exchange`, or what no label has taken."""
    labels = {module_path(node.name).split(".")[0] for node in graph.nodes}
    name = "exchange"
    while name in labels:
        name += "_"
    return name
