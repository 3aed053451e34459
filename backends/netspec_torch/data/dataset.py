"""A data set as training sees it: images with labels in two splits, and what a run must say of it.

Decided here: what a data set consists of and what is written down of it. Where its images come from
is decided in the files of the sources (`folder`, `sample`, `elpv`), how they become batches in
`loader`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.images import Images
from netspec_torch.data.randomness import make_generator

Labels = NDArray[np.int64]
HELD_OUT_SHARE = 0.2


class SkippedImage(NamedTuple):
    """An image that could not be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels, in a fixed order."""

    images: Images
    labels: Labels
    """One class number an image, from 0."""
    _unreadable: dict[int, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def chance(self) -> float:
        """The accuracy of always answering the most frequent class."""
        return float(np.bincount(self.labels).max() / len(self))

    @property
    def skipped(self) -> tuple[SkippedImage, ...]:
        """The images met so far that could not be read, in the split's order."""
        return tuple(
            SkippedImage(self.images.name(index), reason)
            for index, reason in sorted(self._unreadable.items())
        )

    def skip(self, index: int, reason: str) -> None:
        """Note an image as unreadable; any thread may."""
        self._unreadable[index] = reason

    def is_unreadable(self, index: int) -> bool:
        return index in self._unreadable


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set, opened: nothing of its pixels is in memory but what its source holds."""

    name: str
    class_names: tuple[str, ...]
    """The class of each label; a folder's classes are sorted by name, in code points."""
    train: Split
    held_out: Split
    origin: str
    """Where it lies, for the plan: a folder, or what it is."""
    division: str
    """How the two splits came about, for the plan."""
    is_divided_here: bool = False
    """Whether netspec chose the held-out images; the split is then written down image by image."""
    notice: str = ""
    """What a run must say so that it cannot be missed: that the built-in sample stands in for the
    set that the file names, and what `--data` would take. Empty where nothing stands in."""
    notes: tuple[str, ...] = ()
    """Smaller things worth a line in the plan."""
    licence: str = ""
    """Under which terms the images may be used; empty for the user's own folders."""

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def skipped(self) -> tuple[SkippedImage, ...]:
        """The images met so far that could not be read, training first."""
        return self.train.skipped + self.held_out.skipped

    def describe(self) -> dict[str, object]:
        """The set and its split as JSON values; two runs with equal descriptions saw equal splits.

        `train` and `held_out` list `[name, class number]` an image where the split was made here;
        else they are the numbers of images.
        """
        return {
            "format": 1,
            "name": self.name,
            "origin": self.origin,
            "division": self.division,
            "classes": list(self.class_names),
            "train": _list_images(self.train) if self.is_divided_here else len(self.train),
            "held_out": _list_images(self.held_out) if self.is_divided_here else len(self.held_out),
        }

    def write_description(self, path: Path) -> None:
        """Write `describe()` as JSON, for the run's folder; raises OSError."""
        path.write_text(json.dumps(self.describe(), indent=1) + "\n", encoding="utf-8")


def _list_images(split: Split) -> list[list[object]]:
    return [[split.images.name(i), int(label)] for i, label in enumerate(split.labels)]


def divide_at_random(labels: Labels, seed: int) -> tuple[Sequence[int], Sequence[int]]:
    """Indices of the training and the held-out images, in ascending order.

    A fifth of each class is held out, rounded, but at least one image of it and never all; the draw
    depends on the seed and on the order of the images alone. Each class needs two images.
    """
    held_out: list[int] = []
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        count = max(1, round(HELD_OUT_SHARE * len(members)))
        drawn = make_generator(seed, label).permutation(members)
        held_out += drawn[:count].tolist()
    is_held_out = np.zeros(len(labels), bool)
    is_held_out[held_out] = True
    return np.flatnonzero(~is_held_out).tolist(), np.flatnonzero(is_held_out).tolist()
