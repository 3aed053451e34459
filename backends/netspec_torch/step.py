"""One update: the loss of a batch, its gradients, the solver's step.

A batch that is too large for the device is computed in parts, and their gradients are added up to
those of the batch's mean loss.

What is random in a net (dropout) is drawn from a seed of its own for each update, so that a run
that goes on draws what it would have drawn; and for each part of a batch from that same seed, the
part taking its images' rows of what is drawn for all. The rate is set by who calls.

A loss that is not finite changes no weight, nor does any update after it. torch's fused kernels are
told so on the device, and nobody waits for it. For solvers that have no such kernel the loss is
waited for while the device still has the gradients to compute, so that it never stands idle.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from math import isfinite

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from netspec.graph import Head
from netspec.recipe.clock import count_parts
from netspec.recipe.device import Precision
from netspec.recipe.training import Loss
from netspec_torch.compute import autocast
from netspec_torch.distributed.masks import Rows
from netspec_torch.losses import Losses
from netspec_torch.solver import skip_where

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
        self.losses = Losses(device)
        """Those of all updates so far, and the training errors."""
        self._skips_by_itself = skip_where(optimizer, self.losses.is_broken)

    def __call__(self, images: Tensor, labels: Tensor, update: int) -> Tensor:
        """Do update number `update`, from 0; gives two numbers, still on the device: the loss, and
        the training error, which is the share of the images whose class did not have the highest
        score. Both are of the net before the update.

        Where the loss is not finite no weight is changed, now and later, and `losses.fetch` raises
        LossNotFiniteError; with a solver whose kernel cannot be told so, this does.
        """
        figures: list[Tensor] = []
        arriving: Copy | None = None
        for is_last, part, here in self._divide_here(len(images), update):
            self._enter(part, update)
            share = part.count / part.total
            with self._alone(is_last=is_last):
                loss, error = self.compute_figures(images[here], labels[here])
                loss = loss * share
                figures.append(torch.stack([loss.detach(), error * share]))
                if is_last:
                    total = self._add_figures(torch.stack(figures).sum(0))
                    self.losses.note(total)
                    arriving = None if self._skips_by_itself else Copy(total[0])
                self._scale(loss).backward()
        if arriving is not None and not isfinite(arriving.value):
            self._optimizer.zero_grad(set_to_none=True)
            self.losses.fetch()
        if self._clip is not None:
            self._clip_gradients(self._clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return total

    def replay(self, images: Tensor, update: int) -> Iterator[Tensor]:
        """The images of an update in the parts in which they were computed; what the net draws for
        each while it is the latest is what it drew then."""
        for _, part, here in self._divide_here(len(images), update):
            self._enter(part, update)
            yield images[here]

    def _divide_here(self, count: int, update: int) -> Iterator[tuple[bool, Rows, slice]]:
        """The parts of a batch of which `count` images are here: whether it is the last, which of
        the batch's images it has, and where these are among those here."""
        parts = self._divide(count, update)
        for number, part in enumerate(parts, start=1):
            start = part.start - parts[0].start
            yield number == len(parts), part, slice(start, start + part.count)

    def _enter(self, part: Rows, update: int) -> None:
        """Have drawn what is random in a part."""
        self._rows.take(part)
        torch.manual_seed(seed_of_update(self._seed, update))

    def _divide(self, count: int, update: int) -> list[Rows]:
        """The parts of a batch of which `count` images are here, in order."""
        parts = cut_evenly(count, count_parts(count, self._device_batch))
        return [
            Rows(each.start, size := each.stop - each.start, count, size, (each,)) for each in parts
        ]

    def _alone(self, is_last: bool) -> AbstractContextManager[None]:
        """The context in which a part is computed."""
        return nullcontext()

    def _scale(self, loss: Tensor) -> Tensor:
        """What the gradients are taken of, for the loss of a part."""
        return loss

    def _add_figures(self, figures: Tensor) -> Tensor:
        """The loss and error of the batch, from those of the images that are here."""
        return figures

    def _clip_gradients(self, clip: float) -> None:
        """Scale all gradients so that their common norm is at most `clip`."""
        groups = self._optimizer.param_groups
        parameters = [p for group in groups for p in group["params"] if p.grad is not None]
        norm = self._measure_norm(parameters)
        torch._foreach_mul_([p.grad for p in parameters], (clip / norm).clamp(max=1.0))

    def _measure_norm(self, parameters: list[Tensor]) -> Tensor:
        """The norm of all their gradients together."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)

    def compute_figures(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, plus each head's times its weight; and the training error,
        without a gradient and without heads."""
        with autocast(self._device, self._precision):
            scores = self._net(images)
        output, by_head = (scores, {}) if isinstance(scores, Tensor) else scores
        loss = self._cross_entropy(output, labels)
        for head in self._heads:
            loss = loss + head.weight * self._cross_entropy(by_head[head.name], labels)
        return loss, self._measure_error(output.detach(), labels).to(loss.dtype)

    def _measure_error(self, scores: Tensor, labels: Tensor) -> Tensor:
        return (scores.argmax(1) != labels).double().mean()

    def _cross_entropy(self, scores: Tensor, labels: Tensor) -> Tensor:
        """In float32 or better."""
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        return cross_entropy(scores, labels, label_smoothing=self._smooth)


def cut_evenly(count: int, parts: int) -> list[slice]:
    """So many images in parts of almost the same size, the larger ones first."""
    each, more = divmod(count, parts)
    ends = [number * each + min(number, more) for number in range(parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends)]


class Copy:
    """A number of a device on its way to the CPU, while the device goes on."""

    def __init__(self, number: Tensor) -> None:
        self._here = number
        self._arrived: torch.cuda.Event | None = None
        if number.is_cuda:
            self._here = torch.empty_like(number, device="cpu", pin_memory=True)
            self._here.copy_(number, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record(torch.cuda.current_stream(number.device))

    @property
    def value(self) -> float:
        """The number, once it is there."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return float(self._here.item())


def seed_of_update(seed: int, update: int) -> int:
    """A seed for torch that no other update of the run has, but by chance: 32 bits, which is all
    that torch's generator on the CPU takes."""
    return int(np.random.SeedSequence([seed % 2**64, update]).generate_state(1)[0])
