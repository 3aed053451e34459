"""From indices to pixels: decoding on threads, a memory for small sets, damaged images passed over.

What a batch looks like here is uint8, count x height x width x channels, all images of one size.
Everything that is drawn at random or computed with is done later, in `pipeline`.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec_torch.data.dataset import Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.errors import DataError, UnreadableImageError
from netspec_torch.data.memory import BatchMemory
from netspec_torch.data.resizing import Pixels

Item = TypeVar("Item")
Result = TypeVar("Result")
Indices = NDArray[np.int64]

CACHE_BYTES = 256 * 2**20
"""A split whose pixels fit in this is decoded once and kept."""


class Fetcher:
    """The images of a split, by index, in one form."""

    def __init__(
        self,
        split: Split,
        form: Form,
        *,
        threads: int | None = None,
        cache_bytes: int = CACHE_BYTES,
        pin_memory: bool = False,
    ) -> None:
        """`threads` decode at once, as many as the process may use cores unless given."""
        self.split = split
        self.form = form
        self.threads = threads or count_cores()
        self._pin_memory = pin_memory
        self._memory = BatchMemory()
        self.image_shape = self._find_shape()
        """height x width x channels, as all images have it."""
        bytes_needed = len(split) * int(np.prod(self.image_shape))
        self._cache = (
            np.empty((len(split), *self.image_shape), np.uint8)
            if bytes_needed <= cache_bytes
            else None
        )
        self._is_cached = np.zeros(len(split), bool)

    @property
    def keeps_pixels(self) -> bool:
        """Whether images are decoded once and kept."""
        return self._cache is not None

    def fetch(self, indices: Indices) -> tuple[Tensor, Indices]:
        """The images that can be read, and their indices; raises DataError as `Images.read` does,
        and where an image has another size than the first."""
        images, batch = self._allocate(len(indices))
        kept: list[int] = []
        for index in indices.tolist():
            pixels = self._read(index)
            if pixels is not None:
                batch[len(kept)] = pixels
                kept.append(index)
        return images[: len(kept)], np.array(kept, np.int64)

    def fetch_all(self, indices: Indices) -> tuple[Tensor, Indices]:
        """One image an index: the place of one that cannot be read is taken by the next that can.

        So a batch keeps its size, and which images it has depends on the files alone.
        """
        images, batch = self._allocate(len(indices))
        taken = np.empty_like(indices)
        for row, index in enumerate(indices.tolist()):
            taken[row], batch[row] = self._read_from(index)
        return images, taken

    def _allocate(self, count: int) -> tuple[Tensor, NDArray[np.uint8]]:
        """A tensor and the same memory as an array."""
        shape = (count, *self.image_shape)
        if self._pin_memory:
            images = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        else:
            images = self._memory.take_bytes(shape)
        return images, images.numpy()

    def _read_from(self, index: int) -> tuple[int, Pixels]:
        for step in range(len(self.split)):
            candidate = (index + step) % len(self.split)
            pixels = self._read(candidate)
            if pixels is not None:
                return candidate, pixels
        raise self._all_unreadable()

    def _read(self, index: int) -> Pixels | None:
        """One image, None where it cannot be read, which is noted in the split."""
        if self._cache is not None and self._is_cached[index]:
            cached: Pixels = self._cache[index]
            return cached
        pixels = self._decode(index)
        if pixels is not None and pixels.shape != self.image_shape:
            raise self._differs(index, pixels)
        if pixels is not None and self._cache is not None:
            self._cache[index] = pixels
            self._is_cached[index] = True
        return pixels

    def _decode(self, index: int) -> Pixels | None:
        if self.split.is_unreadable(index):
            return None
        try:
            return self.split.images.read(index, self.form)
        except UnreadableImageError as error:
            self.split.skip(index, str(error))
            return None

    def _find_shape(self) -> tuple[int, ...]:
        """The shape of the first image that can be read."""
        for index in range(len(self.split)):
            pixels = self._decode(index)
            if pixels is not None:
                return pixels.shape
        raise self._all_unreadable()

    def _all_unreadable(self) -> DataError:
        first = self.split.skipped[0]
        return DataError(
            f"not one of {len(self.split):,} images can be read; {first.name} {first.reason}"
        )

    def _differs(self, index: int, pixels: Pixels) -> DataError:
        height, width, _ = self.image_shape
        return DataError(
            f"{self.split.name(index)} is {pixels.shape[0]}x{pixels.shape[1]}, and images "
            f"before it are {height}x{width}: a batch needs one size",
            "write `resize` in front of `crop` in the recipe's data",
        )


def count_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[Result]:
    """Results in the order of the items, computed on threads while the consumer works.

    At most one result more than there are threads waits or is being computed. An exception comes
    out where its result would have. Closing the iterator waits for what is being computed, drops
    the rest and leaves no thread.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="netspec-data")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
