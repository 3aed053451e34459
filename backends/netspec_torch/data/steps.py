"""The steps of a pipeline: what a recipe's transforms do to a batch, in training and in a test.

A batch is N x channels x height x width. Cropping and mirroring work on uint8 as well, arithmetic
gets floats, and both may overwrite what they get. What is random is drawn for a whole epoch at
once, one row an image, so that what befalls an image depends on the seed, the epoch and its place
alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from netspec.schema import HeightWidth


class Step(ABC):
    """One step; without randomness training and test do the same."""

    needs_floats: ClassVar[bool] = True
    """Whether it computes with the values of pixels."""
    moves_pixels: ClassVar[bool] = False
    """Whether it changes where pixels lie, and nothing of their colour."""

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.float64] | None:
        """What is random, for `count` images; None where nothing is."""
        return None

    def train(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Do it as in training, with the rows drawn for these images (on the CPU)."""
        return self.test(images, 1)

    @abstractmethod
    def test(self, images: Tensor, views: int) -> Tensor:
        """Do it as in a test. A crop makes `views` images of each, next to each other."""


@dataclass(frozen=True, eq=False)
class CropStep(Step):
    """A window of the image: in training anywhere or at the centre, in a test the centre or the ten
    views."""

    needs_floats: ClassVar[bool] = False
    moves_pixels: ClassVar[bool] = True
    size: HeightWidth
    is_random: bool = True

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.float64] | None:
        """Two fractions an image, of the places that the window has down and across."""
        return generator.random((count, 2)) if self.is_random else None

    def train(self, images: Tensor, drawn: Tensor) -> Tensor:
        places = np.array(images.shape[2:]) - self.size + 1
        corners = (drawn.numpy() * places).astype(np.int64)
        if images.device.type == "cpu":
            return self._cut_each(images, corners.tolist())
        top, left = torch.from_numpy(corners).to(images.device, non_blocking=True).unbind(1)
        windows = images.unfold(2, self.size.height, 1).unfold(3, self.size.width, 1)
        each = torch.arange(len(images), device=images.device)
        return windows.permute(0, 2, 3, 1, 4, 5)[each, top, left]

    def _cut_each(self, images: Tensor, corners: list[list[int]]) -> Tensor:
        """One window after another: on a CPU several times as quick as all of them at once."""
        windows = torch.empty_like(self._cut(images, 0, 0))
        source, target = images.numpy(), windows.numpy()
        for i, (top, left) in enumerate(corners):
            bottom, right = top + self.size.height, left + self.size.width
            target[i] = source[i, :, top:bottom, left:right]
        return windows

    def test(self, images: Tensor, views: int) -> Tensor:
        bottom, right = images.shape[2] - self.size.height, images.shape[3] - self.size.width
        centre = self._cut(images, bottom // 2, right // 2)
        if views == 1:
            return centre
        corners = [self._cut(images, top, left) for top in (0, bottom) for left in (0, right)]
        upright = torch.stack([*corners, centre], dim=1)
        return torch.cat([upright, upright.flip(4)], dim=1).flatten(0, 1)

    def _cut(self, images: Tensor, top: int, left: int) -> Tensor:
        return images[:, :, top : top + self.size.height, left : left + self.size.width]


@dataclass(frozen=True, eq=False)
class MirrorStep(Step):
    """Left and right swapped with probability 1/2; nothing in a test."""

    needs_floats: ClassVar[bool] = False
    moves_pixels: ClassVar[bool] = True

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
        return generator.random(count)

    def train(self, images: Tensor, drawn: Tensor) -> Tensor:
        rows = np.flatnonzero(drawn.numpy() < 0.5)
        if images.device.type == "cpu":  # One at a time they stay in its cache.
            for row in rows.tolist():
                images[row : row + 1] = images[row : row + 1].flip(3)
            return images
        mirrored = torch.from_numpy(rows).to(images.device, non_blocking=True)
        images[mirrored] = images[mirrored].flip(3)
        return images

    def test(self, images: Tensor, views: int) -> Tensor:
        return images


@dataclass(frozen=True, eq=False)
class ResizeStep(Step):
    """The shorter side to a length, the centre square kept: bilinear, without aliasing."""

    moves_pixels: ClassVar[bool] = True
    side: int

    def test(self, images: Tensor, views: int) -> Tensor:
        square = min(images.shape[2:])
        top, left = (images.shape[2] - square) // 2, (images.shape[3] - square) // 2
        images = images[:, :, top : top + square, left : left + square]
        return interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)


@dataclass(frozen=True, eq=False)
class ScaleStep(Step):
    """Pixels times a factor, one for all channels or one each (1 x channels x 1 x 1)."""

    factors: Tensor

    def test(self, images: Tensor, views: int) -> Tensor:
        factors = _spread(self.factors, images)
        return images.mul_(factors) if _fits(factors, images) else images * factors


@dataclass(frozen=True, eq=False)
class AddStep(Step):
    """Pixels plus a term (1 x channels x 1 x 1, or x height x width)."""

    term: Tensor

    def test(self, images: Tensor, views: int) -> Tensor:
        term = _spread(self.term, images)
        return images.add_(term) if _fits(term, images) else images + term


@dataclass(frozen=True, eq=False)
class LightingStep(Step):
    """A shift along the principal components of colour, each times N(0, std); nothing in a test."""

    components: Tensor
    """channels x components, in the units that pixels have at this step."""
    std: float

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
        return generator.normal(0, self.std, (count, self.components.shape[1]))

    def train(self, images: Tensor, drawn: Tensor) -> Tensor:
        factors = drawn.to(images.device, torch.float32, non_blocking=True)
        # A matrix product would round an image's shift by the size of the batch that it is in.
        shift = (factors[:, None, :] * self.components).sum(2)
        return images.add_(_spread(shift[:, :, None, None], images))

    def test(self, images: Tensor, views: int) -> Tensor:
        return images


@dataclass(frozen=True, eq=False)
class GreyStep(Step):
    """Luminance from red, green and blue; one channel comes out."""

    weights: Tensor
    """1 x 3 x 1 x 1."""

    def test(self, images: Tensor, views: int) -> Tensor:
        return (images * self.weights).sum(1, keepdim=True)


def _fits(term: Tensor, images: Tensor) -> bool:
    """Whether a term can be applied in place: the images keep their shape."""
    return bool(torch.broadcast_shapes(term.shape, images.shape) == images.shape)


def _spread(term: Tensor, images: Tensor) -> Tensor:
    """A number a channel (N x channels x 1 x 1) as one for each of the channels of a whole row,
    where an image has its channels side by side: a CPU computes with a row at a time, and with
    three numbers at a time it would take several times as long."""
    if term.shape[2:] != (1, 1) or not images.is_contiguous(memory_format=torch.channels_last):
        return term
    row = term.permute(0, 2, 3, 1).expand(-1, -1, images.shape[3], -1).contiguous()
    return row.permute(0, 3, 1, 2)
