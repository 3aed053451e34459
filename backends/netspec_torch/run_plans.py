"""What trainings of several runs have in common: with which seeds, by which options and where; and
the training of one of the runs, unless it is done.

The plan is kept as a JSON file in the folder of all, from which `resume` goes on: `seeds.json` for
a net that is trained with several seeds (`seeds.py`), `sweep.json` for a sweep (`sweeps.py`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from netspec.compiler.program import CheckedNet
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.run_folder import RUNS, RunFolder, choose_run_folder, list_run_folders
from netspec_torch.storage import cannot_write
from netspec_torch.training import settle_stop, train

SEEDS = "seeds.json"
SWEEP = "sweep.json"
TRAININGS = {SEEDS: "training of `{}` with several seeds", SWEEP: "sweep of `{}`"}
"""What each file is the plan of."""
BEGINNING = ("weights", "weights_map", "fresh_last")
"""What says how a run begins, and nothing to one that goes on."""
ENDS = ("epochs", "iterations")
"""What says when a run ends, one of the two."""


@dataclass(frozen=True)
class RunsPlan:
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

    def write(self, file: str) -> None:
        """Write it down, so that it can go on; raises TrainingError where that cannot be done."""
        try:
            self.folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.folder.path, error) from error
        options = {n: str(v) if isinstance(v, Path) else v for n, v in self.options.items()}
        values = {"seed": self.seeds[0], "count": len(self.seeds), "options": options}
        self.folder.write_json(file, values)


def name_member(folder: Path, seed: int) -> Path:
    """The folder of one of the runs."""
    return folder / f"seed-{seed}"


def check_count(count: int, way_out: str) -> None:
    """Raise TrainingError where there is nothing to train, or where several processes are."""
    if count < 1:
        raise TrainingError(f"{count} seeds train nothing", cause="usage")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError(
            "several processes train one net together, and not several seeds",
            way_out,
            cause="usage",
        )


def make_plan(
    file: str,
    name: str,
    count: int,
    *,
    out: Path | str | None,
    seed: int | None,
    resume: bool,
    options: Mapping[str, Any],
) -> RunsPlan:
    """The plan of `count` seeds in `out` or the folder in `runs/` of that name: a new one, or with
    `resume` the one that `file` has. Of the options those are kept that say something. Raises
    TrainingError."""
    said = {name: value for name, value in options.items() if value not in (None, False)}
    place = None if out is None else Path(out)
    if resume:
        return _go_on(file, place, name, seed, count, said)
    first = seed or 0
    return RunsPlan(choose_run_folder(place, name), tuple(range(first, first + count)), said)


def _go_on(
    file: str, out: Path | None, name: str, seed: int | None, count: int, options: dict[str, Any]
) -> RunsPlan:
    """The plan that was written down, and in it what somebody says otherwise."""
    folder = _find_folder(file, out, name)
    try:
        earlier: dict[str, Any] = folder.read_json(file)
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{folder.path / file} cannot be read: {error}", cause="usage"
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
    return RunsPlan(folder, tuple(range(first, first + count)), {**kept, **options})


def _find_folder(file: str, out: Path | None, name: str) -> RunFolder:
    """The folder to go on with; raises TrainingError where there is none."""
    places = [out] if out is not None else list_run_folders(name)
    begun = [place for place in places if (place / file).exists()]
    if not begun:
        where = f"{RUNS}/" if out is None else str(out)
        raise TrainingError(
            f"there is no {TRAININGS[file].format(name)} in {where} to go on with",
            "--out DIR says where it is; without --resume a new one begins",
            cause="usage",
        )
    return RunFolder(begun[-1])


def train_member(
    net: CheckedNet,
    plan: RunsPlan,
    seed: int,
    listener: Listener,
    *,
    views: int | None,
    resume: bool,
    force: bool,
) -> str:
    """Train with one seed, from where the run stands with `resume`; gives the signal that ended the
    run early. `views` are those of its last test."""
    member = plan.member(seed)
    goes_on = bool(resume and member.list_snapshots())
    left_out = {"views", *(BEGINNING if goes_on else ())}
    options: dict[str, Any] = {n: v for n, v in plan.options.items() if n not in left_out}
    result = train(
        net,
        seed=seed,
        split_seed=plan.seeds[0],
        out=member.path,
        views=views,
        resume=goes_on,
        force=force and goes_on,
        listener=listener,
        **options,
    )
    return result.interrupted


def read_end(
    member: RunFolder, net: CheckedNet, options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The report of a run that has come to the end that it is to have, by the same spec and values;
    also of one that diverged on the way. None where it has not."""
    try:
        report: dict[str, Any] = member.read_json("report.json")
        recipe = member.read_json("recipe.json")
        spec = (member.path / "spec.net").read_text(encoding="utf-8")
        earlier = recipe["options"]["stop"], recipe["settings"], spec
    except (OSError, ValueError, LookupError):
        return None
    stop = settle_stop(options.get("epochs"), options.get("iterations"))
    asked = stop and to_builtins(stop), dict(net.settings), net.span.source.text
    has_ended = report["final"] is not None or report["failed"] is not None
    return report if earlier == asked and has_ended else None
