"""A data set as training sees it: images with labels in two splits, and what a run must say of it.

Decided here: what a data set consists of and what is written down of it. Where its images come from
is decided in the files of the sources (`folder`, `sample`, `elpv`), how they become batches in
`loader`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.errors import DataError
from netspec_torch.data.images import Images
from netspec_torch.data.randomness import make_generator

if TYPE_CHECKING:
    from netspec_torch.data.decoding import Form
    from netspec_torch.data.statistics import Statistics

Labels = NDArray[np.int64]
HELD_OUT_SHARE = 0.2
MOST_NAMED = 10


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
    shorter_side: int | None = None
    """No image's shorter side is longer, where images were reduced when they were packed."""
    shards: NDArray[np.int64] | None = None
    """The number of each image's shard, from 0; None where they are in no shards."""
    measured: "Mapping[Form, Statistics]" = field(default_factory=dict, repr=False)
    """Statistics of these images in the forms in which they are known."""
    part: str = ""
    """What reports put before a name, `train/` or `val/`, where both parts may have it."""
    _unreadable: dict[int, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Sequence[int]) -> "Split":
        """Some of the images, as a split of its own."""
        return replace(
            self,
            images=self.images.take(indices),
            labels=self.labels[indices],
            shards=None if self.shards is None else self.shards[indices],
            measured={},
            _unreadable={},
        )

    @property
    def chance(self) -> float:
        """The accuracy of always answering the most frequent class, on the images that are not
        known to be unreadable."""
        counts = self.count_readable()
        return float(counts.max() / max(1, counts.sum()))

    def count_readable(self) -> NDArray[np.int64]:
        """For each class up to the last that it has, the images that are not known to be
        unreadable."""
        kept = np.ones(len(self), bool)
        kept[list(self._unreadable)] = False
        return np.bincount(self.labels[kept], minlength=int(self.labels.max()) + 1)

    def name(self, index: int) -> str:
        """What reports call an image."""
        return f"{self.part}{self.images.name(index)}"

    @property
    def skipped(self) -> tuple[SkippedImage, ...]:
        """The images met so far that could not be read, in the split's order."""
        return tuple(
            SkippedImage(self.name(index), reason)
            for index, reason in sorted(self._unreadable.items())
        )

    def skip(self, index: int, reason: str) -> None:
        """Note an image as unreadable; any thread may."""
        self._unreadable[index] = reason

    @property
    def unreadable(self) -> dict[int, str]:
        """The reason for each image met so far that could not be read."""
        return dict(self._unreadable)

    def is_unreadable(self, index: int) -> bool:
        return index in self._unreadable


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set, opened: nothing of its pixels is in memory but what its source holds."""

    name: str
    kind: str
    """In what form it lies there: `class folders`, `WebDataset shards` and so on."""
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
    checksum: str = ""
    """A digest of all images, names and labels where one was stored with them."""

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
            **({"checksum": self.checksum} if self.checksum else {}),
        }

    def write_description(self, path: Path) -> None:
        """Write `describe()` as JSON, for the run's folder; raises OSError."""
        path.write_text(json.dumps(self.describe(), indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, eq=False)
class Source:
    """What was found in a place, in one part or in two."""

    kind: str
    class_names: tuple[str, ...]
    images: Split
    """All images, or those to train on where some are held out."""
    held_out: Split | None = None
    division: str = ""
    """How the two parts came about; empty where there is one."""
    notes: tuple[str, ...] = ()
    checksum: str = ""

    def as_data_set(self, name: str, origin: str, seed: int, licence: str = "") -> DataSet:
        """The data set; one part is divided into two.

        Raises DataError where a class has a single image and cannot be divided.
        """
        train, held_out, division = self.images, self.held_out, self.division
        if held_out is None:
            _check_division(self)
            train, held_out = map(train.take, divide_at_random(train.labels, seed))
            division = f"a fifth of each class held out at random, seed {seed}"
        return DataSet(
            name=name,
            kind=self.kind,
            class_names=self.class_names,
            train=train,
            held_out=held_out,
            origin=origin,
            division=division,
            is_divided_here=self.held_out is None,
            notes=self.notes + _note_absent(self.class_names, train, held_out),
            licence=licence,
            checksum=self.checksum,
        )


def number_classes(*labels: Labels) -> tuple[str, ...]:
    """Names for classes that have none: their numbers. Raises DataError where there is only one."""
    last = max(int(part.max()) for part in labels)
    if last == 0:
        raise DataError("all images are of the class 0, and there is nothing to tell it from")
    return tuple(str(number) for number in range(last + 1))


def note_passed_over(count: int) -> tuple[str, ...]:
    """What is said of files that are no images by their ending."""
    if not count:
        return ()
    what, verb = (
        ("file that is no image", "was") if count == 1 else ("files that are no images", "were")
    )
    return (f"{count:,} {what} by name {verb} passed over",)


def _check_division(source: Source) -> None:
    labels = source.images.labels
    for label, count in enumerate(np.bincount(labels, minlength=len(source.class_names))):
        if count == 1:
            lone = source.images.images.name(int(np.flatnonzero(labels == label)[0]))
            raise DataError(
                f"the class {source.class_names[label]} has one image, and a split needs two",
                f"add images to the class beside {lone}, or give the images in two parts, one to "
                "train on and one held out",
            )


def _note_absent(class_names: tuple[str, ...], train: Split, held_out: Split) -> tuple[str, ...]:
    """Which classes a part has no image of."""
    notes: tuple[str, ...] = ()
    for part, split in (("image to train on", train), ("held-out image", held_out)):
        counts = np.bincount(split.labels, minlength=len(class_names))
        absent = [class_names[label] for label in np.flatnonzero(counts == 0)]
        if absent:
            more = f" and {len(absent) - MOST_NAMED:,} more" if len(absent) > MOST_NAMED else ""
            notes += (f"no {part} is of the class {', '.join(absent[:MOST_NAMED])}{more}",)
    return notes


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
