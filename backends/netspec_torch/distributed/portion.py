"""A portion of a net: what one of the processes that hold it together has of its layers, and the
module that this becomes.

What there is of each layer and how it comes to what it reads is decided by the kinds of portions:
the columns of a net with `gpus` (`columns.py`), and fully connected layers that are split
(`fc_parts.py`). What a part of a layer is stands in `parts.py`.

A module has the names of the whole net's modules and weights. It gives back what the whole net's
does, where the loss is computed; elsewhere the same with no channels, which is computed from what
would have been read, so that gradients find their way back to it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.distributed import ProcessGroup

from netspec.analyses.placement import Reads, count_channels, overlap
from netspec.graph import Graph, Node
from netspec.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from netspec.layers.rearranging import Shuffle
from netspec.layers.regularization import Dropout, DropPath
from netspec.tensor import Interval
from netspec_torch.distributed.masks import Mask, Rows, make_mask
from netspec_torch.distributed.parts import Part, Slices, take_part
from netspec_torch.distributed.synced import SyncedBatchNorm
from netspec_torch.emission import Emission, module_path
from netspec_torch.layers import find_emitter, make_batchnorm
from netspec_torch.module import LAYERS, freeze, list_weights
from netspec_torch.modules import ChannelScale, normalize_channels
from netspec_torch.starting_values import draw, seeded_generator


class Groups(NamedTuple):
    """With whom a process speaks."""

    holders: ProcessGroup
    """Those that hold the net together, in order."""
    replicas: ProcessGroup | None = None
    """Those that compute other images of a batch by the same layers; None where there are none."""


class Portion(ABC):
    """What one process has of a net."""

    graph: Graph
    number: int
    """Its place among the processes that hold the net together."""

    @abstractmethod
    def run(self, node: Node) -> Interval:
        """The channels that it computes of the layer."""

    @abstractmethod
    def reads(self, node: Node) -> Reads:
        """The channels of each input that it computes them from."""

    @abstractmethod
    def at(self, number: int) -> "Portion":
        """That of another process."""

    @abstractmethod
    def write(self, root: nn.Module, groups: Groups, rows: Rows) -> "PortionEmission":
        """What writes it over the modules of `root`."""

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

    def part(self, node: Node) -> Part:
        """What it computes of the layer."""
        return take_part(node, self.run(node), self.reads(node))


def build_portion(
    portion: Portion,
    groups: Groups,
    rows: Rows,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    heads: bool = False,
) -> fx.GraphModule:
    """Make a portion's module as `build` makes the whole net's, with its part of the same starting
    values. `rows` is to be set before each forward pass in training."""
    module = emit_portion(portion, nn.Module(), groups, rows, heads=heads)
    weights = list_weights(portion.graph, heads=heads)
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name in tensors.keys() & weights.keys():
        whole = draw(weights[name], seeded_generator(seed, name))
        with torch.no_grad():
            tensors[name].copy_(whole[portion.slices[name]])
    freeze(module, weights)
    return module.to(dtype)


def emit_portion(
    portion: Portion, root: nn.Module, groups: Groups, rows: Rows, *, heads: bool
) -> fx.GraphModule:
    """Write a portion as a torch graph over the modules of `root`; those that it lacks are made."""
    return portion.write(root, groups, rows).emit(heads=heads)


class PortionEmission(ABC):
    """A portion's torch graph that is being written."""

    def __init__(self, portion: Portion, root: nn.Module, groups: Groups, rows: Rows) -> None:
        self.to = Emission(root)
        self.graph = portion.graph
        self.portion = portion
        self.groups = groups
        self.rows = rows
        self.tensors: dict[str, fx.Node] = {}
        """For each layer the portion's run of its channels."""
        self.exchanges = _free_name(portion.graph)
        """Below which module the exchanges stand."""

    @abstractmethod
    def read_inputs(self, node: Node) -> list[fx.Node]:
        """What the portion reads of each input of a layer."""

    @abstractmethod
    def read_exit(self, name: str) -> fx.Node:
        """What the loss reads of a layer here."""

    def emit(self, *, heads: bool) -> fx.GraphModule:
        graph = self.graph
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

    def take(self, name: str, x: fx.Node, run: Interval) -> fx.Node:
        """A run of a tensor's channels."""
        return self.to.call(name, take_channels, x, run.start, run.end)

    def select(
        self, name: str, x: fx.Node, have: list[Interval], wanted: list[Interval]
    ) -> fx.Node:
        """Some of the channels of a tensor that has those of `have`, in ascending order."""
        if wanted == have:
            return x
        runs = list(_find_places(have, wanted)) or [Interval(0, 0)]
        pieces = [self.take(name, x, run) for run in runs]
        return pieces[0] if len(pieces) == 1 else self.to.call(name, torch.cat, pieces, dim=1)

    def call_exchange(self, name: str, exchange: nn.Module, tensor: str) -> fx.Node:
        """What an exchange makes of a layer's result."""
        path = f"{self.exchanges}.{name.replace('.', '_')}"
        return self.to.call_module_at(path, lambda: exchange, self.tensors[tensor])

    def make_mask(self, node: Node) -> Mask:
        """What drops at random, for a layer that does."""
        layer = node.layer
        assert isinstance(layer, Dropout | DropPath)
        return make_mask(layer, self.rows, node.shape.channels, self.portion.run(node))

    def _emit_node(self, node: Node) -> fx.Node:
        inputs = self.read_inputs(node)
        if isinstance(node.layer, Dropout | DropPath):
            return self.to.call_module(node, lambda: self.make_mask(node), *inputs)
        if not self.portion.holds(node):
            name = f"{node.name}.elsewhere"
            return self.to.call(name, no_channels, tuple(inputs), *node.shape[1:])
        part = self.portion.part(node)
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
        return self.take(f"{node.name}.kept", result, part.keep)

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
        channels = count_channels((self.portion.run(node),))
        return self.to.call_module(node, lambda: ChannelScale(channels, bias=True), kept)

    def _emit_shuffle(self, node: Node, x: fx.Node) -> fx.Node:
        layer, run = node.layer, self.portion.run(node)
        assert isinstance(layer, Shuffle)
        each = node.shape.channels // layer.groups
        sources = [i % layer.groups * each + i // layer.groups for i in range(*run)]
        (read,) = self.portion.reads(node)
        place = {channel: at for at, channel in enumerate(c for each in read for c in range(*each))}
        order = [place[channel] for channel in sources]
        return self.to.call_module(node, lambda: ChannelOrder(order), x)

    def _emit_exit(self, name: str) -> fx.Node:
        result = self.read_exit(name)
        if self.graph[name].shape.is_vector:
            return self.to.call(f"{name}.vector", torch.flatten, result, 1)
        return result


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
