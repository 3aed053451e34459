"""Measures what the loop of a training adds to its steps, and whether it waits for images.

`netspec_torch.train` trains a spec by its own recipe on the built-in photographs. Every update is
divided into the step (loss, gradients, solver), waiting for images that are not read yet, preparing
them on the device (crop, mirror, mean, noise), and all else: the loop itself. Beside them stands
the step alone, on batches that are there already. The first updates warm up. A second, shorter run
is watched by torch.profiler, whose own count of the same parts is printed below. Tests and
snapshots are left out: the first belong to the recipe, the second have a benchmark of their own.

    python tests/bench/bench_training_loop.py [--updates 20] [--precision bf16] [FILE …]
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

import netspec
import netspec_torch
from netspec.compiler.program import CheckedNet
from netspec.recipe.device import Precision
from netspec_torch.data import loader
from netspec_torch.data.fetching import map_ahead
from netspec_torch.data.pipeline import Pipeline
from netspec_torch.step import TrainingStep
from netspec_torch.trainer import Trainer

SPECS = Path(__file__).parents[2] / "specs"
WARM_UP = 3
PROFILED = 6
KEPT_BATCHES = 4
WHOLE = "an epoch"
STEP = "the step"
WAITING = "waiting for images"
PREPARING = "preparing them"
LOOP = "the loop itself"


class Watched:
    """A run whose parts are timed, and named to the profiler."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, list[float]] = defaultdict(list)
        """The seconds of each part, update by update."""
        self.begun: list[float] = []
        """When each step began."""
        self.is_training = False
        """Whether an epoch runs; tests in between are left out."""
        self.batches: list[tuple[Tensor, Tensor]] = []
        """The last ones."""
        self.step: TrainingStep | None = None

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that does the same, timed as a part."""

        def call(*arguments: Any, **named: Any) -> Any:
            if not self.is_training:
                return function(*arguments, **named)
            begin = perf_counter()
            with record_function(part):
                result = function(*arguments, **named)
            self.taken[part].append(perf_counter() - begin)
            return result

        return call

    def train(self, net: CheckedNet, updates: int, precision: Precision) -> None:
        """Train for so many updates, which are fewer than an epoch has."""
        with ExitStack() as patches, TemporaryDirectory() as folder:
            for place, name, instead in (
                (TrainingStep, "__call__", self.watch_step()),
                (loader, "map_ahead", self.watch_images()),
                (Pipeline, "train", self.timed(PREPARING, Pipeline.train)),
                (Trainer, "_train_epoch", self.watch_epoch()),
            ):
                patches.enter_context(patch.object(place, name, instead))
            netspec_torch.train(
                net,
                iterations=updates,
                precision=precision,
                eval_images=1,
                device="cpu",
                out=Path(folder) / "run",
            )

    def watch_step(self) -> Callable[[TrainingStep, Tensor, Tensor, int], Tensor]:
        compute = self.timed(STEP, TrainingStep.__call__)

        def step(here: TrainingStep, images: Tensor, labels: Tensor, update: int) -> Tensor:
            self.step = here
            self.batches = [*self.batches[-KEPT_BATCHES + 1 :], (images, labels)]
            self.begun.append(perf_counter())
            loss: Tensor = compute(here, images, labels, update)
            return loss

        return step

    def watch_images(self) -> Callable[..., Iterator[Any]]:
        def watched(*arguments: Any) -> Iterator[Any]:
            results = map_ahead(*arguments)
            take = self.timed(WAITING, lambda: next(results, None))
            try:
                yield from iter(take, None)
            finally:
                results.close()

        return watched

    def watch_epoch(self) -> Callable[[Trainer], None]:
        def epoch(trainer: Trainer) -> None:
            with record_function(WHOLE):
                self.is_training = True
                train(trainer)
                self.is_training = False

        train = Trainer._train_epoch
        return epoch

    def sum_up(self) -> dict[str, float]:
        """Milliseconds an update, from the beginning of a step to that of the next."""
        updates = len(self.begun)
        parts = {
            STEP: sum(self.taken[STEP][WARM_UP:-1]),
            WAITING: sum(self.taken[WAITING][WARM_UP + 1 : updates]),
            PREPARING: sum(self.taken[PREPARING][WARM_UP + 1 : updates]),
        }
        parts[LOOP] = self.begun[-1] - self.begun[WARM_UP] - sum(parts.values())
        return {part: 1000 * seconds / (updates - 1 - WARM_UP) for part, seconds in parts.items()}

    def time_step_alone(self, updates: int) -> float:
        """Milliseconds of the same step on batches that are there already."""
        assert self.step is not None
        begin = perf_counter()
        for update in range(updates):
            self.step(*self.batches[update % len(self.batches)], update)
        return 1000 * (perf_counter() - begin) / updates


def show_times(title: str, parts: dict[str, float], alone: float) -> None:
    whole = sum(parts.values())
    print(f"\n| {title} | ms an update | share |\n|---|---:|---:|")
    for part, ms in {**parts, "all": whole, "the step alone": alone}.items():
        print(f"| {part} | {ms:,.2f} | {100 * ms / whole:.2f} % |")


def show_profile(net: CheckedNet, precision: Precision) -> None:
    """What torch.profiler counts of a short run: the parts, and the operations that take most."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        Watched().train(net, PROFILED, precision)
    averages = profiler.key_averages()
    times = {event.key: event.cpu_time_total for event in averages}
    whole = times[WHOLE]
    loop = whole - sum(times[part] for part in (STEP, WAITING, PREPARING))
    print(
        f"\nBy the profiler, {PROFILED} updates: {whole / 1e6:.2f} s, of which the loop itself has "
        f"{loop / 1e3:.1f} ms, {100 * loop / whole:.2f} %.\n"
    )
    print(averages.table(sort_by="self_cpu_time_total", row_limit=12, max_name_column_width=50))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="bf16")
    options = parser.parse_args()
    for file in options.files or [SPECS / "alexnet.net", SPECS / "lenet.net"]:
        net = netspec.load(file).net
        assert net.recipe is not None
        watched = Watched()
        watched.train(net, options.updates, options.precision)
        title = f"`{file.name}`, {options.precision}, batch {net.recipe.batch}"
        show_times(title, watched.sum_up(), watched.time_step_alone(options.updates))
        show_profile(net, options.precision)


if __name__ == "__main__":
    main()
