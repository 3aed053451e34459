"""Pooling: maxpool and avgpool, as PyTorch's own modules where those have the same windows.

Where they have not, the map is padded in the graph: for a maximum with minus infinity, for a mean
with zeros, which are then divided by the pixels that count.
"""

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor, fx, nn
from torch.nn.functional import avg_pool2d

from netspec.graph import Node
from netspec.layers.pooling import AvgPool, MaxPool
from netspec_torch.emission import Emission
from netspec_torch.windows import (
    Spans,
    count_pixels,
    emit_padding,
    pools_alike,
    sides_in_effect,
)

Pair = tuple[int, int]
"""Height and width."""


class MeanPool(nn.Module):
    """The mean of each window, over the pixels that count.

    It takes the map as padded, N x C x H x W; `counts` has a number for each window, in height and
    in width.
    """

    divisors: Tensor

    def __init__(self, size: Pair, stride: Pair, counts: tuple[list[int], list[int]]) -> None:
        super().__init__()
        self.size = size
        self.stride = stride
        rows, columns = (torch.tensor(count, dtype=torch.float32) for count in counts)
        self.register_buffer("divisors", rows[:, None] * columns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        sums = avg_pool2d(x, self.size, self.stride, divisor_override=1)
        return sums / self.divisors.to(sums.dtype)

    def extra_repr(self) -> str:
        return f"{self.size}, stride={self.stride}"


def emit_maximum_pool(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    """nn.MaxPool2d; a window over the whole map is nn.AdaptiveMaxPool2d."""
    layer = node.layer
    assert isinstance(layer, MaxPool)
    if layer.size == "global":
        return to.call_module(node, lambda: nn.AdaptiveMaxPool2d(1), *inputs)
    spans, up = layer.spans(node.input_shapes[0]), layer.round == "up"
    size, stride, even = _sizes(spans)
    if pools_alike(spans):
        return to.call_module(node, lambda: nn.MaxPool2d(size, stride, even, ceil_mode=up), *inputs)
    x = emit_padding(to, f"{node.name}.pad", inputs[0], sides_in_effect(spans), value=-inf)
    return to.call_module(node, lambda: nn.MaxPool2d(size, stride), x)


def emit_average_pool(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    """nn.AvgPool2d; a window over the whole map is nn.AdaptiveAvgPool2d."""
    layer = node.layer
    assert isinstance(layer, AvgPool)
    if layer.size == "global":
        return to.call_module(node, lambda: nn.AdaptiveAvgPool2d(1), *inputs)
    spans, up, counted = layer.spans(node.input_shapes[0]), layer.round == "up", layer.count_pad
    size, stride, even = _sizes(spans)
    if pools_alike(spans):
        return to.call_module(
            node, lambda: nn.AvgPool2d(size, stride, even, up, count_include_pad=counted), *inputs
        )
    counts = (count_pixels(spans[0], padding=counted), count_pixels(spans[1], padding=counted))
    x = emit_padding(to, f"{node.name}.pad", inputs[0], sides_in_effect(spans))
    return to.call_module(node, lambda: MeanPool(size, stride, counts), x)


def _sizes(spans: Spans) -> tuple[Pair, Pair, Pair]:
    """Window, step and padding before, each as height and width."""
    height, width = spans
    return (height.size, width.size), (height.stride, width.stride), (height.before, width.before)
