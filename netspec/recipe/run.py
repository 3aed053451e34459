"""What a training tells while it runs and what it can end with: plain data, whatever computes it.

A backend calls a `Listener`; a command line, a notebook or a test is one. How any of it is shown is
not decided here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    from netspec.recipe.plan import Plan


TOP = 5
"""The best answers of a net that top-5 looks at; where it has no others it is always 1."""


class TrainingError(Exception):
    """A training that cannot begin, or that failed."""

    def __init__(
        self,
        message: str,
        help: str = "",
        *,
        cause: Literal["usage", "file", "run"],
        details: Sequence[str] = (),
    ) -> None:
        super().__init__("\n".join([message, *details, *([help] if help else [])]))
        self.message = message
        """One sentence, with the user's own names and numbers in it."""
        self.help = help
        """What to do about it; empty where nothing can be said."""
        self.cause = cause
        """What is at fault: how it was called, the spec or its recipe, or the run itself, which
        failed or diverged."""
        self.details = tuple(details)
        """Lines that belong to the message, such as what has changed."""


class FailedElsewhereError(TrainingError):
    """Another process of the run failed for the same reason as this one, and says it."""

    def __init__(self) -> None:
        super().__init__("another process of the run failed, and says why", cause="run")


class Figures(Struct, frozen=True):
    """How well a net does on images that it was not trained on."""

    images: int
    views: int
    """Views of each image, whose probabilities were averaged."""
    top1: float
    """The share of images whose class has the highest probability."""
    top5: float
    """The share of images whose class is among the five highest."""
    loss: float
    """The mean of -log(probability of the class), without smoothing."""

    @property
    def error(self) -> float:
        """1 - top1."""
        return 1 - self.top1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Figures":
        return cls(**values)


class Progress(Struct, frozen=True):
    """Where a run stands after an update."""

    update: int
    """Updates done."""
    total: int
    epoch: float
    """Epochs done, with the part of the one that runs."""
    loss: float
    """The loss of the update, as it is minimised: with smoothing and the losses of heads."""
    rate: float
    images_per_second: float
    seconds_left: float


class Listener:
    """Hears of a run's events; does nothing with them. A subclass takes those that it wants."""

    def announce(self, line: str) -> None:
        """Something that takes time or needs saying before the plan: a download, a licence."""

    def planned(self, plan: "Plan") -> None:
        """All is ready, and this is what will be done."""

    def measuring(self, done: int, total: int) -> None:
        """Images of the training set have been read to measure what the recipe subtracts."""

    def swept(self, done: int, total: int) -> None:
        """So many of the runs of a sweep are over."""

    def packing(self, done: int, total: int) -> None:
        """Images have been packed."""

    def inspecting(self, done: int, total: int) -> None:
        """Images have been looked at."""

    def updated(self, progress: Progress) -> None:
        """The weights were updated; not every update is told where telling would cost time."""

    def dropped(self, update: int, rate: float) -> None:
        """A plateau: the rate of the next update is this."""

    def testing(self, done: int, total: int) -> None:
        """Held-out images have been computed."""

    def tested(self, update: int, figures: Figures, is_best: bool) -> None:
        """Held-out images were evaluated after so many updates."""
