"""How a run counts: updates, epochs and images, and how an amount of a recipe becomes updates.

An epoch's last batch is kept even where it is smaller, so an epoch has ceil(images / batch)
updates, and n images are n / images of an epoch.
"""

from math import ceil

from msgspec import Struct

from netspec.values import Amount, Number


class Clock(Struct, frozen=True):
    """A training set cut into batches."""

    images: int
    """Images of an epoch."""
    batch: int
    """Images of an update."""

    @property
    def updates_per_epoch(self) -> int:
        return -(-self.images // self.batch)

    @property
    def smallest_batch(self) -> int:
        """Images of an epoch's last update."""
        return self.images % self.batch or self.batch

    def count_images(self, update: int) -> int:
        """Images of an update, from 0."""
        is_last = (update + 1) % self.updates_per_epoch == 0
        return self.smallest_batch if is_last else self.batch

    def count_updates(self, amount: Amount) -> Number:
        """An amount in updates; a part of one where the amount is not a whole number of them."""
        match amount.unit:
            case "iterations":
                return amount.number
            case "epochs":
                return amount.number * self.updates_per_epoch
            case "images":
                return amount.number * self.updates_per_epoch / self.images

    def count_whole_updates(self, amount: Amount) -> int:
        """An amount in updates, a part counted as a whole one."""
        return ceil(self.count_updates(amount))


def count_parts(images: int, most: int | None) -> int:
    """In how many parts of almost the same size a batch is computed, where a device takes at most
    so many images at once; None: any number."""
    return 1 if most is None else -(-images // most)
