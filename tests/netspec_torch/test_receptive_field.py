"""Which pixels a layer is computed from, found by trying: change a row or column of the input, see
what of the output changes, and hold what the layer and the analysis say against it.
"""

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import fx

from netspec.analyses.receptive_field import COLUMNS, ROWS, find_fields
from netspec.graph import Graph
from netspec.layers.base import Layer, LayerError
from netspec.layers.normalization import GroupNorm
from netspec.tensor import Interval, Reach, Shape
from netspec_torch import build
from tests.compiled import compile_graph
from tests.layers.build import build_layer, pad
from tests.netspec_torch.graphs import make_layer_graph
from tests.netspec_torch.legal_layers import LEGAL_LAYERS

QUICK = settings(max_examples=20, suppress_health_check=list(HealthCheck))
WHOLE_WINDOWS = {
    *("conv", "depthwise", "maxpool", "avgpool", "adaptiveavgpool", "fc", "flatten"),
    *("upsample", "pad", "crop", "slice", "shuffle", "identity", "add", "concat"),
}
"""Kinds of which every position sees something, and every change of it shows."""


def find_seen(module: fx.GraphModule, graph: Graph, axis: int) -> list[dict[str, set[int]]]:
    """For each row or column of the output, those of each input that change it."""
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.rand(1, *graph[name].shape, generator=generator, dtype=torch.float64)
        for name in graph.inputs
    ]
    output = graph[graph.output].shape
    before = module(*inputs).reshape(*output)
    seen: list[dict[str, set[int]]] = [{} for _ in range(output[1 + axis])]
    for which, name in enumerate(graph.inputs):
        for pixel in range(graph[name].shape[1 + axis]):
            changed = [tensor.clone() for tensor in inputs]
            there = changed[which].select(2 + axis, pixel)
            there += 10 + torch.rand(there.shape, generator=generator, dtype=torch.float64)
            differs = (module(*changed).reshape(*output) != before).any(dim=0).any(dim=1 - axis)
            for place in differs.nonzero().flatten().tolist():
                seen[place].setdefault(name, set()).add(pixel)
    return seen


@pytest.mark.parametrize("kind", sorted(LEGAL_LAYERS.keys() - {"input"}))
@QUICK
@given(data=st.data())
def test_reaches_are_what_a_change_shows(kind: str, data: st.DataObject) -> None:
    layer, shapes = data.draw(LEGAL_LAYERS[kind])
    if isinstance(layer, GroupNorm):  # PyTorch refuses to normalize a single number
        assume(shapes[0].elements > layer.groups)
    try:
        graph = make_layer_graph(layer, *shapes)
    except LayerError:
        assume(False)
    is_whole = kind in WHOLE_WINDOWS and getattr(layer, "dilation", (1, 1)) == (1, 1)
    check_reaches(graph, is_whole=is_whole)


@pytest.mark.parametrize(
    "layer",
    [
        build_layer("deconv", 2, 4, stride=2, pad=1),
        build_layer("deconv", 2, 3, stride=2, pad=1, output_pad=1),
        build_layer("deconv", 2, 5, stride=3, pad=pad(2, 0)),
        build_layer("deconv", 2, 2, stride=2),
        build_layer("deconv", 2, 3),
    ],
    ids=str,
)
def test_a_deconv_reaches_back_to_what_it_spreads(layer: Layer) -> None:
    check_reaches(make_layer_graph(layer, Shape(3, 5, 4)), is_whole=True)


def check_reaches(graph: Graph, *, is_whole: bool) -> None:
    """Hold the layer's reaches against what changes: all of it, or at least that."""
    node = graph["it"]
    module = build_net(graph)
    reaches = node.layer.list_reaches(node.input_shapes, node.shape)
    for axis in (ROWS, COLUMNS):
        seen = find_seen(module, graph, axis)
        for name, reach in zip(node.inputs, reaches, strict=True):
            said = list_said(graph, name, reach, axis)
            shown = [found.get(name, set()) for found in seen]
            assert all(found <= expected for found, expected in zip(shown, said, strict=True))
            if is_whole and any(list_said(graph, name, reach, 1 - axis)):
                assert shown == said


def list_said(graph: Graph, name: str, reach: tuple[Reach, Reach], axis: int) -> list[set[int]]:
    """For each row or column of the output, those of an input that it is said to depend on."""
    places = range(graph["it"].shape[1 + axis])
    inside = set(range(graph[name].shape[1 + axis]))
    seen = (reach[axis].see(Interval(place, place + 1)) for place in places)
    return [inside & set(range(*interval)) for interval in seen]


NETS = {
    "a chain": "conv 4, 3x3, stride=2, pad=1; relu; maxpool 3x3, stride=2; conv 4, 5x1, pad=2x0",
    "an inception": """
        conv 4, 3x3, pad=1
        concat {
          branch { conv 2, 1x1; relu }
          branch { conv 2, 5x5, pad=2 }
          branch { maxpool 3x3, stride=1, pad=same }
        }
        avgpool 2x2, stride=2
    """,
    "residuals": """
        conv 4, 3x3, pad=1, stride=2
        repeat 2 { add { branch { conv 4, 3x3, pad=1; relu }; branch { } } }
    """,
    "squeeze and excitation": """
        conv 4, 3x3, pad=1
        multiply { branch { }; branch { avgpool global; conv 4, 1x1; sigmoid } }
    """,
}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("axis", [ROWS, COLUMNS])
def test_fields_are_what_a_change_shows(net: str, axis: int) -> None:
    graph = compile_graph(f"net a {{ input 3x32x28\n{NETS[net]}\n}}")
    field = find_fields(graph, graph[graph.output])["input_1"][axis]
    extent = graph["input_1"].shape[1 + axis]
    seen = [found["input_1"] for found in find_seen(build_net(graph), graph, axis)]
    assert field.jump is not None
    for place, pixels in enumerate(seen):
        start = int(field.start + field.jump * place)
        said = set(range(start, start + field.size))
        is_inside = start >= 0 and start + field.size <= extent
        assert pixels == said if is_inside else pixels <= said


def test_the_largest_field_of_an_enlarged_map_is_told() -> None:
    graph = compile_graph(
        """
        net a {
          input 3x32x32
          a: conv 4, 3x3, pad=1
          maxpool 2x2, stride=2
          conv 4, 3x3, pad=1
          b: deconv 4, 2x2, stride=2
          concat from a, b
          conv 2, 3x3, pad=1
        }
        """
    )
    field, _ = find_fields(graph, graph[graph.output])["input_1"]
    seen = [found["input_1"] for found in find_seen(build_net(graph), graph, ROWS)]
    assert field.jump == 1
    assert max(map(len, seen)) == field.size
    assert max(seen[0]) < field.start + field.size


def build_net(graph: Graph) -> fx.GraphModule:
    return build(graph, seed=1, dtype=torch.float64).eval()
