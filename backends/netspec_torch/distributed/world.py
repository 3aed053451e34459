"""The processes of a run: which one this is, and what they tell one another between updates.

torchrun starts them and says in the environment how many there are. Those of a replica hold a
column each and stand side by side in the order of ranks, so that what crosses between columns stays
within a machine where it can; the processes of a column in all replicas average their gradients. A
run of one process has the world of the base class, which decides by itself what others agree on.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from netspec.recipe.run import FailedElsewhereError, TrainingError
from netspec_torch.compute import choose_device
from netspec_torch.data.errors import DataError
from netspec_torch.data.fetching import count_cores
from netspec_torch.data.share import Share
from netspec_torch.distributed.faults import Faults
from netspec_torch.distributed.launch import ALONE, Launch, find_store

Value = TypeVar("Value")

MOST_NAMED = 5
PATIENCE = timedelta(hours=1)
"""How long one process waits for another that lives: a data set may be fetched meanwhile."""


@dataclass(frozen=True)
class World:
    """One process alone, or what this one is among several."""

    device: torch.device
    rank: int = 0
    size: int = 1
    columns: int = 1
    """Processes that hold one net together."""
    local_rank: int = 0
    """Its number on its machine."""
    local_size: int = 1
    """Processes of its machine."""
    launch: Launch = ALONE
    """What started the processes."""

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes and speaks."""
        return self.rank == 0

    @property
    def replicas(self) -> int:
        """How many times the net is there."""
        return self.size // self.columns

    @property
    def column(self) -> int:
        """Which of the net's columns it holds."""
        return self.rank % self.columns

    @property
    def threads(self) -> int | None:
        """How many threads read images here; None where all cores are this process's."""
        return max(1, count_cores() // self.local_size) if self.local_size > 1 else None

    @property
    def share(self) -> Share:
        """Its replica's part of each batch."""
        return Share(self.rank // self.columns, self.replicas)

    def describe(self, batch: int, split: Sequence[str] = ()) -> str:
        """Who computes what of an update's images, and of the layers that are split over all
        processes; empty for one process."""
        if self.size == 1:
            return ""
        if self.replicas == 1:
            return f"{self.size} processes, each with a column of the net"
        least, more = divmod(batch, self.replicas)
        share = f"{least:,} or {least + 1:,}" if more else f"{least:,}"
        each = f"with {share} images of an update"
        if split:
            layers = ", ".join(split) if len(split) <= MOST_NAMED else f"{len(split)} layers"
            return f"{self.size} processes, each {each}, and of {layers} a part for those of all"
        if self.columns == 1:
            return f"{self.size} processes, each with the net and {each}"
        return (
            f"{self.size} processes: {self.replicas} replicas of {self.columns} columns, each "
            f"replica {each}"
        )

    def ask_first(self, question: Callable[[], Value]) -> Value:
        """What the first process answers, on all; a TrainingError or DataError of its answer is
        raised there, and on the others FailedElsewhereError."""
        return question()

    def collect(self, value: Value) -> list[Value]:
        """Every process's value, by rank, on all."""
        return [value]

    def gather(self, value: Value) -> list[Value]:
        """Every process's value, by rank, on the first; elsewhere none."""
        return [value]

    def list_all(self, number: int) -> list[int]:
        """Every process's number, by rank, on all."""
        return [number]

    def agree(self, number: int) -> int:
        """The largest of all processes' numbers."""
        return number

    def add(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in the tensor's place."""
        return tensor

    @contextmanager
    def one_a_machine_first(self) -> Iterator[None]:
        """What is done inside is done by one process of each machine, and then by the others: where
        the first fetches something, the others find it."""
        yield


@dataclass(frozen=True)
class SeveralProcesses(World):
    """This process among several, connected."""

    mesh: DeviceMesh | None = None

    @property
    def column_group(self) -> distributed.ProcessGroup:
        """The columns of this replica."""
        assert self.mesh is not None
        return self.mesh["column"].get_group()

    @property
    def replica_group(self) -> distributed.ProcessGroup:
        """The processes that hold this column."""
        assert self.mesh is not None
        return self.mesh["replica"].get_group()

    def ask_first(self, question: Callable[[], Value]) -> Value:
        answers: list[Value] = []
        reason: Exception | None = None
        if self.is_first:
            try:
                answers.append(question())
            except (TrainingError, DataError) as error:
                reason = error
        told = [answers]
        distributed.broadcast_object_list(told)
        if reason is not None:
            raise reason
        if not told[0]:
            raise FailedElsewhereError
        return told[0][0]

    def collect(self, value: Value) -> list[Value]:
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def gather(self, value: Value) -> list[Value]:
        values: list[Any] | None = [None] * self.size if self.is_first else None
        distributed.gather_object(value, values)
        return values or []

    def list_all(self, number: int) -> list[int]:
        numbers = torch.zeros(self.size, dtype=torch.int64)
        numbers[self.rank] = number
        distributed.all_reduce(numbers)
        return numbers.tolist()

    def agree(self, number: int) -> int:
        flag = torch.tensor(number)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return int(flag)

    def add(self, tensor: Tensor) -> Tensor:
        distributed.all_reduce(tensor)
        return tensor

    @contextmanager
    def one_a_machine_first(self) -> Iterator[None]:
        if self.local_rank:
            self.agree(0)
        yield
        if not self.local_rank:
            self.agree(0)


@contextmanager
def join_world(net: str, columns: int, device: str | None) -> Iterator[World]:
    """Take this process's place among those of the run, and leave it at the end.

    `columns` is what the net says of GPUs, `device` what the caller says of devices. Raises
    TrainingError where the processes can't hold the net, and where another process fails.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    if size > 1 and distributed.is_initialized():
        yield _connect(_find_place(net, columns, device, rank, size))
        return
    store = find_store(rank, size)
    if size == 1 or store is None:
        yield World(choose_device(device), launch=Launch(store))
        return
    with Faults.of_run(rank, size, store) as faults:
        world = replace(_find_place(net, columns, device, rank, size), launch=Launch(store))
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if world.device.type == "cuda" else "gloo",
            timeout=PATIENCE,
            store=faults.store,
            rank=rank,
            world_size=size,
        )
        yield _connect(world)
        distributed.barrier()
        distributed.destroy_process_group()


def _find_place(
    net: str, columns: int, device: str | None, rank: int, size: int
) -> SeveralProcesses:
    """What this process is among the others, before they are connected."""
    _check_size(net, columns, size)
    local_rank = int(os.environ.get("LOCAL_RANK", rank))
    local_size = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    chosen = _choose_device(device, local_rank)
    return SeveralProcesses(chosen, rank, size, columns, local_rank, local_size)


def _connect(world: SeveralProcesses) -> SeveralProcesses:
    shape = (world.replicas, world.columns)
    mesh = init_device_mesh(world.device.type, shape, mesh_dim_names=("replica", "column"))
    return replace(world, mesh=mesh)


def _check_size(net: str, columns: int, size: int) -> None:
    if size % columns == 0:
        return
    raise TrainingError(
        f"{size} processes cannot hold `{net}`, which has `gpus {columns}`: {size} is no multiple "
        f"of {columns}",
        f"start {columns} processes, or a multiple of {columns}; one alone computes all columns",
        cause="usage",
    )


def _choose_device(name: str | None, local_rank: int) -> torch.device:
    """A GPU of its own for each process, or the CPU for all."""
    if name not in (None, "cpu", "cuda"):
        raise TrainingError(
            f"--device {name} names one device for all processes",
            "with several processes it is `cuda`, of which each takes one, or `cpu`",
            cause="usage",
        )
    if name == "cpu" or (name is None and not torch.cuda.is_available()):
        return torch.device("cpu")
    device = choose_device(f"cuda:{local_rank}")
    torch.cuda.set_device(device)
    return device
