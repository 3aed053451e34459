"""What each layer kind becomes in PyTorch: a function a kind, in one table.

Most kinds are one module, PyTorch's own where it has the layer; joins and rearrangements are plain
functions. Convolutions and pools, whose padding needs thought, stand in files of their own.
"""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import fx, nn
from torch.nn.utils import skip_init

from netspec.backend import UnsupportedLayerError
from netspec.graph import Node
from netspec.layers.activation import LeakyRelu
from netspec.layers.base import Layer
from netspec.layers.dense import FullyConnected
from netspec.layers.joins import Multiply
from netspec.layers.normalization import BatchNorm, GroupNorm, LayerNorm, Lrn
from netspec.layers.pooling import AdaptiveAvgPool
from netspec.layers.rearranging import Shuffle, Slice
from netspec.layers.regularization import Dropout, DropPath
from netspec.layers.resizing import Crop, Pad, Upsample
from netspec.layers.scaling import Scale
from netspec_torch import modules
from netspec_torch.convolution import emit_convolution, emit_deconvolution
from netspec_torch.emission import Emission, Emitter
from netspec_torch.lrn import LocalResponseNorm
from netspec_torch.pooling import emit_average_pool, emit_maximum_pool
from netspec_torch.windows import emit_padding

L = TypeVar("L", bound=Layer)


def find_emitter(node: Node) -> Emitter:
    """The emitter of a node's layer kind; raises UnsupportedLayerError where there is none."""
    emitter = EMITTERS.get(node.layer.kind)
    if emitter is None:
        raise UnsupportedLayerError("torch", node)
    return emitter


def as_module(layer_kind: type[L], make: Callable[[L, Node], nn.Module]) -> Emitter:
    """The emitter of a layer that is one module, made from its arguments."""

    def emit(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
        layer = node.layer
        assert isinstance(layer, layer_kind)
        return to.call_module(node, lambda: make(layer, node), *inputs)

    return emit


def as_plain_module(make: Callable[[], nn.Module]) -> Emitter:
    """The emitter of a layer that is one module and has no arguments."""
    return as_module(Layer, lambda layer, node: make())


def emit_input(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return to.placeholder(node)


def emit_identity(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return inputs[0]


def emit_flatten(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    """Channel, row, column, and again N x C x 1 x 1."""
    numbers = to.call(f"{node.name}.numbers", torch.flatten, inputs[0], 1)
    return to.call(node.name, operator.getitem, numbers, (slice(None), slice(None), None, None))


def emit_slice(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    layer = node.layer
    assert isinstance(layer, Slice)
    channels = slice(layer.start, layer.end)
    return to.call(node.name, operator.getitem, inputs[0], (slice(None), channels))


def emit_pad(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    assert isinstance(node.layer, Pad)
    return emit_padding(to, node.name, inputs[0], node.layer.size)


def emit_crop(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    assert isinstance(node.layer, Crop)
    top, left = node.layer.offset(node.input_shapes[0])
    rows = slice(top, top + node.shape.height)
    columns = slice(left, left + node.shape.width)
    return to.call(
        node.name, operator.getitem, inputs[0], (slice(None), slice(None), rows, columns)
    )


def emit_concat(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    return to.call(node.name, torch.cat, tuple(inputs), dim=1)


def emit_pairwise(
    function: Callable[..., object], to: Emission, node: Node, inputs: Sequence[fx.Node]
) -> fx.Node:
    """A join of any number of tensors, two at a time; one alone passes through."""
    result = inputs[0]
    for number, other in enumerate(inputs[1:], start=2):
        name = node.name if number == len(inputs) else f"{node.name}.of_{number}"
        result = to.call(name, function, result, other)
    return result


def emit_multiply(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    assert isinstance(node.layer, Multiply)
    if node.layer.factor is not None:
        return to.call(node.name, operator.mul, inputs[0], node.layer.factor)
    return emit_pairwise(operator.mul, to, node, inputs)


def make_fully_connected(layer: FullyConnected, node: Node) -> nn.Module:
    elements = node.input_shapes[0].elements
    module: nn.Module = skip_init(modules.FullyConnected, elements, layer.channels, bias=layer.bias)
    return module


def make_upsample(layer: Upsample, node: Node) -> nn.Module:
    corners = layer.align == "corners" if layer.mode == "bilinear" else None
    return nn.Upsample(node.shape[1:], mode=layer.mode, align_corners=corners)


def make_lrn(layer: Lrn, node: Node) -> nn.Module:
    """The spec's mean divides by the whole window, cut at the ends or not."""
    across_map = layer.across == "map"
    places = layer.n**2 if across_map else layer.n
    scale = layer.alpha / places if layer.over == "mean" else layer.alpha
    return LocalResponseNorm(
        layer.n, scale, layer.beta, layer.k, groups=layer.groups, across_map=across_map
    )


def make_dropout(layer: Dropout, node: Node) -> nn.Module:
    return nn.Dropout(layer.p) if layer.inverted else modules.PlainDropout(layer.p)


def make_batchnorm(layer: BatchNorm, node: Node) -> nn.BatchNorm2d:
    """PyTorch learns both the factor and the shift or neither, but computes with either alone."""
    norm = nn.BatchNorm2d(
        node.shape.channels, layer.eps, layer.momentum, affine=layer.scale or layer.shift
    )
    if not layer.scale:
        norm.register_parameter("weight", None)
    if not layer.shift:
        norm.register_parameter("bias", None)
    return norm


EMITTERS: dict[str, Emitter] = {
    "input": emit_input,
    "conv": emit_convolution,
    "depthwise": emit_convolution,
    "deconv": emit_deconvolution,
    "fc": as_module(FullyConnected, make_fully_connected),
    "maxpool": emit_maximum_pool,
    "avgpool": emit_average_pool,
    "adaptiveavgpool": as_module(
        AdaptiveAvgPool, lambda layer, node: nn.AdaptiveAvgPool2d(layer.size)
    ),
    "relu": as_plain_module(nn.ReLU),
    "relu6": as_plain_module(nn.ReLU6),
    "elu": as_plain_module(nn.ELU),
    "gelu": as_plain_module(nn.GELU),
    "sigmoid": as_plain_module(nn.Sigmoid),
    "tanh": as_plain_module(nn.Tanh),
    "hardsigmoid": as_plain_module(nn.Hardsigmoid),
    "swish": as_plain_module(nn.SiLU),
    "hardswish": as_plain_module(nn.Hardswish),
    "mish": as_plain_module(nn.Mish),
    "softmax": as_plain_module(lambda: nn.Softmax(dim=1)),
    "leakyrelu": as_module(LeakyRelu, lambda layer, node: nn.LeakyReLU(layer.slope)),
    "prelu": as_module(Layer, lambda layer, node: nn.PReLU(node.shape.channels)),
    "lrn": as_module(Lrn, make_lrn),
    "batchnorm": as_module(BatchNorm, make_batchnorm),
    "layernorm": as_module(
        LayerNorm, lambda layer, node: modules.ChannelNorm(node.shape.channels, layer.eps)
    ),
    "groupnorm": as_module(
        GroupNorm, lambda layer, node: nn.GroupNorm(layer.groups, node.shape.channels, layer.eps)
    ),
    "scale": as_module(
        Scale, lambda layer, node: modules.ChannelScale(node.shape.channels, bias=layer.bias)
    ),
    "dropout": as_module(Dropout, make_dropout),
    "droppath": as_module(DropPath, lambda layer, node: modules.DropPath(layer.p)),
    "add": partial(emit_pairwise, operator.add),
    "multiply": emit_multiply,
    "maximum": partial(emit_pairwise, torch.maximum),
    "concat": emit_concat,
    "flatten": emit_flatten,
    "identity": emit_identity,
    "shuffle": as_module(Shuffle, lambda layer, node: nn.ChannelShuffle(layer.groups)),
    "slice": emit_slice,
    "pad": emit_pad,
    "crop": emit_crop,
    "upsample": as_module(Upsample, make_upsample),
}
"""Every layer kind but `activate`, whose place in a graph is taken by the kind that it names."""
