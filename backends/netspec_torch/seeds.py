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

from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from netspec.backend import SeedOptions
from netspec.compiler.program import CheckedNet
from netspec.recipe.results import TestReport
from netspec.recipe.run import Listener
from netspec.render.figures import write_figures
from netspec_torch.run_plans import (
    SEEDS,
    RunsPlan,
    check_count,
    make_plan,
    name_member,
    read_end,
    train_member,
)
from netspec_torch.storage import write_text
from netspec_torch.testing import test


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
    check_count(count, "train with --seed N --out DIR/seed-N for each, and test DIR")
    listener = listener or Listener()
    plan = make_plan(
        SEEDS,
        net.name,
        count,
        out=out,
        seed=seed,
        resume=resume,
        options={**options, "views": views, "eval_images": eval_images},
    )
    plan.write(SEEDS)
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


def _train_one(
    net: CheckedNet, plan: RunsPlan, seed: int, listener: Listener, *, resume: bool, force: bool
) -> str:
    """Train with one seed, unless that is done; gives the signal that ended the run early."""
    member = plan.member(seed)
    end = read_end(member, net, plan.options) if resume else None
    if end is not None and end["final"] is not None:
        listener.announce(f"{member.path} is done")
        return ""
    # The views of the last test are those of all runs together.
    return train_member(net, plan, seed, listener, views=1, resume=resume, force=force)
