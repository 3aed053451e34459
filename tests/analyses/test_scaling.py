"""What an update takes of each device, against AlexNet's truth and against the formula by hand."""

import json
from pathlib import Path

import pytest

from netspec.analyses.scaling import Layout, Machine, Scaling
from netspec.analyses.training_memory import need_columns, need_one_device
from netspec.compiler.pipeline import compile_file
from netspec.recipe.solver import Adam, Sgd
from tests.compiled import compile_graph

TESTS = Path(__file__).parents[1]
TRUTH = json.loads((TESTS / "oracle" / "alexnet_variants.json").read_text(encoding="utf-8"))
BATCH = 128
MOMENTUM = Sgd(rate=0.1, momentum=0.9)
MACHINE = Machine(speed=1e9, link=1e6, column_link=1e7)

TINY = """
net tiny {
  gpus 2
  input 3x4x4
  conv 4, 1x1, bias=no             # 12 weights, 192 multiply-adds, 64 numbers
  relu
  fc 2, bias=no, gpu=0, rate=0     # 128 weights, 128 multiply-adds, 2 numbers
}
"""


@pytest.fixture(scope="module")
def alexnet() -> Scaling:
    return Scaling.of(compile_file(TESTS.parent / "specs" / "alexnet.net").nets[0].graph, MOMENTUM)


def test_alexnets_columns_have_the_truths_work(alexnet: Scaling) -> None:
    for column, truth in zip(alexnet.columns, TRUTH["per_gpu"], strict=True):
        assert column.needs.gradients == 4 * (truth["weights"] + truth["biases"])
        assert column.macs == truth["macs"]
    traffic = TRUTH["two_gpu_traffic"]
    assert sum(c.sent for c in alexnet.columns) == traffic["bytes_forward_and_backward"]
    assert sum(c.received for c in alexnet.columns) == traffic["bytes_forward_and_backward"]
    params = TRUTH["variants"]["a_paper_2012_two_gpu_224"]["params"]
    assert alexnet.whole.needs.gradients == 4 * params


def test_alexnet_on_two_devices(alexnet: Scaling) -> None:
    load = alexnet.load(Layout(1, 2), BATCH)
    first = TRUTH["per_gpu"][0]
    assert load.images == BATCH
    assert load.operations == 6 * first["macs"] * BATCH
    memory = alexnet.measure_memory(Layout(1, 2), BATCH)
    assert memory[:3] == (4 * (first["weights"] + first["biases"]),) * 3
    assert load.part_bytes == TRUTH["two_gpu_traffic"]["bytes_forward"] * BATCH
    assert load.replica_bytes == 0


def test_replicas_have_their_share_of_the_batch(alexnet: Scaling) -> None:
    load = alexnet.load(Layout(3, 1), BATCH)
    params = TRUTH["variants"]["a_paper_2012_two_gpu_224"]["params"]
    assert load.images == 43
    assert load.replica_bytes == 2 * 2 * 4 * params // 3
    assert load.part_bytes == 0


def test_a_tiny_net_by_hand() -> None:
    scaling = Scaling.of(compile_graph(TINY), Adam(rate=0.1))
    whole, first, second = scaling.whole, *scaling.columns
    assert (whole.needs.gradients, whole.macs) == (12 * 4, 320)
    assert (first.needs.gradients, first.macs) == (6 * 4, 96 + 128)
    assert (second.needs.gradients, second.macs) == (6 * 4, 96)
    assert (second.sent, second.received) == (32 * 4, 32 * 4)
    load = scaling.load(Layout(2, 2), 10)
    assert load.images == 5
    assert load.operations == 6 * 224 * 5
    memory = scaling.measure_memory(Layout(2, 2), 10)
    assert memory[:3] == ((6 + 128) * 4, 6 * 4, 2 * 6 * 4)
    assert (load.part_bytes, load.replica_bytes) == (128 * 5, 24)


SPLIT = """
net split {
  input 3x4x4
  a: conv 4, 1x1, bias=no          # 12 weights, 192 multiply-adds, 64 numbers
  b: fc 5, bias=no                 # 320 weights, 320 multiply-adds, 5 numbers
     relu
  c: fc 3, bias=no                 # 15 weights, 15 multiply-adds, 3 numbers
}
"""


def test_split_fcs_by_hand() -> None:
    """Ten images over two: the first has three of b's channels and two of c's."""
    scaling = Scaling.of(compile_graph(SPLIT), Adam(rate=0.1))
    load = scaling.load(Layout(2, splits_fc=True), 10)
    assert load.images == 5
    assert load.operations == 6 * (192 * 5 + (64 * 3 + 5 * 2) * 10)
    trained = 12 + 64 * 3 + 5 * 2
    memory = scaling.measure_memory(Layout(2, splits_fc=True), 10)
    assert memory[:3] == (trained * 4, trained * 4, trained * 4 * 2)
    kept = 48 * 5 + (64 + 3 + 5 + 2) * 10  # images, a's of all, the relu's alone and all, scores
    assert memory.activations == 4 * kept
    moved = 5 * 64 + 5 * 64 + 10 * 3 + 10 * 2 + 5 * 2 + 5 * 1
    assert load.part_bytes == 4 * moved
    assert load.replica_bytes == 4 * 12


def test_split_fcs_take_the_link_of_replicas() -> None:
    scaling = Scaling.of(compile_graph(SPLIT), None)
    layout = Layout(2, splits_fc=True)
    load = scaling.load(layout, 10)
    together = load.operations / 1e9 + (load.part_bytes + load.replica_bytes) / 1e6
    alone = 6 * (192 + 320 + 15) * 10 / 1e9
    assert scaling.efficiency(layout, 10, MACHINE) == pytest.approx(alone / (2 * together))


def test_more_devices_than_channels_are_replicas() -> None:
    scaling = Scaling.of(compile_graph(SPLIT), None)
    layouts = Layout(6, splits_fc=True), Layout(6)
    split, copied = (scaling.load(layout, 12) for layout in layouts)
    assert split.part_bytes == 0
    assert split.operations == copied.operations
    assert split.replica_bytes == copied.replica_bytes
    assert len({scaling.measure_memory(layout, 12) for layout in layouts}) == 1


def test_the_memory_is_that_of_a_replicas_neediest_column() -> None:
    """A replica of two has half of the batch, and room for the gradients that are added up."""
    scaling = Scaling.of(graph := compile_graph(TINY), MOMENTUM)
    first, second = need_columns(graph, MOMENTUM)
    assert first.measure(10).peak > second.measure(10).peak
    assert scaling.measure_memory(Layout(1, 2), 10) == first.measure(10)
    assert scaling.measure_memory(Layout(2, 2), 10) == first.measure(5, keeps_gradients=True)
    whole = need_one_device(graph, MOMENTUM)
    assert scaling.measure_memory(Layout(1, 1), 10) == whole.measure(10)
    assert scaling.measure_memory(Layout(3, 1), 10) == whole.measure(4, keeps_gradients=True)


def test_the_efficiency_by_hand() -> None:
    scaling = Scaling.of(compile_graph(TINY), None)
    alone = 6 * 320 * 8 / 1e9
    together = 6 * 224 * 4 / 1e9 + 128 * 4 / 1e7 + 24 / 1e6
    layout = Layout(2, 2)
    assert scaling.efficiency(layout, 8, MACHINE) == pytest.approx(alone / (4 * together))
    grown = 6 * 224 * 8 / 1e9 + 128 * 8 / 1e7 + 24 / 1e6
    assert scaling.grown_efficiency(layout, 8, MACHINE) == pytest.approx(2 * alone / (4 * grown))
    assert scaling.efficiency(Layout(1, 1), 8, MACHINE) == 1


def test_numbers_of_devices(alexnet: Scaling) -> None:
    assert alexnet.list_devices() == [2**power for power in range(13)]
    three = compile_graph("net tiny { gpus 3; input 3x4x4; conv 6, 1x1; fc 2, gpu=0 }")
    assert Scaling.of(three, None).list_devices()[:6] == [1, 2, 3, 4, 6, 8]
