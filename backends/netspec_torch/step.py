"""One update: the loss of a batch, its gradients, the solver's step.

What is random in a net (dropout) is drawn from a seed of its own for each update, so that a run
that goes on draws what it would have drawn. The rate is set by who calls; nothing here waits for
the device.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from netspec.graph import Head
from netspec.recipe.training import Loss
from netspec_torch.compute import Precision, autocast

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
        heads: Sequence[Head] = (),
        device: torch.device,
        precision: Precision = "float32",
        seed: int = 0,
    ) -> None:
        self._net = net
        self._optimizer = optimizer
        self._smooth = loss.smooth
        self._heads = tuple(heads)
        self._device = device
        self._precision: Precision = precision
        self._seed = seed

    def __call__(self, images: Tensor, labels: Tensor, update: int) -> Tensor:
        """Do update number `update`, from 0; gives the loss, still on the device."""
        torch.manual_seed(seed_of_update(self._seed, update))
        loss = self.compute_loss(images, labels)
        loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return loss.detach()

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


def seed_of_update(seed: int, update: int) -> int:
    """A seed for torch that no other update of the run has, but by chance: 32 bits, which is all
    that torch's generator on the CPU takes."""
    return int(np.random.SeedSequence([seed % 2**64, update]).generate_state(1)[0])
