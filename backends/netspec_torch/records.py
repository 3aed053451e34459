"""What a run writes into its folder, and when: the files of `run_folder.py`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import netspec
from netspec.recipe.plan import describe_plan
from netspec.recipe.run import Figures
from netspec.recipe.written import resolve_line, resolve_recipe
from netspec_torch.compute import describe_machine
from netspec_torch.curves import draw_curves
from netspec_torch.data import SkippedImage
from netspec_torch.options import describe_identity
from netspec_torch.preparation import Job
from netspec_torch.run_folder import RunFolder
from netspec_torch.snapshot import Snapshot, collect_solver_state, write_snapshot
from netspec_torch.state import RunState
from netspec_torch.storage import write_tensors, write_text


@dataclass(frozen=True)
class Records:
    """The files of one run, which the first of its processes writes. Everything raises
    TrainingError where it cannot be written."""

    folder: RunFolder
    job: Job

    def begin(self) -> None:
        """Write what is known before the first update."""
        if not self._writes:
            return
        job, path = self.job, self.folder.path
        self.folder.create()
        write_text(path / "spec.net", job.net.span.source.text)
        settings = {"net": job.net.name, "parameters": _parameters(job)}
        recipe = {
            **settings,
            "recipe": resolve_recipe(job.recipe),
            "options": job.options.to_json(),
        }
        self.folder.write_json("recipe.json", recipe)
        self.folder.write_json("split.json", job.data.describe())
        plan = (f"{head:8} {text}".rstrip() for head, text in describe_plan(job.plan))
        write_text(path / "plan.txt", "\n".join(plan) + "\n")
        if job.loaders.statistics is not None:
            write_tensors(self.folder.statistics, job.loaders.statistics.to_tensors(), {})

    def log_train(self, state: RunState, rate: float) -> None:
        """Add a line on the updates since the last such line."""
        if not self._writes:
            return
        self.folder.log(
            {
                "kind": "train",
                "update": state.update,
                "epoch": self._epoch(state),
                "loss": state.loss_sum / state.loss_count,
                "rate": rate,
            }
        )

    def log_test(self, state: RunState, figures: Figures, *, is_best: bool) -> None:
        """Add a line on a test, and draw the curves anew."""
        if not self._writes:
            return
        entry = {"kind": "test", "update": state.update, "epoch": self._epoch(state)}
        self.folder.log({**entry, **figures.to_json(), "best": is_best})
        picture = draw_curves(
            f"{self.job.net.name} on {self.job.data.name}",
            self.folder.read_metrics(),
            self.job.data.held_out.chance,
        )
        write_text(self.folder.path / "curves.svg", picture)

    def save_snapshot(self, state: RunState) -> None:
        """Write what the run can go on from."""
        job = self.job
        weights = job.local.gather(job.trained.state_dict())
        solver = job.local.gather(collect_solver_state(job.trained, job.optimizer))
        if not self._writes:
            return
        write_snapshot(
            self.folder.snapshot,
            Snapshot(
                weights=weights,
                solver=solver,
                state={
                    "identity": describe_identity(job.net, job.recipe, job.options, job.data),
                    "options": job.options.to_json(),
                    "run": state.to_json(),
                    "rates": job.rates.state(),
                },
            ),
        )

    def save_weights(self, name: str, state: RunState, figures: Figures | None) -> None:
        """Write the weights as they are, with what a use of them needs to know."""
        job = self.job
        weights = job.local.gather(job.module.state_dict())
        if not self._writes:
            return
        about = {
            "format": "pt",
            "netspec": netspec.__version__,
            "net": job.net.name,
            "parameters": json.dumps(_parameters(job)),
            "spec": job.net.span.source.text,
            "classes": json.dumps(job.data.class_names),
            "data": job.data.name,
            "test": json.dumps([resolve_line(line) for line in job.recipe.test_transforms]),
            "update": str(state.update),
            "figures": json.dumps(figures and figures.to_json()),
        }
        write_tensors(self.folder.path / name, weights, about)

    def finish(
        self, state: RunState, outcome: dict[str, Any], skipped: Iterable[SkippedImage]
    ) -> None:
        """Write how the run ended, and which images could not be read."""
        if not self._writes:
            return
        job = self.job
        report = {
            "net": job.net.name,
            "updates": state.update,
            "planned_updates": job.plan.total,
            **outcome,
            "best": state.best and {"update": state.best_update, **state.best.to_json()},
            "chance": job.data.held_out.chance,
            "skipped_images": [image._asdict() for image in skipped],
            "machine": describe_machine(job.device),
        }
        self.folder.write_json("report.json", report)

    @property
    def _writes(self) -> bool:
        return self.job.world.is_first

    def _epoch(self, state: RunState) -> float:
        return round(state.update / self.job.plan.clock.updates_per_epoch, 4)


def _parameters(job: Job) -> dict[str, str]:
    return {name: netspec.api.write_setting(value) for name, value in job.net.graph.parameters}
