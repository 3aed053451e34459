"""AlexNet in one tower (Krizhevsky 2014, as torchvision has it) against the same net in plain PyTorch."""

import torch
from torch import nn

from netspec.graph import Graph
from netspec.layers.base import Layer
from netspec.tensor import Shape
from netspec_torch import build
from tests.layers.build import build_layer
from tests.netspec_torch.graphs import make_chain

WEIGHTED = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


def one_tower() -> Graph:
    relu, pool = build_layer("relu"), build_layer("maxpool", 3, stride=2)
    dropout = build_layer("dropout", 0.5)
    layers: list[tuple[str, Layer]] = [
        ("conv1", build_layer("conv", 64, 11, stride=4, pad=2)),
        ("relu_1", relu),
        ("maxpool_1", pool),
        ("conv2", build_layer("conv", 192, 5, pad=2)),
        ("relu_2", relu),
        ("maxpool_2", pool),
        ("conv3", build_layer("conv", 384, 3, pad=1)),
        ("relu_3", relu),
        ("conv4", build_layer("conv", 256, 3, pad=1)),
        ("relu_4", relu),
        ("conv5", build_layer("conv", 256, 3, pad=1)),
        ("relu_5", relu),
        ("maxpool_3", pool),
        ("dropout_1", dropout),
        ("fc6", build_layer("fc", 4096)),
        ("relu_6", relu),
        ("dropout_2", dropout),
        ("fc7", build_layer("fc", 4096)),
        ("relu_7", relu),
        ("fc8", build_layer("fc", 1000)),
    ]
    return make_chain(Shape(3, 224, 224), layers)


def by_hand() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000),
    )  # fmt: skip


def test_same_weights_same_outputs() -> None:
    graph = one_tower()
    assert graph.num_params == 61_100_840
    assert graph.macs == 714_188_480
    torch.manual_seed(0)
    plain, ours = by_hand().eval(), build(graph, seed=0).eval()
    weights = dict(zip(ours.state_dict(), plain.state_dict().values(), strict=True))
    assert [name.split(".")[0] for name in weights] == [n for n in WEIGHTED for _ in range(2)]
    ours.load_state_dict(weights)
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), plain(x), rtol=1e-5, atol=1e-5)
