"""How much of the image is left in each layer's output before anything is learned.

Over the draw of the starting values, the numbers of a layer are taken to have three moments: their
mean over units and images; the variance, between units, of what a unit is for all images alike; and
the variance of a unit from image to image, averaged over units. They are carried from layer to
layer:

* A sum of n products with random weights of mean 0 and variance v (conv, fc) has the variances
  n v (mean^2 + common) + the bias's, and n v image, however its terms hang together. At the border
  n counts the taps that lie on the map.
* A function of each number (relu, swish, …) is averaged over normal numbers (`signal.py`).
* The largest of k numbers that are normal with a correlation r between them lies
  e sqrt(image (1 - r)) above their mean and has the variance image (r + (1 - r) w), where e and w
  are mean and variance of the largest of k independent ones. A relu, lrn or dropout before it is
  applied after it, which gives the same: none of them turns the order round.
* The mean of k numbers keeps what is common and has image (r + (1 - r) / k).
* Lrn divides by what it has for the mean square. A batchnorm takes mean and variance of its channel
  over the batch, so that only the image's part is left, at variance 1; layernorm and groupnorm
  divide by the spread between units too. Sums and products are of independent tensors.

Two pixels at distance d, in shares of the map's height, are correlated by 1 - sqrt(d): that is the
covariance of images whose amplitudes fall with frequency by the power 1.25, and photographs have
1.2 on average (Tolhurst, Tadmor and Chao, "Amplitude spectra of natural images", 1992). Sums with
random weights leave the correlation of two positions as it is, and functions lower it.

What is described is a batch in training whose dropped numbers are replaced by their mean: what
`dropout` and `droppath` drop by chance depends neither on the image nor on the unit. So a `dropout
p, inverted=no` multiplies by 1 - p, as it does at test, and every other by 1.

Left out: padding of pools; images that are no photographs; that layernorm evens out positions, so
that a mean over the map behind it keeps less; and that one image is stronger than another as a
whole. The last keeps some of a signal that is lost here, most where many layers of few channels or
of 1x1 kernels follow each other: SqueezeNet's share is 2.4 times the estimate. Elsewhere the two
differ by a factor below two (tests/netspec_torch/test_starting_signal.py).
"""

from collections.abc import Iterable, Mapping

from netspec.analyses.signal import Signal, take_largest
from netspec.analyses.signal_rules import JOINS, MONOTONE, find_window, pass_layer
from netspec.graph import Graph, Node
from netspec.recipe.data import Divide, Scale, Subtract
from netspec.recipe.recipe import Recipe

PIXEL_MEAN = 117.0
"""Of the pixels of photographs, from 0 to 255: the mean of ImageNet's 127.3 (red), 119.7 and 104.9
(cuda-convnet2's input_meta)."""
PIXEL_DEVIATION = 74.0
"""From image to image: the root of a third of 19.7^2 + 37.1^2 + 121.8^2, the variances along the
principal components of colour that the 2012 code adds noise by."""


def describe_images(recipe: Recipe | None) -> Signal:
    """The pixels of photographs behind a recipe's transforms; without one from 0 to 255 with their
    mean subtracted, which is the most that an input is likely to bring."""
    if recipe is None:
        return Signal(0.0, 0.0, PIXEL_DEVIATION**2)
    mean, deviation = PIXEL_MEAN, PIXEL_DEVIATION
    for transform in recipe.transforms:
        match transform:
            case Scale():
                mean, deviation = mean * transform.factor, deviation * transform.factor
            case Subtract():
                mean = 0.0 if transform.statistic else mean - average(transform.numbers)
            case Divide():
                divisor = average(transform.numbers) if transform.numbers else deviation
                mean, deviation = mean / divisor, deviation / divisor
    return Signal(mean, 0.0, deviation * deviation)


def average(numbers: tuple[float, ...]) -> float:
    return sum(numbers) / len(numbers)


def estimate_signals(graph: Graph, images: Signal) -> dict[str, Signal]:
    """The moments of every layer's output, by its name; each input of the net gets the images."""
    return carry_signals(graph, graph.nodes, images)


def estimate_output(graph: Graph, images: Signal) -> dict[str, Signal]:
    """The same for the net's output and for what it is computed from, back to the last batchnorms.

    What lies before one has little say, as long as anything of the image arrives there: it may have
    lowered the correlation of positions, so that the output's share is an upper bound.
    """
    wanted = {graph.output}
    for node in reversed(graph.nodes):
        if node.name in wanted and node.layer.kind != "batchnorm":
            wanted.update(node.inputs)
    return carry_signals(graph, (node for node in graph.nodes if node.name in wanted), images)


def carry_signals(graph: Graph, nodes: Iterable[Node], images: Signal) -> dict[str, Signal]:
    """The moments of the nodes' outputs. What a batchnorm reads may be missing."""
    signals: dict[str, Signal] = {}
    for node in nodes:
        kind = node.layer.kind
        if kind == "input":
            signals[node.name] = images
        elif kind == "maxpool":
            signals[node.name] = pool_largest(graph, node, signals)
        elif kind in JOINS:
            signals[node.name] = JOINS[kind](node, [signals[name] for name in node.inputs])
        else:
            signals[node.name] = pass_layer(node, signals.get(node.inputs[0], images))
    return signals


def pool_largest(graph: Graph, node: Node, signals: Mapping[str, Signal]) -> Signal:
    """A maxpool: the largest of the numbers before the monotone layers that it reads, and then
    those layers."""
    between: list[Node] = []
    source = graph[node.inputs[0]]
    while source.layer.kind in MONOTONE:
        between.append(source)
        source = graph[source.inputs[0]]
    signal = take_largest(signals[source.name], *find_window(node))
    for layer in reversed(between):
        signal = pass_layer(layer, signal)
    return signal
