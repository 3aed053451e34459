"""From the pixels of a batch to what a net reads, on the device: the steps of a recipe in order.

Reading images is decided in `reading` and done in `fetching`; what a step computes stands in
`steps`.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor

from netspec.recipe.data import Transform
from netspec.tensor import Shape
from netspec_torch.data.decoding import ColourImageError, decode_image
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import colour_error
from netspec_torch.data.memory import BatchMemory
from netspec_torch.data.randomness import make_generator
from netspec_torch.data.reading import plan_reading
from netspec_torch.data.stages import build_steps
from netspec_torch.data.statistics import Statistics
from netspec_torch.data.steps import CropStep, Step

IMAGES_AT_ONCE = 16
"""More on a CPU would no longer stay in its cache, and with fewer the calls take longer than the
work."""

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
        self._memory = BatchMemory()

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
        of_batch = [None if of_step is None else of_step[rows] for of_step in drawn]

        def compute(part: slice, target: Tensor | None) -> Tensor:
            batch = self._start(images[part])
            for step, of_step in zip(self._steps, of_batch, strict=True):
                batch = self._with_floats(step, batch, target)
                batch = step.test(batch, 1) if of_step is None else step.train(batch, of_step[part])
            return self._as_floats(batch, target)

        return self._run(compute, len(images))

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

        def compute(part: slice, target: Tensor | None) -> Tensor:
            batch = self._start(images[part])
            for step in self._steps:
                batch = step.test(self._with_floats(step, batch, target), views)
            return self._as_floats(batch, target)

        return self._run(compute, len(images), views)

    def _run(
        self, compute: Callable[[slice, Tensor | None], Tensor], count: int, views: int = 1
    ) -> Tensor:
        """What `compute` makes of all images: on a CPU a few at a time, which then stay in its
        cache from the first step to the last, else all at once."""
        shape = self._shape
        if self._device.type != "cpu":
            batch = compute(slice(None), None).expand(-1, shape.channels, -1, -1)
            return batch.contiguous(memory_format=self._memory_format)
        size = (count * views, shape.channels, shape.height, shape.width)
        batch = self._memory.take_floats(size, self._memory_format)
        for start in range(0, count, IMAGES_AT_ONCE):
            part = slice(start, start + IMAGES_AT_ONCE)
            target = batch[start * views : (start + IMAGES_AT_ONCE) * views]
            computed = compute(part, target)
            if computed.data_ptr() != target.data_ptr():
                target.copy_(computed)
        return batch

    def _start(self, images: Tensor) -> Tensor:
        return images.to(self._device, non_blocking=True).permute(0, 3, 1, 2)

    def _with_floats(self, step: Step, batch: Tensor, target: Tensor | None) -> Tensor:
        return self._as_floats(batch, target) if step.needs_floats else batch

    def _as_floats(self, batch: Tensor, target: Tensor | None) -> Tensor:
        """The batch as float32: a copy if it was uint8, in the layout that is wanted at the end,
        and in the target's memory where it has the target's shape."""
        if batch.dtype == torch.float32:
            return batch
        if target is not None and target.shape == batch.shape:
            return target.copy_(batch)
        return batch.to(torch.float32, memory_format=self._memory_format)

    def _move(self, step: Step) -> Step:
        """The step with its numbers on the device, float32."""
        numbers = {f.name: getattr(step, f.name) for f in fields(step)}  # type: ignore[arg-type]
        moved = {
            name: self._lay_out(value.to(self._device, torch.float32))
            for name, value in numbers.items()
            if isinstance(value, Tensor)
        }
        return replace(step, **moved) if moved else step  # type: ignore[type-var]

    def _lay_out(self, value: Tensor) -> Tensor:
        """Numbers as the images that they are combined with lie in memory."""
        return value.contiguous(memory_format=self._memory_format) if value.dim() == 4 else value


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
    (`Loaders`). Where all images were grey, one in colour becomes grey too. Raises
    UnreadableImageError and DataError.
    """
    reading = plan_reading(transforms, shape, channels)
    form = reading.form._replace(to_grey=reading.form.to_grey or channels == 1)
    try:
        pixels = torch.from_numpy(decode_image(data, form).copy())
    except ColourImageError:
        raise colour_error("the image") from None
    pipeline = Pipeline(reading.rest, pixels.shape, shape, statistics=statistics)
    return pipeline.test(pixels[None], views)


def _size_error(transforms: Sequence[Transform], size: str, shape: Shape) -> DataError:
    wanted = f"{shape.height}x{shape.width}"
    return DataError(
        f"the recipe leaves images of {size}, and the net reads {wanted}",
        f"let the last of `resize` and `crop` in the recipe's data give {wanted}",
    )
