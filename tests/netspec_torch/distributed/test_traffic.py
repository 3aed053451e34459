"""The bytes that cross between columns are those that `netspec check` says: as the collectives are
given them, and as the sockets send them.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed import get_rank, group

from netspec.analyses.fc_split import split_fcs
from netspec.analyses.placement import Crossing, Placement, Reading, place_graph
from netspec.analyses.scaling import Layout, Scaling
from netspec.compiler.pipeline import compile_file
from netspec.graph import Graph
from netspec_torch.data.share import Share
from netspec_torch.distributed.columns import Column
from netspec_torch.distributed.fc_parts import FcPart
from netspec_torch.distributed.masks import Rows
from netspec_torch.distributed.portion import Groups, build_portion
from tests.compiled import compile_graph
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.traffic import CollectiveBytes, measure_sockets
from tests.netspec_torch.distributed.training import CLOCK, measure_update

TESTS = Path(__file__).parents[2]
HEADER_BYTES = 512
"""What gloo says beside the numbers in one collective, at most, here."""

MIXED = """
net mixed {
  gpus 2
  x: input 4x8x8
  a: conv 8, 3x3, pad=1
     lrn 3
     shuffle 2
  b: conv 8, 3x3, gpu=1
     batchnorm
  c: concat { branch { conv 4, 1x1 }; branch { conv 8, 1x1, groups=2 } }
     early: head weight=0.3 { fc 4, gpu=1 }
     fc 10
}
"""


def list_exchanges(graph: Graph, placement: Placement) -> Iterator[Reading]:
    """What crosses in training, a tensor at a time, in the order in which it is computed."""
    exits = [graph.output, *(head.output for head in graph.heads)]
    places = [(node.inputs, placement.nodes[node.name]) for node in graph.nodes]
    for inputs, reading in [*places, *(((name,), placement.exits[name]) for name in exits)]:
        for name in dict.fromkeys(inputs):
            crossings = tuple(c for c in reading.crossings if c.tensor == name)
            returning = tuple(c for c in reading.returning if c.tensor == name)
            if crossings:
                yield Reading((), crossings, returning)


def count_sent(crossings: tuple[Crossing, ...], rank: int, images: int) -> int:
    """Bytes that a GPU sends in a forward pass."""
    return sum(images * crossing.bytes for crossing in crossings if crossing.sender == rank)


def count_returned(crossings: tuple[Crossing, ...], rank: int, images: int) -> int:
    """Bytes of gradients that a GPU sends back."""
    return sum(images * crossing.bytes for crossing in crossings if crossing.receiver == rank)


def measure(graph: Graph, images: int) -> tuple[list[int], list[int], int]:
    """What this column gives to the collectives forward and backward, in order, and what its
    sockets send in both."""
    rows = Rows(0, images, images)
    assert group.WORLD is not None
    column = Column.of(graph, get_rank())
    module = build_portion(column, Groups(group.WORLD), rows, seed=0, heads=bool(graph.heads))
    return measure_pass(module, torch.randn(images, *graph[graph.inputs[0]].shape))


def measure_pass(module: nn.Module, x: torch.Tensor) -> tuple[list[int], list[int], int]:
    """The same of a module."""
    forward, backward = CollectiveBytes(), CollectiveBytes()

    def work() -> None:
        with forward:
            result = module(x)
        outputs = [result] if isinstance(result, torch.Tensor) else [result[0], *result[1].values()]
        with backward:
            torch.stack([output.sum() for output in outputs]).sum().backward()

    moved = measure_sockets(work) if sys.platform == "linux" else sum(forward.sent + backward.sent)
    return forward.sent, backward.sent, moved


def check_traffic(graph: Graph, processes: Processes, images: int) -> None:
    placement = place_graph(graph)
    exchanges = list(list_exchanges(graph, placement))
    total = 0
    for rank, (forward, backward, moved) in enumerate(processes.run(measure, graph, images)):
        assert forward == [count_sent(r.crossings, rank, images) for r in exchanges]
        returned = [count_returned(r.returning, rank, images) for r in exchanges if r.returning]
        assert backward == returned[::-1]
        spoken = moved - sum(forward) - sum(backward)
        assert 0 <= spoken <= HEADER_BYTES * (len(forward) + len(backward))
        total += sum(forward) + sum(backward)
    assert total == images * placement.training_bytes


def test_alexnet_moves_what_the_truth_says(pair: Processes) -> None:
    graph = compile_file(TESTS.parent / "specs" / "alexnet.net").nets[0].graph
    check_traffic(graph, pair, images=1)
    truth = json.loads((TESTS / "oracle" / "alexnet_variants.json").read_text(encoding="utf-8"))
    assert (
        place_graph(graph).training_bytes == truth["two_gpu_traffic"]["bytes_forward_and_backward"]
    )


def test_a_net_of_all_sorts_moves_what_the_check_says(pair: Processes) -> None:
    check_traffic(compile_graph(MIXED), pair, images=5)


@pytest.mark.slow
def test_four_columns_move_what_the_check_says(four: Processes) -> None:
    text = MIXED.replace("gpus 2", "gpus 4")
    check_traffic(compile_graph(text.replace("fc 10", "fc 8")), four, images=3)


FC_MIXED = """
net mixed {
  x: input 4x8x8
  a: conv 6, 3x3, pad=1
     maxpool 2x2, stride=2
     early: head weight=0.3 { fc 5 }
  b: fc 10; relu
  s: softmax
  c: fc 7 from b
     dropout 0.5
  d: fc 4
     concat from s, c, d
     fc 6
}
"""


def measure_split(graph: Graph, shares: list[slice]) -> tuple[list[int], list[int], int]:
    """As `measure`, with the fully connected layers split, and these images on each process."""
    own = shares[get_rank()]
    count, total = own.stop - own.start, shares[-1].stop
    rows = Rows(own.start, count, total, total, tuple(shares))
    assert group.WORLD is not None
    part = FcPart(graph, split_fcs(graph, len(shares)), get_rank())
    groups = Groups(group.WORLD, group.WORLD)
    module = build_portion(part, groups, rows, seed=0, heads=bool(graph.heads))
    return measure_pass(module, torch.randn(count, *graph[graph.inputs[0]].shape))


@pytest.mark.parametrize(("group", "images"), [("pair", 7), ("four", 10)])
def test_split_fcs_move_what_the_analysis_says(
    group: str, images: int, request: pytest.FixtureRequest
) -> None:
    processes: Processes = request.getfixturevalue(group)
    size, graph = processes.size, compile_graph(FC_MIXED)
    split = split_fcs(graph, size)
    shares = [Share(number, size).cut(slice(0, images)) for number in range(size)]
    counts = [share.stop - share.start for share in shares]
    answers = processes.run(measure_split, graph, shares)
    for rank, (forward, backward, moved) in enumerate(answers):
        assert forward == [move.count_sent(rank, counts) for move in split.moves]
        returned = [move.count_received(rank, counts) for move in split.moves]
        assert sorted(backward) == sorted(returned)
        spoken = moved - sum(forward) - sum(backward)
        assert 0 <= spoken <= HEADER_BYTES * (len(forward) + len(backward)) * (size - 1)


WIDE = """
net wide {{
  {gpus}
  input 3x8x8
  conv1: conv 32, 3x3; relu
  conv2: conv 256, 3x3; relu
  fc1:   fc 128; relu
  fc2:   fc 6{place}
}}
train {{
  data some {{ crop 8 }}
  batch 6
  loss softmax
  sgd rate=0.01, momentum=0.9
  {parallel}
  stop after=1 epochs
}}
"""
SPOKEN = 0.03
"""The share that gloo's headers and the sums of losses and errors may add."""


def check_plan(processes: Processes, columns: int, *, splits_fc: bool = False) -> None:
    """What the sockets send for an update is what `netspec plan` says of the busiest device."""
    gpus, place = (f"gpus {columns}", ", gpu=0") if columns > 1 else ("", "")
    parallel = "parallel fc=split" if splits_fc else ""
    text = WIDE.format(gpus=gpus, place=place, parallel=parallel)
    scaling = Scaling.of(compile_graph(text), None)
    load = scaling.load(Layout(processes.size // columns, columns, splits_fc), CLOCK.batch)
    sent = max(processes.run(measure_update, text))
    expected = load.part_bytes + load.replica_bytes
    assert expected <= sent <= expected * (1 + SPOKEN)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's counts of a socket")
@pytest.mark.parametrize("columns", [1, 2])
def test_two_processes_send_what_the_plan_says(pair: Processes, columns: int) -> None:
    check_plan(pair, columns)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's counts of a socket")
@pytest.mark.parametrize("columns", [1, 2])
def test_four_processes_send_what_the_plan_says(four: Processes, columns: int) -> None:
    check_plan(four, columns)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's counts of a socket")
@pytest.mark.parametrize("group", ["pair", "four"])
def test_split_fcs_send_what_the_plan_says(group: str, request: pytest.FixtureRequest) -> None:
    check_plan(request.getfixturevalue(group), columns=1, splits_fc=True)
