"""The net of a run as this process has it: whole or a column of it, alone or one of its replicas.

Snapshots and weights are those of the whole net, whatever the number of processes: they are
gathered on the first and taken apart again. Which part of a weight a column has is decided in
`columns.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from typing import Any

from torch import Tensor, distributed, fx
from torch.nn.parallel import DistributedDataParallel

from netspec.graph import Graph, Node
from netspec.recipe.run import TrainingError
from netspec_torch.distributed.columns import Column, Groups, build_column, emit_column
from netspec_torch.distributed.masks import Rows, mask_rows
from netspec_torch.distributed.world import SeveralProcesses, World
from netspec_torch.module import build, list_weights, without_heads

Net = Callable[[Tensor], Any]
_KEEP_BUFFERS = (
    "forward_sync_buffers"
    if "forward_sync_buffers" in signature(DistributedDataParallel).parameters
    else "broadcast_buffers"
)
"""What DDP calls, from PyTorch 2.13 on and before, the copying of the first replica's buffers."""


@dataclass(frozen=True)
class LocalNet:
    """A net, or a process's part of it."""

    graph: Graph
    world: World
    trained: fx.GraphModule
    """With its heads: what the solver knows."""
    module: fx.GraphModule
    """As it is used, on the same weights."""
    rows: Rows = field(default_factory=Rows)
    """Which images of a batch are computed here."""
    column: Column | None = None
    """What of the net is here, which may be all of it; None where there is one process."""

    @property
    def nodes(self) -> Iterable[Node]:
        """The layers with the shapes that they have here."""
        if self.column is None:
            return self.graph.nodes
        column = self.column
        return (column.part(node).node for node in self.graph.nodes if column.holds(node))

    @cached_property
    def names(self) -> frozenset[str]:
        """The weights and running averages that are here, in part or whole."""
        return frozenset(self.trained.state_dict())

    def as_replica(self, net: Net) -> Net:
        """The trained net such that its gradients are the mean over all replicas. `net` is what
        computes it, the module itself or what a compiler made of it."""
        world = self.world
        if not isinstance(world, SeveralProcesses) or world.replicas == 1:
            return net
        ids = [world.device] if world.device.type == "cuda" else None
        return DistributedDataParallel(
            net,
            device_ids=ids,
            process_group=world.replica_group,
            gradient_as_bucket_view=True,
            find_unused_parameters=self._has_unread_weights(),
            **{_KEEP_BUFFERS: False},  # type: ignore[arg-type]
        )

    def _has_unread_weights(self) -> bool:
        """Whether there is a weight on which no loss depends."""
        readers = self.graph.readers_by_name
        exits = {self.graph.output, *(head.output for head in self.graph.heads)}
        reached: set[str] = set()
        for node in reversed(self.graph.nodes):
            if node.name in exits or any(r.name in reached for r in readers.get(node.name, ())):
                reached.add(node.name)
        return any(node.weights and node.name not in reached for node in self.graph.nodes)

    def add_parts(self, parameter: Tensor, sums: Tensor) -> Tensor:
        """Sums over a parameter's numbers, made sums over the whole weight that it is part of."""
        if isinstance(self.world, SeveralProcesses) and id(parameter) in self._parts:
            distributed.all_reduce(sums, group=self.world.column_group)
        return sums

    @cached_property
    def _parts(self) -> frozenset[int]:
        """The parameters of which other columns have parts too, by identity."""
        weights = list_weights(self.graph, heads=True)
        return frozenset(
            id(parameter)
            for name, parameter in self.trained.named_parameters()
            if parameter.shape != weights[name].shape
        )

    def take(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of the whole net's tensors those that are here. They are called by their weight, or by
        their weight and, behind a `/`, what the solver remembers of it."""
        return {
            name: self._cut(self.column, name, tensor)
            for name, tensor in tensors.items()
            if weight_of(name) in self.names
        }

    def gather(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """On the first process the whole net's tensors, from those of all columns; elsewhere what
        is here. Every process calls it."""
        world = self.world
        if not isinstance(world, SeveralProcesses):
            return dict(tensors)
        local = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
        if world.share.number:
            return local
        parts: list[Any] | None = [None] * world.columns if world.is_first else None
        distributed.gather_object(local, parts, dst=0, group=world.column_group)
        return local if parts is None else self.join(parts)

    def join(self, parts: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The whole net's tensors, from those of the columns of a replica."""
        assert self.column is not None
        column = self.column
        shapes = {n: weight.shape for n, weight in list_weights(self.graph, heads=True).items()}
        whole: dict[str, Tensor] = {}
        for number, tensors in enumerate(parts):
            other = Column(column.graph, column.placement, number)
            for name, tensor in tensors.items():
                if name not in whole:
                    shape = shapes.get(weight_of(name), ()) if tensor.ndim else ()
                    whole[name] = tensor.new_empty(shape)
                self._cut(other, name, whole[name]).copy_(tensor)
        return whole

    @staticmethod
    def _cut(column: Column | None, name: str, tensor: Tensor) -> Tensor:
        """A column's part of a whole tensor; what is no tensor of a weight's shape is whole."""
        if column is None or not tensor.ndim:
            return tensor
        return tensor[column.slices.get(weight_of(name), ())]


def weight_of(name: str) -> str:
    """The weight that a tensor belongs to: itself, or that of which the solver remembers it."""
    return name.partition("/")[0]


def place_net(graph: Graph, world: World, seed: int, *, in_parts: bool = False) -> LocalNet:
    """Make what this process has of a net, with its starting values; `in_parts` says that a batch
    may be computed in parts. Raises TrainingError where a GPU would have nothing to train."""
    heads, rows = bool(graph.heads), Rows()
    if not isinstance(world, SeveralProcesses):
        trained = build(graph, seed=seed, heads=heads)
        if in_parts:
            mask_rows(trained, graph, rows)
        module = without_heads(trained, graph) if heads else trained
        return LocalNet(graph, world, trained, module, rows)
    column = Column.of(graph, world.column)
    _check_all_train(column, world)
    groups = Groups(world.column_group, world.replica_group if world.replicas > 1 else None)
    trained = build_column(column, groups, rows, seed=seed, heads=heads)
    module = emit_column(column, trained, groups, rows, heads=False) if heads else trained
    return LocalNet(graph, world, trained, module, rows, column)


def _check_all_train(column: Column, world: World) -> None:
    weights = list_weights(column.graph, heads=True)
    for number in range(world.columns):
        other = Column(column.graph, column.placement, number)
        if not any(weights[name].is_learned and weights[name].rate for name in other.slices):
            raise TrainingError(
                f"GPU {number} of `{column.graph.name}` has no weight to train",
                "train the net on one process, or lay a layer on that GPU",
                cause="file",
            )
