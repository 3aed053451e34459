"""Several processes train as one does: the same weights, the same figures, the same files."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.training import (
    restore_and_gather,
    run_training,
    run_updates,
    train_net,
)
from tests.netspec_torch.small_runs import list_names, read_last

NET = """
net small(classes = 6) {{
  {gpus}
  input 3x8x8
  conv1: conv 8, 3x3, bias_rate=2, decay=0
         {norm}
         relu
         lrn 3, groups=2
         dropout 0.3
  early: head weight=0.4 {{ fc classes{place} }}
  conv2: conv 12, 3x3, groups=2
         prelu
         droppath 0.2
  fc1:   fc 10; relu; dropout 0.5, inverted=no
  fc2:   fc classes{place}
}}
train {{
  data photos {{ resize 10; crop 8; mirror; subtract mean; lighting 0.1; scale 1 / 64 }}
  batch {batch}
  loss softmax, smooth=0.1
  {solver}
  {parallel}
  stop after={stop}
}}
"""
SGD = "sgd rate=0.02, momentum=0.9, decay=1e-3, velocity=step"
LARS = "lars rate=0.5, momentum=0.9, trust=0.01, decay=1e-3, biases=yes"
ADAM = "adam rate=0.01, decay=1e-3"


def write_net(
    gpus: int = 1,
    norm: str = "",
    solver: str = SGD,
    place: str = "",
    batch: int = 8,
    stop: str = "3 epochs",
    parallel: str = "",
) -> str:
    split = f"gpus {gpus}" if gpus > 1 else ""
    return NET.format(
        gpus=split,
        norm=norm,
        solver=solver,
        place=place,
        batch=batch,
        stop=stop,
        parallel=parallel,
    )


def check_updates(
    processes: Processes,
    text: str,
    dtype: torch.dtype = torch.float64,
    tolerance: float = 1e-10,
    device_batch: int | None = None,
) -> None:
    """Ten updates of the processes, in parts, and of this one alone come to the same."""
    whole = run_updates(text, 10, dtype)
    answers = processes.run(run_updates, text, 10, dtype, device_batch)
    for answer in answers:
        assert answer["figures"] == pytest.approx(whole["figures"], rel=1e3 * tolerance)
    check_state(answers[0]["state"], whole["state"], tolerance)


def check_state(actual: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        difference = (actual[name].double() - tensor.double()).abs().max().item()
        assert difference <= tolerance * max(1.0, tensor.double().abs().max().item()), name


@pytest.mark.parametrize("solver", [SGD, LARS, ADAM])
@pytest.mark.parametrize("place", ["", ", gpu=0", ", gpu=1"])
def test_two_columns(pair: Processes, solver: str, place: str) -> None:
    check_updates(pair, write_net(gpus=2, norm="batchnorm", solver=solver, place=place))


def test_two_columns_in_float32(pair: Processes) -> None:
    check_updates(pair, write_net(gpus=2), torch.float32, 1e-5)


@pytest.mark.parametrize("solver", [SGD, LARS, ADAM])
def test_two_replicas(pair: Processes, solver: str) -> None:
    check_updates(pair, write_net(norm="batchnorm synced=yes", solver=solver))


def test_two_replicas_in_float32(pair: Processes) -> None:
    check_updates(pair, write_net(norm="layernorm"), torch.float32, 1e-5)


@pytest.mark.parametrize("norm", ["groupnorm 2", "batchnorm synced=yes"])
def test_two_replicas_of_two_columns(four: Processes, norm: str) -> None:
    check_updates(four, write_net(gpus=2, norm=norm, place=", gpu=0"))


def test_four_replicas(four: Processes) -> None:
    check_updates(four, write_net(norm="batchnorm synced=yes, scale=no"))


CLIPPED = f"{SGD}, clip=0.2"


@pytest.mark.parametrize("device_batch", [1, 2, 4])
def test_parts_of_a_batch_on_one_process(device_batch: int) -> None:
    """Dropout drops what it would have dropped of the whole."""
    text = write_net(norm="layernorm", solver=CLIPPED)
    whole = run_updates(text, 10, torch.float64)
    parts = run_updates(text, 10, torch.float64, device_batch)
    assert parts["figures"] == pytest.approx(whole["figures"], rel=1e-7)
    check_state(parts["state"], whole["state"], 1e-10)


def test_clipping_and_parts_on_two_columns(pair: Processes) -> None:
    check_updates(pair, write_net(gpus=2, place=", gpu=1", solver=CLIPPED), device_batch=2)


def test_clipping_and_parts_on_two_replicas(pair: Processes) -> None:
    """Six images, then five: shares of three and two, in two parts each."""
    check_updates(pair, write_net(norm="layernorm", solver=CLIPPED), device_batch=2)


def test_clipping_and_parts_on_two_replicas_of_two_columns(four: Processes) -> None:
    check_updates(four, write_net(gpus=2, solver=CLIPPED), device_batch=2)


def test_parts_are_normalised_together(pair: Processes) -> None:
    """Four of six images, two on each, and then two: another function than that of six, with
    running averages of the same size."""
    text = write_net(norm="batchnorm synced=yes")
    first, second = pair.run(run_updates, text, 10, torch.float64, 2)
    assert first["figures"] == second["figures"]
    whole = run_updates(text, 10, torch.float64)["state"]
    for name in ("batchnorm_1.running_mean", "batchnorm_1.running_var"):
        difference = (first["state"][name] - whole[name]).abs().max()
        assert 1e-6 < difference < 0.45 * whole[name].abs().max()


def train_alone(text: str, folder: Path, photos: Path, **options: Any) -> dict[str, Any]:
    answer = train_net(text, folder, photos, **options)
    assert "error" not in answer, answer
    return answer


def train_together(
    processes: Processes, text: str, folder: Path, photos: Path, **options: Any
) -> dict[str, Any]:
    """The training on all processes; they give the same answer."""
    first, *others = processes.run(run_training, text, folder, photos, options)
    assert "error" not in first, first
    for other in others:
        assert other == first
    return dict(first)


def check_folders(one: Path, other: Path) -> None:
    """Both runs have the same files, and all in them is the same but for rounding."""
    assert list_names(one) == list_names(other)
    for name in ("last.safetensors", "best.safetensors"):
        check_state(load_file(other / name), load_file(one / name), 1e-4)
    snapshots = [read_last(folder) for folder in (one, other)]
    check_state(snapshots[1].weights, snapshots[0].weights, 1e-4)
    check_state(snapshots[1].solver, snapshots[0].solver, 1e-3)
    assert snapshots[0].state["identity"] == snapshots[1].state["identity"]
    for line, expected in zip(read_metrics(other), read_metrics(one), strict=True):
        assert line.pop("kind") == expected.pop("kind")
        assert line == pytest.approx(expected, rel=1e-3)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_training_on_two_columns(pair: Processes, photos: Path, tmp_path: Path) -> None:
    text = write_net(gpus=2, norm="batchnorm", place=", gpu=0")
    alone = train_alone(text, tmp_path / "one", photos, views=10)
    together = train_together(pair, text, tmp_path / "two", photos, views=10)
    assert together["final"] == pytest.approx(alone["final"], rel=1e-3)
    assert together["final"]["images"] == 13
    assert sorted(together["skipped"]) == sorted(alone["skipped"])
    check_folders(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize("gpus", [1, 2])
def test_a_training_on_four_processes(
    four: Processes, photos: Path, tmp_path: Path, gpus: int
) -> None:
    """46 images in batches of 8 leave 6 for the last: two or one for each of four replicas."""
    text = write_net(gpus=gpus, norm="batchnorm synced=yes")
    alone = train_alone(text, tmp_path / "one", photos)
    together = train_together(four, text, tmp_path / "four", photos)
    assert together["final"] == pytest.approx(alone["final"], rel=1e-3)
    assert sorted(together["skipped"]) == sorted(alone["skipped"])
    check_folders(tmp_path / "one", tmp_path / "four")


def test_two_columns_go_on_alone_and_together_again(
    pair: Processes, photos: Path, tmp_path: Path
) -> None:
    text = write_net(gpus=2, norm="batchnorm", place=", gpu=1")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_alone(text, whole, photos)
    train_together(pair, text, parts, photos, iterations=5)
    train_alone(text, parts, photos, iterations=10, resume=True)
    answer = train_together(pair, text, parts, photos, epochs=3, resume=True)
    assert answer["updates"] == 18
    for name in ("last.safetensors", "best.safetensors"):
        check_state(load_file(parts / name), load_file(whole / name), 1e-4)
    logged = [
        [line["update"] for line in read_metrics(folder) if line["kind"] == "train"]
        for folder in (parts, whole)
    ]
    assert logged[0] == logged[1] == list(range(1, 19))


def test_a_snapshot_is_the_same_whoever_writes_it(
    pair: Processes, photos: Path, tmp_path: Path
) -> None:
    """Taken apart by two processes and put together again, bit for bit."""
    text = write_net(gpus=2, norm="batchnorm", solver=ADAM)
    train_alone(text, tmp_path, photos, iterations=4)
    before = read_last(tmp_path)
    restored = pair.run(restore_and_gather, text, tmp_path)[0]
    for old, new in ((before.weights, restored[0]), (before.solver, restored[1])):
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)


def test_a_training_begins_from_weights(pair: Processes, photos: Path, tmp_path: Path) -> None:
    text = write_net(gpus=2)
    train_alone(text, tmp_path / "start", photos, iterations=3, seed=5)
    weights = tmp_path / "start" / "last.safetensors"
    train_alone(text, tmp_path / "one", photos, iterations=2, weights=weights)
    train_together(pair, text, tmp_path / "two", photos, iterations=2, weights=weights)
    check_folders(tmp_path / "one", tmp_path / "two")


def test_batchnorm_of_each_part_by_itself(pair: Processes, photos: Path, tmp_path: Path) -> None:
    """PyTorch's own way: another function than one process's, the same on both."""
    text = write_net(norm="batchnorm")
    train_alone(text, tmp_path / "one", photos)
    train_together(pair, text, tmp_path / "two", photos)
    one, two = (load_file(tmp_path / name / "last.safetensors") for name in ("one", "two"))
    assert (one["fc2.weight"] - two["fc2.weight"]).abs().max() > 1e-3
    means = [weights["batchnorm_1.running_mean"] for weights in (one, two)]
    assert 0 < (means[0] - means[1]).abs().max() < 0.1 * means[0].abs().max()


@pytest.mark.parametrize("gpus", [1, 2])
def test_where_a_loss_breaks_is_found_together(
    pair: Processes, photos: Path, tmp_path: Path, gpus: int
) -> None:
    """The layer is the same; how many of its numbers a process has may differ."""
    text = write_net(gpus=gpus, solver="sgd rate=1e13")
    answers = [
        train_net(text, tmp_path / "one", photos, device_batch=3),
        *pair.run(run_training, text, tmp_path / "two", photos, {"device_batch": 3}),
    ]
    assert {answer["error"].partition(", at")[0] for answer in answers} == {
        "the run diverged: the loss of update 2"
    }
    places = {answer["details"][0].partition(", of whose")[0] for answer in answers}
    assert len(places) == 1
    assert places.pop().startswith("it starts in `")


@pytest.mark.parametrize("place", ["", ", gpu=1"])
def test_the_sizes_of_layers_are_those_of_the_whole_net(
    pair: Processes, photos: Path, tmp_path: Path, place: str
) -> None:
    text = write_net(gpus=2, place=place)
    train_alone(text, tmp_path / "one", photos, iterations=1, watch_layers=True)
    train_together(pair, text, tmp_path / "two", photos, iterations=1, watch_layers=True)
    alone, together = (
        next(line["layers"] for line in read_metrics(tmp_path / name) if line["kind"] == "layers")
        for name in ("one", "two")
    )
    assert alone.keys() == together.keys()
    for name, sizes in alone.items():
        assert together[name] == pytest.approx(sizes, rel=1e-3), name


REFUSALS = [
    (write_net(batch=15), {}, "the last batch of an epoch holds 1 of 46 images, too few for 2"),
    (write_net(), {"device": "cuda:1"}, "one device for all processes"),
    (write_net(batch=11), {"device_batch": 1}, "leaves a replica without an image of some part"),
]


@pytest.mark.parametrize(("text", "options", "message"), REFUSALS)
def test_what_cannot_be_shared_is_refused(
    pair: Processes,
    photos: Path,
    tmp_path: Path,
    text: str,
    options: dict[str, Any],
    message: str,
) -> None:
    answers = pair.run(run_training, text, tmp_path / "run", photos, options)
    assert all(message in answer["error"] for answer in answers)
    assert not (tmp_path / "run").exists()
