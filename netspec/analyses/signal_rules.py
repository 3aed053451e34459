"""What each layer kind does to the moments of the numbers that it reads, before it has learned.

The formulas and what they take for granted stand in `starting_signal.py`, which calls this.
"""

from collections.abc import Callable, Sequence
from math import ceil, exp, expm1, floor, log1p, prod, sqrt, tanh
from typing import TYPE_CHECKING, cast

from netspec.analyses.signal import (
    Signal,
    apply_function,
    describe_largest,
    join_correlations,
    mix,
    share_below,
    take_mean,
)
from netspec.graph import Node
from netspec.layers.base import BiasedLayer
from netspec.layers.starting_values import Bilinear, Constant, Msra, Normal, Uniform, Xavier
from netspec.tensor import Weight

if TYPE_CHECKING:  # a check loads the families of layers that its files use, and no others
    from netspec.layers.activation import LeakyRelu, Prelu
    from netspec.layers.convolution import Kernels
    from netspec.layers.joins import Multiply
    from netspec.layers.normalization import BatchNorm, GroupNorm, LayerNorm, Lrn
    from netspec.layers.regularization import Dropout
    from netspec.layers.windows import WindowSpan

LARGEST_POWER = 300.0
"""Beyond it exp, or its square, is more than a float holds."""
SMALLEST_DIVISOR = 1e-9
"""Of an lrn with k=0 whose input is nothing."""


def pass_layer(node: Node, signal: Signal) -> Signal:
    """The moments behind a layer of one input that is no maxpool."""
    kind = node.layer.kind
    if kind in FUNCTIONS:
        return apply_function(FUNCTIONS[kind](node), signal)
    if isinstance(node.layer, BiasedLayer):
        return add_products(node, signal)
    return RULES[kind](node, signal) if kind in RULES else signal


def add_products(node: Node, signal: Signal) -> Signal:
    """Sums of products with the starting values of a kernel or matrix, and the biases.

    Where weights have a mean, as constant ones do, the taps of a channel add up with the
    correlation of their places, and channels as independent numbers.
    """
    weight, *bias = node.weights
    mean, variance = describe_start(weight)
    bias_mean, bias_variance = describe_start(bias[0]) if bias else (0.0, 0.0)
    terms = node.macs / node.shape.elements * count_inside(node)
    common = terms * variance * (signal.energy - signal.image) + bias_variance
    image = terms * variance * signal.image
    if mean:
        taps, correlation = find_window(node)
        common += terms * mean * mean * signal.common * taps
        image += terms * mean * mean * signal.image * (1 + (taps - 1) * correlation)
    return signal.change(terms * mean * signal.mean + bias_mean, common, image)


def describe_start(weight: Weight) -> tuple[float, float]:
    """Mean and variance of a tensor's starting values."""
    match start := weight.start:
        case Normal():
            return 0.0, start.std * start.std
        case Uniform():
            return 0.0, start.bound * start.bound / 3
        case Xavier() | Msra():
            deviation = start.standard_deviation(weight.fan_in, weight.fan_out)
            return 0.0, deviation * deviation
        case Constant():
            return start.value, 0.0
        case Bilinear():
            return prod(ceil(extent / 2) / extent for extent in weight.shape[-2:]), 0.0
    raise TypeError(f"no moments are known of {start.kind}")


def count_inside(node: Node) -> float:
    """The share of a convolution's taps that lie on the map and not in its padding."""
    if node.layer.kind not in ("conv", "depthwise"):
        return 1.0
    height, width = cast("Kernels", node.layer).spans(node.input_shapes[0])
    inside = share_inside(height)
    return inside * (inside if width == height else share_inside(width))


def share_inside(span: "WindowSpan") -> float:
    """The same along one direction: tap t of window i lies at i stride - before + t dilation."""
    inside = 0
    for tap in range(span.size):
        start = tap * span.dilation - span.before
        first = max(0, -(start // span.stride))
        last = min(span.output - 1, (span.input - 1 - start) // span.stride)
        inside += max(0, last - first + 1)
    return inside / (span.size * span.output)


def find_window(node: Node) -> tuple[int, float]:
    """How many places of a map an output number sees, and their mean correlation.

    It is 1 - sqrt(distance), in shares of the map; and the root of the distance of two places is
    0.73 times that of the side on average, in squares of 2 to 7 pixels.
    """
    rows, columns = node.layer.list_reaches(node.input_shapes, node.shape)[0]
    height, width = floor(rows.last - rows.first) + 1, floor(columns.last - columns.first) + 1
    if height == width == 1:
        return 1, 1.0
    side = sqrt((height * height + width * width) / 2)
    _, *extents = node.input_shapes[0]
    return height * width, max(0.0, 1 - 0.73 * sqrt(side / max(extents)))


def pool_mean(node: Node, signal: Signal) -> Signal:
    return take_mean(signal, *find_window(node))


def normalize_locally(node: Node, signal: Signal) -> Signal:
    layer = cast("Lrn", node.layer)
    places = layer.n if layer.across == "channels" else layer.n**2
    weight = layer.alpha if layer.over == "mean" else layer.alpha * places
    divisor = max(layer.k + weight * signal.energy, SMALLEST_DIVISOR)
    return signal.times(divisor**-layer.beta)


def normalize_batch(node: Node, signal: Signal) -> Signal:
    eps = cast("BatchNorm", node.layer).eps
    return signal.change(0.0, 0.0, signal.image / (signal.image + eps))


def normalize_image(node: Node, signal: Signal) -> Signal:
    """layernorm and groupnorm: by mean and variance of numbers of one image."""
    eps = cast("LayerNorm | GroupNorm", node.layer).eps
    return signal._replace(mean=0.0).times((signal.common + signal.image + eps) ** -0.5)


def drop_numbers(node: Node, signal: Signal) -> Signal:
    layer = cast("Dropout", node.layer)
    return signal if layer.inverted else signal.times(1 - layer.p)


def scale_channels(node: Node, signal: Signal) -> Signal:
    """A factor for each channel; the bias starts at 0."""
    mean, variance = describe_start(node.weights[0])
    square = mean * mean + variance
    common = signal.common * square + variance * signal.mean * signal.mean
    return signal.change(signal.mean * mean, common, signal.image * square)


def add_border(node: Node, signal: Signal) -> Signal:
    """Some of the numbers are zeros."""
    inside = node.input_shapes[0].elements
    return mix([(inside, signal), (node.shape.elements - inside, Signal(0.0, 0.0, 0.0))])


def take_softmax(node: Node, signal: Signal) -> Signal:
    """exp(x) over its mean, times the number of channels."""
    powers = apply_function(lambda x: exp(min(x - signal.mean, LARGEST_POWER)), signal)
    return powers.times(1 / (powers.mean * node.shape.channels))


def add_tensors(node: Node, signals: Sequence[Signal]) -> Signal:
    means, commons, images, _ = zip(*signals, strict=True)
    return Signal(sum(means), sum(commons), sum(images), join_correlations(signals))


def multiply_tensors(node: Node, signals: Sequence[Signal]) -> Signal:
    """Means, mean squares of what is common, and mean squares multiply."""
    factor = cast("Multiply", node.layer).factor
    if factor is not None:
        return signals[0].times(factor)
    mean = prod(signal.mean for signal in signals)
    square = prod(signal.energy - signal.image for signal in signals)
    energy = prod(signal.energy for signal in signals)
    common, image = max(0.0, square - mean * mean), max(0.0, energy - square)
    return Signal(mean, common, image, join_correlations(signals))


def take_maximum(node: Node, signals: Sequence[Signal]) -> Signal:
    """Tensors of one distribution, independent in units and images alike."""
    mean, variance = describe_largest(len(signals))
    signal = mix((1, signal) for signal in signals)
    shift = mean * sqrt(signal.common + signal.image)
    return signal.change(signal.mean + shift, signal.common * variance, signal.image * variance)


def join_channels(node: Node, signals: Sequence[Signal]) -> Signal:
    return mix(zip((shape.channels for shape in node.input_shapes), signals, strict=True))


def sigmoid(x: float) -> float:
    return (1 + tanh(x / 2)) / 2


def hard_sigmoid(x: float) -> float:
    return min(max(x + 3, 0.0), 6.0) / 6


def mish(x: float) -> float:
    return x * tanh(log1p(exp(x))) if x < LARGEST_POWER else x


def leak(slope: float) -> Callable[[float], float]:
    return lambda x: x if x > 0 else slope * x


FUNCTIONS: dict[str, Callable[[Node], Callable[[float], float]]] = {
    "relu": lambda node: lambda x: x if x > 0 else 0.0,
    "relu6": lambda node: lambda x: min(max(x, 0.0), 6.0),
    "elu": lambda node: lambda x: x if x > 0 else expm1(x),
    "gelu": lambda node: lambda x: x * share_below(x),
    "sigmoid": lambda node: sigmoid,
    "tanh": lambda node: tanh,
    "hardsigmoid": lambda node: hard_sigmoid,
    "swish": lambda node: lambda x: x * sigmoid(x),
    "hardswish": lambda node: lambda x: x * hard_sigmoid(x),
    "mish": lambda node: mish,
    "leakyrelu": lambda node: leak(cast("LeakyRelu", node.layer).slope),
    "prelu": lambda node: leak(cast("Prelu", node.layer).slope),
}
"""The function of a number that each activation is."""

RULES: dict[str, Callable[[Node, Signal], Signal]] = {
    "softmax": take_softmax,
    "avgpool": pool_mean,
    "adaptiveavgpool": pool_mean,
    "lrn": normalize_locally,
    "batchnorm": normalize_batch,
    "layernorm": normalize_image,
    "groupnorm": normalize_image,
    "scale": scale_channels,
    "dropout": drop_numbers,
    "pad": add_border,
}
"""Other layers of one input. Those without kernels that are not here hand on what they read."""

JOINS: dict[str, Callable[[Node, Sequence[Signal]], Signal]] = {
    "add": add_tensors,
    "multiply": multiply_tensors,
    "maximum": take_maximum,
    "concat": join_channels,
}

MONOTONE = frozenset(
    {
        "relu", "relu6", "elu", "sigmoid", "tanh", "hardsigmoid", "leakyrelu", "prelu",
        "lrn", "dropout", "droppath", "identity",
    }
)  # fmt: skip
"""Kinds whose result grows with what they read; lrn does but for the spread of its divisor."""
