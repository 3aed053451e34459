"""A layer's numbers over the draw of the starting values, told by three moments, and what becomes
of these where the numbers are normal: under a function, and where the largest of some is taken.

Sums over a grid stand in place of integrals that have no closed form. What a layer does with its
numbers is decided in `signal_rules.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import erf, exp, sqrt
from typing import NamedTuple

FIRST_CORRELATIONS = 0.0, 0.25, 0.5, 0.75, 1.0
"""Correlations between two pixels of an image, whose fate is followed from layer to layer."""


class Signal(NamedTuple):
    """The moments of the numbers of some units, each of which varies from image to image."""

    mean: float
    """Over units and images."""
    common: float
    """Variance, between units, of their means over images."""
    image: float
    """Variance of a unit from image to image, averaged over units."""
    correlations: tuple[float, ...] = FIRST_CORRELATIONS
    """What has become of the FIRST_CORRELATIONS between two positions of an image."""

    @property
    def energy(self) -> float:
        """The mean square."""
        return self.mean * self.mean + self.common + self.image

    @property
    def share(self) -> float:
        """The share of the spread, which is the root of the share of the variance, that depends on
        the image."""
        return sqrt(self.image / (self.common + self.image)) if self.image else 0.0

    def times(self, factor: float) -> "Signal":
        """Every number multiplied."""
        square = factor * factor
        return self.change(self.mean * factor, self.common * square, self.image * square)

    def change(self, mean: float, common: float, image: float) -> "Signal":
        """Other moments, the same correlations."""
        return Signal(mean, common, image, self.correlations)

    def correlate(self, first: float) -> float:
        """The correlation of two positions whose pixels had the given one."""
        below = min(int(first * 4), 3)
        low, high = self.correlations[below : below + 2]
        return low + (high - low) * (first * 4 - below)


Grid = tuple[tuple[float, float], ...]
"""Places of a normal number with mean 0 and variance 1, each with its probability."""


def make_grid(places: int, reach: float) -> Grid:
    """Evenly spaced places from -reach to reach, then stretched until the variance is 1."""
    step = 2 * reach / places
    points = [step * (i + 0.5) - reach for i in range(places)]
    weights = [exp(-x * x / 2) for x in points]
    total = sum(weights)
    deviation = sqrt(sum(w * x * x for x, w in zip(points, weights, strict=True)) / total)
    return tuple((x / deviation, w / total) for x, w in zip(points, weights, strict=True))


UNITS = make_grid(24, 5.0)
IMAGES = make_grid(9, 3.0)
"""Coarser: what one unit does is averaged over all of them."""
LARGEST = make_grid(64, 6.0)


def apply_function(function: Callable[[float], float], signal: Signal) -> Signal:
    """The moments of a function of normal numbers: units lie around the mean, and each of them
    varies around its own.

    A correlation r of two positions becomes s r + (1 - s) r^2, where s is the share of the variance
    that a straight line would hand on: the first terms of the series that has the functions'
    coefficients for Hermite's polynomials, all beyond the first taken together.
    """
    between, within = sqrt(signal.common), sqrt(signal.image)
    mean = square = variance = straight = 0.0
    for place, probability in UNITS:
        center = signal.mean + between * place
        values = [function(center + within * x) for x, _ in IMAGES]
        own = sum([value * p for value, (_, p) in zip(values, IMAGES, strict=True)])
        around = [value - own for value in values]
        line = sum([value * x * p for value, (x, p) in zip(around, IMAGES, strict=True)])
        mean += probability * own
        square += probability * own * own
        straight += probability * line * line
        variance += probability * sum(
            [value * value * p for value, (_, p) in zip(around, IMAGES, strict=True)]
        )
    share = straight / variance if variance else 1.0
    correlations = tuple([share * r + (1 - share) * r * r for r in signal.correlations])
    return Signal(mean, max(0.0, square - mean * mean), variance, correlations)


def share_below(x: float) -> float:
    """The probability that a normal number with mean 0 and variance 1 is below x."""
    return (1 + erf(x / sqrt(2))) / 2


MOST_COUNTED = 10**8
"""The largest of more lies beyond the grid."""


@cache
def describe_largest(count: int) -> tuple[float, float]:
    """Mean and variance of the largest of so many independent normal numbers with mean 0 and
    variance 1: its density is theirs, times `count`, times the share below to the power of
    count - 1."""
    density = [(x, p * share_below(x) ** (min(count, MOST_COUNTED) - 1)) for x, p in LARGEST]
    total = sum(p for _, p in density)
    mean = sum(x * p for x, p in density) / total
    return mean, sum((x - mean) ** 2 * p for x, p in density) / total


def take_largest(signal: Signal, count: int, correlation: float) -> Signal:
    """The largest of so many numbers of one unit whose correlation was this at first."""
    correlation = signal.correlate(correlation)
    mean, variance = describe_largest(count)
    shift = mean * sqrt(signal.image * (1 - correlation))
    kept = correlation + (1 - correlation) * variance
    return signal._replace(mean=signal.mean + shift, image=signal.image * kept)


def take_mean(signal: Signal, count: int, correlation: float) -> Signal:
    """The mean of such numbers."""
    correlation = signal.correlate(correlation)
    kept = correlation + (1 - correlation) / count
    return signal._replace(image=signal.image * kept)


def mix(parts: Iterable[tuple[int, Signal]]) -> Signal:
    """The moments of tensors put side by side, each with its number of units."""
    sizes, signals = zip(*parts, strict=True)
    total = sum(sizes)
    together = [(size / total, signal) for size, signal in zip(sizes, signals, strict=True)]
    mean = sum(share * signal.mean for share, signal in together)
    square = sum(share * (signal.energy - signal.image) for share, signal in together)
    image = sum(share * signal.image for share, signal in together)
    return Signal(mean, max(0.0, square - mean * mean), image, join_correlations(signals))


def join_correlations(signals: Sequence[Signal]) -> tuple[float, ...]:
    """Their means, by how much depends on the image."""
    total = sum(signal.image for signal in signals)
    if not total:
        return FIRST_CORRELATIONS
    together = zip(*(signal.correlations for signal in signals), strict=True)
    shares = [signal.image / total for signal in signals]
    return tuple(sum(s * r for s, r in zip(shares, each, strict=True)) for each in together)
