"""Where a run goes on when torchrun has started its processes anew."""

from pathlib import Path

import pytest
from torch.distributed import HashStore  # type: ignore[attr-defined]

from netspec.recipe.run import TrainingError
from netspec_torch.distributed.launch import ALONE, Launch
from netspec_torch.resuming import GoingOn, find_beginning
from netspec_torch.run_folder import RunFolder
from netspec_torch.snapshot import Snapshot, write_snapshot


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_run(path: str, *updates: int) -> None:
    folder = RunFolder(Path(path))
    folder.create()
    for update in updates:
        state = {"run": {"best_update": 0, "update": update}}
        write_snapshot(folder.snapshot(update), Snapshot({}, {}, {}, state))


def begin(
    launch: Launch, out: str | None = None, going_on: GoingOn | None = None
) -> tuple[str, int | None]:
    """The folder, and the update of the snapshot."""
    place = None if out is None else Path(out)
    folder, snapshot = find_beginning("net", place, going_on, launch.recall())
    update = None if snapshot is None else snapshot.state["run"]["update"]
    return str(folder.path), update


def test_a_launch_goes_on_with_its_own_run() -> None:
    write_run("runs/net", 7)
    launch = Launch(HashStore())
    assert begin(launch) == ("runs/net-2", None)
    launch.note(Path("runs/net-2"))
    write_run("runs/net-2", 0, 3)
    write_run("runs/net-3", 5)
    assert begin(launch) == ("runs/net-2", 3)
    assert begin(Launch(HashStore())) == begin(ALONE) == ("runs/net-4", None)


def test_a_run_that_failed_before_its_first_snapshot_begins_again() -> None:
    """And does not go on with an older one."""
    write_run("runs/net", 7)
    launch = Launch(HashStore())
    assert begin(launch) == ("runs/net-2", None)
    launch.note(Path("runs/net-2"))
    assert begin(launch) == ("runs/net-2", None)
    write_run("runs/net-2")
    assert begin(launch) == ("runs/net-2", None)


def test_a_folder_that_was_refused_is_refused_again() -> None:
    """The run that it holds is not this launch's."""
    write_run("mine", 7)
    launch = Launch(HashStore())
    for _ in range(2):
        with pytest.raises(TrainingError, match="mine is there already"):
            begin(launch, "mine")


def test_a_resumed_run_goes_on_from_its_latest_snapshot_after_a_failure() -> None:
    write_run("mine", 2, 4, 6)
    launch = Launch(HashStore())
    going_on = GoingOn(update=4)
    assert begin(launch, "mine", going_on) == ("mine", 4)
    assert begin(launch, "mine", going_on) == ("mine", 4)
    launch.note(Path("mine"))
    RunFolder(Path("mine")).snapshot(6).unlink()
    write_run("mine", 5)
    assert begin(launch, "mine", going_on) == ("mine", 5)


def test_another_folder_is_another_run() -> None:
    """As in a training of several seeds, each of which has its own."""
    write_run("seed-0", 4)
    launch = Launch(HashStore())
    launch.note(Path("seed-0"))
    assert begin(launch, "seed-1") == ("seed-1", None)
    assert begin(launch) == ("runs/net", None)
