"""Moments of normal numbers, held against values that are known in closed form."""

from math import pi, sqrt

import pytest

from netspec.analyses.signal import (
    FIRST_CORRELATIONS,
    Signal,
    apply_function,
    describe_largest,
    mix,
    share_below,
    take_largest,
    take_mean,
)


def relu(x: float) -> float:
    return max(x, 0.0)


def test_a_straight_line_changes_nothing_but_size_and_place() -> None:
    found = apply_function(lambda x: 2 * x + 1, Signal(3.0, 4.0, 0.25))
    assert found[:3] == pytest.approx((7.0, 16.0, 1.0))
    assert found.correlations == pytest.approx(FIRST_CORRELATIONS)


def test_relu_of_numbers_that_all_depend_on_the_image() -> None:
    """Half of the energy passes: mean 1 / sqrt(2 pi), variance 1/2 - 1 / (2 pi)."""
    found = apply_function(relu, Signal(0.0, 0.0, 1.0))
    assert found.mean == pytest.approx(1 / sqrt(2 * pi), rel=0.05)
    assert found.common == pytest.approx(0.0, abs=1e-12)
    assert found.image == pytest.approx(1 / 2 - 1 / (2 * pi), rel=0.05)


def test_relu_of_numbers_that_depend_in_part_on_the_image() -> None:
    """The mean product of two images whose numbers are correlated by 1/2 is
    (sqrt(3) / 2 + pi / 3) / (2 pi), by the arc-cosine kernel (Cho and Saul 2009)."""
    found = apply_function(relu, Signal(0.0, 0.5, 0.5))
    together = (sqrt(3) / 2 + 2 * pi / 3 / 2) / (2 * pi)
    assert found.mean**2 + found.common == pytest.approx(together, rel=0.02)
    assert found.energy == pytest.approx(0.5, rel=0.02)


def test_relu_far_from_its_corner_passes_everything_or_nothing() -> None:
    assert apply_function(relu, Signal(50.0, 1.0, 1.0))[:3] == pytest.approx((50.0, 1.0, 1.0))
    assert apply_function(relu, Signal(-50.0, 1.0, 1.0))[:3] == (0.0, 0.0, 0.0)


def test_relu_lowers_a_correlation() -> None:
    """By the same kernel 0.25 becomes 0.197, 0.75 becomes 0.690."""
    correlations = apply_function(relu, Signal(0.0, 0.0, 1.0)).correlations
    assert correlations == pytest.approx((0.0, 0.197, 0.43, 0.690, 1.0), abs=0.01)


@pytest.mark.parametrize(
    ("count", "mean", "variance"),
    [(1, 0.0, 1.0), (2, 0.5642, 0.6817), (4, 1.0294, 0.4917), (9, 1.4850, 0.3574)],
)
def test_the_largest_of_some(count: int, mean: float, variance: float) -> None:
    """Harter's tables of normal order statistics."""
    assert describe_largest(count) == pytest.approx((mean, variance), abs=2e-3)


def test_the_largest_of_very_many_is_a_number() -> None:
    mean, variance = describe_largest(10**15)
    assert 5 < mean < 6
    assert 0 < variance < 1


def test_numbers_that_are_one_and_the_same_have_that_as_mean_and_largest() -> None:
    signal = Signal(1.0, 2.0, 3.0)
    assert take_largest(signal, 9, 1.0) == signal
    assert take_mean(signal, 9, 1.0) == signal


def test_the_mean_of_independent_numbers_keeps_what_is_common() -> None:
    assert take_mean(Signal(1.0, 2.0, 3.0), 10, 0.0)[:3] == pytest.approx((1.0, 2.0, 0.3))


def test_mixed_tensors_differ_between_units() -> None:
    found = mix([(1, Signal(0.0, 0.0, 1.0)), (3, Signal(4.0, 0.0, 1.0))])
    assert found[:3] == pytest.approx((3.0, 3.0, 1.0))


def test_share_of_the_spread() -> None:
    assert Signal(5.0, 0.99, 0.01).share == pytest.approx(0.1)
    assert Signal(5.0, 0.0, 0.0).share == 0.0
    assert Signal(5.0, 0.0, 2.0).share == 1.0


def test_share_below() -> None:
    assert share_below(0.0) == 0.5
    assert share_below(1.96) == pytest.approx(0.975, abs=1e-4)
