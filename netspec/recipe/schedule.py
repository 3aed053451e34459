"""The schedules: how the rate changes over a run, as a factor on the solver's rate.

Updates are counted from 0, and t is that count in the unit that the schedule names (`every=1
epoch`: t is epochs, with fractions). The formulas are Caffe's (`GetLearningRate` in
sgd_solver.cpp), with its iteration as t; where PyTorch has the same schedule, the argument's
documentation says how it differs. A warm-up multiplies the factor of update u by (u + 1) / w while
that is below 1, w being its length in updates: a straight line from near 0, as in Goyal et al.
2017, section 2.2. The schedule's own count is the run's, warm-up included.
"""

from fractions import Fraction
from math import ceil, cos, exp, pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator

from netspec.recipe.clock import Clock
from netspec.schema import AmountArgument, Count, Factor, IsWord, Real, Schema, refuse
from netspec.values import Amount, describe_value

Positive = Annotated[Real, Field(gt=0)]
Drop = Annotated[Real, Field(gt=0, lt=1)]


def _as_amounts(value: object) -> tuple[Amount, ...]:
    wanted = "a list of amounts above 0 such as [30 epochs, 60 epochs]"
    if not isinstance(value, list) or not value:
        raise refuse(f"must be {wanted}, not {describe_value(value)}")
    amounts = []
    for entry in value:
        if isinstance(entry, bool) or not isinstance(entry, Amount | int | float | Fraction):
            raise refuse(f"must be {wanted}, not one with {describe_value(entry)}")
        amount = entry if isinstance(entry, Amount) else Amount(entry, "epochs")
        if amount.number <= 0:
            raise refuse(f"must be {wanted}, not one with {describe_value(entry)}")
        amounts.append(amount)
    return tuple(amounts)


Amounts = Annotated[tuple[Amount, ...], PlainValidator(_as_amounts)]


class Schedule(Schema):
    """How the rate changes. Its kind is the first word of the line: `schedule step, every=…`."""

    changes: ClassVar[Literal["never", "in stages", "always", "by a figure"]]
    """When the rate changes, which is what a plan can say of it before the run."""

    warmup: AmountArgument | None = None
    """For how long the rate rises to its full height, in a straight line from near 0. The schedule
    counts from the start of the run all the same, and its factor is multiplied in. The paper, Caffe
    and PyTorch's schedules have none; torchvision's script begins its cosine after it."""

    @property
    def depends_on_end(self) -> bool:
        """Whether the rates on the way depend on where the run ends."""
        return False

    def level(self, update: int, clock: Clock, total: int) -> float:
        """The factor on the solver's rate at an update of a run of `total`, without warm-up."""
        raise NotImplementedError

    def drops(self, clock: Clock, total: int) -> list[int]:
        """The updates of the run at which a stage begins, the first excluded."""
        return []

    def warm_level(self, update: int, clock: Clock) -> float:
        """The warm-up's own factor at an update, 1 once it is over."""
        if self.warmup is None:
            return 1.0
        return min(1.0, float((update + 1) / clock.count_updates(self.warmup)))


class Fixed(Schedule):
    """The rate stays as it is. Caffe: fixed."""

    kind = "fixed"
    changes = "never"

    def level(self, update: int, clock: Clock, total: int) -> float:
        return 1.0


class Step(Schedule):
    """factor ^ floor(t): the rate drops each time a stage is over. Caffe: step; PyTorch: StepLR."""

    kind = "step"
    changes = "in stages"

    every: AmountArgument
    """The length of a stage. Caffe: stepsize."""
    factor: Drop = 0.1
    """What the rate is multiplied with; 0.1 as PyTorch's gamma. Caffe's gamma has no default."""

    def level(self, update: int, clock: Clock, total: int) -> float:
        return float(self.factor ** int(update // clock.count_updates(self.every)))

    def drops(self, clock: Clock, total: int) -> list[int]:
        stage = clock.count_updates(self.every)
        starts = {ceil(stage * n) for n in range(1, ceil(total / stage) + 1)}
        return sorted(start for start in starts if start < total)


class MultiStep(Schedule):
    """factor ^ (how many of the given ends are over). Caffe: multistep; PyTorch: MultiStepLR."""

    kind = "multistep"
    positional = ("at",)
    changes = "in stages"

    at: Amounts
    """Where stages end, counted from the start of the run: [30 epochs, 60 epochs]."""
    factor: Drop = 0.1
    """What the rate is multiplied with; 0.1 as PyTorch's gamma. Caffe's gamma has no default."""

    def level(self, update: int, clock: Clock, total: int) -> float:
        return float(self.factor ** sum(update >= clock.count_updates(end) for end in self.at))

    def drops(self, clock: Clock, total: int) -> list[int]:
        starts = {clock.count_whole_updates(end) for end in self.at}
        return sorted(start for start in starts if start < total)


class Exp(Schedule):
    """factor ^ t, without stages. Caffe: exp, t in iterations; PyTorch: ExponentialLR, whose usual
    form drops once an epoch, which is `step, every=1 epoch`."""

    kind = "exp"
    changes = "always"

    factor: Drop
    """What the rate is multiplied with over each unit of t. Caffe, PyTorch: gamma."""
    every: AmountArgument
    """The unit of t. Caffe's is 1 iteration."""

    def level(self, update: int, clock: Clock, total: int) -> float:
        return float(self.factor ** float(update / clock.count_updates(self.every)))


class Inv(Schedule):
    """(1 + gamma t) ^ -power. Caffe: inv, t in iterations; its LeNet has gamma 1e-4, power 0.75."""

    kind = "inv"
    changes = "always"

    gamma: Positive
    """How quickly the rate falls."""
    power: Positive
    """The exponent."""
    every: AmountArgument
    """The unit of t. Caffe's is 1 iteration."""

    def level(self, update: int, clock: Clock, total: int) -> float:
        t = float(update / clock.count_updates(self.every))
        return float((1 + self.gamma * t) ** -self.power)


class Poly(Schedule):
    """(1 - t) ^ power, t running from 0 to 1, and 0 afterwards. Caffe: poly; PyTorch:
    PolynomialLR."""

    kind = "poly"
    changes = "always"

    power: Positive
    """The exponent: 1 is a straight line. PyTorch's default is 1, Caffe's models often have 0.5."""
    over: AmountArgument | None = None
    """The length of the fall: the whole run unless given, as in Caffe (max_iter). PyTorch's
    total_iters has the default 5, which suits no run."""

    @property
    def depends_on_end(self) -> bool:
        return self.over is None

    def level(self, update: int, clock: Clock, total: int) -> float:
        return float((1 - share_of(update, self.over, clock, total)) ** self.power)


class Sigmoid(Schedule):
    """1 / (1 + exp(-gamma (t - at))). Caffe: sigmoid, t in iterations. It falls where gamma is
    negative, and is at half its height at `at`."""

    kind = "sigmoid"
    changes = "always"

    gamma: Real
    """How steep the fall is: the slope at the middle is gamma / 4. Caffe's formula, so it falls
    with a gamma below 0."""
    at: AmountArgument
    """The middle of the fall. Caffe: stepsize."""
    every: AmountArgument
    """The unit of t. Caffe's is 1 iteration."""

    def level(self, update: int, clock: Clock, total: int) -> float:
        unit = clock.count_updates(self.every)
        exponent = -self.gamma * float((update - clock.count_updates(self.at)) / unit)
        return 1 / (1 + exp(exponent)) if exponent < 700 else 0.0


class Cosine(Schedule):
    """to + (1 - to) (1 + cos(pi t)) / 2, t running from 0 to 1, and `to` afterwards (Loshchilov and
    Hutter 2017, without restarts). PyTorch: CosineAnnealingLR, which rises again afterwards."""

    kind = "cosine"
    changes = "always"

    to: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """The last level, as a share of the solver's rate. PyTorch's eta_min is that rate itself; its
    default is 0 too."""
    over: AmountArgument | None = None
    """The length of the fall: the whole run unless given. PyTorch's T_max has no default."""

    @property
    def depends_on_end(self) -> bool:
        return self.over is None

    def level(self, update: int, clock: Clock, total: int) -> float:
        t = share_of(update, self.over, clock, total)
        return self.to + (1 - self.to) * (1 + cos(pi * t)) / 2


class Plateau(Schedule):
    """The rate drops when a figure of the held-out images has not improved for a while, as the
    paper did by hand. PyTorch: ReduceLROnPlateau, whose defaults these are."""

    kind = "plateau"
    changes = "by a figure"

    factor: Drop = 0.1
    """What the rate is multiplied with."""
    patience: AmountArgument = Amount(10, "epochs")
    """How long the figure may go without improving; a drop follows at the first evaluation beyond
    it. Counted anew from each drop."""
    times: Count | None = None
    """How many drops there may be; no limit unless given. The paper had 3."""
    watch: Annotated[Literal["error", "loss"], IsWord] = "error"
    """The figure: `error`, the share of held-out images whose best class is wrong (the paper's), or
    `loss`, their mean loss. PyTorch watches what it is given."""
    threshold: Factor = 1e-4
    """By what share of the best so far the figure has to fall to count as better."""

    def level(self, update: int, clock: Clock, total: int) -> float:
        """The level before any drop: `PlateauWatch` counts those."""
        return 1.0


def share_of(update: int, over: Amount | None, clock: Clock, total: int) -> float:
    """How much of a fall is over at an update, from 0 to 1: of the whole run, or of `over`."""
    length = total if over is None else clock.count_updates(over)
    return min(1.0, float(update / length))


SCHEDULES: dict[str, type[Schedule]] = {
    schedule.kind: schedule
    for schedule in (Fixed, Step, MultiStep, Exp, Inv, Poly, Sigmoid, Cosine, Plateau)
}
"""Every schedule by its word."""
