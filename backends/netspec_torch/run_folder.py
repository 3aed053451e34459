"""The folder of a run, `runs/NAME/`: which files it has, and finding the one to go on from.

spec.net                the spec as it was used
recipe.json             the recipe with every value settled, the options of the run, and its updates
split.json              which images train and which are held out
plan.txt                the plan as it was shown, with every change of the rate
metrics.jsonl           a line for each stretch of updates, two with --watch-layers, and for each
                        test
curves.svg              the same as a picture
events.out.tfevents.*   the same for TensorBoard, where that is installed (`events.py`)
last.safetensors        the weights as they are, for use
best.safetensors        the weights of the test with the fewest errors
snapshots/              update-N.safetensors: all that `--resume` needs, after N updates
sessions.json           when it computed, for how long and on what (`sessions.py`)
report.json             how it ended; not there while it goes on
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from netspec.recipe.run import TrainingError
from netspec_torch.events import cut_events
from netspec_torch.snapshot import read_best_update
from netspec_torch.storage import (
    UNFINISHED,
    append_line,
    cannot_write,
    force_to_disk,
    remove,
    remove_unfinished,
    write_text,
)

RUNS = Path("runs")
SNAPSHOT = re.compile(r"update-(\d+)\.safetensors")
Entry = dict[str, Any]
"""A line of metrics.jsonl: `kind` is train, layers or test, `update` the number of updates done."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder with the files of one run."""

    path: Path

    @property
    def snapshots(self) -> Path:
        return self.path / "snapshots"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def create(self) -> None:
        """Make the folder; raises TrainingError where it cannot."""
        try:
            self.snapshots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def write_json(self, name: str, values: object) -> None:
        """Write a JSON file; raises TrainingError where it cannot."""
        write_text(self.path / name, json.dumps(values, indent=2) + "\n")

    def read_json(self, name: str) -> Any:
        """What a JSON file holds; raises OSError and ValueError."""
        return json.loads((self.path / name).read_text(encoding="utf-8"))

    def snapshot(self, update: int) -> Path:
        """The snapshot after so many updates."""
        return self.snapshots / f"update-{update}.safetensors"

    def list_snapshots(self) -> list[int]:
        """The updates after which there are snapshots, the latest last."""
        names = (SNAPSHOT.fullmatch(path.name) for path in self.snapshots.glob("*"))
        return sorted(int(name[1]) for name in names if name)

    def prune_snapshots(self, keep: int) -> None:
        """Leave the last snapshots, and of each of them that of its best test, so that going on
        from any finds the best weights; raises TrainingError where one cannot be removed."""
        there = self.list_snapshots()
        last = there[-keep:]
        best = {read_best_update(self.snapshot(update)) for update in last}
        for update in there:
            if update not in last and not (update and update in best):
                remove(self.snapshot(update))

    def log(self, entry: Entry) -> None:
        """Add a line to the metrics; raises TrainingError where it cannot."""
        append_line(self.metrics, json.dumps(entry))

    def read_metrics(self) -> list[Entry]:
        """The metrics so far; a last line that was cut off is left out."""
        if not self.metrics.exists():
            return []
        return list(_parse_lines(self.metrics.read_text(encoding="utf-8")))

    def force_metrics(self) -> None:
        """Have the metrics on the disk before a snapshot that counts on them."""
        if self.metrics.exists():
            force_to_disk(self.metrics)

    def forget_after(self, update: int, tested: int) -> None:
        """Go back to the snapshot after `update` updates: no later snapshot, no line of the metrics
        beyond it, and no test after `tested` ones. Raises TrainingError where it cannot.

        The later snapshots go first: ended in between, the run goes on from the one that is left,
        and has all its lines.
        """
        for folder in (self.path, self.snapshots):
            remove_unfinished(folder)
        for later in reversed(self.list_snapshots()):
            if later > update:
                remove(self.snapshot(later))
        last = {"train": update, "layers": update, "test": tested}
        kept = [entry for entry in self.read_metrics() if entry["update"] <= last[entry["kind"]]]
        write_text(self.metrics, "".join(json.dumps(entry) + "\n" for entry in kept))
        cut_events(self.path, update, tested)


def _parse_lines(text: str) -> Iterator[Entry]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def choose_run_folder(out: Path | None, name: str) -> RunFolder:
    """A folder for a new run: `out`, which must not hold anything, or the next free in `runs/`.

    Raises TrainingError where it is taken.
    """
    path = out or next(path for path in _numbered(name) if not _is_taken(path))
    if path.exists() and not path.is_dir():
        raise TrainingError(f"{path} is a file", "--out DIR names a run's folder", cause="usage")
    if _is_taken(path):
        raise TrainingError(
            f"{path} is there already",
            "--resume goes on with the run that it holds; --out DIR writes a new one elsewhere",
            cause="usage",
        )
    return RunFolder(path)


def find_run_folder(out: Path | None, name: str) -> RunFolder:
    """The folder to go on with: `out`, or the latest of the net in `runs/`.

    Raises TrainingError where it has no run.
    """
    places = map(RunFolder, list_places(out, name))
    begun = [folder for folder in places if folder.list_snapshots()]
    if not begun:
        raise TrainingError(
            f"{out} has no snapshot of a run to go on with"
            if out is not None
            else f"there is no run of `{name}` in {RUNS}/ to go on with",
            "--out DIR says where the run is; without --resume a new one begins",
            cause="usage",
        )
    return begun[-1]


def list_places(out: Path | None, name: str) -> list[Path]:
    """Where a run may be: `out`, or the folders of the net's runs in `runs/`, the latest last."""
    return [out] if out is not None else list_run_folders(name)


def list_run_folders(name: str) -> list[Path]:
    """The folders of a net's runs in `runs/`, the latest last."""
    return list(takewhile(Path.exists, _numbered(name)))


def _is_taken(path: Path) -> bool:
    """Whether something is there; what a run left that was ended before its first snapshot is
    nothing."""
    if not path.exists():
        return False
    if not path.is_dir():
        return True
    return any(inner.is_file() and not inner.name.endswith(UNFINISHED) for inner in path.rglob("*"))


def _numbered(name: str) -> Iterator[Path]:
    """`runs/NAME`, `runs/NAME-2`, …"""
    yield RUNS / name
    number = 2
    while True:
        yield RUNS / f"{name}-{number}"
        number += 1
