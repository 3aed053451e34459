"""Whole runs of a small net on small pictures, for the tests of training and of going on."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file

import netspec
from netspec.compiler.program import CheckedNet
from netspec.recipe.plan import Plan
from netspec.recipe.run import Figures, Listener, Progress
from netspec.source import SourceFile
from netspec_torch import TrainingResult
from netspec_torch.run_folder import RunFolder
from netspec_torch.snapshot import Snapshot, read_snapshot

NET = """
net tiny(classes = 10) {{
  input 3x8x8
  conv1: conv 6, 3x3, stride=2
         relu
         dropout 0.2
  {more}
  fc2:   fc classes
}}
train {{
  data colours {{ resize 10; crop 8; mirror; subtract mean; lighting 0.1; scale 1 / 64 }}
  batch 8
  loss softmax
  {solver}
  schedule {schedule}
  stop after=3 epochs
}}
test {{ views {views} }}
"""
SGD = "sgd rate=0.05, momentum=0.9, decay=1e-3, velocity=step"
UPDATES_PER_EPOCH = 4
TOTAL = 3 * UPDATES_PER_EPOCH


def make_net(
    solver: str = SGD, schedule: str = "fixed", more: str = "", views: int = 1, **settings: Any
) -> CheckedNet:
    text = NET.format(solver=solver, schedule=schedule, more=more, views=views)
    return netspec.load(SourceFile("tiny.net", text), settings=settings).net


class Recorder(Listener):
    """Keeps what it hears, and may send a signal after an update or in a test."""

    def __init__(self, stop_after: int = 0, stop_in_test: int = 0) -> None:
        self.plan: Plan | None = None
        self.progress: list[Progress] = []
        self.tests: list[tuple[int, Figures, bool]] = []
        self.drops: list[tuple[int, float]] = []
        self._stop_after = stop_after
        self._stop_in_test = stop_in_test

    def planned(self, plan: Plan) -> None:
        self.plan = plan

    def updated(self, progress: Progress) -> None:
        self.progress.append(progress)
        if progress.update == self._stop_after:
            signal.raise_signal(signal.SIGINT)

    def testing(self, done: int, total: int) -> None:
        if self._stop_in_test == 1 and done < total:
            signal.raise_signal(signal.SIGINT)
        if done >= total:
            self._stop_in_test -= 1

    def tested(self, update: int, figures: Figures, is_best: bool) -> None:
        self.tests.append((update, figures, is_best))

    def dropped(self, update: int, rate: float) -> None:
        self.drops.append((update, rate))


class Hearer(Listener):
    """Keeps what is announced."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def announce(self, line: str) -> None:
        self.said.append(line)


Trainer = Callable[..., TrainingResult]


def draw_photos(root: Path) -> None:
    """30 pictures to train on and 12 held out, each mostly of its class's colour."""
    generator = torch.Generator().manual_seed(0)
    for split, count in (("train", 10), ("val", 4)):
        for place, colour in enumerate(("red", "green", "blue")):
            folder = root / split / colour
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(0, 120, (12, 14, 3), generator=generator)
                pixels[:, :, place] += 100
                Image.fromarray(pixels.byte().numpy()).save(folder / f"{number}.png")


def list_names(folder: Path) -> list[str]:
    """The names of a run's files; those of events, which have the time in them, without it."""
    return sorted(re.sub(r"(tfevents)\..*", r"\1", path.name) for path in folder.iterdir())


def read_metrics(result: TrainingResult) -> list[dict[str, Any]]:
    lines = (result.folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def read_last(path: Path) -> Snapshot:
    """The latest snapshot of a run in a folder."""
    folder = RunFolder(path)
    return read_snapshot(folder.snapshot(folder.list_snapshots()[-1]))


def assert_same_run(one: TrainingResult, other: TrainingResult) -> None:
    """Weights bit for bit, what the solver remembers, and every line of the metrics."""
    for name in ("last.safetensors", "best.safetensors"):
        mine, theirs = load_file(one.folder / name), load_file(other.folder / name)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine), name
    mine_solver, their_solver = (read_last(result.folder).solver for result in (one, other))
    assert all(torch.equal(mine_solver[key], their_solver[key]) for key in mine_solver)
    assert read_metrics(one) == read_metrics(other)
    assert (one.final, one.best, one.best_update) == (other.final, other.best, other.best_update)
