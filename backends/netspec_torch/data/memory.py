"""Memory for batches on the CPU, used again as soon as nobody holds the batch that lay in it.

A block of the size of a batch goes back to the system when it is freed, and the next one is handed
out page by page, each cleared at its first touch: a fifth of all the time that a small image takes.
"""

import weakref
from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class BatchMemory:
    """Gives out tensors with nothing in them yet. What it has given out it never touches while
    anyone holds it, or a part of it; threads may ask at once."""

    def __init__(self) -> None:
        self._free: list[NDArray[np.uint8]] = []

    def take_bytes(self, shape: Sequence[int]) -> Tensor:
        """A tensor of uint8."""
        return self._take(prod(shape)).view(*shape)

    def take_floats(self, shape: Sequence[int], memory_format: torch.memory_format) -> Tensor:
        """A tensor of float32, N x channels x height x width."""
        count, channels, height, width = shape
        floats = self._take(4 * prod(shape)).view(torch.float32)
        if memory_format == torch.channels_last:
            return floats.view(count, height, width, channels).permute(0, 3, 1, 2)
        return floats.view(count, channels, height, width)

    def _take(self, size: int) -> Tensor:
        try:
            block = self._free.pop()
        except IndexError:
            block = np.empty(0, np.uint8)
        if block.size < size:
            block = torch.empty(size, dtype=torch.uint8).numpy()
        # Every tensor on this memory holds the part; with the last of them it goes. Arrays made of
        # it would hold the block alone, so what is made of it must be tensors.
        part = block[:size]
        weakref.finalize(part, self._free.append, block).atexit = False
        return torch.from_numpy(part)
