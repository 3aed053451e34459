"""The losses and training errors of a run's updates, kept on the device until a figure of them is
wanted: their sums, and how many updates there were before one whose loss is not finite.

So no update waits for the device, which would stand idle until it is given work again. What becomes
of an update whose loss is not finite is decided in `step.py`, what is said of it in `trainer.py`.
"""

from math import isfinite

import torch
from torch import Tensor


class LossNotFiniteError(Exception):
    """The loss of an update is infinite or no number; the weights are as they were before it."""

    def __init__(self, loss: float, updates_before: int) -> None:
        super().__init__(f"the loss is {loss}")
        self.loss = loss
        self.updates_before = updates_before
        """How many updates were noted before it."""


class Losses:
    """Takes note of one update after the other."""

    def __init__(self, device: torch.device) -> None:
        self.is_broken = torch.zeros((), device=device)
        """1 once a loss was not finite, else 0; float32, as torch's optimisers read it."""
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        """Of the losses and of the errors."""
        self._sound = torch.zeros((), dtype=torch.float64, device=device)
        """How many were noted before the one that is not finite."""

    def note(self, figures: Tensor) -> None:
        """Add the loss and the error of an update, 2 numbers; those that come after a loss that is
        not finite count no more."""
        self._sums += torch.where(self.is_broken == 0, figures, torch.zeros_like(figures))
        loss = self._sums[0]
        self.is_broken.copy_(loss - loss != 0)  # of what is not finite it is no number
        self._sound += 1 - self.is_broken

    def fetch(self) -> tuple[float, float]:
        """The sums of the losses and of the errors, for which the device is waited for.

        Raises LossNotFiniteError where a loss was not finite.
        """
        loss, error, sound = torch.cat([self._sums, self._sound[None]]).tolist()
        if not isfinite(loss):
            raise LossNotFiniteError(loss, int(sound))
        return loss, error

    def begin_with(self, loss: float, error: float) -> None:
        """Let the sums go on from these."""
        self._sums[0], self._sums[1] = loss, error
