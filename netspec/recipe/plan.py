"""The plan of a run: all that is known before it starts, and how it reads on a page.

A backend fills in the facts. The lines are text without colour or width; whoever shows them decides
the rest.
"""

from msgspec import Struct

from netspec.recipe.clock import Clock, count_parts
from netspec.recipe.rates import PlateauWatch, Rates
from netspec.recipe.recipe import Recipe
from netspec.recipe.schedule import Plateau
from netspec.recipe.written import write_amount, write_line, write_value
from netspec.values import Amount

MOST_STAGES = 8


class PlannedData(Struct, frozen=True):
    """The data set of a run."""

    name: str
    origin: str
    division: str
    train: int
    """Images to train on."""
    held_out: int
    classes: tuple[str, ...]
    chance: float
    """The accuracy of always answering the most frequent class of the held-out images."""
    notice: str = ""
    """What must not be missed: that other data stand in for those that the file names."""
    notes: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """What a run will do."""

    net: str
    num_params: int
    classes_note: str
    """Where the net's number of classes comes from; empty where the net alone decides."""
    data: PlannedData
    recipe: Recipe
    """With what the caller said in place of the file."""
    clock: Clock
    total: int
    """Updates of the whole run."""
    stop_note: str
    """Who ends it there, if not the recipe."""
    start: int
    """Updates already done: above 0 where a run goes on."""
    test_images: int
    """Held-out images of the tests during the run and of the test on several views."""
    device: str
    precision: str
    seed: int
    folder: str
    """Where the run is written."""
    start_notes: tuple[str, ...] = ()
    """What is not as it was where a run goes on."""
    drops: int = 0
    """Drops of a plateau so far."""
    device_batch: int | None = None
    """The most images that are computed at once, where that is not a whole batch."""
    has_batch_normalization: bool = False
    processes: str = ""
    """Who computes what where there are several; empty for one."""
    weights_notes: tuple[str, ...] = ()
    """The file that the weights begin as, and which of its tensors became which."""

    @property
    def rates(self) -> Rates:
        return Rates(
            self.recipe.solver.rate,
            self.recipe.schedule,
            self.clock,
            self.total,
            PlateauWatch(drops=self.drops),
        )


def describe_plan(plan: Plan, most_stages: int | None = MOST_STAGES) -> list[tuple[str, str]]:
    """The plan as lines, each with its heading; the heading of a line that goes on is empty. Of
    more stages of the rate than `most_stages`, those in the middle are left out."""
    data, clock = plan.data, plan.clock
    lines = [("net", f"{plan.net}, {plan.num_params:,} parameters")]
    lines += _go_on(plan.classes_note)
    if plan.weights_notes:
        lines += [("weights", plan.weights_notes[0]), *_go_on(*plan.weights_notes[1:])]
    lines += [
        (
            "data",
            f"{data.name} ({data.origin}): {data.train:,} images to train on, "
            f"{data.held_out:,} held out, {len(data.classes)} classes (chance {data.chance:.2f})",
        )
    ]
    lines += _go_on(data.division, *data.notes)
    lines += [
        (
            "updates",
            f"{plan.total:,} of {clock.batch:,} image{'s' if clock.batch > 1 else ''}, "
            f"{clock.updates_per_epoch:,} an epoch, so {_describe_epochs(plan)}",
        )
    ]
    lines += _go_on(*_describe_parts(plan), plan.stop_note)
    if plan.start or plan.start_notes:
        lines += _go_on(f"goes on after update {plan.start:,}", *plan.start_notes)
    lines += [("solver", write_line(plan.recipe.solver))]
    for heading, texts in (
        ("rate", describe_rates(plan.rates, most_stages)),
        ("test", _describe_tests(plan)),
    ):
        lines += [(heading, texts[0]), *_go_on(*texts[1:])]
    lines += [("device", f"{plan.device}, {plan.precision}, seed {plan.seed}")]
    lines += _go_on(plan.processes)
    return [*lines, ("run", plan.folder)]


def describe_rates(rates: Rates, most_stages: int | None = MOST_STAGES) -> list[str]:
    """The rate at each stage; for a plateau its rule; for a curve its start, middle and end."""
    schedule = rates.schedule
    lines = []
    if isinstance(schedule, Plateau):
        most = "" if schedule.times is None else f", at most {schedule.times} times"
        lines += [
            f"{_describe_level(rates, schedule)}, times {schedule.factor:g} when the held-out "
            f"{schedule.watch} has not improved for {write_value(schedule.patience)}{most}"
        ]
    elif schedule.changes == "always":
        marks = sorted({0, rates.total // 2, rates.total - 1})
        levels = (schedule.level(mark, rates.clock, rates.total) for mark in marks)
        points = zip(marks, levels, strict=True)
        shown = (f"{rates.solver_rate * level:.4g} at update {mark:,}" for mark, level in points)
        lines += [f"{write_line(schedule)}: {', '.join(shown)}"]
    else:
        lines += _describe_stages(rates, most_stages)
    if schedule.warmup is not None:
        lines += [f"rises to that in a straight line over {write_value(schedule.warmup)}"]
    return lines


def _describe_level(rates: Rates, schedule: Plateau) -> str:
    """Where a plateau's rate stands."""
    drops = rates.watch.drops
    level = f"{rates.solver_rate * schedule.factor**drops:.4g}"
    return f"{level} after {drops} drop{'s' if drops > 1 else ''}" if drops else level


def _describe_stages(rates: Rates, most: int | None) -> list[str]:
    stages = rates.stages()
    lines = [
        f"{stage.rate:.4g} from update {stage.start:,}"
        f" (epoch {stage.start / rates.clock.updates_per_epoch:.4g})"
        for stage in stages
    ]
    if len(stages) == 1:
        return [f"{stages[0].rate:.4g} throughout"]
    if most is not None and len(lines) > most:
        left_out = f"… {len(lines) - most:,} more stages, all of which are in plan.txt …"
        return [*lines[: most - 1], left_out, lines[-1]]
    return lines


def _describe_epochs(plan: Plan) -> str:
    epochs = plan.total / plan.clock.updates_per_epoch
    return write_amount(Amount(float(f"{epochs:.4g}"), "epochs"))


def _describe_parts(plan: Plan) -> list[str]:
    """How a batch is computed, where not at once."""
    parts = count_parts(plan.clock.batch, plan.device_batch)
    if plan.device_batch is None or parts == 1:
        return []
    largest = -(-plan.clock.batch // parts)
    line = f"each in {parts:,} parts of at most {largest:,} images, whose gradients are added up"
    if not plan.has_batch_normalization:
        return [line]
    return [f"{line}; batchnorm normalises by the figures of a part, not by those of the batch"]


def _describe_tests(plan: Plan) -> list[str]:
    whole, some = plan.data.held_out, plan.test_images
    if some == whole:
        lines = [f"after each epoch and at the end on all {whole:,} held-out images, centre view"]
    else:
        lines = [
            f"after each epoch on {some:,} of the {whole:,} held-out images, at the end on all; "
            "centre view"
        ]
    if plan.recipe.views > 1:
        lines += [f"at the end also the mean of {plan.recipe.views} views, of {some:,} images"]
    return lines


def _go_on(*texts: str) -> list[tuple[str, str]]:
    return [("", line) for text in texts for line in text.splitlines()]
