"""Trainings of several seeds: a run each, the test of all, and going on."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import netspec_torch
from netspec.backend import SeedOptions
from netspec.recipe.run import TrainingError
from netspec_torch import SeedsResult, train, train_seeds
from netspec_torch.members import list_weights_files
from tests.netspec_torch.data.pictures import make_folder
from tests.netspec_torch.small_runs import Recorder, make_net


class SeedRecorder(Recorder):
    """Also keeps what is announced; its signal comes in the run of a seed."""

    def __init__(self, stop_in_run: int = 0, stop_after: int = 0) -> None:
        super().__init__(stop_after)
        self.said: list[str] = []
        self._at = stop_after
        self._run = stop_in_run

    def announce(self, line: str) -> None:
        self.said.append(line)
        if line.startswith("seed "):
            self._run -= 1
            self._stop_after = self._at if self._run == 0 else 0


@pytest.fixture
def seeds(photos: Path, tmp_path: Path, one_thread: None) -> Any:
    """Train on the photos, for a few updates."""

    def train_here(count: int = 3, out: str = "seeds", **options: Any) -> SeedsResult:
        given: dict[str, Any] = {"data": photos, "device": "cpu", "iterations": 4, **options}
        if given.get("resume"):
            del given["data"], given["device"], given["iterations"]
            given |= options
        return train_seeds(make_net(), count, out=tmp_path / out, **given)

    return train_here


def read_weights(folder: Path) -> bytes:
    return (folder / "last.safetensors").read_bytes()


def test_each_seed_has_its_run_and_all_a_table(seeds: Any, photos: Path, tmp_path: Path) -> None:
    result = seeds(seed=4)
    assert result.folder == tmp_path / "seeds"
    assert result.seeds == (4, 5, 6)
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "ensemble.json",
        "ensemble.txt",
        "seed-4",
        "seed-5",
        "seed-6",
        "seeds.json",
    ]
    report = result.report
    assert [Path(net.weights).parent for net in report.nets] == list(result.folders)
    assert len(report.ensemble) == 1
    assert json.loads((result.folder / "ensemble.json").read_text())["data"] == report.data
    assert "mean of 3" in (result.folder / "ensemble.txt").read_text()
    single = train(
        make_net(), data=photos, device="cpu", iterations=4, seed=5, out=tmp_path / "one"
    )
    module = netspec_torch.read_trained(result.folders[1] / "last.safetensors").module
    for name, tensor in single.module.state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor)


def test_the_folder_is_an_ensemble(seeds: Any, photos: Path) -> None:
    result = seeds(2, views=10)
    report = netspec_torch.test(result.folder, views=10)
    assert report == result.report
    (prediction,) = netspec_torch.predict(photos / "val" / "red" / "0.png", result.folder)
    assert prediction.classes[0].name in ("red", "green", "blue")


def test_all_hold_out_the_same_images(seeds: Any, tmp_path: Path) -> None:
    heap = make_folder(tmp_path / "heap", [f"{c}/{i}.png" for c in "ab" for i in range(10)])
    result = seeds(2, data=heap, seed=-1)
    assert [path.name for path in list_weights_files(result.folder)] == ["last.safetensors"] * 2
    splits = [json.loads((folder / "split.json").read_text()) for folder in result.folders]
    assert splits[0] == splits[1]
    assert result.report.images == 4


@pytest.mark.parametrize(("stop_in_run", "stop_after"), [(1, 2), (2, 1), (3, 4)])
def test_it_goes_on_where_it_stopped(seeds: Any, stop_in_run: int, stop_after: int) -> None:
    straight = seeds(out="straight")
    stopped = seeds(listener=SeedRecorder(stop_in_run, stop_after))
    assert (stopped.interrupted, stopped.report) == ("SIGINT", None)
    assert not (stopped.folder / "ensemble.json").exists()
    listener = SeedRecorder()
    resumed = seeds(resume=True, listener=listener)
    done = [line for line in listener.said if line.endswith("is done")]
    assert len(done) == stop_in_run - 1
    for one, other in zip(straight.folders, resumed.folders, strict=True):
        assert read_weights(one) == read_weights(other)
    assert [net.figures for net in resumed.report.nets] == [
        net.figures for net in straight.report.nets
    ]


def test_going_on_with_more_seeds_and_more_updates(seeds: Any) -> None:
    whole = seeds(out="whole", iterations=6)
    first = seeds(2)
    before = read_weights(first.folders[0])
    again = seeds(3, resume=True)
    assert again.seeds == (0, 1, 2)
    assert read_weights(again.folders[0]) == before
    more = seeds(3, resume=True, iterations=6)
    for one, other in zip(whole.folders, more.folders, strict=True):
        assert read_weights(one) == read_weights(other)


def test_runs_that_have_not_begun_begin_from_the_same_weights(
    seeds: Any, photos: Path, tmp_path: Path
) -> None:
    start = train(make_net(), data=photos, device="cpu", iterations=1, out=tmp_path / "start")
    weights = start.folder / "last.safetensors"
    straight = seeds(2, out="straight", weights=weights)
    seeds(2, weights=weights, listener=SeedRecorder(1, 2))
    resumed = seeds(2, resume=True)
    for one, other in zip(straight.folders, resumed.folders, strict=True):
        assert read_weights(one) == read_weights(other)


def test_without_a_folder_it_is_the_next_in_runs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {"data": photos, "device": "cpu", "iterations": 1}
    assert train(make_net(), **options).folder == Path("runs/tiny")
    with pytest.raises(TrainingError, match="no training of `tiny` with several seeds in runs/"):
        train_seeds(make_net(), 2, resume=True)
    assert train_seeds(make_net(), 1, **options).folder == Path("runs/tiny-2")
    assert train(make_net(), **options).folder == Path("runs/tiny-3")
    assert train_seeds(make_net(), 2, resume=True).folder == Path("runs/tiny-2")


def test_what_cannot_be_trained_is_refused(seeds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainingError, match="0 seeds train nothing"):
        seeds(0)
    seeds(1)
    with pytest.raises(TrainingError, match="is there already"):
        seeds(1)
    with pytest.raises(TrainingError, match=r"the first seed of .* is 0, not 1"):
        seeds(1, resume=True, seed=1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="several processes"):
        seeds(1, out="other")


def test_every_option_of_a_training_is_one_of_several_seeds() -> None:
    own = {"net", "seed", "split_seed", "out", "views", "eval_images", "resume", "listener"}
    own |= {"from_update", "force"}
    assert set(SeedOptions.__annotations__) == set(inspect.signature(train).parameters) - own


def test_a_run_that_diverged_is_not_done(photos: Path, tmp_path: Path, one_thread: None) -> None:
    net = make_net("sgd rate=1e15", more="fc 9; fc 9")
    for resume in (False, True):
        with pytest.raises(TrainingError, match="the run diverged"):
            train_seeds(net, 1, data=photos, device="cpu", out=tmp_path / "seeds", resume=resume)
