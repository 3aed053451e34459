"""`inspect_runs`: what is known of runs after them, for a report.

All that a run's folder has is read as it stands there, and what cannot be read is left out. Beside
that the last weights are tested once more, image by image, where they and the images are there. How
a report looks is decided in `netspec.render.html`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch

from netspec.diagnostics import CompileError
from netspec.recipe.device import Precision
from netspec.recipe.results import TestReport
from netspec.recipe.run import Figures, Listener, TrainingError
from netspec.recipe.run_facts import Answers, Kernels, RunFacts, RunsFacts, Session
from netspec_torch.answers import answer
from netspec_torch.compute import choose_device
from netspec_torch.data import DataError, open_data
from netspec_torch.distributed.world import World
from netspec_torch.kernels import NothingToShowError, draw_kernels
from netspec_torch.members import list_members
from netspec_torch.records import BEST, LAST, REPORT
from netspec_torch.run_folder import RunFolder
from netspec_torch.run_plans import SWEEP
from netspec_torch.sessions import read_sessions
from netspec_torch.tensor_file import read_texts
from netspec_torch.testing import prepare_trial
from netspec_torch.trained import TrainedNet, read_trained

RECIPE = "recipe.json"
RunsArgument = Path | str | Iterable[Path | str]
"""The folder of a run, of the runs of several seeds, or of a sweep; one or several."""


def inspect_runs(
    runs: RunsArgument,
    *,
    data: Path | str | None = None,
    eval_images: int | None = None,
    device: str | None = None,
    listener: Listener | None = None,
) -> RunsFacts:
    """Say what is known of runs.

    The last weights of each are tested on the held-out images of the run's own data, or of `data`,
    which is what `train` takes: on all of them or, evenly spread, on `eval_images`; on none where
    that is 0. What is missing is left out, and the facts say why.

    Raises TrainingError where something is no run.
    """
    if eval_images is not None and eval_images < 0:
        raise TrainingError(f"a test cannot have {eval_images} images", cause="usage")
    words = [Path(runs)] if isinstance(runs, Path | str) else list(map(Path, runs))
    folders = [folder for word in words for folder in find_runs(word)]
    distinct = list({folder.resolve(): folder for folder in folders}.values())
    if not distinct:
        raise TrainingError("there is no run to report on", cause="usage")
    chosen = choose_device(device)
    reader = Reader(data, eval_images, chosen, listener or Listener())
    return RunsFacts(
        runs=tuple(reader.read(RunFolder(folder)) for folder in distinct),
        ensembles=tuple(each for each in map(read_ensemble, words) if each),
    )


def find_runs(word: Path) -> list[Path]:
    """The folders of the runs that a word means; raises TrainingError where it means none."""
    if (word / RECIPE).is_file():
        return [word]
    groups = sorted(word.iterdir()) if (word / SWEEP).is_file() else [word]
    members = [
        member for group in groups for member in list_members(group) if (member / RECIPE).is_file()
    ]
    if not members:
        raise TrainingError(
            f"{word} is no run: {describe_absence(word)}",
            "`netspec train` writes a run's folder, such as runs/lenet",
            cause="usage",
        )
    return members


def describe_absence(word: Path) -> str:
    if word.is_dir():
        return f"there is no {RECIPE} in it"
    return "it is a file, and not a folder" if word.exists() else "there is no such folder"


def read_ensemble(folder: Path) -> TestReport | None:
    """The test of all runs of several seeds together; None where there was none."""
    try:
        return msgspec.convert(RunFolder(folder).read_json("ensemble.json"), TestReport)
    except (OSError, ValueError):
        return None


class Reader:
    """Reads runs, one after the other."""

    def __init__(
        self,
        data: Path | str | None,
        eval_images: int | None,
        device: torch.device,
        listener: Listener,
    ) -> None:
        self._data = data
        self._eval_images = eval_images
        self._device = device
        self._listener = listener

    def read(self, folder: RunFolder) -> RunFacts:
        """All that is known of a run; raises TrainingError where its recipe cannot be read."""
        recipe = read_recipe(folder)
        report = read_object(folder, REPORT)
        metrics = folder.read_metrics()
        missing: dict[str, str] = {}
        trained = self._find_weights(folder, missing)
        best, best_update = find_best(report, metrics)
        split = read_object(folder, "split.json")
        return RunFacts(
            folder=str(folder.path),
            net=recipe["net"],
            texts=read_spec(folder, trained),
            parameters=recipe["parameters"],
            recipe=recipe["recipe"],
            options=recipe["options"],
            data={**split, **{name: count(split.get(name)) for name in ("train", "held_out")}},
            plan=read_text(folder, "plan.txt"),
            metrics=metrics,
            updates=report.get("updates", count_updates(folder, metrics)),
            planned=recipe.get("updates"),
            updates_per_epoch=recipe.get("updates_per_epoch"),
            ended=tell_end(report),
            reason=report.get("interrupted") or report.get("failed") or "",
            final=read_figures(report.get("final")),
            final_views=read_figures(report.get("final_views")),
            best=best,
            best_update=best_update,
            chance=report.get("chance"),
            skipped=tuple((i["name"], i["reason"]) for i in report.get("skipped_images", ())),
            sessions=tuple(map(make_session, read_sessions(folder))),
            answers=self._answer(trained, recipe["options"], missing),
            kernels=draw(trained, missing),
            missing=missing,
        )

    def _find_weights(self, folder: RunFolder, missing: dict[str, str]) -> TrainedNet | None:
        """The last weights, or the best where those are not there or damaged."""
        reasons = []
        for name in (LAST, BEST):
            try:
                return read_trained(folder.path / name, self._device)
            except TrainingError as error:
                reasons.append(error.message)
            except CompileError as error:
                reasons.append(f"its spec does not hold: {error.diagnostics[0].headline}")
        missing["answers"] = missing["kernels"] = reasons[0]
        return None

    def _answer(
        self, trained: TrainedNet | None, options: Mapping[str, Any], missing: dict[str, str]
    ) -> Answers | None:
        """The test of a run's weights on its images; None where that cannot be done."""
        if trained is None:
            return None
        if self._eval_images == 0:
            missing["answers"] = "no image was tested, as --eval-images 0 says"
            return None
        place = self._data if self._data is not None else options.get("data")
        images = trained.images
        try:
            data = open_data(place, images.data, images.split_seed or 0, self._listener.announce)
            world = World(self._device)
            trial = prepare_trial([trained], data, self._eval_images, world, self._listener)
            precision: Precision = options.get("precision") or "float32"
            return answer(trial, self._device, precision, self._listener)
        except (DataError, TrainingError) as error:
            missing["answers"] = error.message
            return None


def draw(trained: TrainedNet | None, missing: dict[str, str]) -> Kernels | None:
    """The kernels of the first convolution; None where there is nothing to see."""
    try:
        return draw_kernels(trained) if trained else None
    except NothingToShowError as error:
        missing["kernels"] = str(error)
        return None


def read_recipe(folder: RunFolder) -> dict[str, Any]:
    """What recipe.json holds; raises TrainingError where it is damaged."""
    recipe = read_object(folder, RECIPE)
    if not {"net", "parameters", "recipe", "options"} <= recipe.keys():
        raise TrainingError(f"{folder.path} is no run: its {RECIPE} cannot be read", cause="usage")
    return recipe


def read_object(folder: RunFolder, name: str) -> dict[str, Any]:
    """What a JSON file holds; nothing where it is not there or damaged."""
    try:
        values = folder.read_json(name)
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def read_text(folder: RunFolder, name: str) -> str:
    """A text file; empty where it is not there."""
    try:
        return (folder.path / name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def read_spec(folder: RunFolder, trained: TrainedNet | None) -> dict[str, str]:
    """The spec and the files that it uses: the weights have them, and so have snapshots; else there
    is the spec alone."""
    if trained is not None:
        return dict(trained.net.texts)
    for update in reversed(folder.list_snapshots()):
        run = read_texts(folder.snapshot(update)).get("run")
        if run:
            texts: dict[str, str] = json.loads(run)["texts"]
            return texts
    return {"spec.net": read_text(folder, "spec.net")}


def count(images: object) -> int | None:
    """How many images a split has: they are listed where it was drawn."""
    return len(images) if isinstance(images, list) else images if isinstance(images, int) else None


def count_updates(folder: RunFolder, metrics: Iterable[Mapping[str, Any]]) -> int:
    """Updates that a run without a report has done, as far as it is written down."""
    logged: list[int] = [entry["update"] for entry in metrics]
    return max([0, *logged, *folder.list_snapshots()])


def tell_end(report: Mapping[str, Any]) -> str:
    if not report:
        return "unknown"
    for name in ("interrupted", "failed"):
        if report.get(name):
            return name
    return "done"


def find_best(
    report: Mapping[str, Any], metrics: Iterable[Mapping[str, Any]]
) -> tuple[Figures | None, int]:
    """The best test on the way, and after how many updates it was."""
    found = report.get("best")
    for entry in metrics:
        if not report and entry["kind"] == "test" and entry["best"]:
            found = entry
    return (read_figures(found), found["update"]) if found else (None, 0)


def read_figures(values: Mapping[str, Any] | None) -> Figures | None:
    return Figures.from_json({k: values[k] for k in FIGURES}) if values else None


FIGURES = Figures.__struct_fields__


def make_session(entry: Mapping[str, Any]) -> Session:
    names = {"start": "from", "end": "to"}
    return Session(**{name: entry[names.get(name, name)] for name in Session.__struct_fields__})
