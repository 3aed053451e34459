"""The losses of a run's updates, kept on the device until a figure of them is wanted: their sum,
and how many there were before one that is not finite.

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
        self._sum = torch.zeros((), dtype=torch.float64, device=device)
        self._sound = torch.zeros((), dtype=torch.float64, device=device)
        """How many were noted before the one that is not finite."""

    def note(self, loss: Tensor) -> None:
        """Add the loss of an update; those that come after one that is not finite count no more."""
        self._sum += torch.where(self.is_broken == 0, loss, torch.zeros_like(loss))
        self.is_broken.copy_(self._sum - self._sum != 0)  # of what is not finite it is no number
        self._sound += 1 - self.is_broken

    def fetch(self) -> float:
        """The sum, for which the device is waited for.

        Raises LossNotFiniteError where one of them was not finite.
        """
        total, sound = torch.stack([self._sum, self._sound]).tolist()
        if not isfinite(total):
            raise LossNotFiniteError(total, int(sound))
        return float(total)

    def begin_with(self, total: float) -> None:
        """Let the sum go on from a number."""
        self._sum.fill_(total)
