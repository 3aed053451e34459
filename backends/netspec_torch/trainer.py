"""The loop: updates, tests between epochs, snapshots.

A run can stop between any two updates and go on from its snapshot to the same weights, bit for bit
(on the CPU, with as many threads): what is random depends on the seed and the number of the epoch
or update alone, and a snapshot keeps all the rest.

No update waits for the device. The losses are fetched from it when one is shown, for a line of the
metrics, and before each test and snapshot; so a loss that is not finite is found some updates after
its own, which have changed no weight (`step.py`).
"""

from collections import deque
from contextlib import closing
from math import isfinite, isnan
from signal import Signals
from time import monotonic

from torch import Tensor

from netspec.compiler.lints.pixel_range import find_unscaled_numbers
from netspec.compiler.program import CheckedNet
from netspec.recipe.run import Figures, Listener, Progress, TrainingError
from netspec_torch.compute import autocast
from netspec_torch.data import Loader
from netspec_torch.distributed.averages import with_mean_averages
from netspec_torch.distributed.checks import check_classes
from netspec_torch.divergence import explain
from netspec_torch.evaluate import evaluate
from netspec_torch.interrupts import Interrupts
from netspec_torch.layer_sizes import LayerSizes
from netspec_torch.losses import LossNotFiniteError
from netspec_torch.preparation import Job
from netspec_torch.records import BEST, LAST, Records
from netspec_torch.solver import set_rate
from netspec_torch.state import RunState

SECONDS_BETWEEN_SNAPSHOTS = 600
SECONDS_BETWEEN_REPORTS = 1.0
"""How often a device other than the CPU is waited for, so that the loss can be shown."""
LOGGED_STRETCHES = 200
MOST_UPDATES_A_STRETCH = 100


class InterruptedRunError(Exception):
    """The run was asked to stop."""

    def __init__(self, signal: Signals) -> None:
        super().__init__(signal.name)
        self.signal = signal


class DivergedError(TrainingError):
    """A loss is not finite."""


class Trainer:
    """Takes a job from the state it is in to its end."""

    def __init__(
        self,
        job: Job,
        records: Records,
        state: RunState,
        listener: Listener,
        interrupts: Interrupts,
    ) -> None:
        self._job = job
        self._records = records
        self._state = state
        self._listener = listener
        self._interrupts = interrupts
        self._clock = job.plan.clock
        self._stretch = max(1, min(MOST_UPDATES_A_STRETCH, job.plan.total // LOGGED_STRETCHES))
        self._begun = state.update
        """The updates that were done before."""
        self._losses = job.step.losses
        """Those since the last line in the metrics, and the errors."""
        self._losses.begin_with(state.loss_sum, state.error_sum)
        self._sizes = LayerSizes(job.local) if job.options.watch_layers else None
        self._speed = Speed()
        self._reported = self._saved = monotonic()

    def run(self) -> None:
        """Train to the end, testing after each epoch.

        Raises InterruptedRunError once a snapshot is written, and DivergedError where a loss is not
        finite.
        """
        try:
            self._train_and_test()
        except LossNotFiniteError as error:
            raise self._explain_update(error) from None

    def _train_and_test(self) -> None:
        try:
            while True:
                if self._is_test_due():
                    self._test()
                if self._state.update >= self._job.plan.total:
                    return
                self._train_epoch()
        except InterruptedRunError:
            self._save()
            raise

    def test(self, loader: Loader, views: int = 1) -> Figures:
        """Evaluate the net as it is; raises InterruptedRunError."""
        images = self._job.plan.test_images if loader is self._job.tests else self._held_out
        with with_mean_averages(self._job.local):
            return evaluate(
                self._job.module,
                loader,
                device=self._job.device,
                views=views,
                precision=self._job.options.settled_precision,
                progress=lambda done: self._note_testing(done, images),
                add=self._job.world.add,
                meet=self._job.local.meet,
            )

    @property
    def _held_out(self) -> int:
        return self._job.plan.data.held_out

    def _is_test_due(self) -> bool:
        update = self._state.update
        is_between = update % self._clock.updates_per_epoch == 0 or update >= self._job.plan.total
        return update > 0 and is_between and self._state.tested < update

    def _train_epoch(self) -> None:
        """Train to the end of the epoch or of the run, from wherever in it the run stands."""
        epoch, start = divmod(self._state.update, self._clock.updates_per_epoch)
        self._speed.restart()
        with closing(self._job.loaders.train.batches(epoch, start)) as batches:
            for images, labels in batches:
                self._update(images, labels)
                if self._state.update >= self._job.plan.total:
                    return
                self._stop_if_asked()

    def _update(self, images: Tensor, labels: Tensor) -> None:
        state = self._state
        rate = self._job.rates.at(state.update)
        set_rate(self._job.optimizer, rate)
        is_logged = (state.update + 1) % self._stretch == 0
        if is_logged and self._sizes is not None:
            self._sizes.remember()
        figures = self._job.step(images, labels, state.update)
        self._speed.note(self._clock.count_images(state.update))
        state.loss_count += 1
        state.update += 1
        if self._is_report_due():
            self._report(figures[0], rate)
        if is_logged:
            self._collect_losses()
            self._records.log_train(state, rate)
            if self._sizes is not None:
                self._records.log_sizes(state, self._sizes.measure())
            self._losses.begin_with(0.0, 0.0)
            state.loss_count = 0
        if self._is_snapshot_due():
            self._save_snapshot()

    def _is_snapshot_due(self) -> bool:
        """On all processes or on none; where a test is due, a snapshot follows it."""
        is_old = self._job.world.agree(monotonic() - self._saved > SECONDS_BETWEEN_SNAPSHOTS)
        every = self._job.options.snapshot_every
        is_wanted = every is not None and self._state.update % every == 0
        return bool(is_wanted or is_old) and not self._is_test_due()

    def _is_report_due(self) -> bool:
        if not self._job.world.is_first:
            return False
        is_free = self._job.device.type == "cpu"
        return is_free or monotonic() - self._reported > SECONDS_BETWEEN_REPORTS

    def _report(self, loss: Tensor, rate: float) -> None:
        if self._job.world.size == 1:  # several processes fetch the losses after the same updates
            self._collect_losses()
        update, total = self._state.update, self._job.plan.total
        self._reported = monotonic()
        self._listener.updated(
            Progress(
                update=update,
                total=total,
                epoch=update / self._clock.updates_per_epoch,
                loss=loss.item(),
                rate=rate,
                images_per_second=self._speed.images_per_second,
                seconds_left=self._speed.seconds_per_update * (total - update),
            )
        )

    def _test(self) -> None:
        self._collect_losses()
        check_classes(self._job.world, self._job.data)
        figures = self.test(self._job.tests)
        if not isfinite(figures.loss):
            raise self._explain_test(figures.loss)
        is_best = self._state.note_test(figures)
        self._records.log_test(self._state, figures, is_best=is_best)
        self._listener.tested(self._state.update, figures, is_best)
        if self._job.rates.observe(
            {"error": figures.error, "loss": figures.loss}, self._state.update
        ):
            self._listener.dropped(self._state.update, self._job.rates.at(self._state.update))
        if is_best:
            self._records.save_weights(BEST, self._state)
        self._save()

    def _save(self) -> None:
        """Write the weights for use, then the snapshot: a run that is ended in between goes on from
        the snapshot before, and writes both anew."""
        self._collect_losses()
        self._records.save_weights(LAST, self._state)
        self._save_snapshot()

    def _save_snapshot(self) -> None:
        self._collect_losses()
        self._records.save_snapshot(self._state)
        self._saved = monotonic()

    def _collect_losses(self) -> None:
        """Fetch the losses and errors; raises LossNotFiniteError."""
        self._state.loss_sum, self._state.error_sum = self._losses.fetch()

    def _explain_update(self, error: LossNotFiniteError) -> DivergedError:
        """Why a run ends before an update: where in the net its loss comes from. Its images are
        drawn again."""
        job, update = self._job, self._begun + error.updates_before
        self._state.update = update  # those after it have changed nothing
        place = divmod(update, self._clock.updates_per_epoch)
        with closing(job.loaders.train.batches(*place)) as batches:
            images, _ = next(batches)
        with autocast(job.device, job.options.settled_precision):
            parts = job.step.replay(images, update)
            where = explain(job.trained, job.net.graph, parts, job.world)
        what = f"the loss of update {update + 1:,}"
        return _diverged(job.net, what, error.loss, job.rates.at(update), where)

    def _explain_test(self, loss: float) -> DivergedError:
        """The same for held-out images, on which the net computes otherwise."""
        job, update = self._job, self._state.update
        job.module.eval()
        with with_mean_averages(job.local), autocast(job.device, job.options.settled_precision):
            batches = (job.local.meet(images) for images, _ in job.tests.views())
            where = explain(job.module, job.net.graph, batches, job.world)
        rate = job.rates.at(max(0, update - 1))
        return _diverged(job.net, f"the test loss after update {update:,}", loss, rate, where)

    def _note_testing(self, done: int, total: int) -> None:
        self._listener.testing(min(done * self._job.world.replicas, total), total)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        """Where one process was asked to stop, all do, between the same two updates."""
        received = self._job.world.agree(self._interrupts.received or 0)
        if received:
            raise InterruptedRunError(Signals(received))


def _diverged(net: CheckedNet, what: str, loss: float, rate: float, where: str) -> DivergedError:
    """A run that ends because a loss is not finite."""
    value = "not a number" if isnan(loss) else "infinite"
    likely = (f"{each.headline}: {each.help[0]}" for each in find_unscaled_numbers(net))
    general = (
        "a lower rate, a warm-up (`schedule …, warmup=1 epoch`), a larger batch or smaller "
        "starting values can help"
    )
    return DivergedError(
        f"the run diverged: {what}, at a rate of {rate:g}, is {value}",
        "\n".join([*likely, general]),
        cause="run",
        details=[where],
    )


class Speed:
    """How quickly updates have gone lately; tests in between do not count."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque([(monotonic(), 0)], maxlen=21)

    def restart(self) -> None:
        self._marks.clear()
        self._marks.append((monotonic(), 0))

    def note(self, images: int) -> None:
        """An update of so many images is done."""
        self._marks.append((monotonic(), images))

    @property
    def _seconds(self) -> float:
        return max(1e-9, self._marks[-1][0] - self._marks[0][0])

    @property
    def images_per_second(self) -> float:
        return sum(images for _, images in list(self._marks)[1:]) / self._seconds

    @property
    def seconds_per_update(self) -> float:
        return self._seconds / max(1, len(self._marks) - 1)
