"""Each schedule against its formula, written out again, and the stages that a plan prints."""

from math import cos, exp, floor, pi

import pytest

from netspec.recipe.clock import Clock
from netspec.recipe.schedule import SCHEDULES, Plateau, Schedule
from netspec.values import Amount, Word

CLOCK = Clock(images=1000, batch=10)
TOTAL = 1000
EPOCH = 100
UPDATES = [0, 1, 99, 100, 101, 249, 250, 500, 999]


def iterations(number: int) -> Amount:
    return Amount(number, "iterations")


def make(word: str, **arguments: object) -> Schedule:
    return SCHEDULES[word].model_validate(arguments)


CASES = [
    (make("fixed"), lambda u: 1.0),
    (make("step", every=2), lambda u: 0.1 ** floor(u / 200)),
    (make("step", every=iterations(3), factor=0.5), lambda u: 0.5 ** floor(u / 3)),
    (make("step", every=Amount(2000, "images")), lambda u: 0.1 ** floor(u / 200)),
    (make("multistep", at=[5, 2], factor=0.2), lambda u: 0.2 ** ((u >= 500) + (u >= 200))),
    (make("exp", factor=0.999, every=iterations(1)), lambda u: 0.999**u),
    (make("exp", factor=0.9, every=1), lambda u: 0.9 ** (u / EPOCH)),
    (
        make("inv", gamma=1e-4, power=0.75, every=iterations(1)),
        lambda u: (1 + 1e-4 * u) ** -0.75,
    ),
    (make("poly", power=0.5), lambda u: (1 - u / TOTAL) ** 0.5),
    (make("poly", power=2, over=5), lambda u: max(0.0, 1 - u / 500) ** 2),
    (
        make("sigmoid", gamma=-0.01, at=5, every=iterations(1)),
        lambda u: 1 / (1 + exp(0.01 * (u - 500))),
    ),
    (make("cosine"), lambda u: (1 + cos(pi * u / TOTAL)) / 2),
    (
        make("cosine", to=0.1, over=5),
        lambda u: 0.1 + 0.9 * (1 + cos(pi * min(u, 500) / 500)) / 2,
    ),
    (make("plateau"), lambda u: 1.0),
]


@pytest.mark.parametrize(("schedule", "formula"), CASES)
def test_levels_follow_the_formula(schedule: Schedule, formula: object) -> None:
    levels = [schedule.level(update, CLOCK, TOTAL) for update in UPDATES]
    assert levels == pytest.approx([formula(update) for update in UPDATES], rel=1e-12)  # type: ignore[operator]


def test_a_steep_sigmoid_ends_at_zero_without_overflow() -> None:
    schedule = make("sigmoid", gamma=-50, at=1, every=iterations(1))
    assert schedule.level(999, CLOCK, TOTAL) == 0.0
    assert schedule.level(0, CLOCK, TOTAL) == 1.0


def test_warmup_rises_in_a_straight_line_and_leaves_the_count_alone() -> None:
    schedule = make("step", every=1, warmup=iterations(4))
    assert [schedule.warm_level(u, CLOCK) for u in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert schedule.level(99, CLOCK, TOTAL) == 1.0
    assert schedule.level(100, CLOCK, TOTAL) == 0.1


@pytest.mark.parametrize(
    ("schedule", "drops"),
    [
        (make("fixed"), []),
        (make("step", every=4), [400, 800]),
        (make("step", every=5), [500]),
        (make("step", every=10), []),
        (make("step", every=iterations(300)), [300, 600, 900]),
        (make("multistep", at=[9, 2, 10, 2]), [200, 900]),
        (make("plateau"), []),
    ],
)
def test_drops_are_where_the_level_changes(schedule: Schedule, drops: list[int]) -> None:
    assert schedule.drops(CLOCK, TOTAL) == drops
    levels = [schedule.level(u, CLOCK, TOTAL) for u in range(TOTAL)]
    assert [u for u in range(1, TOTAL) if levels[u] != levels[u - 1]] == drops


def test_the_drops_of_a_stage_that_ends_within_an_update_are_where_the_level_changes() -> None:
    schedule, total = make("step", every=Amount(0.25, "epochs")), 300
    clock = Clock(images=70, batch=10)
    levels = [schedule.level(u, clock, total) for u in range(total)]
    changes = [u for u in range(1, 40) if levels[u] != levels[u - 1]]
    assert [drop for drop in schedule.drops(clock, total) if drop < 40] == changes


def test_plateau_watches_a_word() -> None:
    schedule = Plateau.model_validate({"watch": Word("loss")})
    assert schedule.watch == "loss"
