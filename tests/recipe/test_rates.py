"""The rate over a run: stages, warm-up and the drops of a plateau."""

import json

import pytest

from netspec.recipe.clock import Clock
from netspec.recipe.rates import PlateauWatch, Rates, Stage
from netspec.recipe.schedule import Fixed, Plateau, Step
from netspec.values import Amount

CLOCK = Clock(images=100, batch=10)


def epochs(number: int) -> Amount:
    return Amount(number, "epochs")


def observe_all(schedule: Plateau, errors: list[float]) -> list[bool]:
    """Show one error at the end of each epoch."""
    watch = PlateauWatch()
    return [
        watch.observe(error, (epoch + 1) * CLOCK.updates_per_epoch, schedule, CLOCK)
        for epoch, error in enumerate(errors)
    ]


def test_stages_have_the_solvers_rate_times_the_level() -> None:
    rates = Rates(0.01, Step(every=epochs(3)), CLOCK, total=90)
    assert rates.stages() == [
        Stage(0, 0.01),
        Stage(30, pytest.approx(0.001)),  # type: ignore[arg-type]
        Stage(60, pytest.approx(0.0001)),  # type: ignore[arg-type]
    ]


def test_warmup_multiplies_the_rate() -> None:
    rates = Rates(0.5, Fixed(warmup=Amount(2, "iterations")), CLOCK, total=90)
    assert [rates.at(u) for u in range(3)] == [0.25, 0.5, 0.5]


def test_plateau_drops_at_the_first_evaluation_beyond_its_patience() -> None:
    # PyTorch: num_bad_epochs > patience, so the third epoch without a better figure.
    assert observe_all(Plateau(patience=epochs(2)), [0.5, 0.5, 0.6, 0.5, 0.5, 0.5, 0.5]) == [
        False,
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_better_figure_starts_the_count_anew() -> None:
    assert not any(observe_all(Plateau(patience=epochs(2)), [0.5, 0.5, 0.5, 0.4, 0.4, 0.4]))


def test_better_is_by_more_than_the_threshold() -> None:
    barely = [0.5, 0.4999, 0.4998, 0.4997]
    assert observe_all(Plateau(patience=epochs(2), threshold=0.01), barely)[-1]
    assert not any(observe_all(Plateau(patience=epochs(2), threshold=0), barely))


def test_there_are_no_more_drops_than_times() -> None:
    drops = observe_all(Plateau(patience=epochs(1), times=2), [0.5] * 20)
    assert sum(drops) == 2


def test_a_figure_that_is_no_number_is_not_better() -> None:
    assert observe_all(Plateau(patience=epochs(1)), [0.5, float("nan"), float("nan")])[-1]


def test_a_drop_changes_the_rate_from_then_on_and_survives_a_snapshot() -> None:
    rates = Rates(1.0, Plateau(patience=epochs(1), factor=0.5), CLOCK, total=1000)
    dropped = [rates.observe({"error": 0.5, "loss": 1.0}, 10 * n) for n in range(1, 4)]
    assert dropped == [False, False, True]
    assert rates.at(30) == 0.5
    again = Rates(1.0, Plateau(patience=epochs(1), factor=0.5), CLOCK, total=1000)
    again.restore(json.loads(json.dumps(rates.state())))
    assert again == rates


def test_only_plateau_observes() -> None:
    assert not Rates(1.0, Fixed(), CLOCK, total=10).observe({"error": 0.5}, 10)
