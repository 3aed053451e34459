"""The networks in specs/, layer by layer in the order in which they are computed, against what the
libraries that others train them with say of theirs (tests/oracle/).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from netspec.compiler.pipeline import compile_file
from netspec.graph import Graph, Node

TESTS = Path(__file__).parent
SPECS = TESTS.parent / "specs"
TABLES = {
    ("alexnet-one-tower.net", "alexnet_one_tower"): "alexnet",
    ("vgg11.net", "vgg11"): "vgg11",
    ("vgg13.net", "vgg13"): "vgg13",
    ("vgg16.net", "vgg16"): "vgg16",
    ("vgg19.net", "vgg19"): "vgg19",
    ("vgg11_bn.net", "vgg11_bn"): "vgg11_bn",
    ("vgg13_bn.net", "vgg13_bn"): "vgg13_bn",
    ("vgg16_bn.net", "vgg16_bn"): "vgg16_bn",
    ("vgg19_bn.net", "vgg19_bn"): "vgg19_bn",
    ("resnet18.net", "resnet18"): "resnet18",
    ("resnet34.net", "resnet34"): "resnet34",
    ("resnet50.net", "resnet50"): "resnet50",
    ("resnet101.net", "resnet101"): "resnet101",
    ("resnet152.net", "resnet152"): "resnet152",
    ("resnet50_2015.net", "resnet50_2015"): "caffe_resnet50",
    ("cifar10_quick.net", "cifar10_quick"): "caffe_cifar10_quick",
    ("cifar10_full.net", "cifar10_full"): "caffe_cifar10_full",
    ("nin.net", "nin"): "caffe_nin_imagenet",
    ("googlenet.net", "googlenet"): "caffe_googlenet",
    ("googlenet_bn.net", "googlenet_bn"): "googlenet",
    ("inception_v3.net", "inception_v3"): "inception_v3",
    ("inception_v4.net", "inception_v4"): "timm_inception_v4",
    ("inception_resnet_v2.net", "inception_resnet_v2"): "timm_inception_resnet_v2",
    ("squeezenet.net", "squeezenet1_0"): "squeezenet1_0",
    ("squeezenet.net", "squeezenet1_1"): "squeezenet1_1",
    ("densenet121.net", "densenet121"): "densenet121",
    ("resnext50_32x4d.net", "resnext50_32x4d"): "resnext50_32x4d",
    ("shufflenet_v2.net", "shufflenet_v2"): "shufflenet_v2_x1_0",
    ("efficientnet_b0.net", "efficientnet_b0"): "efficientnet_b0",
    ("convnext_tiny.net", "convnext_tiny"): "convnext_tiny",
    ("nasnet_a_large.net", "nasnet_a_large"): "timm_nasnetalarge",
    ("nasnet_a_mobile.net", "nasnet_a_mobile"): "cadene_nasnetamobile",
    ("mobilenet_v1.net", "mobilenet_v1"): "timm_mobilenetv1_100",
    ("mobilenet_v2.net", "mobilenet_v2"): "mobilenet_v2",
    ("mobilenet_v3_small.net", "mobilenet_v3_small"): "mobilenet_v3_small",
    ("mobilenet_v3_large.net", "mobilenet_v3_large"): "mobilenet_v3_large",
}
"""File and net, and the table that it equals."""
TABLES_WITH_SETTINGS: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("nasnet_a_large.net", "nasnet_a_large"): ("cadene_nasnetalarge", {"padding": "half"}),
    ("nasnet_a_mobile.net", "nasnet_a_mobile"): ("timm_nasnetamobile", {"padding": "same"}),
    ("mobilenet_v1.net", "mobilenet_v1"): (
        "timm_mobilenetv1_050_160",
        {"width": "0.5", "resolution": "160"},
    ),
    ("mobilenet_v2.net", "mobilenet_v2"): ("mobilenet_v2_050", {"width": "0.5"}),
}
"""File and net, and the table that it equals with other values of its parameters."""
TABLES_WITH_HEADS: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("googlenet.net", "googlenet"): ("caffe_googlenet_aux", {"early": "loss1/", "late": "loss2/"}),
    ("googlenet_bn.net", "googlenet_bn"): ("googlenet_aux", {"early": "aux1.", "late": "aux2."}),
    ("inception_v3.net", "inception_v3"): ("inception_v3_aux", {"auxiliary": "AuxLogits."}),
}
"""File and net, the table of the network in training, and for each head how the names of its lines
begin there."""

Line = dict[str, Any]
Facts = tuple[Any, ...]


def find_graph(file: str, net: str, settings: dict[str, str] | None = None) -> Graph:
    (compiled,) = compile_file(SPECS / file, settings, net).nets
    return compiled.graph


def read_table(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((TESTS / "oracle" / f"{name}.json").read_text("utf-8"))
    return table


def read_pair(value: int | list[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def facts_of_line(line: Line) -> Facts:
    """Output, weights and work of a convolution or a fully connected layer in the table.

    Where the library has channels last, a fully connected layer at each position is a convolution
    of 1x1.
    """
    if line["class"] == "Linear":
        *map_size, channels = line["out"]
        if not map_size:
            return ("fc", channels, line["params"], line["macs"])
        return ("conv", channels, *map_size, *[(1, 1)] * 3, 1, line["params"], line["macs"])
    window = tuple(read_pair(line[key]) for key in "ksd")
    return ("conv", *line["out"], *window, line["g"], line["params"], line["macs"])


def facts_of_node(node: Node) -> Facts:
    """The same of a layer of ours."""
    if node.layer.kind == "fc":
        return ("fc", node.shape.channels, node.num_params, node.macs)
    layer: Any = node.layer
    groups = layer.channel_groups(*node.input_shapes)
    window = (tuple(layer.size), tuple(layer.stride), tuple(layer.dilation))
    return ("conv", *node.shape, *window, groups, node.num_params, node.macs)


def select_lines(lines: Iterable[Line]) -> list[Facts]:
    """The lines of a table that multiply, in order."""
    return [facts_of_line(line) for line in lines if "macs" in line]


def select_nodes(nodes: Iterable[Node]) -> list[Facts]:
    """The nodes of a graph that multiply, in order."""
    kinds = ("conv", "depthwise", "fc")
    return [facts_of_node(node) for node in nodes if node.layer.kind in kinds]


def count_averages(graph: Graph) -> int:
    """Batch normalisation's running averages, heads left out."""
    weights = (weight for node in graph.inference_nodes for weight in node.weights)
    return sum(weight.elements for weight in weights if not weight.is_learned)


def check_against_table(graph: Graph, table: dict[str, Any]) -> None:
    assert select_nodes(graph.inference_nodes) == select_lines(table["layer"])
    assert graph.num_params == table["params_trainable"]
    assert graph.macs == table["macs"]
    assert count_averages(graph) == table["buffers_running_stats"]


@pytest.mark.parametrize(("file", "net"), TABLES)
def test_network_equals_its_table(file: str, net: str) -> None:
    check_against_table(find_graph(file, net), read_table(TABLES[file, net]))


@pytest.mark.parametrize(("file", "net"), TABLES_WITH_SETTINGS)
def test_network_with_other_settings_equals_its_table(file: str, net: str) -> None:
    name, settings = TABLES_WITH_SETTINGS[file, net]
    check_against_table(find_graph(file, net, settings), read_table(name))


def test_paths_are_dropped_at_the_shares_of_the_table() -> None:
    """Stochastic depth: the share grows with each block, which no shape or count would show."""
    for (file, net), table in TABLES.items():
        lines = read_table(table)["layer"]
        told = [line["p"] for line in lines if line["class"] == "StochasticDepth"]
        dropped = [node for node in find_graph(file, net).nodes if node.layer.kind == "droppath"]
        layers: list[Any] = [node.layer for node in dropped]
        assert [layer.p for layer in layers] == pytest.approx(told), file


@pytest.mark.parametrize(("file", "net"), TABLES_WITH_HEADS)
def test_heads_equal_their_table(file: str, net: str) -> None:
    graph = find_graph(file, net)
    name, prefixes = TABLES_WITH_HEADS[file, net]
    lines = read_table(name)["layer"]
    assert {head.name for head in graph.heads} == set(prefixes)
    for head, prefix in prefixes.items():
        ours = select_nodes(node for node in graph.nodes if node.head == head)
        assert ours == select_lines(line for line in lines if line["name"].startswith(prefix))
