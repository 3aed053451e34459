"""The running averages of replicas that each normalise by their own images.

A test, and whatever uses the net, takes the mean of the replicas' averages. The training goes on
with each replica's own, so that it does not matter when there were tests and snapshots; a snapshot
has the mean and, for as many replicas as there were, the averages of each.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, distributed

from netspec.layers.normalization import BatchNorm
from netspec_torch.distributed.local_net import LocalNet
from netspec_torch.distributed.world import SeveralProcesses
from netspec_torch.emission import module_path


def list_averages(local: LocalNet) -> dict[str, Tensor]:
    """The averages that are here and that other replicas have otherwise, by their names."""
    if local.world.replicas == 1:
        return {}
    names = {
        f"{module_path(node.name)}.{weight.name}"
        for node in local.graph.nodes
        if isinstance(node.layer, BatchNorm) and not node.layer.synced
        for weight in node.weights
        if not weight.is_learned
    }
    return {name: each for name, each in local.trained.state_dict().items() if name in names}


@contextmanager
def with_mean_averages(local: LocalNet) -> Iterator[None]:
    """Within, every replica has the mean of all. Every process comes here."""
    averages = list_averages(local)
    own = {name: tensor.clone() for name, tensor in averages.items()}
    settle_averages(local)
    try:
        yield
    finally:
        for name, tensor in averages.items():
            tensor.copy_(own[name])


def settle_averages(local: LocalNet) -> None:
    """Leave every replica with the mean of all. Every process calls it."""
    world = local.world
    for tensor in list_averages(local).values():
        assert isinstance(world, SeveralProcesses)
        distributed.all_reduce(tensor, group=world.replica_group)
        tensor /= world.replicas


def gather_averages(local: LocalNet) -> dict[str, Tensor]:
    """On the first process those of each replica, as `REPLICA/NAME`; elsewhere nothing. Every
    process calls it."""
    world = local.world
    if world.replicas == 1:
        return {}
    found = world.gather({name: tensor.cpu() for name, tensor in list_averages(local).items()})
    return {
        f"{replica}/{name}": tensor
        for replica, first in enumerate(range(0, len(found), world.columns))
        for name, tensor in local.join(found[first : first + world.columns]).items()
    }


def restore_averages(local: LocalNet, kept: Mapping[str, Tensor]) -> None:
    """Give this replica its own back, where there were as many replicas; else it has what it has,
    the mean of all."""
    by_replica = _split(kept)
    if len(by_replica) != local.world.replicas:
        return
    own = local.take(by_replica[local.world.share.number])
    for name, tensor in list_averages(local).items():
        tensor.copy_(own[name])


def _split(kept: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The averages of each replica."""
    replicas: list[dict[str, Tensor]] = []
    for name, tensor in kept.items():
        number, _, rest = name.partition("/")
        replicas += [{} for _ in range(int(number) + 1 - len(replicas))]
        replicas[int(number)][rest] = tensor
    return replicas
