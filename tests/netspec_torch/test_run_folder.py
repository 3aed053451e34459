"""Where a run is written, and which run goes on."""

from pathlib import Path

import pytest

from netspec.recipe.run import TrainingError
from netspec_torch.run_folder import RunFolder, choose_run_folder, find_run_folder
from netspec_torch.snapshot import Snapshot, write_snapshot


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def begin(folder: RunFolder, *updates: int, best: int = 0) -> None:
    """Have snapshots after some updates, the best test after one of them."""
    folder.create()
    for update in updates or (0,):
        run = {"run": {"best_update": best}}
        write_snapshot(folder.snapshot(update), Snapshot({}, {}, {}, run))


def test_runs_of_a_net_are_numbered() -> None:
    seen = []
    for _ in range(3):
        folder = choose_run_folder(None, "alexnet")
        begin(folder)
        seen.append(folder.path)
    assert seen == [Path("runs/alexnet"), Path("runs/alexnet-2"), Path("runs/alexnet-3")]
    assert find_run_folder(None, "alexnet").path == Path("runs/alexnet-3")


def test_a_folder_that_holds_something_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert choose_run_folder(tmp_path / "empty", "a").path == tmp_path / "empty"
    (tmp_path / "empty" / "thesis.tex").touch()
    with pytest.raises(TrainingError, match="is there already") as caught:
        choose_run_folder(tmp_path / "empty", "a")
    assert caught.value.cause == "usage"
    with pytest.raises(TrainingError, match=r"thesis\.tex is a file"):
        choose_run_folder(tmp_path / "empty" / "thesis.tex", "a")


def test_what_was_ended_before_its_first_snapshot_is_no_run() -> None:
    begun = choose_run_folder(None, "a")
    begin(begun)
    ended = choose_run_folder(None, "a")
    ended.create()
    (ended.snapshots / "update-0.safetensors.part").touch()
    assert choose_run_folder(None, "a") == ended
    assert find_run_folder(None, "a") == begun
    with pytest.raises(TrainingError, match="a-2 has no snapshot of a run"):
        find_run_folder(ended.path, "a")


def test_the_last_snapshots_are_kept_and_those_of_their_best_tests(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    begin(folder, 2, 4, 6)
    begin(folder, 8, best=4)
    begin(folder, 10, 12, best=6)
    folder.prune_snapshots(3)
    assert folder.list_snapshots() == [4, 6, 8, 10, 12]
    folder.prune_snapshots(2)
    assert folder.list_snapshots() == [6, 10, 12]
    folder.prune_snapshots(1)
    assert folder.list_snapshots() == [6, 12]


def test_before_any_test_there_is_no_best_snapshot_to_keep(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    begin(folder, 0, 2, 4)
    folder.prune_snapshots(2)
    assert folder.list_snapshots() == [2, 4]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run").create()


def test_without_a_run_nothing_goes_on() -> None:
    with pytest.raises(TrainingError, match="no run of `lenet`"):
        find_run_folder(None, "lenet")


def test_metrics_are_cut_back_to_a_snapshot(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    begin(folder, 2, 4, 6)
    (folder.snapshots / "update-8.safetensors.part").touch()
    for update in range(1, 7):
        folder.log({"kind": "train", "update": update})
        if update % 2 == 0:
            folder.log({"kind": "test", "update": update})
    with folder.metrics.open("a") as file:
        file.write('{"kind": "tra')
    folder.forget_after(update=4, tested=2)
    left = [(entry["kind"], entry["update"]) for entry in folder.read_metrics()]
    assert left == [("train", 1), ("train", 2), ("test", 2), ("train", 3), ("train", 4)]
    assert sorted(path.name for path in folder.snapshots.iterdir()) == [
        "update-2.safetensors",
        "update-4.safetensors",
    ]


def test_a_run_without_metrics_has_none(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).read_metrics() == []
