"""What a sweep gives: a net trained with each of several values of its parameters, each with the
same seeds. Plain data and the figures made of them, whatever trained the nets.

Decided here: what is averaged over the seeds, and how values are compared by the updates that they
take to a training error. A run that diverged has no figures of its own, and never reaches an error.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from msgspec import Struct, to_builtins

from netspec.recipe.run import Figures

FORMAT_VERSION = 1
"""Of the JSON; counts up where a field changes or goes."""
UNTIL_ERROR = 0.25
"""The training error of Krizhevsky et al. 2012, figure 1."""


class Spread(Struct, frozen=True):
    """A figure of several seeds."""

    mean: float
    deviation: float | None
    """The standard deviation, with n - 1; None for a single seed."""
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Of one number a seed; None where there is none."""
        if not values:
            return None
        deviation = stdev(values) if len(values) > 1 else None
        return cls(fmean(values), deviation, min(values), max(values))


class SweptRun(Struct, frozen=True):
    """The run of one seed."""

    seed: int
    folder: str
    state: Literal["done", "diverged", "unfinished"]
    updates: int = 0
    """Updates done."""
    final: Figures | None = None
    """The last test: on several views where there is one, else at the centre."""
    training_loss: float | None = None
    """Its running mean at the end."""
    training_error: float | None = None
    """The same of the training error."""
    updates_until: int | None = None
    """Updates until the running mean of the training error was at the level; None where it never
    was."""
    reason: str = ""
    """Why it diverged."""


class Ratio(NamedTuple):
    """How many times as many updates a value takes as the quickest of all."""

    times: float
    is_bound: bool
    """Whether it is at least that: a seed never reached the level, and counts with all its
    updates."""


class SweptValues(Struct, frozen=True):
    """The runs with one choice of values."""

    settings: Mapping[str, str]
    """The values that differ in the sweep, by parameter, as they were written."""
    folder: str
    window: int
    """The updates that running means are taken over."""
    total: int
    """The updates of each run."""
    runs: tuple[SweptRun, ...]

    @property
    def label(self) -> str:
        """The values alone."""
        return ", ".join(self.settings.values())

    @property
    def done(self) -> list[SweptRun]:
        """The runs that came to their end."""
        return [run for run in self.runs if run.state == "done"]

    @property
    def accuracy(self) -> Spread | None:
        return Spread.of([run.final.top1 for run in self.done if run.final])

    @property
    def loss(self) -> Spread | None:
        """On held-out images."""
        return Spread.of([run.final.loss for run in self.done if run.final])

    @property
    def training_loss(self) -> Spread | None:
        return Spread.of([r.training_loss for r in self.done if r.training_loss is not None])

    @property
    def training_error(self) -> Spread | None:
        return Spread.of([r.training_error for r in self.done if r.training_error is not None])

    @property
    def reached(self) -> list[int]:
        """The updates that each seed took until the level, of those that reached it."""
        return [run.updates_until for run in self.done if run.updates_until is not None]

    @property
    def have_all_reached(self) -> bool:
        return len(self.reached) == len(self.runs)

    @property
    def has_all_ended(self) -> bool:
        return all(run.state != "unfinished" for run in self.runs)


class SweepReport(Struct, frozen=True):
    """A whole sweep, or as much of it as has been done."""

    net: str
    data: str
    origin: str
    held_out: int
    chance: float
    """The accuracy of always giving the most frequent class."""
    seeds: tuple[int, ...]
    until_error: float
    """The level of the training error."""
    values: tuple[SweptValues, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters whose values differ."""
        return tuple(self.values[0].settings)

    @property
    def runs(self) -> tuple[SweptRun, ...]:
        return tuple(run for values in self.values for run in values.runs)

    def compare(self, values: SweptValues) -> Ratio | None:
        """The updates of some values until the level, against the quickest of all: the one with the
        lowest mean of those whose every seed reached it. None where there is none, or where some of
        its own runs are still to be done."""
        means = [fmean(each.reached) for each in self.values if each.have_all_reached]
        if not means or not values.has_all_ended:
            return None
        missing = [values.total] * (len(values.runs) - len(values.reached))
        return Ratio(fmean([*values.reached, *missing]) / min(means), bool(missing))

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, with the figures over the seeds."""
        facts: dict[str, Any] = to_builtins(self)
        for values, written in zip(self.values, facts["values"], strict=True):
            written |= {"runs": written.pop("runs"), **self._describe(values)}
        return {"format": FORMAT_VERSION, "parameters": list(self.names), **facts}

    def _describe(self, values: SweptValues) -> dict[str, Any]:
        ratio = self.compare(values)
        return {
            "accuracy": to_builtins(values.accuracy),
            "loss": to_builtins(values.loss),
            "training_loss": to_builtins(values.training_loss),
            "training_error": to_builtins(values.training_error),
            "updates_until": to_builtins(Spread.of(values.reached)),
            "reached": len(values.reached),
            "ratio": ratio and ratio.times,
            "ratio_is_bound": bool(ratio and ratio.is_bound),
        }
