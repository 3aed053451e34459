"""A net as a torch module: names, sharing, heads, vectors, and what PyTorch does with it."""

import copy
import io
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from netspec.backend import UnsupportedLayerError
from netspec.graph import Graph, Head, Node
from netspec.layers.base import Layer
from netspec.tensor import Shape
from netspec_torch import build, parameter_factors, without_heads
from tests.layers.build import build_layer
from tests.netspec_torch.graphs import (
    make_chain,
    make_graph,
    make_input,
    make_node,
    record_shapes,
)

IMAGE = Shape(3, 8, 8)
CONV, RELU, FC = build_layer("conv", 4, 3, pad=1), build_layer("relu"), build_layer("fc", 5)


def images(number: int = 2, shape: Shape = IMAGE) -> Tensor:
    return torch.randn(number, *shape, generator=torch.Generator().manual_seed(0))


def small_net() -> Graph:
    return make_chain(
        IMAGE,
        [
            ("conv1", CONV),
            ("relu_1", RELU),
            ("a3.concat_1.branch_2.conv_1", CONV),
            ("lrn_1", build_layer("lrn", 3, alpha=0.1)),
            ("fc8", FC),
        ],
    )


def net_with_head() -> Graph:
    image = make_input(IMAGE)
    conv = make_node("conv1", CONV, [image])
    aside = make_node("early.fc_1", build_layer("fc", 6), [conv], head="early")
    fc = make_node("fc8", FC, [conv])
    return make_graph([image, conv, aside, fc], [Head("early", 0.3, "early.fc_1")])


def test_names_are_the_paths_of_labels() -> None:
    assert list(build(small_net()).state_dict()) == [
        "conv1.weight",
        "conv1.bias",
        "a3.concat_1.branch_2.conv_1.weight",
        "a3.concat_1.branch_2.conv_1.bias",
        "fc8.weight",
        "fc8.bias",
    ]


def test_code_reads_like_the_net() -> None:
    assert [
        line.split(";")[0].strip() for line in build(small_net()).code.split("\n") if "=" in line
    ] == [
        "conv1 = self.conv1(input_1)",
        "relu_1 = self.relu_1(conv1)",
        "a3_concat_1_branch_2_conv_1 = self.a3.concat_1.branch_2.conv_1(relu_1)",
        "lrn_1 = self.lrn_1(a3_concat_1_branch_2_conv_1)",
        "fc8 = self.fc8(lrn_1)",
        "fc8_vector = torch.flatten(fc8, 1)",
    ]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("half", "half_"),
        ("half_", "half__"),
        ("class", "class_"),
        ("forward", "forward_"),
        ("training", "training_"),
        ("code", "code_"),
        ("halves", "halves"),
        ("_", "_"),
    ],
)
def test_label_that_torch_or_python_has_taken(label: str, name: str) -> None:
    graph = make_chain(IMAGE, [(label, CONV), (f"block.{label}", CONV), ("fc8", FC)])
    module = build(graph, seed=0)
    assert f"{name}.weight" in module.state_dict()
    assert f"block.{name}.bias" in parameter_factors(graph)
    assert module(images()).shape == (2, 5)
    assert module.train().training


def test_input_called_like_a_word_of_python() -> None:
    inputs = [make_input(IMAGE, "lambda"), make_input(IMAGE, "left")]
    module = build(make_graph([*inputs, make_node("add_1", build_layer("add"), inputs)]))
    x = images()
    assert torch.equal(module(x, left=x), 2 * x)


def test_inputs_come_in_their_order() -> None:
    left, right = make_input(IMAGE, "left"), make_input(Shape(1, 8, 8), "right")
    module = build(make_graph([left, right, make_node("it", build_layer("concat"), [right, left])]))
    x, y = images(), images(shape=right.shape)
    assert torch.equal(module(x, y), torch.cat([y, x], dim=1))


def test_shared_weights_stand_once() -> None:
    left, right = make_input(IMAGE, "left"), make_input(IMAGE, "right")
    first = make_node("tower.conv_1", CONV, [left])
    again = make_node("again_1.conv_1", CONV, [right], shares="tower.conv_1")
    relu = make_node("again_1.relu_1", RELU, [again], shares="tower.relu_1")
    both = make_node("concat_1", build_layer("concat"), [first, relu])
    graph = make_graph([left, right, first, again, relu, both])
    module = build(graph)
    assert list(module.state_dict()) == ["tower.conv_1.weight", "tower.conv_1.bias"]
    assert list(parameter_factors(graph)) == list(module.state_dict())
    x = images()
    one, other = module(x, x).chunk(2, dim=1)
    assert torch.equal(one.relu(), other)


def test_evaluation_has_no_heads() -> None:
    module = build(net_with_head(), seed=0)
    assert list(module.state_dict()) == ["conv1.weight", "conv1.bias", "fc8.weight", "fc8.bias"]
    assert module(images()).shape == (2, 5)


def test_training_has_heads() -> None:
    graph = net_with_head()
    module = build(graph, seed=0, heads=True)
    output, exits = module(images())
    assert output.shape == (2, 5)
    assert {name: tuple(x.shape) for name, x in exits.items()} == {"early": (2, 6)}
    assert parameter_factors(graph).keys() == dict(module.named_parameters()).keys()
    assert torch.equal(output, build(graph, seed=0)(images()))


def test_net_without_heads_has_none_in_training() -> None:
    output, exits = build(small_net(), heads=True)(images())
    assert output.shape == (2, 5)
    assert exits == {}


def test_without_heads_shares_the_weights() -> None:
    graph = net_with_head()
    training = build(graph, seed=0, heads=True)
    evaluation = without_heads(training, graph)
    assert all("early" not in name for name in evaluation.state_dict())
    with torch.no_grad():
        training.get_parameter("conv1.weight").add_(1)
    assert torch.equal(evaluation(images()), training(images())[0])
    assert "early" in training(images())[1]


VECTOR_READERS: Sequence[Layer] = [
    build_layer("conv", 4, 3, pad=1),
    build_layer("avgpool", "global"),
    build_layer("maxpool", 1, stride=1),
    build_layer("lrn", 3),
    build_layer("batchnorm"),
    build_layer("layernorm"),
    build_layer("fc", 4),
    build_layer("softmax"),
    build_layer("flatten"),
    build_layer("upsample", to=(4, 4)),
    build_layer("deconv", 4, 4),
]


@pytest.mark.parametrize("layer", VECTOR_READERS, ids=lambda layer: layer.kind)
def test_any_layer_reads_a_vector(layer: Layer) -> None:
    """Whether it comes from an fc, an input or a pool, inside it is N x C x 1 x 1."""
    for before in (build_layer("fc", 6), build_layer("avgpool", "global")):
        image = make_input(Shape(6, 4, 4))
        vector = make_node("vector", before, [image])
        node = make_node("it", layer, [vector])
        module = build(make_graph([image, vector, node]), seed=0)
        inside = record_shapes(module, images(2, image.shape))
        assert inside["vector"] == (2, 6, 1, 1)
        assert inside["it"] == (2, *node.shape)
        output = node.shape[:1] if node.shape.is_vector else node.shape
        assert module(images(2, image.shape)).shape == (2, *output)


def test_vector_and_map_join() -> None:
    image = make_input(IMAGE)
    pooled = make_node("pooled", build_layer("avgpool", "global"), [image])
    gate = make_node("gate", build_layer("fc", 3), [pooled])
    product = make_node("multiply_1", build_layer("multiply"), [image, gate])
    module = build(make_graph([image, pooled, gate, product]), seed=0)
    x = images()
    expected = x * module.gate(x.mean((2, 3)))  # type: ignore[operator]
    torch.testing.assert_close(module(x), expected)


def test_output_map_stays_a_map() -> None:
    assert build(make_chain(IMAGE, [("conv1", CONV)]))(images()).shape == (2, 4, 8, 8)


def test_input_that_is_the_output() -> None:
    x = images()
    assert torch.equal(build(make_graph([make_input(IMAGE)]))(x), x)


def test_layer_that_nothing_reads_keeps_its_weights() -> None:
    image = make_input(IMAGE)
    unread = make_node("unread", CONV, [image])
    graph = make_graph([image, unread, make_node("fc8", FC, [image])])
    assert build(graph).state_dict().keys() == parameter_factors(graph).keys()


def test_factors_are_the_layers() -> None:
    layers = [
        ("conv1", build_layer("conv", 4, 3, rate=0.5, bias_rate=2, bias_decay=0)),
        ("bn", build_layer("batchnorm")),
        ("frozen", build_layer("conv", 4, 3, rate=0)),
    ]
    graph = make_chain(IMAGE, layers)
    factors = {name: (w.rate, w.decay) for name, w in parameter_factors(graph).items()}
    assert factors == {
        "conv1.weight": (0.5, 1),
        "conv1.bias": (2, 0),
        "bn.weight": (1, 1),
        "bn.bias": (1, 1),
        "frozen.weight": (0, 1),
        "frozen.bias": (0, 1),
    }
    learned = {name for name, p in build(graph).named_parameters() if p.requires_grad}
    assert learned == {"conv1.weight", "conv1.bias", "bn.weight", "bn.bias"}


class Unknown(Layer):
    """A kind that no backend has."""

    kind = "unknown"
    family = "Tests"


def test_kind_without_an_emitter_is_refused_with_its_place() -> None:
    graph = make_chain(IMAGE, [("strange", Unknown())])
    with pytest.raises(UnsupportedLayerError) as refusal:
        build(graph)
    assert str(refusal.value) == (
        "by_hand.net:1:1: strange is a layer of kind `unknown`, "
        "which the torch backend does not know"
    )


def test_copy_and_state_survive() -> None:
    module = build(small_net(), seed=0).eval()
    clone = copy.deepcopy(module)
    assert torch.equal(clone(images()), module(images()))
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    buffer.seek(0)
    other = build(small_net(), seed=1).eval()
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other(images()), module(images()))


def test_export() -> None:
    module = build(small_net(), seed=0).eval()
    dynamic = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(module, (images(4),), dynamic_shapes=dynamic)
    torch.testing.assert_close(program.module()(images(3)), module(images(3)))


def test_bfloat16_training_step_in_channels_last() -> None:
    module = build(small_net(), seed=0)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = images().to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        loss = module(x).float().square().mean()
    loss.backward()
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compile() -> None:
    """Torch warns here of what its own compiler does."""
    module = build(small_net(), seed=0)
    clone = copy.deepcopy(module)
    compiled = torch.compile(clone, fullgraph=True)
    for run in (module, compiled):
        run(images()).square().sum().backward()
    torch.testing.assert_close(compiled(images()), module(images()))
    for (name, parameter), other in zip(module.named_parameters(), clone.parameters(), strict=True):
        torch.testing.assert_close(other.grad, parameter.grad, msg=name)


@pytest.mark.gpu
def test_on_cuda_as_on_the_cpu() -> None:
    module = build(small_net(), seed=0, dtype=torch.float64)
    x = images().double()
    expected = module(x)
    torch.testing.assert_close(module.cuda()(x.cuda()).cpu(), expected)


def test_order_of_nodes_is_that_of_the_graph() -> None:
    names = [node.name for node in build(small_net()).graph.nodes if node.op == "call_module"]
    wanted = [node.name.replace(".", "_") for node in small_net().nodes if is_module(node)]
    assert names == wanted


def is_module(node: Node) -> bool:
    return node.layer.kind != "input"
