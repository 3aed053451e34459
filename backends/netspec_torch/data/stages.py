"""A recipe's transforms as steps, each with the numbers that it needs.

Every step after the first sees pixels that earlier ones have changed. What was measured on the
images as they were read is therefore carried along: the mean image, the mean colour and the
directions of colour go through the same steps, in their test form, and each step takes them as
they are where it stands. So `scale 1 / 255; subtract mean` subtracts a scaled mean, the mean of a
crop is its centre, and lighting keeps to the 0 to 255 scale whatever has been divided before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from netspec.recipe.data import (
    Crop,
    Divide,
    Grey,
    Lighting,
    Mirror,
    Resize,
    Scale,
    Subtract,
    Transform,
)
from netspec.schema import HeightWidth
from netspec_torch.data.errors import DataError
from netspec_torch.data.statistics import Statistics
from netspec_torch.data.steps import (
    AddStep,
    CropStep,
    GreyStep,
    LightingStep,
    MirrorStep,
    ResizeStep,
    ScaleStep,
    Step,
)

LUMINANCE = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601), as JPEG and Pillow weigh them."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What is known of the pixels at one place between two steps."""

    size: HeightWidth
    colours: Tensor
    """(2 + channels read) x channels x 1 x 1, float64: what black, the mean colour and each pure
    channel of the images as they were read have become."""
    mean_image: Tensor | None
    """1 x channels x height x width, float64."""
    components: Tensor | None
    """channels read x components, of the images as they were read."""
    covariance: Tensor | None

    @property
    def channels(self) -> int:
        return self.colours.shape[1]

    @property
    def mean_colour(self) -> Tensor:
        return self.colours[1:2]

    @property
    def linear(self) -> Tensor:
        """channels x channels read: what the steps so far do to a difference of two colours."""
        return (self.colours[2:] - self.colours[:1]).flatten(1).T


def build_steps(
    transforms: Sequence[Transform], image_shape: Sequence[int], statistics: Statistics | None
) -> tuple[tuple[Step, ...], HeightWidth, int]:
    """The steps for images of the given height, width and channels; then the size and the channels
    that come out. Raises DataError where a transform does not fit the images."""
    stage = _first_stage(image_shape, statistics)
    steps: list[Step] = []
    for transform in transforms:
        step = BUILDERS[type(transform)](transform, stage)
        steps.append(step)
        stage = _pass_through(step, stage)
    return tuple(steps), stage.size, stage.channels


def _first_stage(image_shape: Sequence[int], statistics: Statistics | None) -> Stage:
    height, width, channels = image_shape
    colours = torch.zeros(2 + channels, channels, dtype=torch.float64)
    colours[2:] = torch.eye(channels)
    size = HeightWidth(height, width)
    if statistics is None:
        return Stage(size, colours[..., None, None], None, None, None)
    if statistics.mean_image.shape != (channels, height, width):
        raise DataError(
            "the means were measured on images of "
            f"{'x'.join(map(str, statistics.mean_image.shape))}, and these are "
            f"{channels}x{height}x{width}"
        )
    colours[1] = statistics.channel_mean
    return Stage(
        size,
        colours[..., None, None],
        statistics.mean_image[None],
        statistics.components,
        statistics.covariance,
    )


def _pass_through(step: Step, stage: Stage) -> Stage:
    """The stage behind a step. Steps may overwrite what they get, so they get copies."""
    colours, size = stage.colours, stage.size
    if step.moves_pixels:
        height, width = step.test(torch.zeros(1, 1, *size), 1).shape[2:]
        size = HeightWidth(height, width)
    else:
        colours = step.test(colours.clone(), 1).mean((2, 3), keepdim=True)
    mean = None if stage.mean_image is None else step.test(stage.mean_image.clone(), 1)
    return Stage(size, colours, mean, stage.components, stage.covariance)


def _build_crop(crop: Crop, stage: Stage) -> Step:
    if crop.size.height > stage.size.height or crop.size.width > stage.size.width:
        raise DataError(
            f"the recipe crops {crop.size} out of images of {stage.size}",
            "`resize` first to a shorter side that holds the crop",
        )
    return CropStep(crop.size, is_random=crop.at is None)


def _build_subtract(subtract: Subtract, stage: Stage) -> Step:
    if subtract.statistic == "pixel":
        return AddStep(-_measured(stage.mean_image))
    if subtract.statistic == "channel":
        return AddStep(-stage.mean_colour)
    return AddStep(-_per_channel(subtract.numbers, "subtract", stage))


def _build_divide(divide: Divide, stage: Stage) -> Step:
    if divide.numbers:
        return ScaleStep(1 / _per_channel(divide.numbers, "divide", stage))
    covariance = stage.linear @ _measured(stage.covariance) @ stage.linear.T
    spread = covariance.diagonal().clamp(min=0).sqrt()
    if spread.min() == 0:
        raise DataError("the recipe divides by `std`, and a channel of the images has one value")
    return ScaleStep(1 / spread[None, :, None, None])


def _build_lighting(lighting: Lighting, stage: Stage) -> Step:
    return LightingStep(stage.linear @ _measured(stage.components), lighting.std)


def _build_grey(grey: Grey, stage: Stage) -> Step:
    weights = LUMINANCE if stage.channels == 3 else (1.0,)
    return GreyStep(torch.tensor(weights, dtype=torch.float64)[None, :, None, None])


def _measured(value: Tensor | None) -> Tensor:
    if value is None:
        raise ValueError("these transforms need statistics of the training images")
    return value


def _per_channel(numbers: Sequence[float], word: str, stage: Stage) -> Tensor:
    """Given numbers as 1 x channels x 1 x 1; grey images take a list for the channels to come."""
    if len(numbers) not in (1, stage.channels) and stage.channels != 1:
        raise DataError(
            f"the recipe's `{word}` has {len(numbers)} numbers, and the images have "
            f"{stage.channels} channels"
        )
    return torch.tensor(numbers, dtype=torch.float64)[None, :, None, None]


BUILDERS: dict[type[Transform], Callable[[Any, Stage], Step]] = {
    Resize: lambda resize, stage: ResizeStep(resize.side),
    Crop: _build_crop,
    Mirror: lambda mirror, stage: MirrorStep(),
    Scale: lambda scale, stage: ScaleStep(
        torch.full((1, 1, 1, 1), scale.factor, dtype=torch.float64)
    ),
    Subtract: _build_subtract,
    Divide: _build_divide,
    Lighting: _build_lighting,
    Grey: _build_grey,
}
"""A function for each transform of the language."""


def need_statistics(transforms: Sequence[Transform]) -> bool:
    """Whether something has to be measured on the training images."""
    return any(
        isinstance(transform, Lighting)
        or (isinstance(transform, Subtract) and transform.statistic is not None)
        or (isinstance(transform, Divide) and not transform.numbers)
        for transform in transforms
    )
