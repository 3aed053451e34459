"""Memory that is used again: never while someone holds a batch."""

import pytest
import torch

from netspec_torch.data.memory import BatchMemory

SHAPE = (4, 3, 5, 6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gives_the_layout_that_is_wanted(layout: torch.memory_format) -> None:
    batch = BatchMemory().take_floats(SHAPE, layout)
    assert tuple(batch.shape) == SHAPE
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=layout)


def test_what_is_held_is_left_alone() -> None:
    memory = BatchMemory()
    first = memory.take_floats(SHAPE, torch.channels_last).fill_(1)
    part = first[1:2].permute(0, 2, 3, 1)
    del first
    second = memory.take_floats(SHAPE, torch.channels_last).fill_(2)
    assert (part == 1).all()
    assert (second == 2).all()


def test_bytes_and_floats_share_the_memory() -> None:
    memory = BatchMemory()
    place = memory.take_floats(SHAPE, torch.contiguous_format).data_ptr()
    images = memory.take_bytes((4, 5, 6, 3))
    assert (images.dtype, tuple(images.shape)) == (torch.uint8, (4, 5, 6, 3))
    assert images.data_ptr() == place


def test_what_nobody_holds_is_used_again() -> None:
    memory = BatchMemory()
    first = memory.take_floats(SHAPE, torch.channels_last)
    place = first.data_ptr()
    del first
    smaller = memory.take_floats((2, 3, 5, 6), torch.contiguous_format)
    assert smaller.data_ptr() == place
    del smaller
    larger = memory.take_floats((5, 3, 5, 6), torch.contiguous_format)
    assert tuple(larger.shape) == (5, 3, 5, 6)
