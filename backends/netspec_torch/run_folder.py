"""The folder of a run, `runs/NAME/`: which files it has, and finding the one to go on from.

spec.net               the spec as it was used
recipe.json            the recipe with every value settled, and the options of the run
split.json             which images train and which are held out
plan.txt               the plan as it was shown
metrics.jsonl          a line for each stretch of updates and for each test
curves.svg             the same as a picture
last.safetensors       the weights as they are, for use
best.safetensors       the weights of the test with the fewest errors
snapshot.safetensors   all that `--resume` needs
statistics.safetensors what was measured on the training images, where the recipe needs it
report.json            how it ended
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.recipe.run import TrainingError
from netspec_torch.storage import append_line, cannot_write, write_text

RUNS = Path("runs")
Entry = dict[str, Any]
"""A line of metrics.jsonl: `kind` is train or test, `update` the number of updates done."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder with the files of one run."""

    path: Path

    @property
    def snapshot(self) -> Path:
        return self.path / "snapshot.safetensors"

    @property
    def statistics(self) -> Path:
        return self.path / "statistics.safetensors"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def create(self) -> None:
        """Make the folder; raises TrainingError where it cannot."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def write_json(self, name: str, values: object) -> None:
        """Write a JSON file; raises TrainingError where it cannot."""
        write_text(self.path / name, json.dumps(values, indent=2) + "\n")

    def log(self, entry: Entry) -> None:
        """Add a line to the metrics; raises TrainingError where it cannot."""
        append_line(self.metrics, json.dumps(entry))

    def read_metrics(self) -> list[Entry]:
        """The metrics so far; a last line that was cut off is left out."""
        if not self.metrics.exists():
            return []
        return list(_parse_lines(self.metrics.read_text(encoding="utf-8")))

    def forget_after(self, update: int, tested: int) -> None:
        """Cut the metrics back to a snapshot: `update` updates, and no test after `tested` ones."""
        last = {"train": update, "test": tested}
        kept = [entry for entry in self.read_metrics() if entry["update"] <= last[entry["kind"]]]
        write_text(self.metrics, "".join(json.dumps(entry) + "\n" for entry in kept))


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
    path = out or next(path for path in _numbered(name) if not path.exists())
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise TrainingError(
            f"{path} is there already",
            "--resume goes on with the run that it holds; --out DIR writes a new one elsewhere",
            cause="usage",
        )
    return RunFolder(path)


def find_run_folder(out: Path | None, name: str) -> RunFolder:
    """The folder to go on with: `out`, or the latest of the net in `runs/`.

    Raises TrainingError where there is none.
    """
    if out is not None:
        return RunFolder(out)
    latest: Path | None = None
    for path in _numbered(name):
        if not path.exists():
            break
        latest = path
    if latest is None:
        raise TrainingError(
            f"there is no run of `{name}` in {RUNS}/ to go on with",
            "--out DIR says where the run is; without --resume a new one begins",
            cause="usage",
        )
    return RunFolder(latest)


def _numbered(name: str) -> Iterator[Path]:
    """`runs/NAME`, `runs/NAME-2`, …"""
    yield RUNS / name
    number = 2
    while True:
        yield RUNS / f"{name}-{number}"
        number += 1
