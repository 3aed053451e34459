"""NS512: a schedule that leaves the rate as it is until the run ends.

A recipe without a schedule, and `schedule fixed`, mean to. Judged where the schedule's amounts have
the unit of `stop`: how many updates an epoch has is only known once the data are.
"""

from collections.abc import Iterator

from netspec.compiler.program import CheckedNet
from netspec.diagnostics import Diagnostic, Label, Severity
from netspec.recipe.clock import Clock
from netspec.recipe.recipe import Recipe
from netspec.recipe.schedule import Fixed, Plateau, Schedule
from netspec.recipe.written import write_amount
from netspec.values import Amount

UPDATES = Clock(images=1000, batch=1)
"""An epoch of a thousand updates: between amounts of one unit it makes no difference how many."""
SMALLEST_CHANGE = 0.01
"""A rate that falls by less than a hundredth in a whole run may as well stay."""


def find_idle_schedule(net: CheckedNet) -> Iterator[Diagnostic]:
    recipe = net.recipe
    if recipe is None or isinstance(recipe.schedule, Fixed) or not is_idle(recipe):
        return
    kind, end = recipe.schedule.kind, write_amount(recipe.stop)
    yield Diagnostic(
        "NS512",
        f"`schedule {kind}` leaves the rate as it is: the run ends after {end}",
        Label(recipe.spans["schedule"], "changes nothing before"),
        (Label(recipe.spans["stop"], "ends the run"),),
        notes=explain(recipe.schedule),
        help=(
            "let it change within the run, or end the run later; `schedule fixed` says that the "
            "rate stays",
        ),
        severity=Severity.WARNING,
    )


def is_idle(recipe: Recipe) -> bool:
    """Whether the rate is known to stay, warm-up aside."""
    schedule, stop = recipe.schedule, recipe.stop
    if any(amount.unit != stop.unit for amount in list_amounts(schedule)):
        return False
    if isinstance(schedule, Plateau):
        return can_never_drop(schedule, stop)
    total = UPDATES.count_whole_updates(stop)
    levels = [schedule.level(update, UPDATES, total) for update in (0, total // 2, total - 1)]
    return max(levels) - min(levels) <= SMALLEST_CHANGE * max(levels)


def list_amounts(schedule: Schedule) -> list[Amount]:
    """The amounts that the schedule counts by, that of a warm-up excluded."""
    fields = (getattr(schedule, name) for name in type(schedule).model_fields if name != "warmup")
    found: list[Amount] = []
    for value in fields:
        found += [each for each in (value if isinstance(value, tuple) else (value,))
                  if isinstance(each, Amount)]  # fmt: skip
    return found


def can_never_drop(schedule: Plateau, stop: Amount) -> bool:
    """The figure is measured after each epoch: first after one, last one before the end, and a drop
    takes more than the patience between the two."""
    between = 2 if stop.unit == "epochs" else 0
    return schedule.patience.number >= stop.number - between


def explain(schedule: Schedule) -> tuple[str, ...]:
    """When it would change the rate first, where that is one of its amounts."""
    if isinstance(schedule, Plateau):
        patience = write_amount(schedule.patience)
        return (f"it drops once the held-out {schedule.watch} has not improved for {patience}",)
    if schedule.changes == "in stages":
        first = min(list_amounts(schedule), key=lambda amount: amount.number)
        return (f"its first stage ends after {write_amount(first)}",)
    return ()
