"""The memory of an update by hand, of devices that share a net, and the largest batch that fits.
That PyTorch needs as much is held in tests/netspec_torch.
"""

from pathlib import Path

import pytest

from netspec.analyses.training_memory import (
    TrainingMemory,
    find_largest_batch,
    need_columns,
    need_one_device,
)
from netspec.compiler.pipeline import compile_file
from netspec.recipe.solver import Adam, RmsProp, Sgd
from tests.compiled import compile_graph

SPECS = Path(__file__).parents[2] / "specs"
TINY = """
net tiny {
  input 1x4x4                      # 16 numbers
  conv 2, 1x1, bias=no             # 32, from 2 weights
  relu
  fc 3, bias=no                    # 3, from 96 weights and a copy of 32 numbers
}
"""
MOMENTUM = Sgd(rate=0.1, momentum=0.9)


def test_a_tiny_net_by_hand() -> None:
    """Kept of two images: themselves, the relu's result, the copy, the scores. The peak is where
    the fc has made the gradients of its 32 numbers and 96 weights."""
    found = need_one_device(compile_graph(TINY), MOMENTUM).measure(2)
    kept = 2 * 4 * (16 + 32 + 32 + 3)
    peak = 2 * 4 * 98 + kept + 2 * 4 * 32 + 4 * 96
    assert found == TrainingMemory(4 * 98, 4 * 98, 4 * 98, kept, peak)
    assert found.passing == 2 * 4 * 32 - 4 * 2  # the conv's gradient comes later


def test_where_gradients_come_as_activations_go_nothing_passes() -> None:
    found = TrainingMemory(weights=100, gradients=100, solver=0, activations=2048, peak=2200)
    assert found.passing == 0
    assert found.describe_parts() == "weights 100 bytes, gradients 100 bytes, activations 2.0 KiB"


def test_half_precision_halves_what_sums_read_and_give() -> None:
    """The image is read as a copy; weights have copies too; scores are half as large."""
    found = need_one_device(compile_graph(TINY), None).measure(2, "bf16")
    assert found.activations == 2 * (4 * 16 + 2 * (16 + 32 + 32 + 3)) + 2 * 98


def test_what_is_frozen_has_no_gradient_and_keeps_nothing() -> None:
    text = TINY.replace("conv 2, 1x1, bias=no", "conv 2, 1x1, bias=no, rate=0")
    found = need_one_device(compile_graph(text), MOMENTUM).measure(2)
    assert (found.gradients, found.solver) == (4 * 96, 4 * 96)
    assert found.activations == 2 * 4 * (16 + 32 + 3)  # no relu


def test_the_peak_is_in_the_step_where_weights_are_most_of_all() -> None:
    graph = compile_graph("net a { input 1000x1x1; fc 1000, bias=no }")
    assert need_one_device(graph, MOMENTUM).measure(1).peak >= 3 * 4 * 10**6
    assert need_one_device(graph, Adam(rate=0.1)).measure(1).solver == 2 * 4 * 10**6
    assert need_one_device(graph, RmsProp(rate=0.1)).measure(1).peak >= 6 * 4 * 10**6


def test_gradients_of_other_parts_are_there_from_the_start() -> None:
    needs = need_one_device(compile_file(SPECS / "resnet18.net").nets[0].graph, MOMENTUM)
    alone, after = needs.measure(16), needs.measure(16, keeps_gradients=True)
    assert alone[:4] == after[:4]
    assert alone.peak < after.peak <= alone.peak + alone.gradients


@pytest.mark.parametrize("spec", ["alexnet", "alexnet-2012-code"])
def test_devices_share_the_weights_of_a_net(spec: str) -> None:
    (net,) = compile_file(SPECS / f"{spec}.net").nets
    whole = need_one_device(net.graph, MOMENTUM).measure(128)
    columns = [needs.measure(128) for needs in need_columns(net.graph, MOMENTUM)]
    for part in range(3):
        assert sum(column[part] for column in columns) == whole[part]
    assert sum(column.activations for column in columns) > whole.activations
    assert all(whole.peak / 2 < column.peak < whole.peak for column in columns)


def test_a_net_of_one_device_has_one_column() -> None:
    graph = compile_graph(TINY)
    (column,) = need_columns(graph, MOMENTUM)
    assert column.measure(5) == need_one_device(graph, MOMENTUM).measure(5)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("spec", ["alexnet", "mobilenet_v2", "lenet"])
def test_the_largest_batch_fits_and_one_more_does_not(spec: str, precision: str) -> None:
    needs = need_one_device(compile_file(SPECS / f"{spec}.net").nets[0].graph, MOMENTUM)
    for room in (1e9, 3e9, 80e9):
        most = find_largest_batch([needs], room, precision)  # type: ignore[arg-type]
        assert most > 0
        assert needs.measure(most, precision).peak <= room  # type: ignore[arg-type]
        assert needs.measure(most + 1, precision).peak > room  # type: ignore[arg-type]


def test_where_not_one_image_fits() -> None:
    needs = need_one_device(compile_graph(TINY), MOMENTUM)
    assert find_largest_batch([needs], 100) == 0
    assert find_largest_batch([needs], needs.measure(1).peak) == 1


def test_every_spec_can_be_measured() -> None:
    for path in sorted(SPECS.glob("*.net")):
        for net in compile_file(path).nets:
            assert net.recipe
            needs = need_one_device(net.graph, net.recipe.solver)
            found = needs.measure(net.recipe.batch)
            assert found.peak > found.weights + found.solver + found.gradients / 2, path
