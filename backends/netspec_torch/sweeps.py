"""`train_sweep`: a net trained with each of several values of its parameters, each with the same
seeds and for as long, and all side by side, as in Krizhevsky et al. 2012, figure 1.

The folder, `runs/NAME-sweep/`, has

NAME=VALUE/     a folder for each choice of values, in which seed-0/, seed-1/, … are a run each, as
                `train` writes it; `netspec test` and `predict` take it for all of them
sweep.json      the first seed, how many there are, and the options of all
summary.json    the figures of each run, and of each choice of values over its seeds
summary.txt     the same as a table
curves.svg      the same as a picture

The last three are written anew after each run. All values have a run with the first seed before any
has one with the second, so that what is there can be compared at any time. A run that diverges is
told, and the others go on.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from netspec.backend import SeedOptions
from netspec.compiler.program import CheckedNet
from netspec.recipe.run import Figures, Listener, TrainingError
from netspec.recipe.sweep import UNTIL_ERROR, SweepReport, SweptRun, SweptValues
from netspec.recipe.training_error import (
    average_at_the_end,
    average_lately,
    choose_window,
    find_update,
    list_stretches,
)
from netspec.render.html.sweep_curves import SweptCurves, draw_sweep
from netspec.render.sweep_table import write_sweep
from netspec_torch.changes import describe_parameters
from netspec_torch.compute import choose_device
from netspec_torch.data import DataError, DataSet
from netspec_torch.distributed.world import World
from netspec_torch.fitting import Fitted, fit, open_data_of
from netspec_torch.options import Options
from netspec_torch.run_folder import Entry, RunFolder
from netspec_torch.run_plans import (
    SEEDS,
    SWEEP,
    RunsPlan,
    check_count,
    make_plan,
    read_end,
    train_member,
)
from netspec_torch.storage import write_text
from netspec_torch.trainer import DivergedError
from netspec_torch.training import settle_stop

LONGEST_NAME = 100
"""Characters of a folder's name; file systems take 255 bytes."""
UNSAFE = re.compile(r"[^\w.+=,-]+", re.ASCII)


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended."""

    folder: Path
    report: SweepReport
    """With the runs that were not done, where it was interrupted."""
    interrupted: str
    """The signal that ended it early, SIGINT or SIGTERM; empty where none did."""


@dataclass(frozen=True)
class Variant:
    """One choice of values, ready to be trained."""

    net: CheckedNet
    settings: Mapping[str, str]
    """The values that differ in the sweep."""
    fitted: Fitted
    plan: RunsPlan
    """Its folder in that of the sweep."""


def train_sweep(
    nets: Sequence[CheckedNet],
    count: int,
    *,
    until_error: float | None = None,
    views: int | None = None,
    eval_images: int | None = None,
    seed: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    listener: Listener | None = None,
    **options: Unpack[SeedOptions],
) -> SweepResult:
    """Train nets that differ in the values of their parameters, each with `count` seeds, the first
    of which is `seed`, 0 unless given; and compare them, also by the updates until the running mean
    of the training error is at most `until_error`, 0.25 unless given.

    All other arguments are those of `train_seeds`. Every net is checked against the data before the
    first is trained. With `resume` the sweep in `out`, or the net's latest, goes on: runs that are
    done or diverged stay as they are, one that was stopped goes on, and the others begin. There may
    then be other nets than there were, more seeds, another level.

    Raises TrainingError where a run cannot begin, or fails otherwise than by diverging, and
    CompileError where a spec does not hold.
    """
    check_count(count, "train each choice of values with --set, in --out DIR")
    listener = listener or Listener()
    settings = find_settings(nets)
    plan = make_plan(
        SWEEP,
        f"{nets[0].name}-sweep",
        count,
        out=out,
        seed=seed,
        resume=resume,
        options={**options, "views": views, "eval_images": eval_images},
    )
    data, fitted = _fit_all(nets, settings, plan, listener)
    variants = [
        Variant(net, values, each, replace(plan, folder=_choose_folder(plan.folder, values)))
        for net, values, each in zip(nets, settings, fitted, strict=True)
    ]
    sweep = Sweep(plan, variants, data, UNTIL_ERROR if until_error is None else until_error)
    received = sweep.train(listener, resume=resume, force=force)
    return SweepResult(plan.folder.path, sweep.report(), received)


@dataclass(frozen=True)
class Sweep:
    """Everything that is trained, and what is written of it."""

    plan: RunsPlan
    variants: Sequence[Variant]
    data: DataSet
    until_error: float

    def train(self, listener: Listener, *, resume: bool, force: bool) -> str:
        """Train what is not done; gives the signal that ended it early."""
        self.plan.write(SWEEP)
        for variant in self.variants:
            variant.plan.write(SEEDS)
        runs = [(variant, seed) for seed in self.plan.seeds for variant in self.variants]
        listener.swept(0, len(runs))
        for number, (variant, seed) in enumerate(runs, start=1):
            values = describe_settings(variant.settings)
            listener.announce(f"{values}, seed {seed}, run {number} of {len(runs)}")
            received = _train_one(variant, seed, listener, resume=resume, force=force)
            self.write()
            if received:
                return received
            listener.announce(_tell_run(self._read_run(variant, seed), self.until_error))
            listener.swept(number, len(runs))
        return ""

    def report(self) -> SweepReport:
        """The figures of what is done."""
        return SweepReport(
            net=self.variants[0].net.name,
            data=self.data.name,
            origin=self.data.origin,
            held_out=len(self.data.held_out),
            chance=self.data.held_out.chance,
            seeds=self.plan.seeds,
            until_error=self.until_error,
            values=tuple(map(self._read, self.variants)),
        )

    def write(self) -> None:
        """Write the figures and the picture; raises TrainingError where that cannot be done."""
        report = self.report()
        path = self.plan.folder.path
        self.plan.folder.write_json("summary.json", report.to_json())
        write_text(path / "summary.txt", write_sweep(report))
        curves = [
            SweptCurves(values.label, values.window, list(map(_read_metrics, values.runs)))
            for values in report.values
        ]
        title = f"{report.net} on {report.data}: {', '.join(report.names)}"
        write_text(path / "curves.svg", draw_sweep(title, curves, self.until_error))

    def _read(self, variant: Variant) -> SweptValues:
        clock, recipe = variant.fitted.clock, variant.fitted.recipe
        return SweptValues(
            settings=variant.settings,
            folder=str(variant.plan.folder.path),
            window=choose_window(clock.batch),
            total=clock.count_whole_updates(recipe.stop),
            runs=tuple(self._read_run(variant, seed) for seed in self.plan.seeds),
        )

    def _read_run(self, variant: Variant, seed: int) -> SweptRun:
        member = variant.plan.member(seed)
        end = read_end(member, variant.net, self.plan.options)
        if end is None:
            return SweptRun(seed, str(member.path), "unfinished")
        if end["failed"] is not None:
            reason, updates = end["failed"], end["updates"]
            return SweptRun(seed, str(member.path), "diverged", updates, reason=reason)
        metrics = member.read_metrics()
        errors, losses = (list_stretches(metrics, name) for name in ("error", "loss"))
        window = choose_window(variant.fitted.clock.batch)
        return SweptRun(
            seed=seed,
            folder=str(member.path),
            state="done",
            updates=end["updates"],
            final=Figures.from_json(end["final_views"] or end["final"]),
            training_loss=average_at_the_end(losses, window),
            training_error=average_at_the_end(errors, window),
            updates_until=find_update(average_lately(errors, window), self.until_error),
        )


def find_settings(nets: Sequence[CheckedNet]) -> list[dict[str, str]]:
    """For each net the values that were given from outside and are not the same in all, as they
    were written.

    Raises TrainingError where there is nothing to compare.
    """
    if len(nets) < 2:
        raise TrainingError("a sweep compares two choices of values or more", cause="usage")
    if len({net.name for net in nets}) > 1:
        raise TrainingError("a sweep is of one net", cause="usage")
    parameters = [describe_parameters(net) for net in nets]
    texts = [{**p, **dict(net.settings)} for p, net in zip(parameters, nets, strict=True)]
    names = dict.fromkeys(name for net in nets for name, _ in net.settings)
    swept = [name for name in names if len({each.get(name) for each in texts}) > 1]
    settings = [{name: each.get(name, "") for name in swept} for each in texts]
    for number, each in enumerate(parameters):
        if each in parameters[:number]:
            one, other = settings[parameters.index(each)], settings[number]
            raise TrainingError(
                f"{describe_settings(one)} and {describe_settings(other)} are the same net"
                if swept
                else "all nets of the sweep have the same values",
                cause="usage",
            )
    return settings


def describe_settings(settings: Mapping[str, str]) -> str:
    """`activation=relu, rate=0.1`."""
    return ", ".join(f"{name}={value}" for name, value in settings.items())


def _fit_all(
    nets: Sequence[CheckedNet],
    settings: Sequence[Mapping[str, str]],
    plan: RunsPlan,
    listener: Listener,
) -> tuple[DataSet, list[Fitted]]:
    """The data, and each net made for them; raises TrainingError where one cannot be trained."""
    given = plan.options
    options = Options(
        stop=settle_stop(given.get("epochs"), given.get("iterations")),
        split_seed=plan.seeds[0],
        **plan.pick("data", "device", "views", "device_batch"),
    )
    if len({net.recipe and net.recipe.data.name for net in nets}) > 1:
        raise TrainingError("the nets of a sweep are trained on the same data", cause="usage")
    try:
        world = World(choose_device(options.device))
        data = open_data_of(nets[0], options, listener)
    except DataError as error:
        raise TrainingError(error.message, error.help, cause="usage") from error
    return data, [
        _fit_one(net, values, data, options, world)
        for net, values in zip(nets, settings, strict=True)
    ]


def _fit_one(
    net: CheckedNet, values: Mapping[str, str], data: DataSet, options: Options, world: World
) -> Fitted:
    """A net made for the data; a mistake is told with its values."""
    try:
        return fit(net, data, options, world)
    except TrainingError as error:
        message = f"with {describe_settings(values)}: {error.message}"
        raise TrainingError(message, error.help, cause=error.cause, details=error.details) from None


def _train_one(
    variant: Variant, seed: int, listener: Listener, *, resume: bool, force: bool
) -> str:
    """Train with one seed, unless that is done; gives the signal that ended the run early."""
    net, plan = variant.net, variant.plan
    if resume and read_end(plan.member(seed), net, plan.options) is not None:
        return ""
    views = plan.options.get("views")
    try:
        return train_member(net, plan, seed, listener, views=views, resume=resume, force=force)
    except DivergedError:
        return ""


def _tell_run(run: SweptRun, level: float) -> str:
    """What a run came to, in a line or two."""
    if run.final is None:
        return run.reason
    after = run.updates_until
    until = f"never {level:g}" if after is None else f"{level:g} after {after:,} updates"
    return f"accuracy {run.final.top1:.3f}, training error {until}"


def _read_metrics(run: SweptRun) -> list[Entry]:
    return RunFolder(Path(run.folder)).read_metrics()


def _choose_folder(folder: RunFolder, settings: Mapping[str, str]) -> RunFolder:
    """The folder of a choice of values: their text, as far as a file system takes it."""
    text = ",".join(f"{name}={value}" for name, value in settings.items())
    safe = UNSAFE.sub("_", text)[:LONGEST_NAME]
    if safe != text:
        safe = f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
    return RunFolder(folder.path / safe)
