"""Random layers of every kind, cut at random: what two and four columns compute of them is what one
process does, or the checker says that they can't be cut.
"""

import random

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from torch.distributed import get_rank, group

from netspec.compiler.placement import check_placement
from netspec.graph import Graph
from netspec.layers.base import Layer, LayerError
from netspec_torch.distributed.columns import Column
from netspec_torch.distributed.masks import Rows
from netspec_torch.distributed.portion import Groups, build_portion
from netspec_torch.module import build
from tests.layers.build import build_layer
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.runs import IMAGES, LAST, Pass, run_module
from tests.netspec_torch.distributed.test_columns import check_equal
from tests.netspec_torch.graphs import make_graph, make_input, make_node
from tests.netspec_torch.legal_layers import LEGAL_LAYERS, LayerAndShapes

EXAMPLES = 30
SHARE_WHOLE = 0.15
"""Of the layers that could be split, those that lie whole on one GPU."""
PYTORCH_CANNOT = ("Padding size should be less than", "output size is too small", "non-empty")


def run_whole_graph(graph: Graph) -> Pass:
    return run_module(graph, build(graph, seed=1, dtype=torch.float64), 0, LAST)


def run_column_of_graph(graph: Graph) -> Pass:
    column = Column.of(graph, get_rank())
    assert group.WORLD is not None
    rows = Rows(0, IMAGES, IMAGES, IMAGES)
    module = build_portion(column, Groups(group.WORLD), rows, seed=1, dtype=torch.float64)
    return run_module(graph, module, 0, LAST, column.slices)


def place(layer: Layer, channels: int, gpus: int, chance: random.Random) -> Layer:
    """The layer, split where it can be and chance will have it, else whole on any GPU."""
    if channels % gpus == 0 and chance.random() >= SHARE_WHOLE:
        return layer
    return layer.model_copy(update={"gpu": chance.randrange(gpus)})


def surround(example: LayerAndShapes, gpus: int, chance: random.Random) -> Graph:
    """A net in which the layer reads what convolutions give, and an fc reads the layer."""
    layer, shapes = example
    inputs = [make_input(s._replace(channels=2), f"x{i}") for i, s in enumerate(shapes)]
    convolutions = [
        make_node(
            f"a{number}",
            place(build_layer("conv", shape.channels, (1, 1)), shape.channels, gpus, chance),
            [input],
        )
        for number, (shape, input) in enumerate(zip(shapes, inputs, strict=True))
    ]
    channels = layer.infer_shape(shapes).channels
    it = make_node("it", place(layer, channels, gpus, chance), convolutions)
    end = make_node("end", build_layer("fc", 2 * gpus), [it])
    return replace(make_graph([*inputs, *convolutions, it, end]), gpus=gpus)


def check_kind(kind: str, processes: Processes) -> None:
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(LEGAL_LAYERS[kind], st.integers(0, 2**30))
    def check(example: LayerAndShapes, seed: int) -> None:
        try:
            graph = surround(example, processes.size, random.Random(seed))
        except LayerError:
            return
        if check_placement(graph):
            return
        try:
            whole = run_whole_graph(graph)
        except RuntimeError as error:
            if any(words in str(error) for words in PYTORCH_CANNOT):
                return
            raise
        check_equal(whole, processes.run(run_column_of_graph, graph), 1e-9)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(LEGAL_LAYERS.keys() - {"input"}))
def test_two_columns_of_any_layer(pair: Processes, kind: str) -> None:
    check_kind(kind, pair)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(LEGAL_LAYERS.keys() - {"input"}))
def test_four_columns_of_any_layer(four: Processes, kind: str) -> None:
    check_kind(kind, four)
