"""What crosses between columns: a module that gives a layer the channels that it reads, fetched
from the columns that hold them; on the way back it returns their gradients, where they are summed.

Where every column reads all channels that is an all-gather, and its way back a reduce-scatter;
where one reads them it is a gather and a scatter; an lrn fetches a few channels of its neighbour.
All are one collective here, PyTorch's all-to-all with lengths of its own for each pair: it moves
what is read and nothing else, with gloo as with NCCL. gloo's reduce-scatter is an all-reduce, which
moves twice as much.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torch.distributed._functional_collectives import all_to_all_single, wait_tensor

from netspec.analyses.placement import count_channels, overlap, shift, subtract
from netspec.tensor import Interval

Runs = tuple[Interval, ...]


class Exchange(nn.Module):
    """Takes a column's channels of a tensor, gives those that it reads, in ascending order.

    All columns of a group call it in the same order, those too that send or read nothing. Under
    autocast what crosses has the lower precision.
    """

    def __init__(
        self,
        held: Sequence[Interval],
        wanted: Sequence[Sequence[Interval]],
        column: int,
        group: ProcessGroup,
        *,
        has_gradient: bool,
    ) -> None:
        """`held` and `wanted` are the channels that each column has and reads; `has_gradient` says
        whether any of them has a gradient to return."""
        super().__init__()
        self.group = group
        self.has_gradient = has_gradient
        own = held[column]
        self.sent = [
            tuple(shift(run, -own.start) for run in part(subtract(reads, kept), own))
            for reads, kept in zip(wanted, held, strict=True)
        ]
        """To each column, which of its own channels, counted from the first of them."""
        missing = subtract(wanted[column], own)
        self.received = [part(missing, run) for run in held]
        """From each column, which channels of the tensor."""
        self.kept = tuple(shift(run, -own.start) for run in part(wanted[column], own))
        received = [run for runs in self.received for run in runs] or [Interval(0, 0)]
        pieces = [*received, *part(wanted[column], own)]
        self.order = sorted(range(len(pieces)), key=lambda place: pieces[place])
        """The pieces, received and then kept, in the order of their channels."""

    def forward(self, x: Tensor) -> Tensor:
        """N x channels x H x W; channels_last is kept."""
        x = prepare(x, has_gradient=self.has_gradient)
        rows = x.permute(0, 2, 3, 1)
        pixels = x.shape[0] * x.shape[2] * x.shape[3]
        received = swap(
            [take(rows, runs) for runs in self.sent],
            [count_channels(runs) * pixels for runs in self.received],
            self.group,
        )
        # A column that receives nothing has a piece without numbers all the same: it is what leads
        # the gradient's way back through the exchange.
        lengths = [run.end - run.start for runs in self.received for run in runs] or [0]
        pieces = [
            piece.view(x.shape[0], x.shape[2], x.shape[3], length).permute(0, 3, 1, 2)
            for piece, length in zip(
                received.split([length * pixels for length in lengths]), lengths, strict=True
            )
        ] + [x[:, run.start : run.end] for run in self.kept]
        return torch.cat([pieces[place] for place in self.order], dim=1)

    def extra_repr(self) -> str:
        return f"sends {self.sent}, receives {self.received}"


def prepare(x: Tensor, *, has_gradient: bool) -> Tensor:
    """A tensor as it is sent: under autocast in the lower precision, and where any process has a
    gradient to return, with one."""
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    if has_gradient and torch.is_grad_enabled() and not x.requires_grad:
        # A process without a gradient of its own takes part in returning those of others.
        return x.detach().requires_grad_()
    return x


def swap(pieces: list[Tensor], lengths: list[int], group: ProcessGroup) -> Tensor:
    """Send each process of the group its piece, a row of numbers; gives what they send, one behind
    the other, of which the lengths are known. Its gradient is the same the other way round."""
    # The collective and its gradient are the same function in PyTorch 2.11 and 2.13; those of the
    # others that have a gradient change their names in between.
    sent = [piece.numel() for piece in pieces]
    received: Tensor = wait_tensor(all_to_all_single(torch.cat(pieces), lengths, sent, group))
    return received


def take(rows: Tensor, runs: Runs) -> Tensor:
    """Channels of N x H x W x C one run after another, as one row of numbers."""
    return torch.cat([rows[..., 0:0].reshape(-1), *(rows[..., a:b].reshape(-1) for a, b in runs)])


def part(intervals: Sequence[Interval], run: Interval) -> Runs:
    """What of the intervals lies in a run."""
    return tuple(
        Interval(max(each.start, run.start), min(each.end, run.end))
        for each in intervals
        if overlap(each, run)
    )
