"""One update: the loss of a batch, its gradients, the solver's step.

A batch that is too large for the device is computed in parts, and their gradients are added up to
those of the batch's mean loss.

What is random in a net (dropout) is drawn from a seed of its own for each update, so that a run
that goes on draws what it would have drawn; and for each part of a batch from that same seed, the
part taking its images' rows of what is drawn for all. The rate is set by who calls; nothing here
waits for the device.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from netspec.graph import Head
from netspec.recipe.clock import count_parts
from netspec.recipe.training import Loss
from netspec_torch.compute import Precision, autocast
from netspec_torch.distributed.masks import Rows

Scores = Tensor | tuple[Tensor, dict[str, Tensor]]
"""What a net gives back: N x classes, and for one with heads those of each head beside it."""


class TrainingStep:
    """Updates a net's weights by one batch."""

    def __init__(
        self,
        net: Callable[[Tensor], Scores],
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        *,
        clip: float | None = None,
        heads: Sequence[Head] = (),
        device: torch.device,
        precision: Precision = "float32",
        seed: int = 0,
        rows: Rows | None = None,
        device_batch: int | None = None,
    ) -> None:
        """`clip` bounds the norm of all gradients together, `device_batch` the images that are
        computed at once; `rows` is where the net looks which of the batch's these are."""
        self._net = net
        self._optimizer = optimizer
        self._smooth = loss.smooth
        self._heads = tuple(heads)
        self._device = device
        self._precision: Precision = precision
        self._seed = seed
        self._clip = clip
        self._rows = rows or Rows()
        self._device_batch = device_batch

    def __call__(self, images: Tensor, labels: Tensor, update: int) -> Tensor:
        """Do update number `update`, from 0; gives the loss, still on the device."""
        losses = []
        parts = self._divide(len(images), update)
        for number, part in enumerate(parts, start=1):
            self._rows.take(part)
            start = part.start - parts[0].start
            here = slice(start, start + part.count)
            torch.manual_seed(seed_of_update(self._seed, update))
            with self._alone(is_last=number == len(parts)):
                loss = self.compute_loss(images[here], labels[here]) * (part.count / part.total)
                self._scale(loss).backward()
            losses.append(loss.detach())
        if self._clip is not None:
            self._clip_gradients(self._clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return self._add_losses(torch.stack(losses).sum())

    def _divide(self, count: int, update: int) -> list[Rows]:
        """The parts of a batch of which `count` images are here, in order."""
        parts = cut_evenly(count, count_parts(count, self._device_batch))
        return [Rows(each.start, size := each.stop - each.start, count, size) for each in parts]

    def _alone(self, is_last: bool) -> AbstractContextManager[None]:
        """The context in which a part is computed."""
        return nullcontext()

    def _scale(self, loss: Tensor) -> Tensor:
        """What the gradients are taken of, for the loss of a part."""
        return loss

    def _add_losses(self, loss: Tensor) -> Tensor:
        """The loss of the batch, from that of the images that are here."""
        return loss

    def _add_norms(self, norm: Tensor) -> Tensor:
        """The norm of all gradients, from that of those that are here."""
        return norm

    def _clip_gradients(self, clip: float) -> None:
        """Scale all gradients so that their common norm is at most `clip`."""
        groups = self._optimizer.param_groups
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        norm = self._add_norms(torch.nn.utils.get_total_norm(gradients))
        torch._foreach_mul_(gradients, (clip / norm).clamp(max=1.0))

    def compute_loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch, plus each head's times its weight."""
        with autocast(self._device, self._precision):
            scores = self._net(images)
        if isinstance(scores, Tensor):
            return self._cross_entropy(scores, labels)
        output, by_head = scores
        loss = self._cross_entropy(output, labels)
        for head in self._heads:
            loss = loss + head.weight * self._cross_entropy(by_head[head.name], labels)
        return loss

    def _cross_entropy(self, scores: Tensor, labels: Tensor) -> Tensor:
        """In float32 or better."""
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        return cross_entropy(scores, labels, label_smoothing=self._smooth)


def cut_evenly(count: int, parts: int) -> list[slice]:
    """So many images in parts of almost the same size, the larger ones first."""
    each, more = divmod(count, parts)
    ends = [number * each + min(number, more) for number in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


def seed_of_update(seed: int, update: int) -> int:
    """A seed for torch that no other update of the run has, but by chance: 32 bits, which is all
    that torch's generator on the CPU takes."""
    return int(np.random.SeedSequence([seed % 2**64, update]).generate_state(1)[0])
