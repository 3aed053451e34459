"""Which images of a batch a process computes, where several processes have a part of each."""

from typing import NamedTuple


class Share(NamedTuple):
    """One of so many parts of every batch: runs of images, in order, equal but for the remainder,
    of which the first parts have an image more each."""

    number: int = 0
    of: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether there is no other part."""
        return self.of == 1

    def cut(self, batch: slice) -> slice:
        """The part's images, of those that the batch has; it may be empty."""
        each, more = divmod(batch.stop - batch.start, self.of)
        start = batch.start + self.number * each + min(self.number, more)
        return slice(start, start + each + (self.number < more))


WHOLE = Share()
"""That of the only process."""
