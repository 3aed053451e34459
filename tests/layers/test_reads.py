"""Which input channels an output channel depends on, found by trying: change one input channel, see
which outputs change, and hold what the layer says against it for every run of output channels.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn

from netspec.layers import KINDS
from netspec.layers.base import Layer
from netspec.tensor import Interval, Shape
from tests.layers.build import build_layer

F = nn.functional
Run = Callable[..., Tensor]
Case = tuple[Layer, list[Shape], Run]
MAP = Shape(6, 3, 3)


def normalize_locally(x: Tensor, n: int, groups: int = 1) -> Tensor:
    parts = x.chunk(groups, dim=1)
    return torch.cat([F.local_response_norm(part, n, alpha=1.0) for part in parts], dim=1)


def normalize_in_map(x: Tensor) -> Tensor:
    return x / (1 + F.avg_pool2d(x * x, 3, 1, 1)) ** 0.75


def normalize_positions(x: Tensor) -> Tensor:
    last = x.permute(0, 2, 3, 1)
    return F.layer_norm(last, last.shape[-1:]).permute(0, 3, 1, 2)


def draw(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64) + 0.5


ZEROS, ONES = torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64)

ALONE: dict[str, Run] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "elu": F.elu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hardsigmoid": F.hardsigmoid,
    "swish": F.silu,
    "hardswish": F.hardswish,
    "mish": F.mish,
    "leakyrelu": F.leaky_relu,
    "prelu": lambda x: F.prelu(x, draw(6)),
    "softmax": lambda x: x.softmax(1),
    "batchnorm": lambda x: F.batch_norm(x, ZEROS, ONES),
    "layernorm": normalize_positions,
    "scale": lambda x: x * draw(6, 1, 1),
    "flatten": lambda x: x.flatten(1),
    "identity": lambda x: x,
}
"""Kinds that need no argument, on a map."""

LRN = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (20, 1), (3, 2), (4, 2), (5, 3)]
"""Channels in the window, groups."""

CASES: list[Case] = [
    (build_layer("conv", 9, 2), [MAP], lambda x: F.conv2d(x, draw(9, 6, 2, 2))),
    (build_layer("conv", 9, 2, groups=3), [MAP], lambda x: F.conv2d(x, draw(9, 2, 2, 2), groups=3)),
    (build_layer("conv", 4, 1, groups=2), [MAP], lambda x: F.conv2d(x, draw(4, 3, 1, 1), groups=2)),
    (build_layer("depthwise", 3), [MAP], lambda x: F.conv2d(x, draw(6, 1, 3, 3), groups=6)),
    (build_layer("depthwise", 3, multiplier=2), [MAP],
     lambda x: F.conv2d(x, draw(12, 1, 3, 3), groups=6)),
    (build_layer("deconv", 4, 3), [MAP], lambda x: F.conv_transpose2d(x, draw(6, 4, 3, 3))),
    (build_layer("deconv", 4, 3, groups=2), [MAP],
     lambda x: F.conv_transpose2d(x, draw(6, 2, 3, 3), groups=2)),
    (build_layer("fc", 5), [MAP], lambda x: F.linear(x.flatten(1), draw(5, 54))),
    (build_layer("maxpool", 2, stride=1), [MAP], lambda x: F.max_pool2d(x, 2, 1)),
    (build_layer("avgpool", "global"), [MAP], lambda x: F.adaptive_avg_pool2d(x, 1)),
    (build_layer("adaptiveavgpool", 2), [MAP], lambda x: F.adaptive_avg_pool2d(x, 2)),
    (build_layer("dropout", 0.5), [MAP], lambda x: F.dropout(x, 0.5, training=False)),
    (build_layer("droppath", 0.5), [MAP], lambda x: x),
    *((build_layer(kind), [MAP], run) for kind, run in ALONE.items()),
    *((build_layer("lrn", n, groups=groups), [MAP], partial(normalize_locally, n=n, groups=groups))
      for n, groups in LRN),
    (build_layer("lrn", 3, across="map"), [MAP], normalize_in_map),
    (build_layer("groupnorm", 1), [MAP], lambda x: F.group_norm(x, 1)),
    (build_layer("groupnorm", 3), [MAP], lambda x: F.group_norm(x, 3)),
    (build_layer("add"), [MAP, MAP], torch.add),
    (build_layer("maximum"), [MAP, MAP], torch.maximum),
    (build_layer("multiply", 0.17), [MAP], lambda x: 0.17 * x),
    (build_layer("multiply"), [MAP, Shape(6), Shape(1, 3, 3)], lambda x, y, z: x * y * z),
    (build_layer("multiply"), [Shape(1, 3, 3), MAP], torch.mul),
    (build_layer("concat"), [MAP, Shape(1, 3, 3), Shape(4, 3, 3)], lambda *x: torch.cat(x, dim=1)),
    *((build_layer("shuffle", groups), [Shape(12)], partial(F.channel_shuffle, groups=groups))
      for groups in (1, 2, 3, 4, 12)),
    (build_layer("slice", 2, 5), [MAP], lambda x: x[:, 2:5]),
    (build_layer("pad", 1), [MAP], lambda x: F.pad(x, (1, 1, 1, 1))),
    (build_layer("crop", 1), [MAP], lambda x: x[:, :, 1:2, 1:2]),
    (build_layer("upsample", 2), [MAP], lambda x: F.interpolate(x, scale_factor=2)),
]  # fmt: skip
NAMES = [f"{number}-{layer.kind}" for number, (layer, _, _) in enumerate(CASES)]


def find_readers(run: Run, inputs: Sequence[Tensor]) -> dict[tuple[int, int], set[int]]:
    """The output channels that change, for each (input, channel of it) that is changed."""
    before = run(*inputs)
    readers: dict[tuple[int, int], set[int]] = {}
    for number, tensor in enumerate(inputs):
        for channel in range(tensor.shape[1]):
            changed = [t.clone() for t in inputs]
            changed[number][:, channel] += 1 + draw(*tensor.shape[2:])
            differs = (run(*changed) != before).flatten(2).any(dim=2)[0]
            readers[number, channel] = set(differs.nonzero().flatten().tolist())
    return readers


@pytest.mark.parametrize(("layer", "shapes", "run"), CASES, ids=NAMES)
def test_reads_are_what_a_change_reaches(layer: Layer, shapes: list[Shape], run: Run) -> None:
    output = layer.infer_shape(shapes)
    readers = find_readers(lambda *x: run(*x).reshape(1, *output), [draw(1, *s) for s in shapes])
    for wanted in (Interval(*ends) for ends in combinations(range(output.channels + 1), 2)):
        reads = layer.list_reads(shapes, output, wanted)
        assert len(reads) == len(shapes)
        for number, runs in enumerate(reads):
            said = [channel for run in runs for channel in range(*run)]
            assert len(said) == len(set(said)), "no channel is listed twice"
            found = {
                channel
                for (which, channel), outputs in readers.items()
                if which == number and outputs.intersection(range(*wanted))
            }
            assert set(said) == found, f"{wanted} of input {number + 1}"


def test_every_kind_is_tried() -> None:
    tried = {layer.kind for layer, _, _ in CASES}
    assert tried == set(KINDS) - {"input", "activate"}


def test_runs_that_touch_are_one() -> None:
    shuffle, shape = build_layer("shuffle", 4), Shape(12)
    assert shuffle.list_reads([shape], shape, Interval(0, 12)) == ((Interval(0, 12),),)
    halves = tuple(Interval(start, start + 1) for start in (0, 3, 6, 9))
    assert shuffle.list_reads([shape], shape, Interval(0, 4)) == (halves,)


def test_an_input_that_a_run_does_not_reach_is_not_read() -> None:
    shapes = [Shape(4, 2, 2), Shape(4, 2, 2)]
    reads = build_layer("concat").list_reads(shapes, Shape(8, 2, 2), Interval(4, 8))
    assert reads == ((), (Interval(0, 4),))
