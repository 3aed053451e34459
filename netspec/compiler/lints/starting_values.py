"""NS511: starting values that leave almost nothing of the image in the net's output.

Either most of the output is the same for all images, because biases, or the means that relus leave,
have grown over what depends on them (`analyses/starting_signal.py`); or the scores hardly differ at
all, because layer after layer makes its input smaller. Why the limits are what they are stands in
docs/decisions/0010. A last layer that starts at 0 is judged by what it reads: it learns first, and
hands that on from then on.

Silent where nothing says that the net will be trained: it has no recipe and no starting values. In
a net without a recipe the scores are not judged, since the scale of its images is not known.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from typing import NamedTuple

from msgspec.structs import replace

from netspec.analyses.signal import Signal
from netspec.analyses.starting_signal import describe_images, estimate_output
from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.graph import Graph, Node
from netspec.layers.base import BiasedLayer
from netspec.layers.starting_values import Constant, Msra, StartingValues
from netspec.tensor import Weight

SMALLEST_SHARE = 0.02
"""Of the output's spread, what depends on the image."""
SMALLEST_DEVIATION = 1e-5
"""How far the scores of different images lie apart."""
MOST_SHOWN = 8
"""Layers that a note lists."""

Signals = Mapping[str, Signal]


class Measure(NamedTuple):
    """One of the two ways in which a signal can be lost."""

    measure: Callable[[Signal], float]
    show: Callable[[float], str]
    sentence: str
    """What is said of an output, with its measure."""


SHARE = Measure(
    lambda signal: signal.share,
    lambda share: f"{100 * share:.{0 if share > 0.1 else 1}f} %",
    "{} of its spread depends on the image",
)
DEVIATION = Measure(
    lambda signal: sqrt(signal.image),
    lambda deviation: f"{deviation:.1g}",
    "its scores for different images lie {} apart",
)


def find_lost_signal(net: CheckedNet) -> Iterator[Diagnostic]:
    if not (net.recipe or gives_starts(net.graph)):
        return
    graph, images = net.graph, describe_images(net.recipe)
    signals = estimate_output(graph, images)
    output = look_past_zeros(graph, signals)
    if is_faint(output) and net.recipe:
        way = DEVIATION
    elif output.share < SMALLEST_SHARE:
        way = SHARE
    else:
        return
    layers = [n for n in graph.nodes if n.name in signals and isinstance(n.layer, BiasedLayer)]
    yield Diagnostic(
        "NS511",
        f"hardly anything of the image reaches the output of {net.name} at the start",
        Label(net.span, way.sentence.format(way.show(way.measure(output)))),
        tuple(point_at_loss(layers, signals, way)),
        notes=tuple(list_measures(layers, signals, way)),
        help=tuple(suggest_starts(graph, images)),
        severity=Severity.WARNING,
    )


def gives_starts(graph: Graph) -> bool:
    """Whether any layer has starting values of its own."""
    layers = [node.layer for node in graph.nodes if isinstance(node.layer, BiasedLayer)]
    return any(layer.init or layer.bias_init for layer in layers)


def is_faint(signal: Signal) -> bool:
    return signal.image < SMALLEST_DEVIATION**2


def look_past_zeros(graph: Graph, signals: Signals) -> Signal:
    """The output's moments; where its last weights start at 0, those that random ones would give
    it, up to a factor."""
    node = graph[graph.output]
    while not isinstance(node.layer, BiasedLayer) and len(node.inputs) == 1:
        node = graph[node.inputs[0]]
    if not isinstance(node.layer, BiasedLayer) or node.weights[0].start != Constant(value=0.0):
        return signals[graph.output]
    read = signals[node.inputs[0]]
    return Signal(0.0, read.energy - read.image, read.image)


def point_at_loss(layers: Sequence[Node], signals: Signals, way: Measure) -> Iterator[Label]:
    """The layer that loses the largest part of what it reads."""

    def keep(node: Node) -> float:
        before = way.measure(signals[node.inputs[0]])
        return way.measure(signals[node.name]) / before if before else 1.0

    if layers:
        worst = min(layers, key=keep)
        before, after = (way.show(way.measure(signals[n])) for n in (*worst.inputs, worst.name))
        yield Label(worst.span, f"the largest step down: from {before} to {after}")


def list_measures(layers: Sequence[Node], signals: Signals, way: Measure) -> Iterator[str]:
    """The measure behind each layer with weights, some in the middle left out."""
    shown = [f"{node.name} {way.show(way.measure(signals[node.name]))}" for node in layers]
    if len(shown) > MOST_SHOWN:
        shown[MOST_SHOWN // 2 : -(MOST_SHOWN // 2)] = ["…"]
    if shown:
        yield f"from layer to layer: {', '.join(shown)}"


def suggest_starts(graph: Graph, images: Signal) -> Iterator[str]:
    """The first of some edits that would let the image through."""
    for edit, starts in list_edits():
        changed = with_starts(graph, starts)
        output = look_past_zeros(changed, estimate_output(changed, images))
        if output.share >= SMALLEST_SHARE and not is_faint(output):
            yield f"{edit} in every layer with weights would leave {SHARE.show(output.share)}"
            return


def list_edits() -> Iterator[tuple[str, Mapping[str, StartingValues]]]:
    """Arguments, each with the starting values of weights and biases that they mean."""
    yield "`init=msra`", {"weight": Msra()}
    yield "`bias_init=0`", {"bias": Constant(value=0.0)}
    yield "`init=msra, bias_init=0`", {"weight": Msra(), "bias": Constant(value=0.0)}


def with_starts(graph: Graph, starts: Mapping[str, StartingValues]) -> Graph:
    """The graph with other starting values for the weights, or biases, of its sums."""

    def change(weight: Weight) -> Weight:
        return replace(weight, start=starts.get(weight.role, weight.start))

    return replace(
        graph,
        nodes=tuple(
            replace(node, weights=tuple(map(change, node.weights)))
            if isinstance(node.layer, BiasedLayer)
            else node
            for node in graph.nodes
        ),
    )
