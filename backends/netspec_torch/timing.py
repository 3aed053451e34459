"""`time_data`: how many images a second the data and the training step reach, each alone and both
together, and so which of the two a training waits for.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor

from netspec.compiler.program import CheckedNet
from netspec.recipe.data_report import DataTiming
from netspec.recipe.device import Precision
from netspec.recipe.run import Listener, TrainingError
from netspec_torch.compute import choose_device, describe_device
from netspec_torch.data import DataError, Loader
from netspec_torch.distributed.world import World
from netspec_torch.options import Options
from netspec_torch.preparation import Job, prepare
from netspec_torch.run_folder import choose_run_folder

Batch = tuple[Tensor, Tensor]
FEWEST_BATCHES = 2


def time_data(
    net: CheckedNet,
    *,
    data: Path | str | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    seconds: float = 5,
    listener: Listener | None = None,
) -> DataTiming:
    """Time a data set and a net's training on it, for some seconds each. Nothing is written.

    Raises TrainingError where the training could not begin, and CompileError where the spec does
    not hold with the data's number of classes.
    """
    options = Options(data=None if data is None else str(data), device=device, precision=precision)
    try:
        world = World(choose_device(device))
        folder = choose_run_folder(None, net.name)
        job = prepare(net, options, folder, None, listener or Listener(), world)
        with torch.random.fork_rng([job.device] if job.device.type == "cuda" else []):
            return _time(job, seconds)
    except DataError as error:
        raise TrainingError(error.message, error.help, cause="usage") from error


def _time(job: Job, seconds: float) -> DataTiming:
    loader = job.loaders.train
    if loader.keeps_pixels:
        for _ in loader.batches(0):
            pass
    with closing(_draw_batches(loader)) as batches:
        batch = next(batches)

    def update(batch: Batch) -> None:
        job.step(*batch, 0)

    def repeat() -> Generator[Batch]:
        while True:
            yield batch

    rates = [
        _measure(batches, work, seconds, job.device)
        for batches, work in (
            (_draw_batches(loader), lambda batch: None),
            (repeat(), update),
            (_draw_batches(loader), update),
        )
    ]
    reading, step, together = rates
    notes = ("the pixels of all images are kept in memory",) if loader.keeps_pixels else ()
    return DataTiming(
        net=job.net.name,
        device=describe_device(job.device),
        batch=job.recipe.batch,
        reading=reading,
        step=step,
        together=together,
        notes=notes,
    )


def _draw_batches(loader: Loader) -> Generator[Batch]:
    """Batches without end; epoch 0 has been drawn where pixels are kept."""
    epoch = 1
    while True:
        with closing(loader.batches(epoch)) as batches:
            yield from batches
        epoch += 1


def _measure(
    batches: Generator[Batch],
    work: Callable[[Batch], None],
    seconds: float,
    device: torch.device,
) -> float:
    """Images a second, the first batch left out."""
    with closing(batches):
        work(next(batches))
        _wait_for(device)
        begin = monotonic()
        images = 0
        for count, batch in enumerate(batches, start=1):
            work(batch)
            images += len(batch[1])
            if count >= FEWEST_BATCHES and monotonic() - begin > seconds:
                break
        _wait_for(device)
        return images / (monotonic() - begin)


def _wait_for(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
