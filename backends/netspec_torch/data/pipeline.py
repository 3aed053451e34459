"""From the pixels of a batch to what a net reads, on the device: the steps of a recipe in order.

Reading images is decided in `reading` and done in `fetching`; what a step computes stands in
`steps`.
"""

from collections.abc import Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor

from netspec.recipe.data import Transform
from netspec.tensor import Shape
from netspec_torch.data.decoding import decode_image
from netspec_torch.data.errors import DataError
from netspec_torch.data.randomness import make_generator
from netspec_torch.data.reading import plan_reading
from netspec_torch.data.stages import build_steps
from netspec_torch.data.statistics import Statistics
from netspec_torch.data.steps import CropStep, Step

Drawn = tuple[Tensor | None, ...]
"""What is random in an epoch: for each step one row an image, or None."""


class Pipeline:
    """The steps of a recipe for images of one shape and the input of one net."""

    def __init__(
        self,
        transforms: Sequence[Transform],
        image_shape: Sequence[int],
        shape: Shape,
        *,
        statistics: Statistics | None = None,
        device: torch.device | str = "cpu",
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        """`transforms` are those that reading has left, `image_shape` is height x width x channels
        as read, `shape` the net's input.

        Raises DataError where the transforms do not fit the images, or what comes out of them is
        not what the net reads.
        """
        self._shape = shape
        self._device = torch.device(device)
        self._memory_format = memory_format
        steps, size, channels = build_steps(transforms, image_shape, statistics)
        if size != (shape.height, shape.width):
            raise _size_error(transforms, str(size), shape)
        if channels not in (1, shape.channels):
            raise DataError(
                f"the recipe leaves images of {channels} channels, and the net reads "
                f"{shape.channels}"
            )
        self._steps = tuple(self._move(step) for step in steps)

    def draw(self, seed: int, epoch: int, count: int) -> Drawn:
        """Draw what is random for an epoch of `count` images. It depends on these numbers alone."""
        drawn = (
            step.draw(make_generator(seed, epoch, place), count)
            for place, step in enumerate(self._steps, start=1)
        )
        return tuple(None if rows is None else torch.from_numpy(rows) for rows in drawn)

    def train(self, images: Tensor, drawn: Drawn, rows: slice) -> Tensor:
        """Training images, N x channels x height x width float32, from uint8 N x height x width x
        channels as read, which may be overwritten; `rows` says which of what was drawn is
        theirs."""
        batch = self._start(images)
        for step, of_step in zip(self._steps, drawn, strict=True):
            batch = self._with_floats(step, batch)
            batch = step.test(batch, 1) if of_step is None else step.train(batch, of_step[rows])
        return self._finish(batch)

    def test(self, images: Tensor, views: int = 1) -> Tensor:
        """Test images, (N * views) x channels x height x width float32, the views of an image next
        to each other: the centre alone, or four corners and centre, then these mirrored.

        Raises DataError where ten views are asked for and the recipe has not one crop.
        """
        crops = sum(isinstance(step, CropStep) for step in self._steps)
        if views != 1 and crops != 1:
            raise DataError(
                f"the recipe tests on {views} views, and its data has "
                f"{'no `crop`' if crops == 0 else 'more than one `crop`'} to take them from",
                "write `views 1`, or one `crop` that is smaller than the images",
            )
        batch = self._start(images)
        for step in self._steps:
            batch = step.test(self._with_floats(step, batch), views)
        return self._finish(batch)

    def _start(self, images: Tensor) -> Tensor:
        return images.to(self._device, non_blocking=True).permute(0, 3, 1, 2)

    def _with_floats(self, step: Step, batch: Tensor) -> Tensor:
        return self._as_floats(batch) if step.needs_floats else batch

    def _as_floats(self, batch: Tensor) -> Tensor:
        """The batch as float32: a copy if it was uint8, in the layout that is wanted at the end."""
        if batch.dtype == torch.float32:
            return batch
        return batch.to(torch.float32, memory_format=self._memory_format)

    def _finish(self, batch: Tensor) -> Tensor:
        batch = self._as_floats(batch).expand(-1, self._shape.channels, -1, -1)
        return batch.contiguous(memory_format=self._memory_format)

    def _move(self, step: Step) -> Step:
        """The step with its numbers on the device, float32."""
        numbers = {f.name: getattr(step, f.name) for f in fields(step)}  # type: ignore[arg-type]
        moved = {
            name: value.to(self._device, torch.float32)
            for name, value in numbers.items()
            if isinstance(value, Tensor)
        }
        return replace(step, **moved) if moved else step  # type: ignore[type-var]


def prepare_image(
    data: bytes,
    transforms: Sequence[Transform],
    shape: Shape,
    *,
    channels: int | None,
    statistics: Statistics | None = None,
    views: int = 1,
) -> Tensor:
    """One image file as a trained net reads it: views x channels x height x width.

    `transforms` are the recipe's for a test, `channels` and `statistics` those that training had
    (`Loaders`). Raises UnreadableImageError and DataError.
    """
    reading = plan_reading(transforms, shape, channels)
    pixels = torch.from_numpy(decode_image(data, reading.form).copy())
    pipeline = Pipeline(reading.rest, pixels.shape, shape, statistics=statistics)
    return pipeline.test(pixels[None], views)


def _size_error(transforms: Sequence[Transform], size: str, shape: Shape) -> DataError:
    wanted = f"{shape.height}x{shape.width}"
    return DataError(
        f"the recipe leaves images of {size}, and the net reads {wanted}",
        f"let the last of `resize` and `crop` in the recipe's data give {wanted}",
    )
