"""Where a run is written, and which run goes on."""

from pathlib import Path

import pytest

from netspec.recipe.run import TrainingError
from netspec_torch.run_folder import RunFolder, choose_run_folder, find_run_folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_runs_of_a_net_are_numbered() -> None:
    seen = []
    for _ in range(3):
        folder = choose_run_folder(None, "alexnet")
        folder.create()
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
    with pytest.raises(TrainingError, match="is there already"):
        choose_run_folder(tmp_path / "empty" / "thesis.tex", "a")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run").create()


def test_without_a_run_nothing_goes_on() -> None:
    with pytest.raises(TrainingError, match="no run of `lenet`"):
        find_run_folder(None, "lenet")


def test_metrics_are_cut_back_to_a_snapshot(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for update in range(1, 7):
        folder.log({"kind": "train", "update": update})
        if update % 2 == 0:
            folder.log({"kind": "test", "update": update})
    with folder.metrics.open("a") as file:
        file.write('{"kind": "tra')
    folder.forget_after(update=4, tested=2)
    left = [(entry["kind"], entry["update"]) for entry in folder.read_metrics()]
    assert left == [("train", 1), ("train", 2), ("test", 2), ("train", 3), ("train", 4)]


def test_a_run_without_metrics_has_none(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).read_metrics() == []
