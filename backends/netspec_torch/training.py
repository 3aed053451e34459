"""`train`: the whole of a run, from a checked net to its folder and its figures."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import torch
from torch import fx

from netspec.compiler.program import CheckedNet
from netspec.recipe.device import Precision
from netspec.recipe.run import Figures, Listener, TrainingError
from netspec.values import Amount
from netspec_torch.data import DataError, SkippedImage
from netspec_torch.distributed.averages import settle_averages
from netspec_torch.distributed.checks import tell_unreadable
from netspec_torch.distributed.world import World, join_world
from netspec_torch.events import open_events
from netspec_torch.interrupts import Interrupts
from netspec_torch.options import Options
from netspec_torch.preparation import Job, prepare
from netspec_torch.records import Outcome, Records
from netspec_torch.resuming import GoingOn, bring_back, find_beginning
from netspec_torch.sessions import begin_session
from netspec_torch.state import RunState
from netspec_torch.trainer import DivergedError, InterruptedRunError, Trainer


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended."""

    folder: Path
    net: CheckedNet
    """With the data's number of classes."""
    module: fx.GraphModule
    """The trained net with the weights of the last update, on the run's device."""
    class_names: tuple[str, ...]
    updates: int
    """Updates done."""
    total: int
    """Updates planned."""
    final: Figures | None
    """The last test: all held-out images, centre view; None where the run was interrupted."""
    final_views: Figures | None
    """The test on several views, where the recipe or the caller asks for it."""
    best: Figures | None
    """The test with the fewest errors, of those on the way."""
    best_update: int
    chance: float
    """The accuracy of always answering the most frequent class."""
    skipped: tuple[SkippedImage, ...]
    """The images that could not be read."""
    interrupted: str
    """The signal that ended the run early, SIGINT or SIGTERM; empty where none did."""


def train(
    net: CheckedNet,
    *,
    data: Path | str | None = None,
    device: str | None = None,
    out: Path | str | None = None,
    epochs: float | None = None,
    iterations: int | None = None,
    seed: int | None = None,
    split_seed: int | None = None,
    precision: Precision | None = None,
    compile: bool = False,
    views: int | None = None,
    eval_images: int | None = None,
    weights: Path | str | None = None,
    weights_map: Path | str | None = None,
    fresh_last: bool = False,
    watch_layers: bool = False,
    device_batch: int | None = None,
    snapshot_every: int | None = None,
    keep: int | None = None,
    resume: bool = False,
    from_update: int | None = None,
    force: bool = False,
    listener: Listener | None = None,
) -> TrainingResult:
    """Train a net by its recipe and write the run to a folder.

    `data` is a folder, `elpv` or `fashion_mnist`; without it the set that the recipe names is
    looked for in NETSPEC_DATA, and else the built-in sample stands in. `device` is `cpu`, `cuda`,
    `cuda:1`; a GPU is taken where there is one. `out` is the run's folder; `runs/NET` or the next
    free number unless given. `epochs` or `iterations` end the run in place of the recipe's `stop`,
    `views` (1 or 10) replaces the recipe's in the last test, and `eval_images` bounds the held-out
    images of all tests but the last at the centre. `seed` is 0 and `precision` float32 unless
    given; `split_seed` draws the held-out images of data that have none of their own, in place of
    `seed`. `weights` is a file that the run begins from, with `weights_map` and `fresh_last` as in
    `load_weights`. `device_batch` bounds the images that are computed at once: a batch is done in
    parts, and their gradients are added up. With `watch_layers` the metrics have the mean absolute
    sizes of each weight and of its updates.

    A snapshot is taken after each test and each ten minutes, and each `snapshot_every` updates; the
    last `keep`, 2 unless given, and that of the best test are kept. With `resume` the run in `out`,
    or the latest one of the net, goes on, with its own seed, data and the like: from its latest
    snapshot, or from that after `from_update` updates. With `force` it goes on also where the spec,
    the data or the seed have changed, by what they are now.

    The first Ctrl-C or SIGTERM ends the run after the update that is being done, with a snapshot.
    Raises TrainingError where the run cannot begin or fails, and CompileError where the spec does
    not hold with the data's number of classes. torch's random state is left as it was.
    """
    _check_numbers(views, eval_images)
    _check_counts(device_batch=device_batch, snapshot_every=snapshot_every, keep=keep)
    _check_weights(weights, weights_map, fresh_last, resume)
    options = Options(
        data=None if data is None else str(data),
        device=device,
        stop=settle_stop(epochs, iterations),
        seed=seed,
        split_seed=split_seed,
        precision=precision,
        compile=compile,
        views=views,
        eval_images=eval_images,
        weights=None if weights is None else str(weights),
        weights_map=None if weights_map is None else str(weights_map),
        fresh_last=fresh_last or None,
        watch_layers=watch_layers or None,
        device_batch=device_batch,
        snapshot_every=snapshot_every,
        keep=keep,
    )
    going_on = GoingOn(from_update, force) if resume else None
    if not resume and (from_update is not None or force):
        raise TrainingError("only a run that goes on can be told from where or how", cause="usage")
    place = None if out is None else Path(out)
    with join_world(net.name, net.graph.gpus, device) as world:
        heard = listener if listener and world.is_first else Listener()
        return _run_or_tell(net, options, place, going_on, heard, world)


def _run_or_tell(
    net: CheckedNet,
    options: Options,
    out: Path | None,
    going_on: GoingOn | None,
    listener: Listener,
    world: World,
) -> TrainingResult:
    """A run, of which every failure that can be foreseen is a TrainingError."""
    try:
        return _run(net, options, out, going_on, listener, world)
    except DataError as error:
        raise TrainingError(error.message, error.help, cause="usage") from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        if "can't allocate memory" in str(error):
            raise _out_of_memory() from error
        raise


def _check_numbers(views: int | None, eval_images: int | None) -> None:
    if views not in (None, 1, 10):
        raise TrainingError(f"a test has 1 view or 10, not {views}", cause="usage")
    if eval_images is not None and eval_images < 1:
        raise TrainingError(f"a test cannot have {eval_images} images", cause="usage")


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        if count is not None and count < 1:
            raise TrainingError(f"{name} is at least 1, not {count}", cause="usage")


def _check_weights(
    weights: Path | str | None, weights_map: Path | str | None, fresh_last: bool, resume: bool
) -> None:
    if resume and weights is not None:
        raise TrainingError("a run that goes on has its weights already", cause="usage")
    if weights is None and (weights_map is not None or fresh_last):
        raise TrainingError("there is no file of weights to map or to take in part", cause="usage")


def settle_stop(epochs: float | None, iterations: int | None) -> Amount | None:
    """When a run ends, where the caller says it; raises TrainingError."""
    if epochs is not None and iterations is not None:
        raise TrainingError("a run ends by epochs or by iterations, not by both", cause="usage")
    for name, number in (("epochs", epochs), ("iterations", iterations)):
        if number is not None and not 0 < number < inf:
            raise TrainingError(
                f"--{name} is more than 0, not {number:g}: there would be nothing to do"
                if number <= 0
                else f"--{name} is a number, not {number:g}",
                cause="usage",
            )
    if epochs is not None:
        return Amount(epochs, "epochs")
    return None if iterations is None else Amount(iterations, "iterations")


def _run(
    net: CheckedNet,
    options: Options,
    out: Path | None,
    going_on: GoingOn | None,
    listener: Listener,
    world: World,
) -> TrainingResult:
    state = RunState()
    folder, snapshot = world.ask_first(
        lambda: find_beginning(net.name, out, going_on, world.launch.recall())
    )
    if snapshot is not None:
        options = options.go_on_from(snapshot.state["options"])
        state = RunState.from_json(snapshot.state["run"])
    job = prepare(net, options, folder, snapshot, listener, world)
    if snapshot is not None:
        job = bring_back(job, snapshot, force=(going_on or GoingOn()).force)
        _check_remainder(state, job.plan.total)
        if world.is_first:
            folder.forget_after(state.update, state.tested)
    if world.is_first:
        world.launch.note(folder.path)
    events = open_events(folder.path, state.update, listener.announce) if world.is_first else None
    records = Records(folder, job, begin_session(job, state.update), events)
    listener.planned(job.plan)
    records.begin(state, snapshot)
    outcome = _run_to_its_end(job, records, state, listener)
    settle_averages(job.local)
    tell_unreadable(job.world, (job.data.train, job.data.held_out))
    skipped = job.data.skipped
    records.finish(state, outcome, skipped)
    return TrainingResult(
        folder=folder.path,
        net=job.net,
        module=job.module,
        class_names=job.data.class_names,
        updates=state.update,
        total=job.plan.total,
        final=outcome.final,
        final_views=outcome.final_views,
        best=state.best,
        best_update=state.best_update,
        chance=job.data.held_out.chance,
        skipped=skipped,
        interrupted=outcome.interrupted or "",
    )


def _run_to_its_end(job: Job, records: Records, state: RunState, listener: Listener) -> Outcome:
    """Train and test, until that is done or somebody ends it; raises DivergedError, once it is
    written down."""
    with Interrupts() as interrupts, _own_random_state(job.device):
        trainer = Trainer(job, records, state, listener, interrupts)
        try:
            trainer.run()
            return Outcome(*_test_finally(job, trainer, state))
        except InterruptedRunError as interruption:
            return Outcome(interrupted=interruption.signal.name)
        except DivergedError as error:
            failed = "\n".join([error.message, *error.details])
            records.finish(state, Outcome(failed=failed), job.data.skipped)
            raise


def _own_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Leaves torch's generators as they were."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def _check_remainder(state: RunState, total: int) -> None:
    if state.update > total:
        raise TrainingError(
            f"the run has done {state.update:,} updates, which are more than {total:,}",
            "give it more --epochs or --iterations, or none",
            cause="usage",
        )


def _test_finally(job: Job, trainer: Trainer, state: RunState) -> tuple[Figures, Figures | None]:
    """The last test on all held-out images, and the one on several views where there is one."""
    final = state.last if job.has_whole_tests else None
    final = final or trainer.test(job.loaders.held_out)
    views = job.recipe.views
    return final, trainer.test(job.tests, views) if views > 1 else None


def _out_of_memory() -> TrainingError:
    return TrainingError(
        "the device has not enough memory for an update",
        "--device-batch N computes N images at once and needs less, and so does --precision bf16",
        cause="run",
    )
