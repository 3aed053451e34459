"""The kernels of a net's first convolution as pictures, as in Krizhevsky et al. 2012, figure 3.

Sixteen stand in a row, and one scale of grey or of colours holds for all, as in cuda-convnet's
shownet.py. What lies on a GPU, or what a group of a later convolution reads, has a block of its
own.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netspec.analyses.placement import place_graph
from netspec.graph import Graph, Node
from netspec.layers.convolution import Conv, Kernels
from netspec.recipe.run_facts import KernelBlock, Picture
from netspec.recipe.run_facts import Kernels as KernelPictures
from netspec.tensor import Interval
from netspec_torch.data.encoding import encode_png
from netspec_torch.emission import module_path
from netspec_torch.trained import TrainedNet

A_ROW = 16
GAP = 3
LEAST_SIDE = 40
"""Pixels of the page that a kernel has, about: each of its numbers is a square of whole pixels."""
COLOURS = (1, 3)
"""Channels that can be shown: as grey, or as red, green and blue."""


class NothingToShowError(Exception):
    """A net without kernels that make a picture; the message says why, as a sentence."""


def draw_kernels(trained: TrainedNet) -> KernelPictures:
    """The kernels of a trained net; raises NothingToShowError."""
    node = find_kernels(trained.net.graph)
    weights = trained.module.state_dict()[f"{module_path(node.name)}.weight"]
    kernels = weights.float().permute(0, 2, 3, 1).cpu().numpy()
    count, height, width, channels = kernels.shape
    low, high = float(kernels.min()), float(kernels.max())
    levels = (kernels - low) * (255 / (high - low) if high > low else 0)
    pixels = levels.round().astype(np.uint8)
    return KernelPictures(
        layer=node.name,
        count=count,
        height=height,
        width=width,
        channels=channels,
        low=low,
        high=high,
        blocks=tuple(
            KernelBlock(title, draw_block(pixels[run.start : run.end]))
            for title, run in divide_kernels(trained.net.graph, node)
        ),
    )


def find_kernels(graph: Graph) -> Node:
    """The first convolution; raises NothingToShowError where it makes no picture."""
    found = [node for node in graph.inference_nodes if isinstance(node.layer, Kernels)]
    if not found:
        raise NothingToShowError("The net has no convolution.")
    node = found[0]
    _, channels, *size = node.weights[0].shape
    if channels not in COLOURS:
        raise NothingToShowError(
            f"The kernels of {node.name} have {channels} channels, which make no colour."
        )
    if max(size) == 1:
        raise NothingToShowError(f"The kernels of {node.name} are single numbers, 1x1.")
    return node


def divide_kernels(graph: Graph, node: Node) -> list[tuple[str, Interval]]:
    """The runs of kernels that belong together, with what they are; one run has no name."""
    channels = node.shape.channels
    if graph.gpus > 1:
        runs = place_graph(graph).nodes[node.name].runs
        held = [(f"GPU {gpu}", run) for gpu, run in enumerate(runs) if run.end > run.start]
    else:
        reader, groups = find_groups(graph, node)
        size = channels // groups
        held = [
            (f"read by group {n} of {reader}", Interval(n * size, (n + 1) * size))
            for n in range(groups)
        ]
    return held if len(held) > 1 else [("", Interval(0, channels))]


def find_groups(graph: Graph, node: Node) -> tuple[str, int]:
    """The convolution that reads these channels, or what becomes of each of them, in groups, and
    how many groups of several channels it has; 1 where none does."""
    channels = node.shape.channels
    carriers = {node.name}
    for later in graph.inference_nodes:
        if not carriers.intersection(later.inputs):
            continue
        if isinstance(later.layer, Conv):
            groups = later.layer.groups
            return later.name, groups if groups < channels else 1
        if later.weights or len(later.inputs) > 1 or later.shape.channels != channels:
            return later.name, 1
        carriers.add(later.name)
    return "", 1


def draw_block(kernels: NDArray[np.uint8]) -> Picture:
    """Kernels, count x height x width x channels, in rows; between them the page shows through."""
    count, height, width, channels = kernels.shape
    scale = max(1, LEAST_SIDE // max(height, width))
    tiles = kernels.repeat(scale, axis=1).repeat(scale, axis=2)
    places = list_places(count, height * scale, width * scale)
    bottom, right = places[-1][0] + height * scale, max(x for _, x in places) + width * scale
    pixels = np.zeros((bottom, right, channels + 1), np.uint8)
    for (top, left), tile in zip(places, tiles, strict=True):
        cut = pixels[top : top + height * scale, left : left + width * scale]
        cut[..., :channels] = tile
        cut[..., channels] = 255
    return encode_png(pixels)


def list_places(count: int, height: int, width: int) -> Sequence[tuple[int, int]]:
    """The upper left corner of each tile, row and column."""
    rows = (divmod(number, A_ROW) for number in range(count))
    return [(row * (height + GAP), column * (width + GAP)) for row, column in rows]
