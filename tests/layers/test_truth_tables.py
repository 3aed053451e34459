"""Networks of others, layer by layer: what torchvision says of its own, and what arithmetic says of
AlexNet's, against the shapes, parameters and multiply-adds that the layers infer from the input.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from netspec.layers.base import Layer
from netspec.tensor import Shape
from tests.layers.build import build_layer, count_params

ORACLE = Path(__file__).parents[1] / "oracle"
NETWORKS = ["alexnet", "googlenet", "inception_v3", "mobilenet_v2", "resnet50"]

Line = dict[str, Any]
PLAIN = {
    "ReLU": build_layer("relu"),
    "ReLU6": build_layer("relu6"),
    "Dropout": build_layer("dropout", 0.5),
    "BatchNorm2d": build_layer("batchnorm"),
}


def read_size(value: int | list[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def build_from_torchvision(line: Line) -> Layer:
    """The layer of one line, as a file would have it."""
    channels = line["out"][0]
    match line["class"]:
        case "Conv2d":
            named = {"pad": read_size(line["p"]), "groups": line["g"], "bias": line["bias"]}
            size, stride = read_size(line["k"]), read_size(line["s"])
            return build_layer("conv", channels, size, stride=stride, **named)
        case "MaxPool2d":
            round = "up" if line["ceil"] else "down"
            return build_layer("maxpool", line["k"], stride=line["s"], pad=line["p"], round=round)
        case "AdaptiveAvgPool2d" if line["out"] == line["in"][0]:
            return build_layer("identity")
        case "AdaptiveAvgPool2d":
            return build_layer("avgpool", "global")
        case "Linear":
            return build_layer("fc", channels)
        case name:
            return PLAIN[name]


@pytest.mark.parametrize("network", NETWORKS)
def test_torchvision(network: str) -> None:
    table = json.loads((ORACLE / f"{network}.json").read_text())
    params = macs = averages = 0
    for line in table["layer"]:
        layer = build_from_torchvision(line)
        inputs = [Shape(*shape) for shape in line["in"]]
        output = layer.infer_shape(inputs)
        assert output == Shape(*line["out"]), line["name"]
        assert layer.count_macs(inputs, output) == line.get("macs", 0), line["name"]
        if "repeat" not in line:
            assert count_params(layer, *inputs) == line["params"], line["name"]
            params += line["params"]
            weights = layer.list_weights(inputs)
            averages += sum(weight.elements for weight in weights if not weight.is_learned)
        macs += layer.count_macs(inputs, output)
    assert params == table["params_in_called_leaves"]
    assert macs == table["macs"]
    assert averages == table["buffers_running_stats"]


def build_from_variant(line: Line, rounding: str) -> Layer:
    """The layer of one line of AlexNet's table, which calls the kinds as Caffe does."""
    channels = line["out"][0]
    match line["kind"]:
        case "conv":
            named = {name: line[name] for name in ("stride", "pad", "groups")}
            return build_layer("conv", channels, line["kernel"], round=rounding, **named)
        case "pool":
            return build_layer("maxpool", line["kernel"], stride=line["stride"], round=rounding)
        case "fc":
            return build_layer("fc", channels)
        case "drop":
            return build_layer("dropout", 0.5)
        case "lrn":
            return build_layer("lrn", 5)
        case kind:
            return build_layer(kind)


@pytest.mark.parametrize(
    ("variant", "rounding"),
    [
        ("a_paper_2012_two_gpu_224", "up"),
        ("a_paper_2012_two_gpu_227", "down"),
        ("b_caffe_bvlc_alexnet", "down"),
        ("c_caffe_caffenet", "down"),
        ("e_original_without_groups", "down"),
    ],
)
def test_alexnets(variant: str, rounding: str) -> None:
    table = json.loads((ORACLE / "alexnet_variants.json").read_text())["variants"][variant]
    shape = Shape(*table["input"])
    params = macs = 0
    for line in table["layers"]:
        layer = build_from_variant(line, rounding)
        output = layer.infer_shape([shape])
        assert output == Shape(*line["out"]), line["name"]
        assert count_params(layer, shape) == line["weights"] + line["biases"], line["name"]
        assert layer.count_macs([shape], output) == line["macs"], line["name"]
        params += count_params(layer, shape)
        macs += layer.count_macs([shape], output)
        shape = output
    assert (params, macs) == (table["params"], table["macs"])
