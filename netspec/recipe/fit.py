"""Whether a recipe fits the net that it is for: sizes, channels, what the loss and the views need.

Only what the file itself can tell is judged here; what depends on the data is judged when they are
opened. The compiler, which knows the places, makes diagnostics (NS403) of what is found.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from netspec.graph import Graph
from netspec.recipe.data import Crop, Divide, Resize, Subtract, Transform, test_transforms_from
from netspec.recipe.recipe import Recipe
from netspec.schema import HeightWidth
from netspec.tensor import Shape


class Misfit(Struct, frozen=True):
    """One line of a recipe that does not fit the net or another line."""

    line: str
    """The line's word: crop, views, loss, …"""
    predicate: str
    """Completes "`crop` …" to a sentence."""
    section: str = "train"
    """The section that has the line: train or test."""
    help: str = ""


def find_misfits(recipe: Recipe, graph: Graph) -> Iterator[Misfit]:
    """Everything in the recipe that can't work with the net, in the order of the lines."""
    if len(graph.inputs) != 1:
        yield Misfit("data", f"feeds one input, but `{graph.name}` has {len(graph.inputs)}")
        return
    input = graph[graph.inputs[0]].shape
    yield from _transform_misfits(recipe.transforms, input, graph.name, "train")
    if recipe.test_transforms != test_transforms_from(recipe.transforms):
        yield from _transform_misfits(recipe.test_transforms, input, graph.name, "test")
    output = graph[graph.output].shape
    if not output.is_vector:
        yield Misfit(
            "loss",
            f"softmax wants one number a class, but `{graph.name}` ends in {output}",
            help="end the net with `avgpool global`, `flatten` or an fc",
        )
    yield from _parallel_misfits(recipe, graph)
    if recipe.views > 1 and not any(isinstance(t, Crop) for t in recipe.test_transforms):
        yield Misfit(
            "views", f"{recipe.views} needs a `crop`, which says how large a view is", "test"
        )


def _parallel_misfits(recipe: Recipe, graph: Graph) -> Iterator[Misfit]:
    if recipe.parallel.fc == "copied":
        return
    if graph.gpus > 1:
        yield Misfit(
            "parallel",
            f"splits the fully connected layers over all processes, but `{graph.name}` has "
            f"`gpus {graph.gpus}`, which says itself where they lie",
            help=f"one of the two: leave out `gpus {graph.gpus}`, or `parallel`",
        )
    elif not any(node.layer.kind == "fc" for node in graph.nodes):
        yield Misfit(
            "parallel",
            f"splits the fully connected layers, and `{graph.name}` has none",
            help="leave it out",
        )


def _transform_misfits(
    transforms: Sequence[Transform], input: Shape, net: str, section: str
) -> Iterator[Misfit]:
    wanted = HeightWidth(input.height, input.width)
    size: HeightWidth | None = None
    last = ""
    for transform in transforms:
        if isinstance(transform, Crop):
            if size and (transform.size.height > size.height or transform.size.width > size.width):
                yield Misfit("crop", f"cuts {transform.size} out of images of {size}", section)
                return
            size, last = transform.size, "crop"
        elif isinstance(transform, Resize):
            size, last = HeightWidth(transform.side, transform.side), "resize"
        elif isinstance(transform, Subtract | Divide):
            yield from _number_misfits(transform, input, net, section)
    if size is not None and size != wanted:
        yield Misfit(
            last,
            f"leaves images of {size}, but `{net}` reads {wanted}",
            section,
            help=f"`crop {wanted.height}`" if wanted.height == wanted.width else f"`crop {wanted}`",
        )


def _number_misfits(
    transform: Subtract | Divide, input: Shape, net: str, section: str
) -> Iterator[Misfit]:
    given = len(transform.numbers)
    if given > 1 and given != input.channels:
        yield Misfit(
            transform.kind,
            f"has {given} numbers, but `{net}` reads {input.channels} channels",
            section,
            help="one number is for all channels, a list has one for each",
        )
