"""The memory of training, estimated from shapes, and what PyTorch keeps and allocates."""

import re
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from netspec.analyses.kept_tensors import KEPT
from netspec.analyses.training_memory import need_one_device
from netspec.analyses.update_walk import Walk
from netspec.compiler.pipeline import compile_file
from netspec.compiler.program import CheckedNet
from netspec.graph import Graph
from netspec.layers import KINDS
from netspec.layers.base import LayerError
from netspec.recipe.device import Precision
from netspec_torch import build
from netspec_torch.compute import choose_memory_format
from tests.bench.bench_memory import MIB, Case, list_cases
from tests.compiled import compile_text
from tests.netspec_torch.graphs import make_layer_graph
from tests.netspec_torch.legal_layers import LEGAL_LAYERS
from tests.netspec_torch.peak import measure_peak

SPECS = Path(__file__).parents[2] / "specs"
IMAGES = 3
WITHIN = 0.15
QUICK = settings(max_examples=10, suppress_health_check=list(HealthCheck))


def test_every_kind_is_in_the_table() -> None:
    assert KEPT.keys() == KINDS.keys() - {"activate"}


@pytest.mark.parametrize("kind", [kind for kind in LEGAL_LAYERS if kind != "input"])
@QUICK
@given(data=st.data())
def test_what_is_kept_is_what_autograd_saves(kind: str, data: st.DataObject) -> None:
    """But for numbers of which there are few: one for each channel, position or image."""
    layer, shapes = data.draw(LEGAL_LAYERS[kind])
    try:
        graph = make_layer_graph(layer, *shapes)
    except LayerError:
        assume(False)
    names = frozenset(node.name for node in graph.nodes)
    shares = need_one_device(graph, None).shares
    walk = Walk(graph, shares, names, IMAGES, "float32", keeps_gradients=False)
    walk.go_forward()
    told = sum(walk.sizes_kept("it").values())
    few = 8 * IMAGES * max(sum(shape) + shape.height * shape.width for shape in shapes) + 64
    found = count_saved(graph)
    assert abs(found - told) <= few, f"{found} bytes saved, {told} told"


def count_saved(graph: Graph) -> int:
    """Bytes that autograd saves of a net beside its weights, each storage once."""
    module = build(graph, seed=0)
    module.to(memory_format=choose_memory_format(graph.nodes))  # type: ignore[call-overload]
    own = {tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    alive: list[Tensor] = []
    inputs = [
        torch.randn(IMAGES, *graph[name].shape)
        .to(memory_format=choose_memory_format(graph.nodes))
        .requires_grad_()
        for name in graph.inputs
    ]
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*inputs)
    return sum(saved.values())


SMALL = """
    block unit(width, stride = 1) {
      add {
        branch {
          conv width, 3x3, stride=stride, pad=1, bias=no; batchnorm; relu
          conv width, 3x3, pad=1, bias=no; batchnorm
        }
        branch { if stride != 1 { conv width, 1x1, stride=stride, bias=no; batchnorm } }
      }
      relu
    }
    net small(classes = 10) {
      input 3x64x64
      conv 32, 5x5, pad=0:4; relu
      maxpool 3x3, stride=2
      unit 32; unit 64, stride=2
      early: head weight=0.3 { avgpool global; fc classes }
      concat { branch { conv 32, 1x1; swish }; branch { avgpool 3x3, stride=1, pad=1 } }
      multiply { branch { }; branch { avgpool global; conv channels, 1x1; sigmoid } }
      dropout 0.3
      avgpool 3x3, stride=3
      fc 512; relu; dropout 0.5, inverted=no
      fc classes
    }
    train {
      data photographs { resize 64; subtract mean }
      batch 16; loss softmax
      sgd rate=0.01, momentum=0.9
      stop after=9 epochs
    }
"""


def check_peak(net: CheckedNet, batch: int, precision: Precision) -> None:
    assert net.recipe
    told = need_one_device(net.graph, net.recipe.solver).measure(batch, precision).peak
    found = measure_peak(net, batch, precision)
    assert abs(told / found - 1) < WITHIN, f"{told / 2**20:.1f} MiB, found {found / 2**20:.1f}"


def compile_one(text: str) -> CheckedNet:
    (net,) = compile_text(text).nets
    return net


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("batch", [2, 16])
def test_the_peak_of_a_small_net(batch: int, precision: Precision) -> None:
    check_peak(compile_one(SMALL), batch, precision)


@pytest.mark.parametrize(
    "solver",
    [
        "sgd rate=0.1",
        "adam rate=0.1",
        "rmsprop rate=0.1, momentum=0.9, eps_inside=yes",
        "lars rate=0.1, trust=0.001, biases=no, momentum=0.9",
    ],
)
def test_what_solvers_remember_and_make_for_a_moment(solver: str) -> None:
    check_peak(compile_one(SMALL.replace("sgd rate=0.01, momentum=0.9", solver)), 2, "float32")


def test_frozen_layers_keep_nothing() -> None:
    text = SMALL.replace("conv 32, 5x5, pad=0:4;", "conv 32, 5x5, pad=0:4, rate=0;")
    check_peak(compile_one(text), 16, "float32")


def test_a_part_of_a_batch_finds_gradients_there() -> None:
    net = compile_one(SMALL)
    assert net.recipe
    needs = need_one_device(net.graph, net.recipe.solver)
    told = needs.measure(8, keeps_gradients=True).peak
    found = measure_peak(net, 24, "float32", device_batch=8)
    assert abs(told / found - 1) < WITHIN


@pytest.mark.slow
@pytest.mark.parametrize("case", list(list_cases()), ids=lambda case: "-".join(map(str, case)))
def test_the_peak_of_networks(case: Case) -> None:
    check_peak(compile_file(SPECS / f"{case.spec}.net").nets[0], case.batch, case.precision)


def test_the_table_of_the_docs() -> None:
    """What it says was estimated is estimated, and within 15 % of what it says was found."""
    text = (SPECS.parent / "docs" / "performance.md").read_text(encoding="utf-8")
    row = r"^(\| `specs/\w+\.net` \| \d+ \| \w+ \|) ([\d.,]+) \| ([\d.,]+) \| ([\d.]+) \|$"
    rows = re.findall(row, text, re.MULTILINE)
    assert [heading for heading, *_ in rows] == [case.heading for case in list_cases()]
    for case, (_, told, found, ratio) in zip(list_cases(), rows, strict=True):
        assert told == f"{case.estimate() / MIB:,.1f}"
        quotient = float(told.replace(",", "")) / float(found.replace(",", ""))
        assert abs(quotient - 1) < WITHIN
        assert abs(quotient - float(ratio)) < 0.001


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec", ["googlenet", "densenet121", "squeezenet", "convnext_tiny", "vgg11", "inception_v3"]
)
def test_the_peak_of_more_networks(spec: str) -> None:
    check_peak(compile_file(SPECS / f"{spec}.net").nets[0], 8, "float32")
