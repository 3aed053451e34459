"""The rate of a run, update by update: the solver's rate, the schedule and the warm-up together.

Everything here is arithmetic on counts, so a plan can be made without a tensor library. The one
schedule that depends on how the run goes, plateau, is remembered in `PlateauWatch`.
"""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import asdict

from netspec.recipe.clock import Clock
from netspec.recipe.schedule import Plateau, Schedule


class Stage(Struct, frozen=True):
    """A stretch of the run with one rate."""

    start: int
    """Its first update, from 0."""
    rate: float


class PlateauWatch(Struct):
    """What a plateau schedule has seen so far."""

    best: float | None = None
    """The best figure so far."""
    since: int = 0
    """The number of updates done when it was seen, or at the last drop."""
    drops: int = 0

    def observe(self, figure: float, updates: int, schedule: Plateau, clock: Clock) -> bool:
        """Note a figure measured after so many updates; true where the rate drops for it.

        As ReduceLROnPlateau: better is below best (1 - threshold), and a drop leaves the best.
        """
        if self.best is None or figure < self.best * (1 - schedule.threshold):
            self.best, self.since = figure, updates
            return False
        if updates - self.since <= clock.count_updates(schedule.patience):
            return False
        if schedule.times is not None and self.drops >= schedule.times:
            return False
        self.since = updates
        self.drops += 1
        return True


class Rates(Struct):
    """The rate at every update of one run."""

    solver_rate: float
    schedule: Schedule
    clock: Clock
    total: int
    """Updates of the whole run."""
    watch: PlateauWatch = field(default_factory=PlateauWatch)

    def at(self, update: int) -> float:
        """The rate of an update, counted from 0, by the drops seen so far."""
        level = self.schedule.level(update, self.clock, self.total)
        if isinstance(self.schedule, Plateau):
            level = self.schedule.factor**self.watch.drops
        return self.solver_rate * level * self.schedule.warm_level(update, self.clock)

    def observe(self, figures: Mapping[str, float], updates: int) -> bool:
        """Note an evaluation's figures (`error`, `loss`); true where the rate drops for them."""
        if not isinstance(self.schedule, Plateau):
            return False
        figure = figures[self.schedule.watch]
        return self.watch.observe(figure, updates, self.schedule, self.clock)

    def stages(self) -> list[Stage]:
        """The stretches of the run between changes that are known before it, warm-up aside."""
        starts = [0, *self.schedule.drops(self.clock, self.total)]
        levels = (self.schedule.level(start, self.clock, self.total) for start in starts)
        return [Stage(s, self.solver_rate * lv) for s, lv in zip(starts, levels, strict=True)]

    def state(self) -> dict[str, float | int | None]:
        """What a snapshot has to keep, as plain data."""
        return asdict(self.watch)

    def restore(self, state: Mapping[str, float | int | None]) -> None:
        """Take back what `state` gave."""
        self.watch = PlateauWatch(**state)  # type: ignore[arg-type]
