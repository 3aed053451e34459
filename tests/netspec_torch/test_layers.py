"""What a layer kind's own rules say of shapes and weights is what PyTorch computes."""

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from netspec.graph import Graph
from netspec.layers import KINDS
from netspec.layers.base import Layer, LayerError
from netspec.tensor import Shape
from netspec.values import Size
from netspec_torch import build
from netspec_torch.compute import choose_memory_format
from netspec_torch.layers import EMITTERS
from tests.layers.build import build_layer
from tests.netspec_torch.graphs import make_layer_graph
from tests.netspec_torch.legal_layers import LEGAL_LAYERS

EVERY_KIND = pytest.mark.parametrize("kind", LEGAL_LAYERS)
QUICK = settings(max_examples=25, suppress_health_check=list(HealthCheck))
IMAGES = 2


def test_every_kind_has_an_emitter() -> None:
    assert EMITTERS.keys() == KINDS.keys() - {"activate"}
    assert LEGAL_LAYERS.keys() == EMITTERS.keys()


def draw_graph(data: st.DataObject, kind: str) -> Graph:
    layer, shapes = data.draw(LEGAL_LAYERS[kind])
    try:
        return make_layer_graph(layer, *shapes)
    except LayerError:
        assume(False)
        raise


def random_inputs(graph: Graph) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    names = graph.inputs
    return [torch.randn(IMAGES, *graph[name].shape, generator=generator) for name in names]


def expected_output(shape: Shape) -> tuple[int, ...]:
    return (IMAGES, shape.channels) if shape.is_vector else (IMAGES, *shape)


@EVERY_KIND
@QUICK
@given(data=st.data())
def test_shape_is_what_torch_computes(kind: str, data: st.DataObject) -> None:
    graph = draw_graph(data, kind)
    output = build(graph, seed=0).eval()(*random_inputs(graph))
    assert output.shape == expected_output(graph[graph.output].shape)
    assert output.isfinite().all()


@EVERY_KIND
@QUICK
@given(data=st.data())
def test_weights_are_what_the_layer_lists(kind: str, data: st.DataObject) -> None:
    graph = draw_graph(data, kind)
    node = graph[graph.output]
    listed = {f"{node.name}.{weight.name}": weight.shape for weight in node.weights}
    state = {
        name: tuple(tensor.shape) for name, tensor in build(graph, seed=0).state_dict().items()
    }
    if kind == "batchnorm":
        assert state.pop("it.num_batches_tracked") == ()
    assert state == listed
    learned = sum(parameter.numel() for parameter in build(graph, seed=0).parameters())
    assert learned == node.num_params


@EVERY_KIND
@settings(QUICK, max_examples=5)
@given(data=st.data())
def test_memory_format_changes_no_number(kind: str, data: st.DataObject) -> None:
    graph = draw_graph(data, kind)
    memory_format = choose_memory_format(graph.nodes)
    inputs = random_inputs(graph)
    module = build(graph, seed=0).eval()
    plain = module(*inputs)
    module.to(memory_format=memory_format)  # type: ignore[call-overload]
    output = module(*(x.to(memory_format=memory_format) for x in inputs))
    torch.testing.assert_close(output, plain)


def test_a_convolution_that_torch_computes_wrongly_in_channels_last_stays_out_of_it() -> None:
    wrong = build_layer("conv", 1, Size((4, 4)), stride=Size((1, 2)))
    right = build_layer("conv", 1, Size((4, 4)), stride=2)
    shape = Shape(1, 5, 5)
    assert choose_memory_format(make_layer_graph(wrong, shape).nodes) == torch.contiguous_format
    assert choose_memory_format(make_layer_graph(right, shape).nodes) == torch.channels_last


@EVERY_KIND
@settings(QUICK, max_examples=5)
@given(data=st.data())
def test_bfloat16_autocast_runs_and_is_near(kind: str, data: st.DataObject) -> None:
    graph = draw_graph(data, kind)
    inputs = random_inputs(graph)
    module = build(graph, seed=0).eval()
    with torch.autocast("cpu", torch.bfloat16):
        output = module(*(x.bfloat16() for x in inputs))
    torch.testing.assert_close(output.float(), module(*inputs), rtol=0.1, atol=0.1)


@EVERY_KIND
@settings(QUICK, max_examples=5)
@given(data=st.data())
def test_gradient_reaches_every_weight(kind: str, data: st.DataObject) -> None:
    graph = draw_graph(data, kind)
    module = build(graph, seed=0)
    inputs = [x.requires_grad_() for x in random_inputs(graph)]
    if kind == "batchnorm":
        assume(graph[graph.output].shape.elements > 1)
    module(*inputs).square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def apply(layer: Layer, *inputs: Tensor) -> Tensor:
    """What the layer makes of images that are given as C x H x W, in evaluation."""
    graph = make_layer_graph(layer, *(Shape(*x.shape) for x in inputs))
    output: Tensor = build(graph, seed=0).eval()(*(x[None] for x in inputs))[0]
    return output


def ramp(*shape: int) -> Tensor:
    return torch.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape)


X = torch.tensor([-4.0, -1.5, -0.5, 0.0, 0.5, 2.0, 7.0])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (build_layer("relu"), X.clamp(min=0)),
        (build_layer("relu6"), X.clamp(0, 6)),
        (build_layer("elu"), torch.where(X > 0, X, X.exp() - 1)),
        (build_layer("gelu"), X * (1 + torch.erf(X / 2**0.5)) / 2),
        (build_layer("sigmoid"), 1 / (1 + (-X).exp())),
        (build_layer("tanh"), (1 - (-2 * X).exp()) / (1 + (-2 * X).exp())),
        (build_layer("hardsigmoid"), (X + 3).clamp(0, 6) / 6),
        (build_layer("swish"), X / (1 + (-X).exp())),
        (build_layer("hardswish"), X * (X + 3).clamp(0, 6) / 6),
        (build_layer("mish"), X * torch.tanh(torch.log(1 + X.exp()))),
        (build_layer("leakyrelu", 0.2), torch.where(X > 0, X, 0.2 * X)),
        (build_layer("prelu", 0.3), torch.where(X > 0, X, 0.3 * X)),
        (build_layer("multiply", 0.17), 0.17 * X),
    ],
    ids=lambda value: value.kind if isinstance(value, Layer) else "",
)
def test_function_of_each_number(layer: Layer, expected: Tensor) -> None:
    torch.testing.assert_close(apply(layer, X[None, None]), expected[None, None])


def test_softmax_is_over_the_channels() -> None:
    x = ramp(3, 2, 2)
    expected = x.exp() / x.exp().sum(dim=0)
    torch.testing.assert_close(apply(build_layer("softmax"), x), expected)


def test_fc_reads_channel_row_column() -> None:
    graph = make_layer_graph(build_layer("fc", 2), Shape(2, 2, 3))
    module = build(graph, seed=0)
    weight = ramp(2, 12)
    module.load_state_dict({"it.weight": weight, "it.bias": torch.tensor([1.0, -1.0])})
    x = ramp(2, 2, 3)
    expected = [sum(w * v for w, v in zip(row, x.flatten(), strict=True)) for row in weight]
    assert module(x[None]).tolist() == [[float(expected[0]) + 1, float(expected[1]) - 1]]


def test_flatten_reads_channel_row_column_in_channels_last() -> None:
    x = ramp(2, 2, 3)
    module = build(make_layer_graph(build_layer("flatten"), Shape(2, 2, 3)))
    output = module(x[None].to(memory_format=torch.channels_last))
    assert output.tolist() == [list(range(1, 13))]


def test_shuffle_deals_the_groups_out() -> None:
    output = apply(build_layer("shuffle", 3), ramp(6, 1, 2)[:, :, :1].expand(6, 1, 2))
    assert output[:, 0, 0].tolist() == [1, 5, 9, 3, 7, 11]


def test_slice_excludes_its_end() -> None:
    assert torch.equal(apply(build_layer("slice", 1, 3), ramp(4, 2, 2)), ramp(4, 2, 2)[1:3])


@pytest.mark.parametrize(("extent", "size", "first"), [(5, 3, 1), (5, 2, 1), (4, 3, 0), (3, 3, 0)])
def test_crop_cuts_the_odd_pixel_behind(extent: int, size: int, first: int) -> None:
    x = ramp(2, extent, extent)
    kept = slice(first, first + size)
    assert torch.equal(apply(build_layer("crop", size), x), x[:, kept, kept])


@pytest.mark.parametrize("kind", ["add", "multiply", "maximum"])
def test_join_of_three(kind: str) -> None:
    a, b, c = (torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(i)) for i in range(3))
    expected = {"add": a + b + c, "multiply": a * b * c, "maximum": a.maximum(b).maximum(c)}[kind]
    torch.testing.assert_close(apply(build_layer(kind), a, b, c), expected)


def test_multiply_spreads_a_vector_and_a_map() -> None:
    whole, vector, plane = ramp(2, 3, 3), ramp(2, 1, 1), ramp(1, 3, 3)
    assert torch.equal(apply(build_layer("multiply"), whole, vector), whole * vector)
    assert torch.equal(apply(build_layer("multiply"), plane, whole), whole * plane)


def test_layernorm_is_over_the_channels() -> None:
    x = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0))
    deviation = (x.var(dim=0, unbiased=False) + 1e-3).sqrt()
    expected = (x - x.mean(dim=0)) / deviation
    torch.testing.assert_close(apply(build_layer("layernorm", eps=1e-3), x), expected)


def test_groupnorm_is_over_groups_and_positions() -> None:
    x = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0))
    runs = x.reshape(2, -1)
    normal = (runs - runs.mean(1, keepdim=True)) / runs.std(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(
        apply(build_layer("groupnorm", 2, eps=1e-9), x), normal.reshape(4, 3, 2)
    )


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shift", [True, False])
def test_batchnorm_with_either_weight(scale: bool, shift: bool) -> None:
    layer = build_layer("batchnorm", scale=scale, shift=shift, momentum=0.25)
    module = build(make_layer_graph(layer, Shape(2, 3, 3)), seed=0)
    state = module.state_dict()
    for name, value in (("it.weight", 3.0), ("it.bias", -2.0)):
        if name in state:
            state[name].fill_(value)
    x = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    normal = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
    expected = normal * (3 if scale else 1) - (2 if shift else 0)
    torch.testing.assert_close(module(x), expected)
    torch.testing.assert_close(module.state_dict()["it.running_mean"], 0.25 * mean)
    unbiased = 0.75 + 0.25 * x.var((0, 2, 3))
    torch.testing.assert_close(module.state_dict()["it.running_var"], unbiased)


def test_scale_multiplies_and_shifts_channels() -> None:
    module = build(make_layer_graph(build_layer("scale", bias=True), Shape(2, 2, 2)), seed=0)
    factor, shift = torch.tensor([2.0, 3.0]), torch.tensor([1.0, -1.0])
    module.load_state_dict({"it.weight": factor, "it.bias": shift})
    x = ramp(2, 2, 2)
    expected = x * factor[:, None, None] + shift[:, None, None]
    assert torch.equal(module(x[None])[0], expected)


@pytest.mark.parametrize("kind", ["dropout", "droppath"])
def test_what_is_dropped_is_a_share_and_the_rest_makes_up_for_it(kind: str) -> None:
    torch.manual_seed(0)
    module = build(make_layer_graph(build_layer(kind, 0.75), Shape(4, 2, 2)))
    output = module(torch.ones(2000, 4, 2, 2))
    assert set(output.unique().tolist()) == {0.0, 4.0}
    assert output.mean().item() == pytest.approx(1, abs=0.15)
    whole_images = {0.0, 4.0} >= set(output.mean((1, 2, 3)).tolist())
    assert whole_images == (kind == "droppath")
    assert torch.equal(module.eval()(torch.ones(3, 4, 2, 2)), torch.ones(3, 4, 2, 2))


def test_dropout_as_it_first_was_makes_up_for_the_rest_at_test() -> None:
    torch.manual_seed(0)
    module = build(make_layer_graph(build_layer("dropout", 0.75, inverted=False), Shape(4, 2, 2)))
    output = module(torch.ones(2000, 4, 2, 2))
    assert set(output.unique().tolist()) == {0.0, 1.0}
    assert output.mean().item() == pytest.approx(0.25, abs=0.05)
    assert torch.equal(module.eval()(torch.ones(3, 4, 2, 2)), torch.full((3, 4, 2, 2), 0.25))


@pytest.mark.parametrize(
    ("arguments", "torch_arguments"),
    [
        ({"factor": 2}, {"scale_factor": 2.0, "mode": "nearest"}),
        ({"factor": (1, 3), "mode": "bilinear"}, {"scale_factor": (1.0, 3.0), "mode": "bilinear"}),
        (
            {"to": (9, 7), "mode": "bilinear", "align": "corners"},
            {"size": (9, 7), "mode": "bilinear", "align_corners": True},
        ),
    ],
)
def test_upsample(arguments: dict[str, object], torch_arguments: dict[str, object]) -> None:
    x = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = functional.interpolate(x[None], **torch_arguments)[0]  # type: ignore[arg-type]
    torch.testing.assert_close(apply(build_layer("upsample", **arguments), x), expected)
