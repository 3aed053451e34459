"""What is known of a run after it, for a report: plain data, whatever computed it.

A backend reads it from the run's folder and, where the images are there, from one more test of its
weights. What cannot be had is empty, and `missing` says why.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from netspec.recipe.results import ClassProbability, TestReport
from netspec.recipe.run import Figures


class Picture(Struct, frozen=True):
    """An image of its own, as PNG."""

    png: bytes
    width: int
    height: int


class KernelBlock(Struct, frozen=True):
    """Kernels that belong together: those on a GPU, or of a group."""

    title: str
    """Whose they are; empty where there is one block."""
    picture: Picture


class Kernels(Struct, frozen=True):
    """The kernels of a net's first convolution as pictures, as in Krizhevsky et al. 2012, figure
    3."""

    layer: str
    count: int
    height: int
    width: int
    channels: int
    """Of a kernel: 3 are shown as red, green and blue, 1 as grey."""
    low: float
    """The weight that is black, the smallest of all."""
    high: float
    """The weight that is white, the largest."""
    blocks: tuple[KernelBlock, ...]


class Sample(Struct, frozen=True):
    """A held-out image with what the net takes it for."""

    name: str
    picture: Picture
    truth: ClassProbability
    """The class that it is of, and the probability that the net gives it."""
    classes: tuple[ClassProbability, ...]
    """The five most probable classes, the first is the best."""


class Answers(Struct, frozen=True):
    """What a run's weights answer on held-out images, on the centre view."""

    weights: str
    """The file."""
    update: int | None
    """Updates that they were trained by."""
    data: str
    """The data set's name and where it lies."""
    figures: Figures
    class_names: tuple[str, ...]
    confusion: Mapping[tuple[int, int], int]
    """How many images of a class were taken for a class: both by number; where none were, nothing
    stands."""
    samples: tuple[Sample, ...]
    """Some images, evenly spread over those tested."""
    mistakes: tuple[Sample, ...]
    """The wrong answers that the net was surest of."""
    notes: tuple[str, ...] = ()
    """What is to be said of the images: that they are not those of the training."""

    def count_images(self) -> dict[int, int]:
        """How many images of each class were tested, by the class's number."""
        counts: dict[int, int] = {}
        for (label, _), count in self.confusion.items():
            counts[label] = counts.get(label, 0) + count
        return counts


class Session(Struct, frozen=True):
    """A time in which the run computed, from its beginning or going on to its stop."""

    start: int
    """Updates done before."""
    end: int
    """Updates done after."""
    begun: str
    """The time, as ISO 8601 has it."""
    seconds: float
    machine: Mapping[str, str]
    processes: str


class RunFacts(Struct, frozen=True):
    """A run."""

    folder: str
    net: str
    texts: Mapping[str, str]
    """The spec as it was used, first, and the files that it uses, by their names."""
    parameters: Mapping[str, str]
    """The values of the net's parameters, as `--set` takes them."""
    recipe: Mapping[str, Any]
    """With every value settled, as `resolve_recipe` writes it."""
    options: Mapping[str, Any]
    """What the caller of the training said; what was not said is None."""
    data: Mapping[str, Any]
    """The data set: `name`, `origin`, `division`, `classes`, `train` and `held_out`, the numbers of
    images."""
    plan: str
    """As it was shown."""
    metrics: Sequence[Mapping[str, Any]]
    """The lines of metrics.jsonl."""
    updates: int
    """Updates done, as far as is known."""
    planned: int | None
    """Updates planned."""
    updates_per_epoch: int | None
    ended: str
    """How: `done`, `interrupted`, `failed`, or `unknown` where it goes on or was killed."""
    reason: str
    """The signal, or why it failed."""
    final: Figures | None
    """The last test, on the centre view."""
    final_views: Figures | None
    """The last test on several views."""
    best: Figures | None
    best_update: int
    chance: float | None
    """The accuracy of always giving the most frequent class."""
    skipped: tuple[tuple[str, str], ...]
    """Images that could not be read: name and reason."""
    sessions: tuple[Session, ...]
    answers: Answers | None
    kernels: Kernels | None
    missing: Mapping[str, str]
    """Why something is not there, by its name: `answers`, `kernels`."""


class RunsFacts(Struct, frozen=True):
    """Several runs, and how they did together."""

    runs: tuple[RunFacts, ...]
    ensembles: tuple[TestReport, ...]
    """The tests of all seeds together, of the folders that have several."""
