"""A column's part of a layer: the layer that computes a run of the whole one's channels, from the
channels that it reads, with its part of the weights.

One function a family of kinds, in one table; a kind that the table lacks treats each channel by
itself. Which runs there are is decided in `netspec.analyses.placement`, and that a layer can be
cut so in `netspec.compiler.placement`; here both are taken for granted.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from netspec.analyses.placement import Reads, count_channels, shift
from netspec.graph import Node
from netspec.layers.convolution import Depthwise, Kernels
from netspec.layers.deconvolution import Deconv
from netspec.layers.normalization import GroupNorm, Lrn
from netspec.tensor import Interval, Shape

Slices = tuple[slice, ...]
"""Which part of a weight, dimension by dimension; the dimensions that it leaves out are whole."""


class Part(Struct, frozen=True):
    """What one column computes of a layer."""

    node: Node
    """With the arguments and shapes that the column's own tensors have."""
    keep: Interval | None = None
    """Which of the channels that it computes are wanted; None for all."""
    slices: Mapping[str, Slices] = field(default_factory=dict)
    """Its part of each weight, by the weight's name within the layer."""


def take_part(node: Node, run: Interval, reads: Reads) -> Part:
    """The part of a layer that computes a run of its channels, which is not empty."""
    take = PARTS.get(node.layer.kind, take_channels)
    part = take(node, run, reads)
    everything = Interval(0, part.node.shape.channels)
    return part if part.keep != everything else replace(part, keep=None)


def read_shapes(node: Node, reads: Reads) -> tuple[Shape, ...]:
    """The inputs with no more channels than are read."""
    return tuple(
        shape._replace(channels=count_channels(read))
        for shape, read in zip(node.input_shapes, reads, strict=True)
    )


def rewrite(node: Node, reads: Reads, gives: int, **arguments: object) -> Node:
    """The node with these arguments, reading what is read, giving so many channels."""
    return replace(
        node,
        layer=node.layer.model_copy(update=arguments),
        input_shapes=read_shapes(node, reads),
        shape=node.shape._replace(channels=gives),
    )


def slice_weights(node: Node, run: Interval) -> dict[str, Slices]:
    """Weights whose first dimension is that of the output's channels."""
    return {weight.name: (slice(*run),) for weight in node.weights}


def take_channels(node: Node, run: Interval, reads: Reads) -> Part:
    """Kinds that compute a channel from the same channel of each input, and joins, which read what
    they join."""
    return Part(rewrite(node, reads, count_channels((run,))), slices=slice_weights(node, run))


def take_kernels(node: Node, run: Interval, reads: Reads) -> Part:
    """The kernels of the run, over the whole groups that it holds or the one that it is part of."""
    layer = node.layer
    assert isinstance(layer, Kernels)
    (input,), channels = read_shapes(node, reads), count_channels((run,))
    each = node.shape.channels // layer.channel_groups(node.input_shapes[0])
    if isinstance(layer, Depthwise):
        arguments = {"multiplier": channels // input.channels}
    else:
        arguments = {"channels": channels, "groups": max(1, channels // each)}
    part = rewrite(node, reads, channels, **arguments)
    return Part(part, slices=slice_weights(node, run))


def take_deconvolution(node: Node, run: Interval, reads: Reads) -> Part:
    """Its weight has input channels first, then those of one group's output."""
    layer = node.layer
    assert isinstance(layer, Deconv)
    each, channels = layer.channels // layer.groups, count_channels((run,))
    first = run.start % each
    outputs = slice(0, each) if channels >= each else slice(first, first + channels)
    ((read,),) = reads
    slices = {"weight": (slice(*read), outputs), "bias": (slice(*run),)}
    return Part(
        rewrite(node, reads, channels, channels=channels, groups=max(1, channels // each)),
        slices={weight.name: slices[weight.name] for weight in node.weights},
    )


def take_fully_connected(node: Node, run: Interval, reads: Reads) -> Part:
    """The rows of the run."""
    part = rewrite(node, reads, count_channels((run,)), channels=count_channels((run,)))
    return Part(part, slices=slice_weights(node, run))


def take_windows(node: Node, run: Interval, reads: Reads) -> Part:
    """The run and what its windows see beside it, of which only the run is kept."""
    layer = node.layer
    assert isinstance(layer, Lrn)
    if layer.across == "map":
        return Part(rewrite(node, reads, count_channels((run,)), groups=1))
    ((read,),) = reads
    groups = max(1, count_channels((run,)) * layer.groups // node.shape.channels)
    return Part(
        rewrite(node, reads, count_channels((read,)), groups=groups), keep=shift(run, -read.start)
    )


def take_groups(node: Node, run: Interval, reads: Reads) -> Part:
    """All groups that the run has a part in, of which only the run is kept."""
    layer = node.layer
    assert isinstance(layer, GroupNorm)
    ((read,),) = reads
    groups = count_channels((read,)) * layer.groups // node.shape.channels
    part = rewrite(node, reads, count_channels((read,)), groups=groups)
    return Part(part, shift(run, -read.start), slice_weights(node, run))


def take_from_all(node: Node, run: Interval, reads: Reads) -> Part:
    """Kinds that need all channels for each: all are computed, and the run is kept."""
    return Part(rewrite(node, reads, node.shape.channels), run, slice_weights(node, run))


def take_numbers(node: Node, run: Interval, reads: Reads) -> Part:
    """flatten: the channels that the run's numbers are in, of which only those are kept."""
    (input,), ((read,),) = read_shapes(node, reads), reads
    area = input.height * input.width
    return Part(rewrite(node, reads, input.elements), shift(run, -read.start * area))


PARTS: dict[str, Callable[[Node, Interval, Reads], Part]] = {
    "conv": take_kernels,
    "depthwise": take_kernels,
    "deconv": take_deconvolution,
    "fc": take_fully_connected,
    "lrn": take_windows,
    "groupnorm": take_groups,
    "layernorm": take_from_all,
    "softmax": take_from_all,
    "flatten": take_numbers,
}
