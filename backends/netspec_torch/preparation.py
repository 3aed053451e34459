"""Everything that a run needs, made and checked before anything is written.

All that can be refused is refused here or in `fitting.py`, with the reason, so that a run which has
begun ends early only by itself. The loop is in `trainer.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, fx

from netspec.compiler.program import CheckedNet
from netspec.graph import Graph
from netspec.layers.normalization import BatchNorm
from netspec.recipe.clock import Clock
from netspec.recipe.plan import Plan, PlannedData
from netspec.recipe.rates import Rates
from netspec.recipe.recipe import Recipe
from netspec.recipe.run import Listener
from netspec.recipe.written import write_value
from netspec_torch.changes import describe_identity
from netspec_torch.compute import choose_memory_format, describe_device
from netspec_torch.data import DataSet, Loader, Loaders, Statistics, open_loaders
from netspec_torch.distributed.checks import check_classes, check_same_data
from netspec_torch.distributed.images import measure_together
from netspec_torch.distributed.local_net import LocalNet, place_net
from netspec_torch.distributed.step import SharedStep
from netspec_torch.distributed.world import World
from netspec_torch.evaluate import take_some
from netspec_torch.fitting import fit, open_data_of
from netspec_torch.module import build, parameter_factors
from netspec_torch.options import Options
from netspec_torch.run_folder import RunFolder
from netspec_torch.snapshot import Snapshot
from netspec_torch.solver import make_optimizer
from netspec_torch.step import TrainingStep
from netspec_torch.weights import load_weights


@dataclass(frozen=True)
class Job:
    """A run that is ready to begin or to go on."""

    net: CheckedNet
    """With the data's number of classes."""
    settings: dict[str, str]
    """The parameters that somebody gave a value."""
    classes_note: str
    """Where the number of classes comes from, if not from the net alone."""
    recipe: Recipe
    """With what the options say in place of the file."""
    options: Options
    data: DataSet
    loaders: Loaders
    tests: Loader
    """Gives the held-out images of the tests on the way."""
    local: LocalNet
    """The net, or what of it this process trains."""
    weights_notes: tuple[str, ...]
    """What the weights begin as, where a file has them."""
    optimizer: torch.optim.Optimizer
    step: TrainingStep
    rates: Rates
    folder: RunFolder
    """Where the run is written."""
    identity: dict[str, Any]
    """What decides the run's weights (`changes.py`)."""
    start: int = 0
    """Updates already done."""
    start_notes: tuple[str, ...] = ()
    """What the plan has to say of going on from there."""

    @cached_property
    def plan(self) -> Plan:
        """What will be done."""
        assert self.net.recipe is not None
        return Plan(
            net=self.net.name,
            num_params=self.net.graph.num_params,
            weights_notes=self.weights_notes,
            classes_note=self.classes_note,
            data=_plan_data(self.data, self.loaders),
            recipe=self.recipe,
            clock=self.rates.clock,
            total=self.rates.total,
            stop_note=_describe_stop(self.net.recipe, self.recipe),
            start=self.start,
            start_notes=self.start_notes,
            drops=self.rates.watch.drops,
            device_batch=self.options.device_batch,
            has_batch_normalization=any(
                isinstance(node.layer, BatchNorm) for node in self.net.graph.nodes
            ),
            test_images=_count_tests(self.data, self.options),
            device=describe_device(self.device),
            processes=self.local.describe(self.recipe.batch),
            precision=_describe_precision(self.options),
            seed=self.options.settled_seed,
            folder=str(self.folder.path),
        )

    @property
    def world(self) -> World:
        """The processes of the run."""
        return self.local.world

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.world.device

    @property
    def trained(self) -> fx.GraphModule:
        """The net with its heads: what the solver knows."""
        return self.local.trained

    @property
    def module(self) -> fx.GraphModule:
        """The net as it is used, on the same weights."""
        return self.local.module

    @property
    def has_whole_tests(self) -> bool:
        """Whether the tests on the way take every held-out image."""
        return self.plan.test_images == self.plan.data.held_out


def prepare(
    net: CheckedNet,
    options: Options,
    folder: RunFolder,
    snapshot: Snapshot | None,
    listener: Listener,
    world: World,
) -> Job:
    """Make a run ready that is written to `folder` and begins, or goes on from a snapshot; of this
    only what was measured on the images is taken, all else is `resuming.bring_back`'s.

    Raises TrainingError, DataError, and CompileError where the net does not hold with the data's
    number of classes.
    """
    seed = options.settled_seed
    with world.one_a_machine_first():
        data = open_data_of(net, options, listener)
    check_same_data(world, data)
    fitted = fit(net, data, options, world)
    recipe = fitted.recipe
    settings = dict(net.settings)
    net = fitted.net
    local = place_net(
        net.graph,
        world,
        seed,
        in_parts=options.device_batch is not None,
        splits_fc=recipe.parallel.fc == "split",
    )
    weights_notes = _begin_from(local, net, options, is_begun=snapshot is not None)
    identity = describe_identity(net, recipe, options, data)
    statistics = None if snapshot is None else _take_statistics(snapshot, identity)
    local.rows.layout = choose_memory_format(net.graph.nodes)
    layout = choose_memory_format(local.nodes)
    loaders, tests = _open_images(
        data, net.graph, recipe, options, world, layout, statistics, listener
    )
    check_classes(world, data)
    local.trained.to(world.device, memory_format=layout)  # type: ignore[call-overload]
    factors = parameter_factors(net.graph)
    parameters = local.trained.named_parameters()
    optimizer = make_optimizer(recipe.solver, parameters, factors, local.add_parts)
    total = fitted.clock.count_whole_updates(recipe.stop)
    return Job(
        net=net,
        settings=settings,
        classes_note=fitted.classes_note,
        recipe=recipe,
        options=options,
        data=data,
        loaders=loaders,
        tests=tests,
        local=local,
        weights_notes=weights_notes,
        optimizer=optimizer,
        step=_make_step(local, optimizer, recipe, fitted.clock, options),
        rates=Rates(recipe.solver.rate, recipe.schedule, fitted.clock, total),
        folder=folder,
        identity=identity,
    )


def _begin_from(
    local: LocalNet, net: CheckedNet, options: Options, *, is_begun: bool
) -> tuple[str, ...]:
    """Give the net the weights of the options' file, if there is one and the run begins."""
    if options.weights is None:
        return ()
    if is_begun:
        return (f"began as those of {options.weights}",)
    state, notes = local.world.ask_first(lambda: _load_whole(local, net, options))
    if state:
        local.trained.load_state_dict(local.take(state))
    return notes


def _load_whole(
    local: LocalNet, net: CheckedNet, options: Options
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The weights of the whole net, where they are not in `local` already, with what is to be said
    of them."""
    assert options.weights is not None
    whole = local.trained
    if local.portion is not None:
        whole = build(net, seed=options.settled_seed, heads=bool(net.graph.heads))
    loaded = load_weights(
        whole,
        net,
        options.weights,
        weights_map=options.weights_map,
        fresh_last=bool(options.fresh_last),
    )
    state = {} if local.portion is None else whole.state_dict()
    return state, tuple(loaded.describe())


def _open_images(
    data: DataSet,
    graph: Graph,
    recipe: Recipe,
    options: Options,
    world: World,
    layout: torch.memory_format,
    statistics: Statistics | None,
    listener: Listener,
) -> tuple[Loaders, Loader]:
    """The loaders of a run, and that of the tests on the way: of all held-out images or of some."""
    shape = graph[graph.inputs[0]].shape
    seed = options.settled_seed
    loaders = open_loaders(
        data,
        recipe,
        shape,
        seed=seed,
        share=world.share,
        device=world.device,
        memory_format=layout,
        statistics=statistics,
        threads=world.threads,
        measure=measure_together(world),
        progress=listener.measuring,
    )
    count = _count_tests(data, options)
    if count == len(data.held_out):
        return loaders, loaders.held_out
    return loaders, Loader(
        take_some(data.held_out, count),
        recipe.test_transforms,
        shape,
        batch=recipe.test_batch or recipe.batch,
        seed=seed,
        share=world.share,
        statistics=loaders.statistics,
        device=world.device,
        memory_format=layout,
        threads=world.threads,
    )


def _count_tests(data: DataSet, options: Options) -> int:
    whole = len(data.held_out)
    return whole if options.eval_images is None else min(options.eval_images, whole)


def _take_statistics(snapshot: Snapshot, now: Mapping[str, Any]) -> Statistics | None:
    """What was measured before, unless other images are read, or in another way."""
    earlier = snapshot.state["identity"]
    is_same = all(earlier.get(name) == now[name] for name in ("data", "recipe: train"))
    return Statistics.from_tensors(snapshot.statistics) if is_same and snapshot.statistics else None


def _make_step(
    local: LocalNet,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    clock: Clock,
    options: Options,
) -> TrainingStep:
    net = torch.compile(local.trained) if options.compile else local.trained
    world = local.world
    make = (
        partial(TrainingStep, rows=local.rows)
        if world.size == 1
        else partial(SharedStep, local=local, clock=clock)
    )
    return make(
        local.as_replica(net),
        optimizer,
        recipe.loss,
        clip=recipe.solver.clip,
        heads=local.graph.heads,
        device=world.device,
        precision=options.settled_precision,
        seed=options.settled_seed,
        device_batch=options.device_batch,
    )


def _plan_data(data: DataSet, loaders: Loaders) -> PlannedData:
    return PlannedData(
        name=data.name,
        origin=data.origin,
        division=data.division,
        train=len(data.train),
        held_out=len(data.held_out),
        classes=data.class_names,
        chance=data.held_out.chance,
        notice=data.notice,
        notes=(*data.notes, *loaders.notes),
    )


def _describe_stop(written: Recipe, settled: Recipe) -> str:
    if written.stop == settled.stop:
        return ""
    return (
        f"ends after {write_value(settled.stop)}, not after {write_value(written.stop)} as the "
        "recipe says"
    )


def _describe_precision(options: Options) -> str:
    is_half = options.settled_precision == "bf16"
    precision = "bfloat16 with float32 weights" if is_half else "float32"
    return f"{precision}, compiled" if options.compile else precision
