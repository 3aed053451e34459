"""One update of several processes: each computes its part of the batch, by its part of the net, and
the weights end as those of one process would.

The loss of a batch is the mean over its images. So a replica's mean counts by its share of them,
and where the replicas' gradients are averaged, by that share times their number.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from netspec.recipe.clock import Clock, count_parts
from netspec_torch.data.share import Share
from netspec_torch.distributed.local_net import LocalNet
from netspec_torch.distributed.masks import Rows
from netspec_torch.step import TrainingStep, cut_evenly


class SharedStep(TrainingStep):
    """Updates the weights that are here by the images that are here."""

    def __init__(
        self,
        net: Callable[[Tensor], Any],
        optimizer: torch.optim.Optimizer,
        *arguments: Any,
        local: LocalNet,
        clock: Clock,
        **named: Any,
    ) -> None:
        super().__init__(net, optimizer, *arguments, rows=local.rows, **named)
        self._local = local
        self._clock = clock

    def _divide(self, count: int, update: int) -> list[Rows]:
        """This replica's parts. All replicas have as many, so that they meet in each."""
        world, total = self._local.world, self._clock.count_images(update)
        shares = [
            Share(number, world.replicas).cut(slice(0, total)) for number in range(world.replicas)
        ]
        sizes = [share.stop - share.start for share in shares]
        parts = count_parts(max(sizes), self._device_batch)
        cuts = [cut_evenly(size, parts) for size in sizes]
        return [
            self._describe_part(
                [
                    slice(share.start + cut[number].start, share.start + cut[number].stop)
                    for share, cut in zip(shares, cuts, strict=True)
                ],
                total,
            )
            for number in range(parts)
        ]

    def _describe_part(self, computed: list[slice], total: int) -> Rows:
        """A part of a batch, of which these images are computed, by replica."""
        here = computed[self._local.world.share.number]
        together = sum(each.stop - each.start for each in computed)
        return Rows(here.start, here.stop - here.start, total, together, tuple(computed))

    def _alone(self, is_last: bool) -> AbstractContextManager[None]:
        """Where gradients are averaged over the replicas, that is done in the last part."""
        if is_last or not isinstance(self._net, DistributedDataParallel):
            return nullcontext()
        return self._net.no_sync()

    def _scale(self, loss: Tensor) -> Tensor:
        return loss * self._local.world.replicas

    def _add_figures(self, figures: Tensor) -> Tensor:
        """Of the whole batch, the same on all processes."""
        return self._local.world.add(figures)

    def _measure_norm(self, parameters: list[Tensor]) -> Tensor:
        """Of the whole net's gradients. Those that all have alike are the same on all."""
        is_copied, squares = self._local.is_copied, []
        copied = [parameter for parameter in parameters if is_copied(parameter)]
        if copied:
            squares.append(super()._measure_norm(copied).square())
        own = [parameter for parameter in parameters if not is_copied(parameter)]
        if own:
            square = super()._measure_norm(own).square()
            squares.append(self._local.add_over_holders(square))
        return torch.stack(squares).sum().sqrt()

    def _cross_entropy(self, scores: Tensor, labels: Tensor) -> Tensor:
        """0 where another column has the scores, by way of what leads the gradient to it."""
        if not scores.numel():
            return scores.sum(dtype=torch.promote_types(scores.dtype, torch.float32))
        return super()._cross_entropy(scores, labels)

    def _measure_error(self, scores: Tensor, labels: Tensor) -> Tensor:
        """0 where another column has the scores."""
        if not scores.numel():
            return scores.new_zeros(())
        return super()._measure_error(scores, labels)
