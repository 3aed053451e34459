"""Amounts in updates, the smaller last batch included."""

from fractions import Fraction

import pytest

from netspec.recipe.clock import Clock, count_parts
from netspec.values import Amount, Number


@pytest.mark.parametrize(
    ("images", "batch", "updates", "smallest"),
    [(8000, 128, 63, 64), (8064, 128, 63, 128), (5, 128, 1, 5), (10, 1, 10, 1), (10, 3, 4, 1)],
)
def test_the_last_smaller_batch_counts(
    images: int, batch: int, updates: int, smallest: int
) -> None:
    clock = Clock(images, batch)
    assert (clock.updates_per_epoch, clock.smallest_batch) == (updates, smallest)


@pytest.mark.parametrize(
    ("amount", "updates", "whole"),
    [
        (Amount(90, "epochs"), 90 * 63, 90 * 63),
        (Amount(Fraction(1, 2), "epochs"), Fraction(63, 2), 32),
        (Amount(100, "iterations"), 100, 100),
        (Amount(0.5, "iterations"), 0.5, 1),
        (Amount(8000, "images"), 63, 63),
        (Amount(16000, "images"), 126, 126),
        (Amount(1, "images"), 63 / 8000, 1),
    ],
)
def test_amounts_become_updates(amount: Amount, updates: Number, whole: int) -> None:
    clock = Clock(8000, 128)
    assert clock.count_updates(amount) == updates
    assert clock.count_whole_updates(amount) == whole


@pytest.mark.parametrize(
    ("images", "most", "parts"),
    [(256, None, 1), (256, 256, 1), (256, 300, 1), (256, 255, 2), (256, 64, 4), (7, 3, 3)],
)
def test_a_batch_is_computed_in_as_few_parts_as_can_be(
    images: int, most: int | None, parts: int
) -> None:
    assert count_parts(images, most) == parts
