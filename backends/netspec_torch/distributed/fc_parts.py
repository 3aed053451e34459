"""Fully connected layers that are split over all processes, which also share the images of updates.

Which layers these are and what moves is read off `netspec.analyses.fc_split`. Of every other layer
a process has the whole and computes its own images, as a replica does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx, nn
from torch.distributed import ProcessGroup

from netspec.analyses.fc_split import FcSplit, Move, Way, find_way, read_channels
from netspec.analyses.placement import Reads
from netspec.graph import Graph, Node
from netspec.layers.regularization import Dropout, DropPath
from netspec.tensor import Interval
from netspec_torch.distributed.exchange import prepare, swap
from netspec_torch.distributed.masks import Mask, Rows, make_mask
from netspec_torch.distributed.portion import Groups, Portion, PortionEmission

Size = tuple[int, int]
"""Images and channels."""


@dataclass(frozen=True)
class FcPart(Portion):
    """What one process has of a net whose fully connected layers are split."""

    graph: Graph
    split: FcSplit
    number: int

    def at(self, number: int) -> "FcPart":
        return replace(self, number=number)

    def run(self, node: Node) -> Interval:
        runs = self.split.runs.get(node.name)
        return Interval(0, node.shape.channels) if runs is None else runs[self.number]

    def reads(self, node: Node) -> Reads:
        return read_channels(node, self.run(node))

    def write(self, root: nn.Module, groups: Groups, rows: Rows) -> "FcEmission":
        return FcEmission(self, root, groups, rows)


class FcEmission(PortionEmission):
    """Such a net's torch graph that is being written."""

    def __init__(self, part: FcPart, root: nn.Module, groups: Groups, rows: Rows) -> None:
        super().__init__(part, root, groups, rows)
        self.split = part.split
        self.number = part.number
        self.moves = {(move.tensor, move.way): move for move in part.split.moves}
        self.moved: dict[tuple[str, Way], fx.Node] = {}

    def read_inputs(self, node: Node) -> list[fx.Node]:
        return [
            self._read(node, name, list(read))
            for name, read in zip(node.inputs, self.portion.reads(node), strict=True)
        ]

    def read_exit(self, name: str) -> fx.Node:
        return self._move(name, "back") if name in self.split.runs else self.tensors[name]

    def make_mask(self, node: Node) -> Mask:
        if node.name not in self.split.runs:
            return super().make_mask(node)
        layer = node.layer
        assert isinstance(layer, Dropout | DropPath)
        run = self.portion.run(node)
        return make_mask(layer, self.rows, node.shape.channels, run, of_all=True)

    def _read(self, node: Node, name: str, read: list[Interval]) -> fx.Node:
        source = self.graph[name]
        way = find_way(name, node, self.split.runs)
        if way is None:
            x, have = self.tensors[name], self.portion.run(source)
        else:
            x, have = self._move(name, way), Interval(0, source.shape.channels)
        return self.select(f"{node.name}.of.{name}", x, [have], read)

    def _move(self, name: str, way: Way) -> fx.Node:
        """A tensor in the form in which something wants it; it moves once for all."""
        if (name, way) not in self.moved:
            exchange = MOVES[way](
                self.moves[name, way], self.number, self.groups.holders, self.rows
            )
            self.moved[name, way] = self.call_exchange(f"{name}.{way}", exchange, name)
        return self.moved[name, way]


class Moving(nn.Module):
    """What moves a tensor between the processes, which all call it in the same order. `rows` says
    which images each of them computes."""

    def __init__(self, move: Move, number: int, group: ProcessGroup, rows: Rows) -> None:
        super().__init__()
        self.runs = [run.end - run.start for run in move.runs]
        self.number = number
        self.group = group
        self.rows = rows
        self.has_gradient = move.has_gradient

    def forward(self, x: Tensor) -> Tensor:
        """N x channels x H x W; channels_last is kept."""
        return self.move(prepare(x, has_gradient=self.has_gradient))

    def move(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def swap(self, x: Tensor, sent: Sequence[Tensor], shapes: Sequence[Size]) -> list[Tensor]:
        """What each process sends, images x channels of the given numbers, from what it is sent;
        nothing goes from a process to itself, for which `x` stands."""
        height, width = x.shape[2:]
        others = [number != self.number for number in range(len(sent))]
        lengths = [
            images * channels * height * width * is_other
            for (images, channels), is_other in zip(shapes, others, strict=True)
        ]
        pieces = [
            as_row(tensor) if is_other else as_row(tensor[:0])
            for tensor, is_other in zip(sent, others, strict=True)
        ]
        received = swap(pieces, lengths, self.group).split(lengths)
        return [
            row.view(images, height, width, channels).permute(0, 3, 1, 2) if is_other else x
            for row, (images, channels), is_other in zip(received, shapes, others, strict=True)
        ]


class ImagesTogether(Moving):
    """From each process's own images to those of all."""

    def move(self, x: Tensor) -> Tensor:
        shapes = [(count, x.shape[1]) for count in self.rows.counts]
        return torch.cat(self.swap(x, [x] * len(shapes), shapes))


class ChannelsTogether(Moving):
    """From each process's own channels to all."""

    def move(self, x: Tensor) -> Tensor:
        shapes = [(len(x), run) for run in self.runs]
        return torch.cat(self.swap(x, [x] * len(shapes), shapes), dim=1)


class ImagesBack(Moving):
    """From all images with a process's own channels to its own images with all channels."""

    def move(self, x: Tensor) -> Tensor:
        counts = self.rows.counts
        parts = x.split(counts)
        shapes = [(counts[self.number], run) for run in self.runs]
        return torch.cat(self.swap(parts[self.number], parts, shapes), dim=1)


MOVES: dict[Way, type[Moving]] = {
    "images": ImagesTogether,
    "channels": ChannelsTogether,
    "back": ImagesBack,
}


def as_row(x: Tensor) -> Tensor:
    """The numbers of N x channels x H x W, those of a pixel side by side."""
    return x.permute(0, 2, 3, 1).reshape(-1)
