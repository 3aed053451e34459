"""What a run writes into its folder, and when: the files of `run_folder.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, to_builtins
from torch import Tensor

from netspec.recipe.plan import describe_plan
from netspec.recipe.run import Figures
from netspec.recipe.written import resolve_recipe
from netspec.render.html.curves import RunCurves, draw_curves
from netspec_torch.changes import describe_parameters
from netspec_torch.data import SkippedImage
from netspec_torch.distributed.averages import gather_averages, with_mean_averages
from netspec_torch.emission import module_path
from netspec_torch.events import Events
from netspec_torch.layer_sizes import Sizes
from netspec_torch.preparation import Job
from netspec_torch.run_folder import Entry, RunFolder
from netspec_torch.sessions import Session
from netspec_torch.snapshot import Snapshot, collect_solver_state, read_snapshot, write_snapshot
from netspec_torch.state import RunState
from netspec_torch.storage import remove, write_text
from netspec_torch.tensor_file import DamagedFileError, read_texts
from netspec_torch.trained import TrainedOn, digest_split, write_trained

LAST, BEST = "last.safetensors", "best.safetensors"
REPORT = "report.json"


class Outcome(Struct, frozen=True):
    """How a run ended."""

    final: Figures | None = None
    """The last test; None where it did not come to that."""
    final_views: Figures | None = None
    """The test on several views, where there is one."""
    interrupted: str | None = None
    """The signal that ended it early."""
    failed: str | None = None
    """Why it diverged."""

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = to_builtins(self)
        return values


@dataclass(frozen=True)
class Records:
    """The files of one run, which the first of its processes writes. Everything raises
    TrainingError where it cannot be written."""

    folder: RunFolder
    job: Job
    session: Session
    events: Events | None = None
    """The metrics for TensorBoard, where that is installed."""

    def begin(self, state: RunState, snapshot: Snapshot | None) -> None:
        """Write what is known before the first update, or before that which a run goes on with from
        its snapshot.

        A snapshot comes first: from then on there is a run that can go on.
        """
        job, path = self.job, self.folder.path
        if self._writes:
            self.folder.create()
        if job.world.ask_first(
            lambda: snapshot is None or snapshot.state != self._describe_state(state)
        ):
            self.save_snapshot(state)
        if job.world.ask_first(lambda: self._is_from_elsewhere(LAST, state.update)):
            self.save_weights(LAST, state)
        if not self._writes:
            return
        self._settle_best(state)
        self.folder.prune_snapshots(job.options.settled_keep)
        remove(path / REPORT)
        self.session.note(state.update)
        write_text(path / "spec.net", job.net.span.source.text)
        recipe = {
            "net": job.net.name,
            "parameters": describe_parameters(job.net),
            "settings": job.settings,
            "recipe": resolve_recipe(job.recipe),
            "options": job.options.to_json(),
            "updates": job.plan.total,
            "updates_per_epoch": job.plan.clock.updates_per_epoch,
        }
        self.folder.write_json("recipe.json", recipe)
        self.folder.write_json("split.json", job.data.describe())
        plan = (f"{head:8} {text}".rstrip() for head, text in describe_plan(job.plan, None))
        write_text(path / "plan.txt", "\n".join(plan) + "\n")

    def log_train(self, state: RunState, rate: float) -> None:
        """Add a line on the updates since the last such line."""
        if not self._writes:
            return
        self._log(
            {
                "kind": "train",
                "update": state.update,
                "epoch": self._epoch(state),
                "loss": state.loss_sum / state.loss_count,
                "error": state.error_sum / state.loss_count,
                "rate": rate,
            }
        )

    def log_sizes(self, state: RunState, sizes: Sizes) -> None:
        """Add a line on the layers' weights and the last update."""
        if not self._writes:
            return
        entry = {"kind": "layers", "update": state.update, "epoch": self._epoch(state)}
        self._log({**entry, "layers": sizes})

    def log_test(self, state: RunState, figures: Figures, *, is_best: bool) -> None:
        """Add a line on a test, and draw the curves anew."""
        if not self._writes:
            return
        entry = {"kind": "test", "update": state.update, "epoch": self._epoch(state)}
        self._log({**entry, **figures.to_json(), "best": is_best})
        job = self.job
        run = RunCurves(
            job.net.name,
            self.folder.read_metrics(),
            job.data.held_out.chance,
            job.plan.clock.updates_per_epoch,
        )
        picture = draw_curves(f"{job.net.name} on {job.data.name}", run)
        write_text(self.folder.path / "curves.svg", picture)

    def save_snapshot(self, state: RunState) -> None:
        """Write what the run can go on from, and drop what is too old of it."""
        job = self.job
        averages = gather_averages(job.local)
        with with_mean_averages(job.local):
            weights = job.local.gather(job.trained.state_dict())
        solver = job.local.gather(collect_solver_state(job.trained, job.optimizer))
        if not self._writes:
            return
        self.folder.force_metrics()
        if self.events is not None:
            self.events.force()
        write_snapshot(
            self.folder.snapshot(state.update),
            Snapshot(
                weights=weights,
                solver=solver,
                statistics=_list_statistics(job),
                state=self._describe_state(state),
                averages=averages,
            ),
        )
        self.folder.prune_snapshots(job.options.settled_keep)
        self.session.note(state.update)

    def _describe_state(self, state: RunState) -> dict[str, Any]:
        """What a snapshot has beside tensors, as JSON values."""
        job = self.job
        return {
            "identity": job.identity,
            "texts": dict(job.net.texts),
            "options": job.options.to_json(),
            "run": state.to_json(),
            "rates": job.rates.state(),
            "machine": self.session.machine,
        }

    def save_weights(self, name: str, state: RunState) -> None:
        """Write the weights as they are, with what a use of them needs to know."""
        with with_mean_averages(self.job.local):
            weights = self.job.local.gather(self.job.module.state_dict())
        if not self._writes:
            return
        is_tested = state.tested == state.update
        self._write_weights(name, weights, state.update, state.last if is_tested else None)

    def _is_from_elsewhere(self, name: str, update: int) -> bool:
        """Whether a file has the weights of another update than it should: after the snapshot that
        a run goes on from, others may have been written."""
        path = self.folder.path / name
        return path.exists() and read_texts(path).get("update") != str(update)

    def _settle_best(self, state: RunState) -> None:
        """Have the weights of the best test so far, which its snapshot has too."""
        path = self.folder.path / BEST
        if self._is_from_elsewhere(BEST, state.best_update):
            remove(path)
        if state.best is None or path.exists():
            return
        try:
            snapshot = read_snapshot(self.folder.snapshot(state.best_update))
        except (DamagedFileError, FileNotFoundError):
            return
        nodes = self.job.net.graph.nodes
        heads = {module_path(node.name) for node in nodes if node.head is not None}
        weights = {
            name: tensor
            for name, tensor in snapshot.weights.items()
            if name.rpartition(".")[0] not in heads
        }
        self._write_weights(BEST, weights, state.best_update, state.best)

    def _write_weights(
        self, name: str, weights: Mapping[str, Tensor], update: int, figures: Figures | None
    ) -> None:
        job = self.job
        images = TrainedOn(
            data=job.data.name,
            class_names=job.data.class_names,
            channels=job.loaders.channels,
            statistics=job.loaders.statistics,
            split_seed=job.options.settled_split_seed,
            split=digest_split(job.data),
        )
        path = self.folder.path / name
        write_trained(path, weights, job.net, images, update=update, figures=figures)

    def finish(self, state: RunState, outcome: Outcome, skipped: Iterable[SkippedImage]) -> None:
        """Write how the run ended, and which images could not be read."""
        if not self._writes:
            return
        job = self.job
        report = {
            "net": job.net.name,
            "updates": state.update,
            "planned_updates": job.plan.total,
            **outcome.to_json(),
            "best": state.best and {"update": state.best_update, **state.best.to_json()},
            "chance": job.data.held_out.chance,
            "skipped_images": [image._asdict() for image in skipped],
            "machine": self.session.machine,
        }
        self.folder.write_json(REPORT, report)
        self.session.note(state.update)

    def _log(self, entry: Entry) -> None:
        self.folder.log(entry)
        if self.events is not None:
            self.events.log(entry)

    @property
    def _writes(self) -> bool:
        return self.job.world.is_first

    def _epoch(self, state: RunState) -> float:
        return round(state.update / self.job.plan.clock.updates_per_epoch, 4)


def _list_statistics(job: Job) -> dict[str, Tensor]:
    statistics = job.loaders.statistics
    return {} if statistics is None else statistics.to_tensors()
