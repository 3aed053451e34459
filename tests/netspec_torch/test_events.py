"""What a run writes for TensorBoard, as TensorBoard's own reader finds it."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from netspec_torch import TrainingResult, events
from netspec_torch.events import FILES, Events, cut_events, open_events
from tests.netspec_torch.small_runs import (
    TOTAL,
    Hearer,
    Recorder,
    Trainer,
    make_net,
    read_metrics,
)

TRAIN = {"kind": "train", "epoch": 0.1, "loss": 2.0, "error": 0.5, "rate": 0.01}
TEST = {"kind": "test", "epoch": 1.0, "loss": 1.5, "top1": 0.5, "top5": 0.75, "best": True}
SIZES = {"weights": 0.5, "updates": 0.001, "ratio": None}


def read_scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The steps and values of each tag."""
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    tags: list[str] = reader.Tags()["scalars"]
    return {tag: [(each.step, each.value) for each in reader.Scalars(tag)] for tag in tags}


def count_steps(folder: Path) -> list[int]:
    """The steps with a value of every file, in the order of the files, whatever TensorBoard would
    pass over."""
    return [
        event.step
        for path in sorted(folder.glob(FILES))
        for event in EventFileLoader(str(path)).Load()
        if event.summary.value
    ]


def expect(result: TrainingResult) -> dict[str, list[tuple[int, Any]]]:
    """What the metrics say, as single-precision numbers."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for entry in read_metrics(result):
        tags = (
            {"loss": "loss/training", "error": "error/training", "rate": "rate"}
            if entry["kind"] == "train"
            else {"loss": "loss/held out", "top1": "accuracy/top 1", "top5": "accuracy/top 5"}
        )
        for name, tag in tags.items():
            found.setdefault(tag, []).append((entry["update"], pytest.approx(entry[name])))
    return found


def test_a_run_writes_its_metrics_as_events(run: Trainer) -> None:
    result = run(make_net())
    assert read_scalars(result.folder) == expect(result)
    assert count_steps(result.folder) == [entry["update"] for entry in read_metrics(result)]


def test_a_run_that_goes_on_has_nothing_twice(run: Trainer) -> None:
    run(make_net(), snapshot_every=3, keep=9, listener=Recorder(stop_after=7))
    run(make_net(), resume=True, iterations=10)
    result = run(make_net(), resume=True, from_update=6, iterations=TOTAL)
    steps = [entry["update"] for entry in read_metrics(result)]
    assert len(list(result.folder.glob(FILES))) == 3
    assert count_steps(result.folder) == steps
    assert steps == sorted(steps)
    assert steps[-1] == TOTAL
    assert read_scalars(result.folder) == expect(result)


def test_a_test_is_cut_where_the_snapshot_does_not_know_it(tmp_path: Path) -> None:
    log = Events(tmp_path, 0)
    for update in (1, 2):
        log.log({**TRAIN, "update": update})
    log.log({**TEST, "update": 2})
    log.log({**TRAIN, "update": 3})
    cut_events(tmp_path, update=2, tested=2)
    assert count_steps(tmp_path) == [1, 2, 2]
    cut_events(tmp_path, update=2, tested=0)
    assert count_steps(tmp_path) == [1, 2]
    cut_events(tmp_path, update=0, tested=0)
    assert count_steps(tmp_path) == []


@pytest.mark.parametrize("left", [1, 11, 13, 40])
def test_a_record_that_was_cut_off_is_removed(tmp_path: Path, left: int) -> None:
    log = Events(tmp_path, 0)
    log.log({**TRAIN, "update": 1})
    (path,) = tmp_path.glob(FILES)
    whole = path.read_bytes()
    log.log({**TRAIN, "update": 2})
    path.write_bytes(path.read_bytes()[: len(whole) + left])
    cut_events(tmp_path, update=5, tested=5)
    assert path.read_bytes() == whole


def test_a_running_tensorboard_forgets_what_the_run_went_back_over(tmp_path: Path) -> None:
    """It has read the earlier file before that was cut."""
    log = Events(tmp_path, 0)
    for update in (1, 2, 3):
        log.log({**TRAIN, "update": update})
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    cut_events(tmp_path, update=1, tested=0)
    Events(tmp_path, 1).log({**TRAIN, "update": 2})
    reader.Reload()
    assert [each.step for each in reader.Scalars("rate")] == [1, 2]


def test_the_sizes_of_layers_are_scalars_too(tmp_path: Path) -> None:
    layers = {"conv1.weight": {**SIZES, "ratio": 0.002}, "conv1.bias": SIZES}
    Events(tmp_path, 0).log({"kind": "layers", "update": 4, "epoch": 0.1, "layers": layers})
    assert {tag: values[0] for tag, values in read_scalars(tmp_path).items()} == {
        "weights/conv1.weight": (4, 0.5),
        "updates/conv1.weight": (4, pytest.approx(0.001)),
        "ratio/conv1.weight": (4, pytest.approx(0.002)),
        "weights/conv1.bias": (4, 0.5),
        "updates/conv1.bias": (4, pytest.approx(0.001)),
    }


def test_without_tensorboard_nothing_is_written_or_said(
    run: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "find_spec", lambda name: None)
    hearer = Hearer()
    result = run(make_net(), iterations=4, listener=hearer)
    assert hearer.said == []
    assert not list(result.folder.glob(FILES))
    assert read_metrics(result)


def test_a_broken_tensorboard_costs_its_events_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Events(tmp_path, 0).log({**TRAIN, "update": 2})
    monkeypatch.setattr(events, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    hearer = Hearer()
    assert open_events(tmp_path, 0, hearer.announce) is None
    assert len(hearer.said) == 1
    assert "tensorboard cannot be imported" in hearer.said[0]
    cut_events(tmp_path, update=0, tested=0)
    monkeypatch.undo()
    assert count_steps(tmp_path) == [2]
