"""Batches of a split on the training device: order, drawing, reading ahead.

A batch is decided by the seed, the epoch and its number: a run that goes on in the middle of an
epoch sees the bytes that it would have seen. Images are read ahead on threads as uint8; everything
else is done on the device when a batch is asked for.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from netspec.recipe.data import Transform
from netspec.recipe.recipe import Recipe
from netspec.tensor import Shape
from netspec_torch.data.dataset import DataSet, Labels, Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.fetching import CACHE_BYTES, Fetcher, map_ahead
from netspec_torch.data.order import draw_order
from netspec_torch.data.pipeline import Pipeline
from netspec_torch.data.reading import plan_reading
from netspec_torch.data.share import WHOLE, Share
from netspec_torch.data.stages import need_statistics
from netspec_torch.data.statistics import Measure, Progress, Statistics, measure_statistics


class Loader:
    """A split as batches."""

    def __init__(
        self,
        split: Split,
        transforms: Sequence[Transform],
        shape: Shape,
        *,
        batch: int,
        seed: int,
        share: Share = WHOLE,
        statistics: Statistics | None = None,
        device: torch.device | str = "cpu",
        memory_format: torch.memory_format = torch.contiguous_format,
        threads: int | None = None,
        cache_bytes: int = CACHE_BYTES,
        measure: Measure = measure_statistics,
        progress: Progress | None = None,
    ) -> None:
        """Batches of `batch` images for a net whose input has the given shape, or this process's
        share of each.

        `statistics` are the training split's; where the transforms need some and none are given
        `measure` takes them of this split, which is right for the training split alone, and tells
        `progress`. `threads` decode at once; a split whose pixels fit in `cache_bytes` is decoded
        once.

        Raises DataError where data, recipe and net do not fit each other.
        """
        self.batch = batch
        self.seed = seed
        self.share = share
        self._device = torch.device(device)
        self._shape = shape
        reading = plan_reading(transforms, shape, split.images.channels)
        self.note = reading.note or _note_enlarging(split, reading.form)
        """What the plan has to say of how images are read; empty where nothing."""
        self._fetcher = Fetcher(
            split,
            reading.form,
            threads=threads,
            cache_bytes=cache_bytes,
            pin_memory=self._device.type == "cuda",
        )
        if statistics is None and need_statistics(transforms):
            statistics = split.measured.get(reading.form)
            statistics = statistics or measure(self._fetcher, progress)
        self.statistics = statistics
        """What the transforms subtract and divide by; None where they need nothing."""
        self._pipeline = Pipeline(
            reading.rest,
            self._fetcher.image_shape,
            shape,
            statistics=statistics,
            device=self._device,
            memory_format=memory_format,
        )

    @property
    def keeps_pixels(self) -> bool:
        """Whether images are decoded once and kept, as they are few and small."""
        return self._fetcher.keeps_pixels

    def __len__(self) -> int:
        """The batches of an epoch; the last may be smaller."""
        return -(-len(self._fetcher.split) // self.batch)

    def batches(self, epoch: int, start: int = 0) -> Generator[tuple[Tensor, Tensor]]:
        """The training batches of an epoch, from 0, in an order of its own, from number `start` on.

        Yields images, N x channels x height x width float32, and labels, N int64, on the device.
        The place of an image that cannot be read is taken by the next one of the split that can.
        Leave the loop, or close the iterator, and no thread stays behind.
        """
        total = len(self._fetcher.split)
        order = draw_order(total, self.batch, self._fetcher.split.shards, self.seed, epoch)
        drawn = self._pipeline.draw(self.seed, epoch, total)
        runs = [
            self.share.cut(slice(i, min(i + self.batch, total)))
            for i in range(start * self.batch, total, self.batch)
        ]
        fetched = map_ahead(
            lambda run: self._fetcher.fetch_all(order[run]), runs, self._fetcher.threads
        )
        with closing(fetched):
            for run, (images, indices) in zip(runs, fetched, strict=True):
                yield self._pipeline.train(images, drawn, run), self._labels(indices)

    def views(self, count: int = 1) -> Generator[tuple[Tensor, Tensor]]:
        """The whole split in its order as test images, each in `count` views: 1 or 10.

        Yields images, (N * count) x channels x height x width, the views of an image next to each
        other, and labels, N. A batch holds as many views as a training batch has images, or those
        of one image. Images that cannot be read are left out. A share is a run of the split, in as
        many batches as those of the other processes; N may be 0.
        """
        own = self.share.cut(slice(0, len(self._fetcher.split)))
        most = -(-len(self._fetcher.split) // self.share.of)
        each = -(-max(1, self.batch // count) // self.share.of)
        runs = [
            np.arange(own.start + i, min(own.start + i + each, own.stop))
            for i in range(0, most, each)
        ]
        fetched = map_ahead(self._fetcher.fetch, runs, self._fetcher.threads)
        with closing(fetched):
            for images, indices in fetched:
                if len(indices):
                    yield self._pipeline.test(images, count), self._labels(indices)
                elif not self.share.is_whole:
                    yield torch.empty(0, *self._shape, device=self._device), self._labels(indices)

    def _labels(self, indices: Labels) -> Tensor:
        labels = torch.from_numpy(self._fetcher.split.labels[indices])
        return labels.to(self._device, non_blocking=True)


def _note_enlarging(split: Split, form: Form) -> str:
    side = split.shorter_side
    if side is None or not isinstance(form.resize, int) or form.resize <= side:
        return ""
    return (
        f"the recipe resizes to {form.resize} pixels, and images are packed with {side}: they are "
        "enlarged"
    )


class Loaders(NamedTuple):
    """What a run reads from."""

    train: Loader
    held_out: Loader
    statistics: Statistics | None
    """Measured on the training images; a run saves them, and gives them back when it goes on."""
    channels: int | None
    """The channels that every image of the set has, None where they may differ; with the statistics
    it is what `prepare_image` needs."""
    notes: tuple[str, ...]
    """What the plan has to say of how images are read."""


def open_loaders(
    data: DataSet,
    recipe: Recipe,
    shape: Shape,
    *,
    seed: int,
    share: Share = WHOLE,
    device: torch.device | str = "cpu",
    memory_format: torch.memory_format = torch.contiguous_format,
    statistics: Statistics | None = None,
    threads: int | None = None,
    measure: Measure = measure_statistics,
    progress: Progress | None = None,
) -> Loaders:
    """Both splits of a data set under a recipe, for a net whose input has the given shape.

    Statistics that the recipe needs are measured unless given; that reads every training image
    once, and `progress` is told how many. Raises DataError where data, recipe and net do not fit
    each other.
    """
    train = Loader(
        data.train,
        recipe.transforms,
        shape,
        batch=recipe.batch,
        seed=seed,
        share=share,
        statistics=statistics,
        device=device,
        memory_format=memory_format,
        threads=threads,
        measure=measure,
        progress=progress,
    )
    held_out = Loader(
        data.held_out,
        recipe.test_transforms,
        shape,
        batch=recipe.test_batch or recipe.batch,
        seed=seed,
        share=share,
        statistics=train.statistics,
        device=device,
        memory_format=memory_format,
        threads=threads,
    )
    notes = tuple(dict.fromkeys(note for note in (train.note, held_out.note) if note))
    channels = data.train.images.channels
    return Loaders(train, held_out, train.statistics, channels, notes)
