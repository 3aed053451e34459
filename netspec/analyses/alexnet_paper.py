"""What of a run is not as Krizhevsky, Sutskever and Hinton describe it, "ImageNet Classification
with Deep Convolutional Neural Networks", 2012: each difference with the section of the paper.

Net and recipe are read as facts, whatever their file is called, and each is put into the same words
as what the paper prints; where the words differ there is a row. Only nets of five convolutions and
three fully connected layers in a chain are held against it. Where the code that made the paper's
numbers does otherwise than its text, the text counts.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from netspec.graph import Graph, Node
from netspec.layers.convolution import Conv
from netspec.layers.dense import FullyConnected
from netspec.layers.normalization import Lrn
from netspec.layers.pooling import MaxPool
from netspec.layers.regularization import Dropout
from netspec.tensor import Weight

KINDS = ("conv",) * 5 + ("fc",) * 3
KERNELS = (
    "96 of 11x11, stride 4x4",
    "256 of 5x5, stride 1x1, in 2 groups",
    "384 of 3x3, stride 1x1",
    "384 of 3x3, stride 1x1, in 2 groups",
    "256 of 3x3, stride 1x1, in 2 groups",
    "4,096 neurons",
    "4,096 neurons",
    "1,000 neurons",
)
"""Sections 3.2 and 3.5."""
NO_PADDING = "none are mentioned"
MAPS = ("55x55", "27x27", "13x13", "13x13", "13x13")
"""Figure 2."""
FOLLOWING = (
    "relu, lrn, maxpool",
    "relu, lrn, maxpool",
    "relu",
    "relu",
    "relu, maxpool",
    "relu, dropout",
    "relu, dropout",
    "",
)
"""Sections 3.5 and 4.2."""
WEIGHTS = "normal, standard deviation 0.01"
BIASES = (0, 1, 0, 1, 1, 1, 1, 0)
PREPARED = ("resize 256", "crop 224x224", "mirror", "subtract mean", "lighting 0.1")
"""Sections 2 and 4.1."""
TRAINED = "about 90 epochs of 1.2 million images"
SOLVER = "sgd, momentum 0.9, decay 0.0005, the rate inside the momentum"
SCHEDULE = "from 0.01, three times a tenth of it when the held-out error stops improving"


class Deviation(NamedTuple):
    """One thing that is not as the paper has it."""

    section: str
    what: str
    paper: str
    here: str
    layers: tuple[str, ...] = ()
    """The layers or weights of which that is so; empty where it is none of theirs."""


class PaperRun(NamedTuple):
    """What is held against the paper."""

    graph: Graph
    recipe: Mapping[str, Any]
    """As `resolve_recipe` writes it, with what the caller said in place of the file."""
    data: str
    """What it was trained on, in words."""
    images: int | None
    """Images to train on."""
    epochs: str
    """How long it was trained, in words; empty where that is not known."""
    device: str
    """What computed it; empty where that is not known."""


def is_of_its_line(graph: Graph) -> bool:
    """Whether a net is five convolutions and then three fully connected layers, in a chain."""
    is_chain = all(
        node.inputs == (before.name,) for before, node in pairwise(graph.inference_nodes)
    )
    return is_chain and tuple(node.layer.kind for node in list_learned(graph)) == KINDS


def list_learned(graph: Graph) -> list[Node]:
    """The layers with weights."""
    return [node for node in graph.inference_nodes if node.weights]


def list_deviations(run: PaperRun) -> list[Deviation]:
    """What is not as in the paper, by its sections; what is so of several layers is one thing."""
    merged: dict[Deviation, tuple[str, ...]] = {}
    for each in (*compare_net(run.graph), *compare_recipe(run)):
        if each.paper != each.here:
            alike = each._replace(layers=())
            merged[alike] = merged.get(alike, ()) + each.layers
    found = [each._replace(layers=layers) for each, layers in merged.items()]
    return sorted(found, key=lambda each: each.section)


def compare_net(graph: Graph) -> Iterator[Deviation]:
    """What the paper says of the network, and what is so here."""
    learned = list_learned(graph)
    first = graph[graph.inputs[0]]
    yield Deviation("2", "images as the net reads them", "3x224x224", str(first.shape))
    gpus = f"{graph.gpus} GPUs" if graph.gpus > 1 else "not divided"
    yield Deviation("3.2", "kernels are divided over", "2 GPUs", gpus)
    for node in graph.inference_nodes:
        yield from compare_layer(node)
    padding = describe_padding(learned[0])
    yield Deviation("3.5", "zeros around the image", NO_PADDING, padding, (learned[0].name,))
    for place, node in enumerate(learned):
        where = (node.name,)
        yield Deviation("3.5", "size", KERNELS[place], describe_kernels(node), where)
        if isinstance(node.layer, Conv):
            size = f"{node.shape.height}x{node.shape.width}"
            yield Deviation("3.5, figure 2", "map", MAPS[place], size, where)
        following = list_following(graph, node)
        yield Deviation("3.5, 4.2", "what follows", FOLLOWING[place], following, where)
        yield from compare_start(node, BIASES[place])


def describe_padding(node: Node) -> str:
    """The zeros that a convolution reads around its map."""
    assert isinstance(node.layer, Conv)
    sides = node.layer.padding(node.input_shapes[0])._asdict()
    named = [f"{pixels} at the {side}" for side, pixels in sides.items() if pixels]
    return ", ".join(named) or NO_PADDING


def describe_kernels(node: Node) -> str:
    """The size of a layer."""
    layer = node.layer
    if isinstance(layer, Conv):
        groups = f", in {layer.groups} groups" if layer.groups > 1 else ""
        return f"{layer.channels:,} of {layer.size}, stride {layer.stride}{groups}"
    assert isinstance(layer, FullyConnected)
    return f"{layer.channels:,} neurons"


def list_following(graph: Graph, node: Node) -> str:
    """The kinds of the layers behind a learned one, up to the next."""
    nodes = list(graph.inference_nodes)
    kinds = []
    for later in nodes[nodes.index(node) + 1 :]:
        if later.weights:
            break
        kinds.append(later.layer.kind)
    return ", ".join(kinds)


def compare_layer(node: Node) -> Iterator[Deviation]:
    """A layer that learns nothing, where the paper speaks of its kind."""
    layer, where = node.layer, (node.name,)
    if isinstance(layer, Lrn):
        numbers = f"{layer.n}, {layer.k:g}, {layer.alpha:g}, {layer.beta:g}"
        yield Deviation("3.3", "n, k, alpha, beta", "5, 2, 0.0001, 0.75", numbers, where)
        yield Deviation("3.3", "alpha multiplies", OVER["sum"], OVER[layer.over], where)
        yield Deviation("3.3", "windows run over", "all kernels", describe_scope(layer), where)
    elif isinstance(layer, MaxPool):
        size = f"{layer.size}, stride {layer.stride or layer.size}"
        yield Deviation("3.4", "windows", "3x3, stride 2x2", size, where)
    elif isinstance(layer, Dropout):
        theirs = describe_dropout(0.5, inverted=False)
        ours = describe_dropout(layer.p, inverted=layer.inverted)
        yield Deviation("4.2", "dropout", theirs, ours, where)


OVER = {"sum": "the sum of the squares", "mean": "their mean, as in the authors' code"}


def describe_scope(layer: Lrn) -> str:
    if layer.across == "map":
        return "pixels of a map"
    return f"one of {layer.groups} groups" if layer.groups > 1 else "all kernels"


def describe_dropout(share: float, *, inverted: bool) -> str:
    where = "what is kept is enlarged in training" if inverted else "all is reduced at test"
    return f"{share:g} is dropped, {where}"


def compare_start(node: Node, bias: int) -> Iterator[Deviation]:
    """Starting values and factors on the rate."""
    for weight in node.weights:
        where = (f"{node.name}.{weight.name}",)
        expected = WEIGHTS if weight.role == "weight" else f"constant {bias}"
        yield Deviation("5", "starting values", expected, describe_start(weight), where)
        yield Deviation("5", "rate of weights", "that of all", describe_rate(weight), where)


def describe_start(weight: Weight) -> str:
    start = weight.start
    values = {name: getattr(start, name) for name in type(start).model_fields}
    if start.kind == "normal":
        return f"normal, standard deviation {values['std']:g}"
    if start.kind == "constant":
        return f"constant {values['value']:g}"
    return ", ".join([start.kind, *(f"{name} {value}" for name, value in values.items())])


def describe_rate(weight: Weight) -> str:
    return "that of all" if weight.rate == 1 else f"{weight.rate:g} times that of all"


def compare_recipe(run: PaperRun) -> Iterator[Deviation]:
    """What the paper says of data, training and test, and what is so here."""
    recipe, solver = run.recipe, run.recipe["solver"]
    is_theirs = any(name in run.data.casefold() for name in ("imagenet", "ilsvrc"))
    yield Deviation("2", "data", "ImageNet", "ImageNet" if is_theirs else run.data)
    train = [describe_transform(each) for each in recipe["train"]]
    if sorted(train) != sorted(PREPARED):  # their order changes nothing
        yield Deviation("2, 4.1", "preparing images", ", ".join(PREPARED), ", ".join(train))
    if any(each["kind"] == "lighting" for each in recipe["train"]):
        yield Deviation(
            "4.1",
            "colour noise is in units of",
            "the eigenvalues",
            "their square roots, as in the authors' code",
        )
    yield Deviation("4.1", "views of a test", "10", str(recipe["views"]))
    yield Deviation("5", "batch", "128", f"{recipe['batch']:,}")
    yield Deviation("5", "solver", SOLVER, describe_solver(solver))
    yield Deviation("5", "rate", SCHEDULE, describe_schedule(solver, recipe["schedule"]))
    if run.epochs:
        images = "" if run.images is None else f" of {run.images:,} images"
        is_theirs = run.epochs == "90 epochs" and 1_150_000 <= (run.images or 0) < 1_350_000
        trained = TRAINED if is_theirs else f"{run.epochs}{images}"
        yield Deviation("5", "trained for", TRAINED, trained)
    if run.device:
        yield Deviation("5", "computed on", "two GTX 580 GPUs, in five to six days", run.device)


def describe_transform(line: Mapping[str, Any]) -> str:
    """A line of the recipe's data with the values that it has."""
    values = (show_value(value) for name, value in line.items() if name != "kind")
    return " ".join([line["kind"], *values])


def describe_solver(solver: Mapping[str, Any]) -> str:
    """A solver; another than sgd with all of its values."""
    if solver["kind"] != "sgd" or solver["nesterov"] or solver.get("clip"):
        named = (f"{k} {show_value(v)}" for k, v in solver.items() if k not in ("kind", "rate"))
        return ", ".join([solver["kind"], *named])
    velocity = "the rate inside the momentum"
    if solver["velocity"] != "step":
        velocity = "the rate outside the momentum"
    return f"sgd, momentum {solver['momentum']:g}, decay {solver['decay']:g}, {velocity}"


def describe_schedule(solver: Mapping[str, Any], schedule: Mapping[str, Any]) -> str:
    values = {k: v for k, v in schedule.items() if k in ("factor", "times", "watch")}
    is_theirs = values == {"factor": 0.1, "times": 3, "watch": "error"}
    if schedule["kind"] == "plateau" and is_theirs and "warmup" not in schedule:
        rule = SCHEDULE.removeprefix("from 0.01, ")
    else:
        named = (f"{k} {show_value(v)}" for k, v in schedule.items() if k != "kind")
        rule = " ".join([schedule["kind"], ", ".join(named)]).strip()
    return f"from {solver['rate']:g}, {rule}"


def show_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(show_value, value))
    return str(value)
