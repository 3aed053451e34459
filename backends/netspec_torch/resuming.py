"""How a run goes on: from which snapshot, whether it is the same run, and bringing it there."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from netspec.recipe.run import TrainingError
from netspec.recipe.written import resolve_line
from netspec_torch.changes import show_changes
from netspec_torch.compute import describe_machine
from netspec_torch.distributed.averages import restore_averages
from netspec_torch.module import list_weights
from netspec_torch.preparation import Job
from netspec_torch.run_folder import (
    RunFolder,
    choose_run_folder,
    find_run_folder,
    list_places,
)
from netspec_torch.snapshot import Snapshot, read_snapshot, restore_solver_state
from netspec_torch.solver import list_remembered
from netspec_torch.tensor_file import DamagedFileError
from netspec_torch.weights.match import COUNT_OF_BATCHES


class GoingOn(NamedTuple):
    """That a run goes on."""

    update: int | None = None
    """After which update; None: from the latest snapshot."""
    force: bool = False
    """Whether also where it is not the run that it was."""


def find_beginning(
    name: str, out: Path | None, going_on: GoingOn | None, begun: Path | None
) -> tuple[RunFolder, Snapshot | None]:
    """Where a run is written, and the snapshot that it goes on from: where it is to be resumed, or
    `begun` is the folder that it was written to before torchrun started it anew."""
    if begun is not None and begun in list_places(out, name):
        folder = RunFolder(begun)
        if folder.list_snapshots():
            return folder, find_snapshot(folder, None)
    if going_on is not None:
        folder = find_run_folder(out, name)
        return folder, find_snapshot(folder, going_on.update)
    return choose_run_folder(out, name), None


def find_snapshot(folder: RunFolder, update: int | None) -> Snapshot:
    """The latest snapshot of a run, or that after so many updates.

    Raises TrainingError where it is not there or cannot be used; another one is taken on request
    alone.
    """
    there = folder.list_snapshots()
    wanted = there[-1] if update is None else update
    if wanted not in there:
        raise TrainingError(
            f"{folder.path} has no snapshot after update {wanted:,}",
            f"it has those after {_list(there)}",
            cause="usage",
        )
    path = folder.snapshot(wanted)
    try:
        return read_snapshot(path)
    except (DamagedFileError, FileNotFoundError) as error:
        earlier = [each for each in there if each < wanted]
        raise TrainingError(
            f"no run can go on from {path}: it {error}",
            f"--resume --from {earlier[-1]} goes on from the snapshot before it"
            if earlier
            else "there is no snapshot before it; without --resume a new run begins",
            cause="usage",
        ) from error


def bring_back(job: Job, snapshot: Snapshot, *, force: bool) -> Job:
    """Bring a job to where a snapshot was taken; its plan then says so.

    Raises TrainingError where the run is not the same, unless forced; and whatever is forced, where
    the snapshot's weights are not those of the net.
    """
    earlier = snapshot.state["identity"]
    notes = []
    if earlier != job.identity:
        changes = show_changes(earlier, job.identity, snapshot.state["texts"], job.net.texts)
        if not force:
            raise _changed(job, changes)
        notes += ["--force: goes on by what has changed:", *changes]
    _check_weights(job, snapshot)
    job.trained.load_state_dict(job.local.take(snapshot.weights))
    restore_averages(job.local, snapshot.averages)
    if _remembers_the_same(job, snapshot):
        restore_solver_state(job.trained, job.optimizer, job.local.take(snapshot.solver))
    else:
        notes += ["the solver begins anew: what it remembers is another's"]
    job.rates.restore(snapshot.state["rates"])
    machine = describe_machine(job.device)
    notes += _describe_move(snapshot.state["machine"], machine)
    return replace(job, start=snapshot.state["run"]["update"], start_notes=tuple(notes))


def _changed(job: Job, changes: list[str]) -> TrainingError:
    return TrainingError(
        f"{job.folder.path} cannot go on as it was: this has changed since",
        "--force goes on by what is there now; without --resume a new run begins",
        cause="usage",
        details=changes,
    )


def _check_weights(job: Job, snapshot: Snapshot) -> None:
    """Raise TrainingError at the first weight that the snapshot has otherwise, or not at all."""
    weights = list_weights(job.net.graph, heads=True)
    ours = {name: weight.shape for name, weight in weights.items()}
    theirs = {
        name: tuple(tensor.shape)
        for name, tensor in snapshot.weights.items()
        if not name.endswith(COUNT_OF_BATCHES)
    }
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            raise TrainingError(
                f"{job.folder.path} cannot go on with this net: `{name}` is "
                f"{_write_shape(theirs.get(name))} in the snapshot and "
                f"{_write_shape(ours.get(name))} in the net",
                f"a new run can begin from its weights: --weights {job.folder.path}/"
                "last.safetensors",
                cause="usage",
            )


def _write_shape(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "absent"
    return "x".join(map(str, shape)) or "one number"


def _remembers_the_same(job: Job, snapshot: Snapshot) -> bool:
    """Whether what a snapshot's solver remembers is what the job's solver would: by the word, by
    what a velocity is made of, and by the names of what is kept for a weight."""
    now = resolve_line(job.recipe.solver)
    earlier = snapshot.state["identity"]["recipe: solver"]
    if any(now.get(name) != earlier.get(name) for name in ("kind", "velocity")):
        return False
    kept = {path.rsplit("/", 1)[1] for path in snapshot.solver}
    return not kept or kept == list_remembered(job.recipe.solver)


def _describe_move(earlier: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Sums are made in another order by another machine, and by another number of threads."""
    moved = [
        f"{earlier[name]}, then {now[name]}"
        for name in ("device", "torch")
        if earlier[name] != now[name]
    ]
    if not moved:
        return []
    return [f"computed elsewhere before, so that last digits may differ: {'; '.join(moved)}"]


def _list(updates: list[int]) -> str:
    return ", ".join(f"{update:,}" for update in updates) or "no update"
