"""The running mean of the training error, against curves made by hand."""

import pytest

from netspec.recipe.training_error import (
    Stretch,
    average_at_the_end,
    average_lately,
    choose_window,
    find_update,
)

EACH = [Stretch(n, e) for n, e in enumerate((0.9, 0.8, 0.6, 0.4, 0.2, 0.3, 0.1), start=1)]
"""A line for every update."""
EVERY_TENTH = [Stretch(10, 0.9), Stretch(20, 0.5), Stretch(30, 0.1)]


def rounded(averaged: list[Stretch]) -> list[tuple[int, float]]:
    return [(update, round(value, 6)) for update, value in averaged]


def test_the_mean_is_over_the_last_updates() -> None:
    assert rounded(average_lately(EACH, 3)) == [
        (3, 0.766667),
        (4, 0.6),
        (5, 0.4),
        (6, 0.3),
        (7, 0.2),
    ]
    assert average_lately(EACH, 1) == EACH
    assert rounded(average_lately(EACH, 7)) == [(7, 0.471429)]
    assert average_lately(EACH, 8) == []


def test_a_line_counts_as_many_updates_as_it_is_of() -> None:
    """A run that went on with more updates has longer stretches from there on."""
    assert average_lately(EVERY_TENTH, 10) == EVERY_TENTH
    assert rounded(average_lately(EVERY_TENTH, 11)) == [(20, 0.7), (30, 0.3)]
    mixed = [Stretch(1, 1.0), Stretch(2, 0.5), Stretch(6, 0.25)]
    assert rounded(average_lately(mixed, 5)) == [(6, 0.3)]
    assert rounded(average_lately(mixed, 6)) == [(6, 0.416667)]


@pytest.mark.parametrize(
    ("level", "update"),
    [(1.0, 3), (0.6, 4), (0.59, 5), (0.4, 5), (0.25, 7), (0.2, 7), (0.19, None)],
)
def test_a_level_is_reached_when_the_mean_is_at_most_that(level: float, update: int | None) -> None:
    """Single updates were below it before."""
    averaged = [Stretch(update, round(value, 6)) for update, value in average_lately(EACH, 3)]
    assert find_update(averaged, level) == update


def test_the_first_time_counts() -> None:
    averaged = [Stretch(1, 0.3), Stretch(2, 0.2), Stretch(3, 0.4), Stretch(4, 0.1)]
    assert find_update(averaged, 0.25) == 2


def test_the_end_of_a_short_run_is_the_mean_of_all() -> None:
    assert average_at_the_end(EACH, 3) == pytest.approx(0.2)
    assert average_at_the_end(EACH, 100) == pytest.approx(0.471429, abs=1e-6)
    assert average_at_the_end([], 3) is None


@pytest.mark.parametrize(
    ("batch", "window"), [(1, 2500), (100, 25), (128, 20), (2500, 1), (4000, 1)]
)
def test_the_window_has_2500_images(batch: int, window: int) -> None:
    assert choose_window(batch) == window
