"""Convolutions: conv, depthwise and deconv, as PyTorch's own modules.

These pad both sides alike. What a spec pads beyond that, or pads by the size of its map, is padded
or cut in the graph, so that a module is the same for every map that it sees (`again`).
"""

from collections.abc import Sequence

from torch import fx, nn
from torch.nn.utils import skip_init

from netspec.graph import Node
from netspec.layers.convolution import Kernels
from netspec.layers.deconvolution import Deconv
from netspec.schema import Sides
from netspec_torch.emission import Emission
from netspec_torch.windows import beyond, emit_padding, sides_in_effect


def emit_convolution(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    """nn.Conv2d; a depthwise conv has as many groups as input channels."""
    layer = node.layer
    assert isinstance(layer, Kernels)
    (input,) = node.input_shapes
    even = padding_of_every_map(layer)
    x = emit_padding(
        to, f"{node.name}.pad", inputs[0], beyond(sides_in_effect(layer.spans(input)), even)
    )

    def make() -> nn.Module:
        module: nn.Module = skip_init(
            nn.Conv2d,
            input.channels,
            node.shape.channels,
            tuple(layer.size),
            stride=tuple(layer.stride),
            padding=even,
            dilation=tuple(layer.dilation),
            groups=layer.channel_groups(input),
            bias=layer.bias,
        )
        return module

    return to.call_module(node, make, x)


def padding_of_every_map(layer: Kernels) -> tuple[int, int]:
    """The zeros that a conv has on both sides alike, however large its map is.

    Under `same` a map of n pixels, r short of whole strides, is padded by window - stride + r in
    all, so by (window - stride) // 2 at least on either side.
    """
    if layer.round == "up":
        return 0, 0
    if isinstance(layer.pad, Sides):
        top, bottom, left, right = layer.pad
        return min(top, bottom), min(left, right)
    height, width = (d * (k - 1) + 1 for k, d in zip(layer.size, layer.dilation, strict=True))
    if layer.pad == "half":
        return height // 2, width // 2
    stride = layer.stride
    return max(0, height - stride.height) // 2, max(0, width - stride.width) // 2


def emit_deconvolution(to: Emission, node: Node, inputs: Sequence[fx.Node]) -> fx.Node:
    """nn.ConvTranspose2d; what is to be cut on one side more than on the other is cut behind it."""
    layer = node.layer
    assert isinstance(layer, Deconv)
    (input,) = node.input_shapes
    cut = layer.padding()
    even = (min(cut.top, cut.bottom), min(cut.left, cut.right))

    def make() -> nn.Module:
        module: nn.Module = skip_init(
            nn.ConvTranspose2d,
            input.channels,
            node.shape.channels,
            tuple(layer.size),
            stride=tuple(layer.stride),
            padding=even,
            output_padding=tuple(layer.output_pad),
            groups=layer.groups,
            bias=layer.bias,
        )
        return module

    x = to.call_module(node, make, inputs[0])
    return emit_padding(
        to, f"{node.name}.crop", x, Sides(*(-pixels for pixels in beyond(cut, even)))
    )
