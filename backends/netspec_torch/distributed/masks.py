"""What is dropped at random, alike on all processes and in all parts of a batch: dropout and
droppath of a tensor of which a process has some images and channels.

Each process draws the mask of the whole tensor of the whole batch, as one process alone would, and
takes its part: the generators of all stay in step, and how many there are changes no result. So a
column draws for a layer too of which it has no channel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from netspec.graph import Graph
from netspec.layers.regularization import Dropout, DropPath
from netspec.tensor import Interval
from netspec_torch.emission import module_path, set_submodule


@dataclass
class Rows:
    """Which images of an update's batch a process computes; set before each pass of the net."""

    start: int = 0
    count: int = 0
    total: int = 0
    """The images of the batch."""
    together: int = 0
    """The images that all replicas compute at once: the batch, or a part of it."""
    shares: tuple[slice, ...] = ()
    """Which of the batch's images these are, for each replica."""
    layout: torch.memory_format = torch.channels_last
    """That of the whole net's maps, in whose order one process draws. It is told, because a tensor
    of a single channel does not show it."""

    def take(self, other: "Rows") -> None:
        """Become as another, but for the layout."""
        self.start, self.count = other.start, other.count
        self.total, self.together = other.total, other.together
        self.shares = other.shares

    @property
    def counts(self) -> list[int]:
        """How many images each replica computes."""
        return [share.stop - share.start for share in self.shares]

    def pick(self, numbers: Tensor, *, of_all: bool) -> Tensor:
        """Of numbers for each image of the batch those of the images that are computed here, or of
        all that are computed at once, replica by replica."""
        if not of_all:
            return numbers[self.start : self.start + self.count]
        if self.together == self.total:
            return numbers
        return torch.cat([numbers[share] for share in self.shares])


class Mask(nn.Module):
    """What the kinds share: a mask of the whole, of which the process has a part."""

    def __init__(self, p: float, rows: Rows, *, of_all: bool) -> None:
        """`of_all`: of the images of all replicas."""
        super().__init__()
        self.p = p
        self.rows = rows
        self.of_all = of_all

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class SplitDropout(Mask):
    """nn.Dropout and PlainDropout over a run of the channels."""

    def __init__(
        self,
        p: float,
        rows: Rows,
        channels: int,
        run: Interval,
        *,
        inverted: bool,
        of_all: bool = False,
    ) -> None:
        super().__init__(p, rows, of_all=of_all)
        self.channels = channels
        self.run = run
        self.inverted = inverted

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x if self.inverted else x * (1 - self.p)
        whole = torch.empty(
            (self.rows.total, self.channels, *x.shape[2:]),
            dtype=x.dtype,
            device=x.device,
            memory_format=self.rows.layout,
        )
        # nn.Dropout draws nothing where it drops nothing, and on a GPU draws with a kernel of its
        # own, so that kernel draws here.
        mask = dropout(whole.fill_(1), self.p) if self.inverted else whole.bernoulli_(1 - self.p)
        own = mask[:, self.run.start : self.run.end]
        return x * self.rows.pick(own, of_all=self.of_all)


class SplitDropPath(Mask):
    """DropPath, whose mask has one number an image."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty(self.rows.total, 1, 1, 1).bernoulli_(1 - self.p)
        return x * self.rows.pick(kept.div_(1 - self.p), of_all=self.of_all)


def make_mask(
    layer: Dropout | DropPath, rows: Rows, channels: int, run: Interval, *, of_all: bool = False
) -> Mask:
    """The mask of a layer of so many channels, of which a run is here: of the images that are
    computed here, or of those of all replicas."""
    if isinstance(layer, DropPath):
        return SplitDropPath(layer.p, rows, of_all=of_all)
    inverted = layer.inverted
    return SplitDropout(layer.p, rows, channels, run, inverted=inverted, of_all=of_all)


def mask_rows(module: nn.Module, graph: Graph, rows: Rows) -> None:
    """Have a whole net drop what it would drop of the whole batch, whatever part it computes."""
    for node in graph.nodes:
        if isinstance(node.layer, Dropout | DropPath):
            channels = node.shape.channels
            mask = make_mask(node.layer, rows, channels, Interval(0, channels))
            set_submodule(module, module_path(node.name), mask)
