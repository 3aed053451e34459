"""Convolution and pooling, window by window, against loops that follow the definition."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.functional import pad as pad_map

from netspec.layers.base import Layer, LayerError
from netspec.layers.convolution import Kernels
from netspec.layers.deconvolution import Deconv
from netspec.layers.pooling import AvgPool, MaxPool
from netspec.layers.windows import WindowSpan
from netspec.tensor import Shape
from netspec_torch import build
from tests.layers.build import build_layer, pad
from tests.netspec_torch.graphs import make_graph, make_input, make_layer_graph, make_node
from tests.netspec_torch.legal_layers import LEGAL_LAYERS

THOROUGH = settings(max_examples=150, suppress_health_check=list(HealthCheck))


def random_map(shape: Shape) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def places(span: WindowSpan) -> Iterator[list[int]]:
    """The pixels under each window, numbered from the map's first; some lie outside of it."""
    for window in range(span.output):
        start = window * span.stride - span.before
        yield [start + tap * span.dilation for tap in range(span.size)]


def pixel(x: Tensor, row: int, column: int) -> Tensor | None:
    """The numbers of a place in all channels; None outside the map."""
    inside = 0 <= row < x.shape[1] and 0 <= column < x.shape[2]
    return x[:, row, column] if inside else None


def convolve(layer: Kernels, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The definition, one output position after the other."""
    shape = Shape(*x.shape)
    height, width = layer.spans(shape)
    groups = layer.channel_groups(shape)
    kernels = weight.unflatten(0, (groups, -1))
    output = torch.empty(len(weight), height.output, width.output, dtype=x.dtype)
    for i, rows in enumerate(places(height)):
        for j, columns in enumerate(places(width)):
            total = bias.clone()
            for u, row in enumerate(rows):
                for v, column in enumerate(columns):
                    if (there := pixel(x, row, column)) is not None:
                        grouped = there.unflatten(0, (groups, -1))
                        total += torch.einsum("gc,goc->go", grouped, kernels[..., u, v]).flatten()
            output[:, i, j] = total
    return output


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
@THOROUGH
@given(data=st.data())
def test_convolution_follows_its_definition(kind: str, data: st.DataObject) -> None:
    layer, (shape,) = data.draw(LEGAL_LAYERS[kind])
    assert isinstance(layer, Kernels)
    try:
        graph = make_layer_graph(layer, shape)
    except LayerError:
        assume(False)
    module = build(graph, seed=1, dtype=torch.float64)
    state = module.state_dict()
    weight = state["it.weight"]
    bias = state.get("it.bias", torch.zeros(len(weight), dtype=torch.float64))
    x = random_map(shape)
    expected = convolve(layer, x, weight, bias)
    torch.testing.assert_close(module(x[None])[0].reshape(expected.shape), expected)


def pool(layer: MaxPool | AvgPool, x: Tensor) -> Tensor:
    """The definition, one output position after the other."""
    height, width = layer.spans(Shape(*x.shape))
    output = torch.empty(len(x), height.output, width.output, dtype=x.dtype)
    for i, rows in enumerate(places(height)):
        for j, columns in enumerate(places(width)):
            seen = [pixel(x, row, column) for row in rows for column in columns]
            inside = torch.stack([there for there in seen if there is not None])
            if isinstance(layer, MaxPool):
                output[:, i, j] = inside.amax(0)
            else:
                counted = len(inside)
                if layer.count_pad:
                    counted = count_padded(height, rows) * count_padded(width, columns)
                output[:, i, j] = inside.sum(0) / counted
    return output


def count_padded(span: WindowSpan, places: list[int]) -> int:
    """How many of the places lie in the map or its padding."""
    return sum(-span.before <= place < span.input + span.after for place in places)


@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
@THOROUGH
@given(data=st.data())
def test_pool_follows_its_definition(kind: str, data: st.DataObject) -> None:
    layer, (shape,) = data.draw(LEGAL_LAYERS[kind])
    assert isinstance(layer, MaxPool | AvgPool)
    try:
        graph = make_layer_graph(layer, shape)
    except LayerError:
        assume(False)
    x = random_map(shape)
    expected = pool(layer, x)
    output = build(graph, dtype=torch.float64)(x[None])[0].reshape(expected.shape)
    torch.testing.assert_close(output, expected)


@settings(THOROUGH, max_examples=100)
@given(data=st.data())
def test_deconv_is_the_gradient_of_its_conv(data: st.DataObject) -> None:
    """A deconv maps an output's gradient of the conv with the same numbers to its input's."""
    layer, (shape,) = data.draw(LEGAL_LAYERS["deconv"])
    assert isinstance(layer, Deconv)
    try:
        graph = make_layer_graph(layer, shape)
    except LayerError:
        assume(False)
    module = build(graph, seed=1, dtype=torch.float64)
    weight, bias = (module.state_dict().get(f"it.{name}") for name in ("weight", "bias"))
    assert weight is not None
    x = random_map(shape)
    y = torch.zeros(1, *graph["it"].shape, dtype=torch.float64, requires_grad=True)
    top, bottom, left, right = layer.padding()
    padded = pad_map(y, (left, right, top, bottom))
    made = conv2d(padded, weight, stride=layer.stride, groups=layer.groups)
    made[:, :, : shape.height, : shape.width].backward(x[None])
    assert y.grad is not None
    expected = y.grad[0] if bias is None else y.grad[0] + bias[:, None, None]
    torch.testing.assert_close(module(x[None])[0].reshape(expected.shape), expected)


@pytest.mark.parametrize(
    ("layer", "torch_module"),
    [
        (build_layer("conv", 4, 3, pad=1), nn.Conv2d),
        (build_layer("conv", 4, 3, stride=2, pad="half"), nn.Conv2d),
        (build_layer("conv", 4, 5, pad="same"), nn.Conv2d),
        (build_layer("depthwise", 3, pad="same"), nn.Conv2d),
        (build_layer("deconv", 4, 4, stride=2, pad=1), nn.ConvTranspose2d),
        (build_layer("maxpool", 3, stride=2, pad=1, round="up"), nn.MaxPool2d),
        (build_layer("avgpool", 3, stride=2, round="up"), nn.AvgPool2d),
        (build_layer("avgpool", "global"), nn.AdaptiveAvgPool2d),
    ],
    ids=["even", "half", "same", "depthwise", "deconv", "maxpool up", "avgpool up", "global"],
)
def test_what_torch_has_is_one_call_of_its_module(layer: Layer, torch_module: type) -> None:
    graph = make_layer_graph(layer, Shape(4, 12, 12))
    module = build(graph)
    assert type(module.get_submodule("it")) is torch_module
    assert "pad(" not in module.code


@pytest.mark.parametrize(
    "layer",
    [
        build_layer("conv", 3, 3, stride=2, pad="same"),
        build_layer("conv", 3, 3, stride=2, round="up"),
        build_layer("conv", 3, 4, pad=pad(1, 2)),
    ],
    ids=["same", "up", "uneven"],
)
def test_shared_conv_pads_each_map_by_its_own_size(layer: Kernels) -> None:
    large, small = make_input(Shape(2, 8, 8), "large"), make_input(Shape(2, 7, 7), "small")
    first = make_node("first", layer, [large])
    again = make_node("again_1", layer, [small], shares="first")
    module = build(make_graph([large, small, first, again]), seed=1, dtype=torch.float64)
    state = module.state_dict()
    assert list(state) == ["first.weight", "first.bias"]
    x = random_map(small.shape)
    expected = convolve(layer, x, state["first.weight"], state["first.bias"])
    output = module(torch.zeros(1, 2, 8, 8, dtype=torch.float64), x[None])[0]
    torch.testing.assert_close(output, expected)
