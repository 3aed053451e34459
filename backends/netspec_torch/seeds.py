"""`train_seeds`: the same net trained several times, from other first weights and in another order
of images, and the mean of all tested, as in Krizhevsky et al. 2012, table 2.

The folder, `runs/NAME/`, has

seed-0/, seed-1/, …  a run each, as `train` writes it
seeds.json           the first seed, how many there are, and the options of all
ensemble.json        the figures of each and of the mean
ensemble.txt         the same as a table

All runs hold out the same images, those that the first seed draws where the data have no part of
their own for that: nothing could be tested on images that one of the nets was trained on.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from msgspec import to_builtins

from netspec.backend import SeedOptions
from netspec.compiler.program import CheckedNet
from netspec.recipe.results import TestReport
from netspec.recipe.run import Listener, TrainingError
from netspec.render.figures import write_figures
from netspec_torch.run_folder import RUNS, RunFolder, choose_run_folder, list_run_folders
from netspec_torch.storage import cannot_write, write_text
from netspec_torch.testing import test
from netspec_torch.training import settle_stop, train

SEEDS = "seeds.json"
BEGINNING = ("weights", "weights_map", "fresh_last")
"""What says how a run begins, and nothing to one that goes on."""
ENDS = ("epochs", "iterations")
"""What says when a run ends, one of the two."""


@dataclass(frozen=True)
class SeedsResult:
    """How a training of several seeds ended."""

    folder: Path
    seeds: tuple[int, ...]
    report: TestReport | None
    """The test of all, each and together; None where the training was interrupted."""
    interrupted: str
    """The signal that ended it early, SIGINT or SIGTERM; empty where none did."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folder of each run."""
        return tuple(name_member(self.folder, seed) for seed in self.seeds)


def train_seeds(
    net: CheckedNet,
    count: int,
    *,
    views: int | None = None,
    eval_images: int | None = None,
    seed: int | None = None,
    out: Path | str | None = None,
    resume: bool = False,
    force: bool = False,
    listener: Listener | None = None,
    **options: Unpack[SeedOptions],
) -> SeedsResult:
    """Train a net with `count` seeds, the first of which is `seed`, 0 unless given, and test them.

    All arguments are those of `train`; `out` is the folder that the runs' folders lie in. The last
    test, of each run and of the mean of all, is on `eval_images` where that is given. With
    `resume` the training in `out`, or the net's latest of several seeds, goes on: runs that are
    done stay as they are, one that was stopped goes on, and the others begin. `count` may then be
    larger than it was. `force` is as for `train`.

    Raises TrainingError where a run cannot begin or fails, and CompileError where the spec does not
    hold.
    """
    _check(count)
    listener = listener or Listener()
    given: dict[str, Any] = {**options, "views": views, "eval_images": eval_images}
    said = {name: value for name, value in given.items() if value not in (None, False)}
    place = None if out is None else Path(out)
    plan = (_go_on if resume else _begin)(place, net.name, seed, count, said)
    for number, each in enumerate(plan.seeds, start=1):
        listener.announce(f"seed {each}, run {number} of {count}")
        received = _train_one(net, plan, each, listener, resume=resume, force=force)
        if received:
            return SeedsResult(plan.folder.path, plan.seeds, None, received)
    report = test(
        [plan.member(each).path for each in plan.seeds],
        precision=plan.options.get("precision", "float32"),
        listener=listener,
        **plan.pick("data", "device", "views", "eval_images"),
    )
    plan.folder.write_json("ensemble.json", report.to_json())
    write_text(plan.folder.path / "ensemble.txt", write_figures(report))
    return SeedsResult(plan.folder.path, plan.seeds, report, "")


@dataclass(frozen=True)
class SeedsPlan:
    """What is to be trained, and where."""

    folder: RunFolder
    seeds: tuple[int, ...]
    options: Mapping[str, Any]
    """Those of `train` that somebody gave."""

    def member(self, seed: int) -> RunFolder:
        """The folder of one of the runs."""
        return RunFolder(name_member(self.folder.path, seed))

    def pick(self, *names: str) -> dict[str, Any]:
        """Some of the options."""
        return {name: self.options[name] for name in names if name in self.options}

    def write(self) -> None:
        """Write it down, so that it can go on; raises TrainingError where that cannot be done."""
        try:
            self.folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.folder.path, error) from error
        options = {n: str(v) if isinstance(v, Path) else v for n, v in self.options.items()}
        values = {"seed": self.seeds[0], "count": len(self.seeds), "options": options}
        self.folder.write_json(SEEDS, values)


def name_member(folder: Path, seed: int) -> Path:
    """The folder of one of the runs."""
    return folder / f"seed-{seed}"


def _check(count: int) -> None:
    if count < 1:
        raise TrainingError(f"{count} seeds train nothing", cause="usage")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError(
            "several processes train one net together, and not several seeds",
            "train with --seed N --out DIR/seed-N for each, and test DIR",
            cause="usage",
        )


def _begin(
    out: Path | None, name: str, seed: int | None, count: int, options: dict[str, Any]
) -> SeedsPlan:
    first = seed or 0
    plan = SeedsPlan(choose_run_folder(out, name), tuple(range(first, first + count)), options)
    plan.write()
    return plan


def _go_on(
    out: Path | None, name: str, seed: int | None, count: int, options: dict[str, Any]
) -> SeedsPlan:
    """The plan that was written down, and in it what somebody says otherwise."""
    folder = _find_folder(out, name)
    try:
        earlier: dict[str, Any] = folder.read_json(SEEDS)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{folder.path / SEEDS} cannot be read: {error}", cause="usage"
        ) from error
    first = int(earlier["seed"])
    if seed not in (None, first):
        raise TrainingError(
            f"the first seed of {folder.path} is {first}, not {seed}",
            "without --resume a new training begins",
            cause="usage",
        )
    has_end = any(name in options for name in ENDS)
    kept = {n: v for n, v in earlier["options"].items() if not (has_end and n in ENDS)}
    plan = SeedsPlan(folder, tuple(range(first, first + count)), {**kept, **options})
    plan.write()
    return plan


def _find_folder(out: Path | None, name: str) -> RunFolder:
    """The folder to go on with; raises TrainingError where there is none."""
    places = [out] if out is not None else list_run_folders(name)
    begun = [place for place in places if (place / SEEDS).exists()]
    if not begun:
        where = f"{RUNS}/" if out is None else str(out)
        raise TrainingError(
            f"there is no training of `{name}` with several seeds in {where} to go on with",
            "--out DIR says where it is; without --resume a new one begins",
            cause="usage",
        )
    return RunFolder(begun[-1])


def _train_one(
    net: CheckedNet, plan: SeedsPlan, seed: int, listener: Listener, *, resume: bool, force: bool
) -> str:
    """Train with one seed, unless that is done; gives the signal that ended the run early."""
    member = plan.member(seed)
    if resume and _is_done(member, net, plan.options):
        listener.announce(f"{member.path} is done")
        return ""
    goes_on = bool(resume and member.list_snapshots())
    # The views of the last test are those of all runs together.
    left_out = {"views", *(BEGINNING if goes_on else ())}
    options: dict[str, Any] = {n: v for n, v in plan.options.items() if n not in left_out}
    result = train(
        net,
        seed=seed,
        split_seed=plan.seeds[0],
        out=member.path,
        views=1,
        resume=goes_on,
        force=force and goes_on,
        listener=listener,
        **options,
    )
    return result.interrupted


def _is_done(member: RunFolder, net: CheckedNet, options: Mapping[str, Any]) -> bool:
    """Whether a run has come to the end that it is to have, by the same spec."""
    try:
        report = member.read_json("report.json")
        earlier = member.read_json("recipe.json")["options"]
        spec = (member.path / "spec.net").read_text(encoding="utf-8")
    except (OSError, ValueError, LookupError):
        return False
    stop = settle_stop(options.get("epochs"), options.get("iterations"))
    return (
        report["final"] is not None
        and earlier["stop"] == (stop and to_builtins(stop))
        and spec == net.span.source.text
    )
