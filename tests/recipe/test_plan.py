"""The plan as it reads: images, updates, the rate at each stage, tests."""

import pytest
from msgspec.structs import replace

from netspec.recipe.clock import Clock
from netspec.recipe.plan import Plan, PlannedData, describe_plan, describe_rates
from netspec.recipe.rates import PlateauWatch, Rates
from netspec.recipe.recipe import Recipe
from netspec.recipe.schedule import SCHEDULES, Schedule
from netspec.values import Amount
from tests.recipe.test_written import NET, make_recipe

CLOCK = Clock(images=1000, batch=10)


def rates(word: str, **arguments: object) -> list[str]:
    schedule: Schedule = SCHEDULES[word].model_validate(arguments)
    return describe_rates(Rates(0.01, schedule, CLOCK, total=9_000))


@pytest.fixture
def plan() -> Plan:
    recipe: Recipe = make_recipe(NET.replace("views 10; ", ""))
    return Plan(
        net="tiny",
        num_params=1_930,
        classes_note="",
        data=PlannedData("photos", "/data", "as they lie", 1000, 200, ("cat", "dog"), 0.5),
        recipe=recipe,
        clock=Clock(1000, 16),
        total=100,
        stop_note="",
        start=0,
        test_images=200,
        device="cpu, 2 threads",
        precision="float32",
        seed=0,
        folder="runs/tiny",
    )


def read(plan: Plan) -> dict[str, list[str]]:
    """The lines under each heading."""
    lines: dict[str, list[str]] = {}
    for heading, text in describe_plan(plan):
        if heading:
            last = heading
            assert heading not in lines
        lines.setdefault(last, []).append(text)
    return lines


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (rates("fixed"), ["0.01 throughout"]),
        (
            rates("step", every=30),
            [
                "0.01 from update 0 (epoch 0)",
                "0.001 from update 3,000 (epoch 30)",
                "0.0001 from update 6,000 (epoch 60)",
            ],
        ),
        (rates("step", every=100), ["0.01 throughout"]),
        (
            rates("plateau", times=3),
            [
                "0.01, times 0.1 when the held-out error has not improved for 10 epochs, at most "
                "3 times"
            ],
        ),
        (
            rates("poly", power=1),
            ["poly power=1: 0.01 at update 0, 0.005 at update 4,500, 1.111e-06 at update 8,999"],
        ),
        (
            rates("fixed", warmup=Amount(5, "epochs")),
            ["0.01 throughout", "rises to that in a straight line over 5 epochs"],
        ),
    ],
)
def test_rates_are_told_before_the_run(lines: list[str], expected: list[str]) -> None:
    assert lines == expected


def test_many_stages_are_shortened_in_the_middle() -> None:
    lines = rates("step", every=1, factor=0.9)
    assert len(lines) == 9
    assert lines[7] == "… 82 more stages, all of which are in plan.txt …"
    assert lines[8].endswith("from update 8,900 (epoch 89)")


def test_every_stage_is_told_where_all_are_wanted() -> None:
    schedule = SCHEDULES["step"].model_validate({"every": 1, "factor": 0.9})
    lines = describe_rates(Rates(0.01, schedule, CLOCK, total=9_000), None)
    assert len(lines) == 90
    assert lines[1] == "0.009 from update 100 (epoch 1)"


def test_a_plateau_tells_where_it_stands() -> None:
    schedule = SCHEDULES["plateau"].model_validate({})
    rates = Rates(0.01, schedule, CLOCK, 9_000, PlateauWatch(drops=2))
    assert describe_rates(rates)[0].startswith("0.0001 after 2 drops, times 0.1 when")


def test_a_plan_has_every_fact(plan: Plan) -> None:
    assert read(plan) == {
        "net": ["tiny, 1,930 parameters"],
        "data": [
            "photos (/data): 1,000 images to train on, 200 held out, 2 classes (chance 0.50)",
            "as they lie",
        ],
        "updates": ["100 of 16 images, 63 an epoch, so 1.587 epochs"],
        "solver": ["sgd rate=0.01, momentum=0.9, velocity=step"],
        "rate": ["0.01 from update 0 (epoch 0)", "0.005 from update 63 (epoch 1)"],
        "test": ["after each epoch and at the end on all 200 held-out images, centre view"],
        "device": ["cpu, 2 threads, float32, seed 0"],
        "run": ["runs/tiny"],
    }


def test_what_is_out_of_the_ordinary_is_told(plan: Plan) -> None:
    lines = read(
        replace(
            plan,
            classes_note="classes = 2, the data's",
            stop_note="ends early",
            start=50,
            test_images=20,
            recipe=replace(plan.recipe, views=10),
            data=replace(plan.data, notes=("grey",)),
        )
    )
    assert lines["net"][1:] == ["classes = 2, the data's"]
    assert lines["data"][1:] == ["as they lie", "grey"]
    assert lines["updates"][1:] == ["ends early", "goes on after update 50"]
    assert lines["test"] == [
        "after each epoch on 20 of the 200 held-out images, at the end on all; centre view",
        "at the end also the mean of 10 views, of 20 images",
    ]


def test_one_of_anything_is_told_as_one(plan: Plan) -> None:
    one = replace(plan, total=1, clock=Clock(images=1, batch=1))
    assert read(one)["updates"][0] == "1 of 1 image, 1 an epoch, so 1 epoch"


def test_parts_of_a_batch_are_told(plan: Plan) -> None:
    in_parts = replace(plan, device_batch=6)
    line = "each in 3 parts of at most 6 images, whose gradients are added up"
    assert read(in_parts)["updates"][1:] == [line]
    normalised = replace(in_parts, has_batch_normalization=True)
    assert read(normalised)["updates"][1:] == [
        f"{line}; batchnorm normalises by the figures of a part, not by those of the batch"
    ]
    assert read(replace(normalised, device_batch=16)) == read(plan)


def test_what_has_changed_is_told_where_a_run_goes_on(plan: Plan) -> None:
    forced = replace(plan, start_notes=("--force", "a.net:3"))
    assert read(forced)["updates"][1:] == ["goes on after update 0", "--force", "a.net:3"]
