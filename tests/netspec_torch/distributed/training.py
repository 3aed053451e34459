"""Trainings and updates as each process of a test does them, and one process alone for comparison:
the same functions for both.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import netspec
from netspec.compiler.program import CheckedNet
from netspec.recipe.clock import Clock
from netspec.recipe.run import TrainingError
from netspec.source import SourceFile
from netspec.tensor import Shape
from netspec_torch import train
from netspec_torch.distributed.averages import settle_averages
from netspec_torch.distributed.local_net import place_net
from netspec_torch.distributed.step import SharedStep
from netspec_torch.distributed.world import World, join_world
from netspec_torch.module import parameter_factors
from netspec_torch.snapshot import collect_solver_state, restore_solver_state
from netspec_torch.solver import make_optimizer, set_rate
from netspec_torch.step import TrainingStep
from tests.netspec_torch.distributed.traffic import measure_sockets
from tests.netspec_torch.small_runs import read_last

CLOCK = Clock(images=17, batch=6)
"""Three updates an epoch, of 6, 6 and 5 images."""


class Updating:
    """A net that this process updates with others, or alone, by its recipe, on seeded images."""

    def __init__(
        self, net: CheckedNet, world: World, dtype: torch.dtype, device_batch: int | None = None
    ) -> None:
        assert net.recipe is not None
        self.rate = net.recipe.solver.rate
        self.dtype = dtype
        self.world = world
        in_parts = device_batch is not None
        splits_fc = net.recipe.parallel.fc == "split"
        self.local = local = place_net(
            net.graph, world, seed=3, in_parts=in_parts, splits_fc=splits_fc
        )
        local.trained.to(dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        factors = parameter_factors(net.graph)
        parameters = local.trained.named_parameters()
        self.optimizer = make_optimizer(net.recipe.solver, parameters, factors, local.add_parts)
        arguments: Any = (local.as_replica(local.trained), self.optimizer, net.recipe.loss)
        named: Any = {
            "heads": net.graph.heads,
            "device": world.device,
            "seed": 3,
            "clip": net.recipe.solver.clip,
            "device_batch": device_batch,
        }
        self.shape = net.graph[net.graph.inputs[0]].shape
        self.step: TrainingStep = TrainingStep(*arguments, **named, rows=local.rows)
        if world.size > 1:
            self.step = SharedStep(*arguments, **named, local=local, clock=CLOCK)

    def update(self, number: int) -> list[float]:
        """The loss and the training error of the whole batch."""
        set_rate(self.optimizer, self.rate)
        count = CLOCK.count_images(number)
        images, labels = draw_batch(number, count, self.shape, self.dtype)
        own = self.world.share.cut(slice(0, count))
        figures: list[float] = self.step(images[own], labels[own], number).tolist()
        return figures


def run_updates(
    text: str, updates: int, dtype: torch.dtype, device_batch: int | None = None
) -> dict[str, Any]:
    """Some updates; the first process gives the state of the whole net, all losses and errors."""
    net = netspec.load(SourceFile("case.net", text)).net
    with join_world(net.name, net.graph.gpus, "cpu") as world:
        updating = Updating(net, world, dtype, device_batch)
        figures = [each for number in range(updates) for each in updating.update(number)]
        settle_averages(updating.local)
        state = updating.local.gather(updating.local.trained.state_dict())
        return {"figures": figures, "state": state if world.is_first else {}}


def measure_update(text: str) -> int:
    """The bytes that this process's sockets send for one update, once DDP has found its buckets."""
    net = netspec.load(SourceFile("case.net", text)).net
    with join_world(net.name, net.graph.gpus, "cpu") as world:
        updating = Updating(net, world, torch.float32)
        for number in (0, 1):
            updating.update(number)
        return measure_sockets(lambda: updating.update(3))


def draw_batch(seed: int, count: int, shape: Shape, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, *shape, generator=generator, dtype=torch.float64).to(dtype)
    labels = torch.randint(0, 6, (count,), generator=generator)
    return images.contiguous(memory_format=torch.channels_last), labels


def train_net(text: str, folder: Path, data: Path, **options: Any) -> dict[str, Any]:
    """A whole training; what came of it, or why there was none."""
    net = netspec.load(SourceFile("case.net", text)).net
    try:
        result = train(net, data=data, out=folder, **{"device": "cpu", **options})
    except TrainingError as error:
        return {"error": error.message, "details": error.details}
    final = result.final and result.final.to_json()
    return {"final": final, "updates": result.updates, "skipped": result.skipped}


def run_training(text: str, folder: Path, data: Path, options: dict[str, Any]) -> dict[str, Any]:
    """The same with options as one argument."""
    return train_net(text, folder, data, **options)


def restore_and_gather(text: str, folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What a snapshot's weights and solver are once they have been this process's own."""
    net = netspec.load(SourceFile("case.net", text)).net
    assert net.recipe is not None
    snapshot = read_last(folder)
    with join_world(net.name, net.graph.gpus, "cpu") as world:
        splits_fc = net.recipe.parallel.fc == "split"
        local = place_net(net.graph, world, seed=0, splits_fc=splits_fc)
        factors = parameter_factors(net.graph)
        optimizer = make_optimizer(net.recipe.solver, local.trained.named_parameters(), factors)
        local.trained.load_state_dict(local.take(snapshot.weights))
        restore_solver_state(local.trained, optimizer, local.take(snapshot.solver))
        solver = collect_solver_state(local.trained, optimizer)
        return local.gather(local.trained.state_dict()), local.gather(solver)
