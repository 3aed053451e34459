"""The net of a run as this process has it: whole or a portion of it, alone or one of its replicas.

Snapshots and weights are those of the whole net, whatever the number of processes: they are
gathered on the first and taken apart again. Which part of a weight a portion has is decided in
`portion.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import signature
from itertools import accumulate, pairwise
from typing import Any

from torch import Tensor, distributed, fx, nn
from torch.distributed import ProcessGroup
from torch.nn.parallel import DistributedDataParallel

from netspec.analyses.fc_split import FcSplit, is_fc, split_fcs
from netspec.graph import Graph, Node
from netspec.recipe.run import TrainingError
from netspec_torch.distributed.columns import Column
from netspec_torch.distributed.fc_parts import FcPart
from netspec_torch.distributed.masks import Rows, mask_rows
from netspec_torch.distributed.portion import Groups, Portion, build_portion, emit_portion
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
    portion: Portion | None = None
    """What of the net is here, which may be all of it; None where there is one process."""

    @property
    def split(self) -> FcSplit | None:
        """How the fully connected layers are split over all processes; None where they are not."""
        return self.portion.split if isinstance(self.portion, FcPart) else None

    @property
    def nodes(self) -> Iterable[Node]:
        """The layers with the shapes that they have here."""
        if self.portion is None:
            return self.graph.nodes
        portion = self.portion
        return (portion.part(node).node for node in self.graph.nodes if portion.holds(node))

    def describe(self, batch: int) -> str:
        """Who computes what of an update's images; empty for one process."""
        split = self.split
        cut = [n.name for n in self.graph.nodes if split and is_fc(n) and n.name in split.runs]
        return self.world.describe(batch, cut)

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
        copied = net
        if self.split is not None:
            copied = Copied(net, [p for p in self.trained.parameters() if self.is_copied(p)])
            for parameter in self.trained.parameters():
                if parameter.requires_grad and not self.is_copied(parameter):
                    parameter.register_hook(lambda gradient: gradient / world.replicas)
            if not any(parameter.requires_grad for parameter in copied.parameters()):
                return net
        ids = [world.device] if world.device.type == "cuda" else None
        return DistributedDataParallel(
            copied,
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
        return self.add_over_holders(sums) if id(parameter) in self._parts else sums

    def add_over_holders(self, sums: Tensor) -> Tensor:
        """Sums over what is here of a net, made sums over all that hold it together."""
        if isinstance(self.world, SeveralProcesses):
            distributed.all_reduce(sums, group=self._find_holders(self.world))
        return sums

    def is_copied(self, parameter: Tensor) -> bool:
        """Whether all that hold the net together have the whole of a parameter."""
        return self.split is not None and id(parameter) not in self._parts

    def _find_holders(self, world: SeveralProcesses) -> ProcessGroup:
        return world.column_group if self.split is None else world.replica_group

    @cached_property
    def _parts(self) -> frozenset[int]:
        """The parameters of which others have parts too, by identity."""
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
            name: self._cut(self.portion, name, tensor)
            for name, tensor in tensors.items()
            if weight_of(name) in self.names
        }

    def gather(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """On the first process the whole net's tensors, from those of all that hold it together;
        elsewhere nothing. Every process calls it."""
        world, split = self.world, self.split
        if not isinstance(world, SeveralProcesses):
            return dict(tensors)
        if split is None and world.share.number:
            return {}
        is_wanted = world.is_first or split is None
        sent = {
            name: tensor.detach().cpu()
            for name, tensor in tensors.items()
            if is_wanted or weight_of(name) in self._names_of_parts
        }
        group = self._find_holders(world)
        parts: list[Any] | None = [None] * group.size() if world.is_first else None
        distributed.gather_object(sent, parts, dst=0, group=group)
        return {} if parts is None else self.join(parts)

    @cached_property
    def _names_of_parts(self) -> frozenset[str]:
        """The weights of which others have parts too."""
        return frozenset(n for n, p in self.trained.named_parameters() if id(p) in self._parts)

    def join(self, parts: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The whole net's tensors, from those of the processes that hold it together."""
        assert self.portion is not None
        portion = self.portion
        shapes = {n: weight.shape for n, weight in list_weights(self.graph, heads=True).items()}
        whole: dict[str, Tensor] = {}
        for number, tensors in enumerate(parts):
            other = portion.at(number)
            for name, tensor in tensors.items():
                if name not in whole:
                    shape = shapes.get(weight_of(name), ()) if tensor.ndim else ()
                    whole[name] = tensor.new_empty(shape)
                self._cut(other, name, whole[name]).copy_(tensor)
        return whole

    @staticmethod
    def _cut(portion: Portion | None, name: str, tensor: Tensor) -> Tensor:
        """A portion of a whole tensor; what is no tensor of a weight's shape is whole."""
        if portion is None or not tensor.ndim:
            return tensor
        return tensor[portion.slices.get(weight_of(name), ())]

    def meet(self, images: Tensor) -> Tensor:
        """What to compute in a test, of which `images` are this process's. Where the processes
        compute parts for one another's images all are told how many there are, and one that has
        none computes a blank one, of whose result nothing is to be taken."""
        if self.split is None:
            return images
        ends = [0, *accumulate(self.world.list_all(max(1, len(images))))]
        self.rows.shares = tuple(slice(*run) for run in pairwise(ends))
        return images if len(images) else images.new_zeros(1, *images.shape[1:])


def weight_of(name: str) -> str:
    """The weight that a tensor belongs to: itself, or that of which the solver remembers it."""
    return name.partition("/")[0]


class Copied(nn.Module):
    """A net as DistributedDataParallel is to see it: with those parameters alone of which all
    processes have the whole."""

    def __init__(self, net: Net, parameters: Iterable[nn.Parameter]) -> None:
        super().__init__()
        self._net = (net,)
        for number, parameter in enumerate(parameters):
            self.register_parameter(f"parameter_{number}", parameter)

    def forward(self, images: Tensor) -> Any:
        (net,) = self._net
        return net(images)


def place_net(
    graph: Graph, world: World, seed: int, *, in_parts: bool = False, splits_fc: bool = False
) -> LocalNet:
    """Make what this process has of a net, with its starting values; `in_parts` says that a batch
    may be computed in parts, `splits_fc` that the fully connected layers are split over all
    processes. Raises TrainingError where a GPU would have nothing to train."""
    heads, rows = bool(graph.heads), Rows()
    if not isinstance(world, SeveralProcesses):
        trained = build(graph, seed=seed, heads=heads)
        if in_parts:
            mask_rows(trained, graph, rows)
        module = without_heads(trained, graph) if heads else trained
        return LocalNet(graph, world, trained, module, rows)
    portion, groups = _find_portion(graph, world, splits_fc=splits_fc)
    trained = build_portion(portion, groups, rows, seed=seed, heads=heads)
    module = emit_portion(portion, trained, groups, rows, heads=False) if heads else trained
    return LocalNet(graph, world, trained, module, rows, portion)


def _find_portion(
    graph: Graph, world: SeveralProcesses, *, splits_fc: bool
) -> tuple[Portion, Groups]:
    if splits_fc:
        groups = Groups(world.replica_group, world.replica_group)
        return FcPart(graph, split_fcs(graph, world.size), world.rank), groups
    column = Column.of(graph, world.column)
    _check_all_train(column, world)
    return column, Groups(world.column_group, world.replica_group if world.replicas > 1 else None)


def _check_all_train(column: Column, world: World) -> None:
    weights = list_weights(column.graph, heads=True)
    for number in range(world.columns):
        other = column.at(number)
        if not any(weights[name].is_learned and weights[name].rate for name in other.slices):
            raise TrainingError(
                f"GPU {number} of `{column.graph.name}` has no weight to train",
                "train the net on one process, or lay a layer on that GPU",
                cause="file",
            )
