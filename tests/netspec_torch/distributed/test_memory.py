"""The memory of devices that share a training: what each is estimated to need, and what each of two
processes allocates, as a column of a net or as a replica of it.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

import netspec
from netspec.analyses.scaling import Layout, Scaling
from netspec.analyses.training_memory import need_columns
from netspec.compiler.program import CheckedNet
from netspec.recipe.clock import Clock
from netspec.recipe.device import Precision
from netspec.source import SourceFile
from netspec_torch.compute import choose_memory_format
from netspec_torch.distributed.local_net import place_net
from netspec_torch.distributed.step import SharedStep
from netspec_torch.distributed.world import join_world
from netspec_torch.module import parameter_factors
from netspec_torch.solver import make_optimizer
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.peak import count_bytes, list_tensors, record

SPECS = Path(__file__).parents[3] / "specs"
WITHIN = 0.15
A_FEW_NUMBERS = 64
"""Bytes: which process still has the last loss depends on which is ahead."""


def load(spec: str, *, splits_fc: bool = False) -> CheckedNet:
    """A net of `specs/`; what splits its fully connected layers is a line of the recipe."""
    path = SPECS / f"{spec}.net"
    text = path.read_text(encoding="utf-8")
    if splits_fc:
        text = text.replace("  stop after", "  parallel fc=split\n  stop after")
    return netspec.load(SourceFile(str(path), text, path)).net


def measure(net: CheckedNet, batch: int, precision: Precision) -> int:
    """The most bytes that live at once in this process's part of an update: the second, in which
    DDP finds its buckets anew, so that these are counted."""
    assert net.recipe
    graph, layout = net.graph, choose_memory_format(net.graph.nodes)
    with join_world(net.name, graph.gpus, "cpu") as world:
        splits_fc = net.recipe.parallel.fc == "split"
        local = place_net(graph, world, seed=0, splits_fc=splits_fc)
        local.trained.to(memory_format=layout)  # type: ignore[call-overload]
        local.rows.layout = layout
        parameters, factors = local.trained.named_parameters(), parameter_factors(graph)
        optimizer = make_optimizer(net.recipe.solver, parameters, factors, local.add_parts)
        named: Any = {"device": world.device, "precision": precision, "local": local}
        clock = Clock(images=4 * batch, batch=batch)
        replica = local.as_replica(local.trained)
        step = SharedStep(replica, optimizer, net.recipe.loss, clock=clock, **named)
        own = world.share.cut(slice(0, batch))
        count = own.stop - own.start
        images = torch.randn(count, *graph[graph.inputs[0]].shape).to(memory_format=layout)
        labels = torch.randint(graph[graph.output].shape.channels, (count,))
        step(images, labels, 0)
        before = count_bytes([*list_tensors(local.trained, optimizer), images])
        most, _ = record(lambda: step(images, labels, 1))
        return before + most


@pytest.mark.parametrize(
    ("batch", "precision"),
    [(8, "float32"), *(pytest.param(32, p, marks=pytest.mark.slow) for p in ("float32", "bf16"))],
)
def test_columns_need_what_is_estimated(pair: Processes, batch: int, precision: Precision) -> None:
    net = load("alexnet")
    assert net.recipe
    needs = need_columns(net.graph, net.recipe.solver)
    for column, found in zip(needs, pair.run(measure, net, batch, precision), strict=True):
        told = column.measure(batch, precision).peak
        assert abs(told / found - 1) < WITHIN, f"{told / 2**20:.1f} MiB, found {found / 2**20:.1f}"


@pytest.mark.parametrize(
    ("spec", "batch"),
    [
        ("lenet", 8),
        *(pytest.param(s, 8, marks=pytest.mark.slow) for s in ("resnet18", "mobilenet_v2")),
    ],
)
def test_replicas_need_what_is_planned(pair: Processes, spec: str, batch: int) -> None:
    net = load(spec)
    assert net.recipe
    told = Scaling.of(net.graph, net.recipe.solver).measure_memory(Layout(2, 1), batch).peak
    for found in pair.run(measure, net, batch, "float32"):
        assert abs(told / found - 1) < WITHIN, f"{told / 2**20:.1f} MiB, found {found / 2**20:.1f}"


@pytest.mark.parametrize(
    ("spec", "batch"), [("lenet", 16), pytest.param("alexnet-one-tower", 8, marks=pytest.mark.slow)]
)
def test_split_fcs_need_what_is_planned(pair: Processes, spec: str, batch: int) -> None:
    """The first process has no less than the other, a few single numbers aside."""
    net = load(spec, splits_fc=True)
    assert net.recipe
    layout = Layout(2, splits_fc=True)
    told = Scaling.of(net.graph, net.recipe.solver).measure_memory(layout, batch).peak
    found, other = pair.run(measure, net, batch, "float32")
    assert abs(told / found - 1) < WITHIN, f"{told / 2**20:.1f} MiB, found {found / 2**20:.1f}"
    assert other <= found + A_FEW_NUMBERS
