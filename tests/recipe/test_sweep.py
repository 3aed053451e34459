"""The figures of a sweep over its seeds, and how values are compared."""

import json

import pytest

from netspec.recipe.run import Figures
from netspec.recipe.sweep import Ratio, Spread, SweepReport, SweptRun, SweptValues


def make_run(
    seed: int = 0, until: int | None = None, top1: float = 0.5, state: str = "done"
) -> SweptRun:
    if state != "done":
        return SweptRun(seed, f"seed-{seed}", state, reason="it broke")  # type: ignore[arg-type]
    figures = Figures(images=100, views=1, top1=top1, top5=0.9, loss=1 - top1)
    return SweptRun(seed, f"seed-{seed}", "done", 600, figures, 0.5, 0.2, until)


def make_report(**runs: list[SweptRun]) -> SweepReport:
    """A row for each word."""
    values = (
        SweptValues({"activation": name}, f"activation={name}", 20, 600, tuple(each))
        for name, each in runs.items()
    )
    return SweepReport("tiny", "clothes", "built in", 100, 0.1, (0, 1), 0.25, tuple(values))


def test_a_spread_is_mean_and_standard_deviation() -> None:
    spread = Spread.of([1.0, 2.0, 6.0])
    assert spread is not None
    assert (spread.mean, spread.lowest, spread.highest) == (3.0, 1.0, 6.0)
    assert spread.deviation == pytest.approx(7**0.5)
    assert Spread.of([4.0]) == Spread(4.0, None, 4.0, 4.0)
    assert Spread.of([]) is None


def test_values_are_compared_with_the_quickest() -> None:
    report = make_report(
        tanh=[make_run(0, 300), make_run(1, 420)], relu=[make_run(0, 50), make_run(1, 70)]
    )
    assert [report.compare(values) for values in report.values] == [
        Ratio(6.0, is_bound=False),
        Ratio(1.0, is_bound=False),
    ]


def test_what_never_reached_the_level_took_at_least_all_updates() -> None:
    report = make_report(
        relu=[make_run(0, 50), make_run(1, 50)],
        tanh=[make_run(0, 100), make_run(1, None)],
        sigmoid=[make_run(0, None), make_run(1, None)],
    )
    assert [report.compare(values) for values in report.values] == [
        Ratio(1.0, is_bound=False),
        Ratio(7.0, is_bound=True),
        Ratio(12.0, is_bound=True),
    ]


def test_one_quick_seed_is_not_the_quickest() -> None:
    report = make_report(
        lucky=[make_run(0, 10), make_run(1, None)], steady=[make_run(0, 60), make_run(1, 60)]
    )
    assert report.compare(report.values[0]) == Ratio(305 / 60, is_bound=True)
    assert report.compare(report.values[1]) == Ratio(1.0, is_bound=False)


def test_nothing_is_compared_where_nobody_reached_the_level_or_runs_are_missing() -> None:
    report = make_report(relu=[make_run(0), make_run(1)], tanh=[make_run(0), make_run(1)])
    assert not any(map(report.compare, report.values))
    report = make_report(
        relu=[make_run(0, 50), make_run(1, 50)],
        tanh=[make_run(0, 90), make_run(1, state="unfinished")],
    )
    assert report.compare(report.values[1]) is None


def test_a_run_that_diverged_has_no_part_in_the_figures() -> None:
    report = make_report(wild=[make_run(0, 50, top1=0.75), make_run(1, state="diverged")])
    (values,) = report.values
    assert values.accuracy == Spread(0.75, None, 0.75, 0.75)
    assert not values.have_all_reached
    assert values.has_all_ended


def test_the_json_has_the_runs_and_their_figures() -> None:
    report = make_report(
        relu=[make_run(0, 50, 0.5), make_run(1, 70, 0.7)], wild=[make_run(0, state="diverged")] * 2
    )
    facts = json.loads(json.dumps(report.to_json()))
    assert facts["format"] == 1
    assert facts["parameters"] == ["activation"]
    assert (facts["net"], facts["seeds"], facts["until_error"]) == ("tiny", [0, 1], 0.25)
    relu, wild = facts["values"]
    assert relu["settings"] == {"activation": "relu"}
    assert relu["accuracy"]["mean"] == pytest.approx(0.6)
    assert relu["updates_until"]["mean"] == 60
    assert (relu["reached"], relu["ratio"], relu["ratio_is_bound"]) == (2, 1.0, False)
    assert [run["updates_until"] for run in relu["runs"]] == [50, 70]
    assert relu["runs"][0]["final"]["top1"] == 0.5
    assert (wild["accuracy"], wild["updates_until"], wild["reached"]) == (None, None, 0)
    assert (wild["ratio"], wild["ratio_is_bound"]) == (10.0, True)
    assert wild["runs"][0]["state"] == "diverged"
    assert wild["runs"][0]["reason"] == "it broke"
