"""Runs that stop and go on: to the same weights, from the right snapshot, and only as the same run
unless they are forced."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import netspec
from netspec.compiler.program import CheckedNet
from netspec.recipe.run import TrainingError
from netspec.source import SourceFile
from netspec_torch import train
from netspec_torch.run_folder import RunFolder
from netspec_torch.snapshot import read_snapshot, write_snapshot
from netspec_torch.tensor_file import read_texts
from tests.netspec_torch.small_runs import (
    NET,
    SGD,
    TOTAL,
    UPDATES_PER_EPOCH,
    Recorder,
    Trainer,
    assert_same_run,
    make_net,
)


@pytest.mark.parametrize("stop_after", [1, 4, 6, 11])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(run: Trainer, stop_after: int) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_after=stop_after))
    assert (stopped.updates, stopped.interrupted, stopped.final) == (stop_after, "SIGINT", None)
    listener = Recorder()
    resumed = run(make_net(), resume=True, listener=listener)
    assert listener.plan is not None
    assert listener.plan.start == stop_after
    assert_same_run(straight, resumed)


@pytest.mark.parametrize(
    ("solver", "schedule", "more"),
    [
        ("adam", "cosine, warmup=5 iterations", "n: batchnorm"),
        ("lars rate=1, momentum=0.9, trust=0.01, biases=no", "plateau, patience=1 iteration", ""),
        ("rmsprop rate=0.001, momentum=0.5", "poly, power=1", "droppath 0.3"),
        ("adamw eps_corrected=no, clip=1", "inv, gamma=0.1, power=1, every=1 iteration", ""),
    ],
)
def test_every_kind_of_state_survives_a_stop(
    run: Trainer, solver: str, schedule: str, more: str
) -> None:
    net = make_net(solver, schedule, more)
    straight = run(net, out="straight", seed=2)
    for stop_after in (3, 9):
        run(net, resume=stop_after > 3, seed=2, listener=Recorder(stop_after=stop_after))
    assert_same_run(straight, run(net, resume=True))


@pytest.mark.parametrize("stop_in_test", [1, 2])
def test_a_stop_within_a_test_repeats_that_test(run: Trainer, stop_in_test: int) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_in_test=stop_in_test))
    assert stopped.updates == stop_in_test * UPDATES_PER_EPOCH
    assert stopped.interrupted == "SIGINT"
    assert_same_run(straight, run(make_net(), resume=True))


def test_metrics_beyond_the_snapshot_are_written_anew(run: Trainer) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_after=6))
    with (stopped.folder / "metrics.jsonl").open("a") as file:
        file.write(
            '{"kind": "train", "update": 7, "loss": 99, "error": 1, "rate": 1}\n{"kind": "te'
        )
    assert_same_run(straight, run(make_net(), resume=True))


def test_a_run_that_came_to_its_end_can_be_given_more(run: Trainer) -> None:
    straight = run(make_net(), out="straight", epochs=5)
    run(make_net())
    assert_same_run(straight, run(make_net(), resume=True, epochs=5))
    again = run(make_net(), resume=True)
    assert again.updates == again.total == 5 * UPDATES_PER_EPOCH


def test_a_run_cannot_go_back(run: Trainer) -> None:
    run(make_net(), iterations=5)
    with pytest.raises(TrainingError, match="has done 5 updates, which are more than 3"):
        run(make_net(), resume=True, iterations=3)


def test_going_on_keeps_the_options_of_the_run(run: Trainer) -> None:
    straight = run(make_net(), out="straight", seed=7, iterations=9, precision="bf16")
    run(
        make_net(),
        seed=7,
        iterations=9,
        precision="bf16",
        listener=Recorder(stop_after=5),
    )
    resumed = run(make_net(), resume=True)
    assert resumed.total == 9
    assert_same_run(straight, resumed)


def test_a_run_from_weights_goes_on_without_them(run: Trainer) -> None:
    weights = run(make_net(), out="first", iterations=1).folder / "last.safetensors"
    options: dict[str, Any] = {"weights": weights, "fresh_last": True}
    straight = run(make_net(), out="straight", **options)
    run(make_net(), listener=Recorder(stop_after=5), **options)
    weights.unlink()
    listener = Recorder()
    resumed = run(make_net(), resume=True, listener=listener)
    assert_same_run(straight, resumed)
    assert listener.plan is not None
    assert listener.plan.weights_notes == (f"began as those of {weights}",)
    kept = json.loads((resumed.folder / "recipe.json").read_text())["options"]
    assert (kept["weights"], kept["fresh_last"]) == (str(weights), True)


def test_a_run_of_an_earlier_version_goes_on(run: Trainer) -> None:
    """Its snapshot does not know all options of today."""
    stopped = run(make_net(), listener=Recorder(stop_after=2))
    path = RunFolder(stopped.folder).snapshot(2)
    snapshot = read_snapshot(path)
    for name in ("device_batch", "snapshot_every", "keep"):
        del snapshot.state["options"][name]
    write_snapshot(path, snapshot)
    assert run(make_net(), resume=True).updates == TOTAL


def test_there_must_be_a_run_to_go_on_with(run: Trainer) -> None:
    with pytest.raises(TrainingError, match="has no snapshot of a run to go on with"):
        run(make_net(), resume=True)


def test_a_snapshot_is_there_before_the_first_update(run: Trainer, tmp_path: Path) -> None:
    straight = run(make_net(), out="straight")

    class Ended(Recorder):
        def updated(self, progress: object) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(make_net(), listener=Ended())
    assert RunFolder(tmp_path / "run").list_snapshots() == [0]
    assert_same_run(straight, run(make_net(), resume=True))


def test_snapshots_are_taken_as_often_as_is_wanted(run: Trainer) -> None:
    straight = run(make_net(), out="straight", snapshot_every=3, keep=100)
    folder = RunFolder(straight.folder)
    assert folder.list_snapshots() == [0, 3, 4, 6, 8, 9, 12]
    assert_same_run(straight, run(make_net()))
    for update in (3, 9):
        resumed = run(make_net(), out="straight", resume=True, from_update=update)
        assert_same_run(resumed, run(make_net(), out=f"again-{update}"))


def test_the_last_two_snapshots_and_that_of_the_best_test_are_kept(run: Trainer) -> None:
    result = run(make_net("sgd rate=1e-30"), snapshot_every=1)
    assert result.best_update == 4
    assert RunFolder(result.folder).list_snapshots() == [4, 11, 12]


def test_a_damaged_snapshot_is_refused_and_the_one_before_taken_on_request(run: Trainer) -> None:
    straight = run(make_net(), out="straight")
    folder = RunFolder(run(make_net(), snapshot_every=3, listener=Recorder(stop_after=7)).folder)
    path = folder.snapshot(7)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(TrainingError, match=r"update-7\.safetensors: it is cut off") as caught:
        run(make_net(), resume=True)
    assert caught.value.help == "--resume --from 6 goes on from the snapshot before it"
    with pytest.raises(TrainingError, match="has no snapshot after update 5") as caught:
        run(make_net(), resume=True, from_update=5)
    assert caught.value.help == "it has those after 4, 6, 7"
    assert_same_run(straight, run(make_net(), resume=True, from_update=6))


def test_the_only_snapshot_is_damaged(run: Trainer) -> None:
    folder = RunFolder(run(make_net(), keep=1, iterations=1).folder)
    folder.snapshot(1).write_text("")
    with pytest.raises(TrainingError, match="is cut off") as caught:
        run(make_net(), resume=True)
    assert caught.value.help == "there is no snapshot before it; without --resume a new run begins"


def test_going_back_forgets_what_came_after(run: Trainer) -> None:
    folder = RunFolder(run(make_net(), keep=100).folder)
    resumed = run(make_net(), resume=True, from_update=8, iterations=9)
    assert folder.list_snapshots() == [0, 4, 8, 9]
    assert_same_run(resumed, run(make_net(), out="straight", iterations=9, keep=100))


def test_going_back_finds_the_best_weights_of_before(run: Trainer) -> None:
    """From the end to update 4 and to no later test: the best weights are those after 4 updates."""
    net = make_net("sgd rate=0.02")
    assert run(net, keep=100).best_update > 4
    resumed = run(net, resume=True, from_update=4, iterations=4)
    assert_same_run(resumed, run(net, out="straight", iterations=4))
    assert read_texts(resumed.folder / "best.safetensors")["update"] == "4"
    assert run(net, resume=True, from_update=0, iterations=1).best_update == 1


NEW_RATE = SGD.replace("rate=0.05", "rate=0.025")


@pytest.mark.parametrize(
    ("net", "options", "shown"),
    [
        (
            make_net(solver=NEW_RATE),
            {},
            [
                "tiny.net:14",
                "  - sgd rate=0.05, momentum=0.9, decay=1e-3, velocity=step",
                "  + sgd rate=0.025, momentum=0.9, decay=1e-3, velocity=step",
            ],
        ),
        (make_net(more="relu"), {}, ["tiny.net:7", "  + relu"]),
        (make_net(), {"seed": 1}, ["seed", "  - 0", "  + 1"]),
        (make_net(), {"precision": "bf16"}, ["precision", "  - float32", "  + bf16"]),
        (
            make_net(schedule="step, every=1"),
            {"seed": 1},
            [
                "tiny.net:15",
                "  - schedule fixed",
                "  + schedule step, every=1",
                "seed",
                "  - 0",
                "  + 1",
            ],
        ),
    ],
)
def test_another_run_does_not_go_on(
    run: Trainer, net: CheckedNet, options: dict[str, Any], shown: list[str]
) -> None:
    stopped = run(make_net(), listener=Recorder(stop_after=2))
    before = {path.name: path.read_bytes() for path in stopped.folder.glob("*.*")}
    with pytest.raises(TrainingError, match="cannot go on as it was") as caught:
        run(net, resume=True, **options)
    assert list(caught.value.details) == shown
    assert caught.value.cause == "usage"
    assert "--force" in caught.value.help
    assert before == {path.name: path.read_bytes() for path in stopped.folder.glob("*.*")}


def test_what_changes_nothing_goes_on(run: Trainer) -> None:
    straight = run(make_net(), out="straight")
    run(make_net(), listener=Recorder(stop_after=2))
    text = NET.format(solver=SGD, schedule="fixed", more="  # nothing", views=10)
    net = netspec.load(SourceFile("other.net", text.replace("batch 8", "batch  8  # small"))).net
    resumed = run(net, resume=True, views=1)
    assert_same_run(straight, resumed)


def test_other_data_do_not_go_on(run: Trainer, photos: Path, tmp_path: Path) -> None:
    run(make_net(), listener=Recorder(stop_after=2))
    with pytest.raises(TrainingError, match="has changed since") as caught:
        train(make_net(), data=photos / "train", out=tmp_path / "run", device="cpu", resume=True)
    place, before, now = caught.value.details
    assert place == "data"
    assert before.startswith("  - class folders train=30, held_out=12, classes=3, digest=")
    assert now.startswith("  + class folders train=24, held_out=6, classes=3, digest=")


def test_data_may_lie_elsewhere(run: Trainer, photos: Path, tmp_path: Path) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_after=2))
    moved = tmp_path / "moved"
    shutil.copytree(photos, moved)
    resumed = train(make_net(), data=moved, out=stopped.folder, device="cpu", resume=True)
    assert_same_run(straight, resumed)
    (moved / "train" / "red" / "0.png").rename(moved / "train" / "red" / "00.png")
    with pytest.raises(TrainingError, match="has changed since"):
        train(make_net(), data=moved, out=stopped.folder, device="cpu", resume=True, epochs=4)


def test_the_end_may_change_unless_the_rates_depend_on_it(run: Trainer) -> None:
    net = make_net(schedule="cosine")
    run(net, listener=Recorder(stop_after=2))
    with pytest.raises(TrainingError, match="has changed since") as caught:
        run(net, resume=True, epochs=5)
    assert caught.value.details == ("recipe: stop", "  - 3 epochs", "  + 5 epochs")
    assert run(net, resume=True, epochs=5, force=True).updates == 5 * UPDATES_PER_EPOCH
    net = make_net(schedule="cosine, over=3")
    run(net, out="over", listener=Recorder(stop_after=2))
    assert run(net, out="over", resume=True, epochs=5).updates == 5 * UPDATES_PER_EPOCH


def test_a_changed_rate_is_honoured_by_force(run: Trainer) -> None:
    """As if it had been in the recipe that the rate drops there."""
    straight = run(make_net(schedule="multistep, at=[6 iterations], factor=0.5"), out="straight")
    run(make_net(), listener=Recorder(stop_after=6))
    listener = Recorder()
    forced = run(make_net(solver=NEW_RATE), resume=True, force=True, listener=listener)
    assert_same_run(straight, forced)
    assert listener.plan is not None
    assert listener.plan.start_notes[:2] == ("--force: goes on by what has changed:", "tiny.net:14")
    assert "+ sgd rate=0.025" in (forced.folder / "plan.txt").read_text()


def test_what_was_forced_needs_no_force_again(run: Trainer) -> None:
    run(make_net(), listener=Recorder(stop_after=6))

    class Ended(Recorder):
        def updated(self, progress: object) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(make_net(solver=NEW_RATE), resume=True, force=True, epochs=2, listener=Ended())
    again = run(make_net(solver=NEW_RATE), resume=True)
    assert again.total == 2 * UPDATES_PER_EPOCH
    straight = run(
        make_net(schedule="multistep, at=[6 iterations], factor=0.5"), out="straight", epochs=2
    )
    assert_same_run(straight, again)


@pytest.mark.parametrize(
    ("solver", "begins_anew"),
    [
        (SGD.replace("momentum=0.9", "momentum=0.5"), False),
        (SGD.replace("momentum=0.9, ", ""), True),
        (SGD.replace("velocity=step", "velocity=gradient"), True),
        ("adam", True),
    ],
)
def test_a_solver_that_remembers_something_else_begins_anew(
    run: Trainer, solver: str, begins_anew: bool
) -> None:
    run(make_net(), listener=Recorder(stop_after=6))
    listener = Recorder()
    run(make_net(solver), resume=True, force=True, listener=listener)
    assert listener.plan is not None
    note = "the solver begins anew: what it remembers is another's"
    assert (note in listener.plan.start_notes) == begins_anew


def test_a_layer_can_be_frozen_and_freed_on_the_way(run: Trainer) -> None:
    text = NET.format(solver=SGD, schedule="fixed", more="", views=1)
    frozen = netspec.load(SourceFile("tiny.net", text.replace("stride=2", "stride=2, rate=0"))).net
    stopped = run(make_net(), listener=Recorder(stop_after=4))
    before = load_file(stopped.folder / "last.safetensors")
    stopped = run(frozen, resume=True, force=True, listener=Recorder(stop_after=7))
    after = load_file(stopped.folder / "last.safetensors")
    assert torch.equal(before["conv1.weight"], after["conv1.weight"])
    assert not torch.equal(before["fc2.weight"], after["fc2.weight"])
    ended = load_file(run(make_net(), resume=True, force=True).folder / "last.safetensors")
    assert not torch.equal(ended["conv1.weight"], after["conv1.weight"])


def test_force_does_not_fit_weights_to_another_net(run: Trainer) -> None:
    run(make_net(), listener=Recorder(stop_after=2))
    with pytest.raises(
        TrainingError,
        match=r"`fc2\.weight` is 3x54 in the snapshot and 3x6 in the net",
    ) as caught:
        run(make_net(more="avgpool global"), resume=True, force=True)
    assert "--weights" in caught.value.help


def test_what_was_measured_is_measured_anew_where_images_are_read_otherwise(run: Trainer) -> None:
    text = NET.format(solver=SGD, schedule="fixed", more="", views=1)
    net = netspec.load(SourceFile("tiny.net", text.replace("resize 10", "resize 9"))).net
    run(make_net(), listener=Recorder(stop_after=4))
    forced = run(net, resume=True, force=True)
    measured = load_file(forced.folder / "last.safetensors")["statistics/mean_image"]
    assert measured.shape == (3, 9, 9)


def test_a_run_that_goes_on_measures_nothing(run: Trainer) -> None:
    class Measuring(Recorder):
        measured = 0

        def measuring(self, done: int, total: int) -> None:
            self.measured = done

    first, second = Measuring(stop_after=2), Measuring()
    run(make_net(), listener=first)
    run(make_net(), resume=True, listener=second)
    assert (first.measured, second.measured) == (30, 0)


def test_a_plateaus_plan_tells_where_it_stands(run: Trainer) -> None:
    net = make_net("sgd rate=1e-30", "plateau, patience=1 iteration, times=2")
    run(net, listener=Recorder(stop_after=9))
    listener = Recorder()
    run(net, resume=True, listener=listener)
    assert listener.plan is not None
    assert listener.plan.drops == 1
    assert listener.plan.rates.at(9) == pytest.approx(1e-31)


def test_another_number_of_threads_is_told(run: Trainer) -> None:
    run(make_net(), listener=Recorder(stop_after=2))
    torch.set_num_threads(2)
    listener = Recorder()
    run(make_net(), resume=True, listener=listener)
    assert listener.plan is not None
    assert listener.plan.start_notes == (
        "computed elsewhere before, so that last digits may differ: cpu, 1 thread, then cpu, "
        "2 threads",
    )


def test_only_a_run_that_goes_on_is_forced(run: Trainer) -> None:
    for options in ({"force": True}, {"from_update": 3}):
        with pytest.raises(TrainingError, match="only a run that goes on"):
            run(make_net(), **options)


def test_nothing_is_unpickled(run: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    run(make_net("adam"), listener=Recorder(stop_after=2))
    looked_up = []
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "pickle.find_class" and watching:
            looked_up.append(arguments)

    sys.addaudithook(watch)
    run(make_net("adam"), resume=True)
    watching.clear()
    assert looked_up == []
