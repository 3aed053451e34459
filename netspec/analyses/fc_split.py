"""How a net lies on several processes where its recipe says `parallel fc=split`: each has some of
the images of an update, and of the fully connected layers a part of the channels, for all images.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014 (arXiv
1404.5997), with its scheme (a): the images of all come together at once, so that an update is that
of the whole batch. A tensor has one of three forms, and what is wanted in another form moves:

    own images, all channels    what every layer gives, but for those below
      images come together      each process sends its own to every other
    all images, all channels    what an fc reads
    all images, own channels    what it gives, and layers behind it that have no weights and compute
                                a channel from the same channel
      channels come together    each process sends its own to every other, for the next fc
      images go back            each process sends every other that one's images, for any other
                                layer and for the loss

In training the gradients of what has moved take the same way back, unless nothing that is trained
lies before it. Layers with fewer channels than there are processes are not cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from netspec.analyses.memory import BYTES_PER_NUMBER
from netspec.analyses.placement import find_trained, list_exits, overlap
from netspec.graph import Graph, Node
from netspec.tensor import Interval

FC = "fc"
Runs = tuple[Interval, ...]
"""The channels on each process."""
Way = Literal["images", "channels", "back"]
"""What comes together, or that images go back."""


class Move(Struct, frozen=True):
    """A tensor that takes another form."""

    tensor: str
    """The layer whose result it is."""
    way: Way
    runs: Runs
    """The channels that each process has before."""
    channels: int
    pixels: int
    """Of a channel."""
    has_gradient: bool
    """Whether gradients return."""

    def count_sent(self, process: int, images: Sequence[int]) -> int:
        """Bytes that a process sends going forward; `images` are those of each process."""
        own, others = images[process], len(images) - 1
        run = self.runs[process].end - self.runs[process].start
        numbers = {
            "images": own * self.channels * others,
            "channels": sum(images) * run * others,
            "back": (sum(images) - own) * run,
        }[self.way]
        return numbers * self.pixels * BYTES_PER_NUMBER

    def count_received(self, process: int, images: Sequence[int]) -> int:
        """Bytes that it receives; of gradients it sends as many back."""
        own = images[process]
        run = self.runs[process].end - self.runs[process].start
        numbers = {
            "images": (sum(images) - own) * self.channels,
            "channels": sum(images) * (self.channels - run),
            "back": own * (self.channels - run),
        }[self.way]
        return numbers * self.pixels * BYTES_PER_NUMBER


class FcSplit(Struct, frozen=True):
    """A net over so many processes."""

    processes: int
    runs: Mapping[str, Runs]
    """Of each layer that is cut, by its name, the channels on each process."""
    moves: tuple[Move, ...]
    """In the order in which they are first wanted."""


def split_fcs(graph: Graph, processes: int) -> FcSplit:
    """Cut the fully connected layers of a net over so many processes."""
    runs: dict[str, Runs] = {}
    for node in graph.nodes:
        own = cut_evenly(node.shape.channels, processes)
        if node.shape.channels >= processes and (is_fc(node) or keeps_runs(node, own, runs)):
            runs[node.name] = own
    return FcSplit(processes, runs, tuple(list_moves(graph, runs, processes)))


def is_fc(node: Node) -> bool:
    """Whether the layer is fully connected."""
    return node.layer.kind == FC


def keeps_runs(node: Node, own: Runs, runs: Mapping[str, Runs]) -> bool:
    """Whether a layer without weights computes its run on each process from what lies there of
    layers that are cut."""
    if node.weights or not node.inputs or any(name not in runs for name in node.inputs):
        return False
    return all(
        overlap(read, runs[name][process]) == read.end - read.start
        for process, run in enumerate(own)
        for name, reads in zip(node.inputs, read_channels(node, run), strict=True)
        for read in reads
    )


def read_channels(node: Node, run: Interval) -> tuple[tuple[Interval, ...], ...]:
    """The channels of each input that a run of the layer's is computed from."""
    return node.layer.list_reads(node.input_shapes, node.shape, run)


def cut_evenly(channels: int, processes: int) -> Runs:
    """Runs that are equal but for the remainder, of which the first have a channel more each."""
    each, more = divmod(channels, processes)
    ends = [number * each + min(number, more) for number in range(processes + 1)]
    return tuple(Interval(*run) for run in pairwise(ends))


def list_moves(graph: Graph, runs: Mapping[str, Runs], processes: int) -> Iterator[Move]:
    """Each tensor that is wanted in another form than it has, once for each form."""
    trained = find_trained(graph)
    wanted = dict.fromkeys(
        (name, find_way(name, node, runs)) for node in graph.nodes for name in node.inputs
    )
    wanted |= dict.fromkeys((name, "back" if name in runs else None) for name in list_exits(graph))
    for name, way in wanted:
        if way is None:
            continue
        shape = graph[name].shape
        own = runs.get(name, (Interval(0, shape.channels),) * processes)
        pixels = shape.height * shape.width
        yield Move(name, way, own, shape.channels, pixels, name in trained)


def find_way(name: str, reader: Node, runs: Mapping[str, Runs]) -> Way | None:
    """How a tensor comes into the form in which a layer reads it; None where it has it."""
    if reader.name in runs and is_fc(reader):
        return "channels" if name in runs else "images"
    return "back" if name in runs and reader.name not in runs else None
