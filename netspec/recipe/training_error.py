"""The running mean of what a training logs, and after how many updates it reaches a level.

The training error of an update is the share of wrong answers on its images, before it learns from
them; for one minibatch that says little. Its running mean after an update is the mean over the last
updates that had at least `MEASURED_IMAGES` images, as in Krizhevsky et al. 2012, figure 1, whose
curves are smooth. Decided here: how the mean is taken, and when it counts as having reached a
level. Where the figures come from is the backend's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

MEASURED_IMAGES = 2_500
"""So many that a share of a quarter is known to a hundredth: the square root of 0.25 x 0.75 / n."""


class Stretch(NamedTuple):
    """A line of the metrics."""

    update: int
    """Updates done when it was written."""
    value: float
    """The mean over the updates since the line before."""


def list_stretches(entries: Iterable[Mapping[str, Any]], name: str) -> list[Stretch]:
    """A figure of the lines of training in the metrics: `loss` or `error`."""
    lines = (entry for entry in entries if entry["kind"] == "train")
    return [Stretch(entry["update"], entry[name]) for entry in lines]


def choose_window(batch: int) -> int:
    """The updates that a running mean is taken over, for batches of so many images."""
    return ceil(MEASURED_IMAGES / batch)


def average_lately(stretches: Sequence[Stretch], window: int) -> list[Stretch]:
    """The running mean at each line, over the fewest last lines that have `window` updates; there
    is none before the first `window` updates are done."""
    averaged: list[Stretch] = []
    for end, stretch in enumerate(stretches):
        if stretch.update >= window:
            lately = _take_last(stretches[: end + 1], window)
            averaged.append(Stretch(stretch.update, _mean(lately)))
    return averaged


def average_at_the_end(stretches: Sequence[Stretch], window: int) -> float | None:
    """The running mean at the last line, of all lines where these are too few; None where there is
    none."""
    return _mean(_take_last(stretches, window)) if stretches else None


def find_update(averaged: Iterable[Stretch], level: float) -> int | None:
    """After how many updates the running mean is for the first time at most the level."""
    return next((update for update, value in averaged if value <= level), None)


def _take_last(stretches: Sequence[Stretch], window: int) -> Iterator[tuple[int, float]]:
    """How many updates each of the last lines is of, and its value."""
    taken = 0
    for place in range(len(stretches) - 1, -1, -1):
        before = stretches[place - 1].update if place else 0
        count = stretches[place].update - before
        yield count, stretches[place].value
        taken += count
        if taken >= window:
            return


def _mean(weighted: Iterable[tuple[int, float]]) -> float:
    pairs = list(weighted)
    return sum(count * value for count, value in pairs) / sum(count for count, _ in pairs)
