"""What recipes measure on the training images: the mean image, and mean and covariance of colour.

Measured once, over the training split alone, on pixels from 0 to 255 in the form in which they are
read: resized, not yet cropped. All sums are sums of whole numbers below 2^53, so they are exact in
float64 and do not depend on the order of the images or on the number of threads or processes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec_torch.data.errors import DataError
from netspec_torch.data.fetching import Fetcher, map_ahead
from netspec_torch.data.share import WHOLE, Share

IMAGES_AT_ONCE = 64
Progress = Callable[[int, int], None]
"""Is told the images read and their number."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Measurements of the training images, float64."""

    mean_image: Tensor
    """channels x height x width."""
    covariance: Tensor
    """channels x channels: of the colours of all pixels, divided by their number."""

    @property
    def channel_mean(self) -> Tensor:
        """The mean of each channel over all pixels."""
        return self.mean_image.mean(dim=(1, 2))

    @cached_property
    def components(self) -> Tensor:
        """The principal components of colour as columns, each as long as its standard deviation,
        the square root of its eigenvalue. Of the two directions that each could have, it has the
        one whose largest part is positive."""
        eigenvalues, vectors = torch.linalg.eigh(self.covariance)
        largest = vectors.abs().argmax(dim=0, keepdim=True)
        vectors = vectors * torch.sign(vectors.gather(0, largest))
        components: Tensor = vectors * eigenvalues.clamp(min=0).sqrt()
        return components

    def to_tensors(self) -> dict[str, Tensor]:
        """For a safetensors file; `from_tensors` takes it back bit for bit."""
        return {"mean_image": self.mean_image, "covariance": self.covariance}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "Statistics":
        return cls(tensors["mean_image"], tensors["covariance"])


@dataclass
class Sums:
    """Sums over images of one size, from which their statistics are made."""

    images: NDArray[np.float64]
    """height x width x channels."""
    products: NDArray[np.float64]
    """channels x channels: of the products of two channels, over all pixels."""
    count: int = 0

    @classmethod
    def over(cls, shape: Sequence[int]) -> "Sums":
        """Nothing yet, of images of height x width x channels."""
        height, width, channels = shape
        return cls(np.zeros((height, width, channels)), np.zeros((channels, channels)))

    def add_images(self, images: NDArray[np.uint8]) -> None:
        """Add some, count x height x width x channels."""
        channels = images.shape[3]
        for image in images:
            planes = image.reshape(-1, channels).T.astype(np.float64, order="C")
            # Not planes @ planes.T: BLAS has threads of its own, which fight with these.
            self.products += np.einsum("ip,jp->ij", planes, planes)
        self.images += images.sum(axis=0, dtype=np.uint32)
        self.count += len(images)

    def add(self, others: "Sums") -> None:
        """Add what was summed elsewhere."""
        self.images += others.images
        self.products += others.products
        self.count += others.count

    def add_up(self, add: Callable[[Tensor], Tensor]) -> None:
        """Add the sums of other processes, by what adds up a tensor over all."""
        parts = (self.images, self.products, np.array([self.count], np.float64))
        numbers = add(torch.from_numpy(np.concatenate([part.ravel() for part in parts]))).numpy()
        images, products, count = np.split(numbers, np.cumsum([part.size for part in parts[:2]]))
        self.images = images.reshape(self.images.shape)
        self.products = products.reshape(self.products.shape)
        self.count = int(count[0])

    def as_statistics(self) -> Statistics:
        """Mean and covariance; there must be an image."""
        height, width, _ = self.images.shape
        mean = self.images / self.count
        colour = mean.mean(axis=(0, 1))
        covariance = self.products / (self.count * height * width) - np.outer(colour, colour)
        return Statistics(
            torch.from_numpy(mean.transpose(2, 0, 1).copy()), torch.from_numpy(covariance)
        )


class Measure(Protocol):
    """What measures a split."""

    def __call__(self, fetcher: Fetcher, progress: Progress | None = None) -> Statistics: ...


def measure_statistics(
    fetcher: Fetcher,
    progress: Progress | None = None,
    *,
    share: Share = WHOLE,
    add: Callable[[Tensor], Tensor] = lambda sums: sums,
) -> Statistics:
    """Measure a split. Where processes share the work each reads a run of the images, and `add`
    adds up a tensor over all, in its place.

    Raises DataError where not one image can be read.
    """
    total = len(fetcher.split)
    own = share.cut(slice(0, total))
    starts = range(own.start, own.stop, IMAGES_AT_ONCE)
    runs = [np.arange(i, min(i + IMAGES_AT_ONCE, own.stop)) for i in starts]
    sums = Sums.over(fetcher.image_shape)
    results = map_ahead(lambda run: _sum(fetcher, run), runs, fetcher.threads)
    for run, part in zip(runs, results, strict=True):
        sums.add(part)
        if progress is not None:
            progress(min(total, (int(run[-1]) + 1 - own.start) * share.of), total)
    sums.add_up(add)
    if sums.count == 0:
        raise DataError("not one of the training images can be read")
    return sums.as_statistics()


def _sum(fetcher: Fetcher, indices: NDArray[np.int64]) -> Sums:
    """The sums of those images that can be read."""
    sums = Sums.over(fetcher.image_shape)
    sums.add_images(fetcher.fetch(indices)[0].numpy())
    return sums
