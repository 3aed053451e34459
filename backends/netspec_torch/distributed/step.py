"""One update of several processes: each computes its part of the batch, by its part of the net, and
the weights end as those of one process would.

The loss of a batch is the mean over its images. So a replica's mean counts by its share of them,
and where the replicas' gradients are averaged, by that share times their number.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from netspec.recipe.clock import Clock
from netspec_torch.distributed.local_net import LocalNet
from netspec_torch.step import TrainingStep, seed_of_update


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
        super().__init__(net, optimizer, *arguments, **named)
        self._local = local
        self._clock = clock

    def __call__(self, images: Tensor, labels: Tensor, update: int) -> Tensor:
        """Do update number `update`, from 0; gives the loss of the whole batch, which is the same
        on all processes, still on the device."""
        world, rows = self._local.world, self._local.rows
        rows.total = self._clock.count_images(update)
        rows.start, end, _ = world.share.cut(slice(0, rows.total)).indices(rows.total)
        rows.count = end - rows.start
        torch.manual_seed(seed_of_update(self._seed, update))
        loss = self.compute_loss(images, labels) * (rows.count / rows.total)
        (loss * world.replicas).backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return world.add(loss.detach())

    def _cross_entropy(self, scores: Tensor, labels: Tensor) -> Tensor:
        """0 where another column has the scores, by way of what leads the gradient to it."""
        if not scores.numel():
            return scores.sum(dtype=torch.promote_types(scores.dtype, torch.float32))
        return super()._cross_entropy(scores, labels)
