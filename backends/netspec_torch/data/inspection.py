"""Looking at every image of a data set: sizes, colours, and which cannot be read.

Images are looked at as they are stored, neither resized nor cut. Where checksums were stored with
them they are compared, so that damage is found that still gives an image.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from netspec.recipe.data_report import BrokenImage, DataReport, PartReport, PixelReport
from netspec_torch.data.dataset import DataSet, Split
from netspec_torch.data.decoding import Form, decode_upright
from netspec_torch.data.errors import UnreadableImageError
from netspec_torch.data.fetching import count_cores, map_ahead
from netspec_torch.data.images import EncodedImages
from netspec_torch.data.resizing import Pixels

IMAGES_AT_ONCE = 32
AS_IT_IS = Form(3, to_grey=False, resize=None)


@dataclass
class Looks:
    """What was seen of some images."""

    heights: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    grey: int = 0
    bytes: int = 0
    means: list[NDArray[np.float64]] = field(default_factory=list)
    """The mean of each channel of an image, and that of its squares: 2 x 3."""
    broken: list[BrokenImage] = field(default_factory=list)


def inspect_data(
    data: DataSet,
    *,
    images: int | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DataReport:
    """What is in a data set. All images are decoded, or `images` of each part, evenly spread over
    it; none for 0. `progress` is told the images done and their number."""
    pixels = None if images == 0 else _look(data, images, threads or count_cores(), progress)
    return DataReport(
        name=data.name,
        kind=data.kind,
        origin=data.origin,
        division=data.division,
        classes=data.class_names,
        train=_count(data.train, data.num_classes),
        held_out=_count(data.held_out, data.num_classes),
        pixels=pixels,
        notes=data.notes,
    )


def _count(split: Split, classes: int) -> PartReport:
    counts = np.bincount(split.labels, minlength=classes)
    return PartReport(len(split), tuple(counts.tolist()))


def _look(
    data: DataSet, images: int | None, threads: int, progress: Callable[[int, int], None]
) -> PixelReport:
    chosen = [(split, _spread(len(split), images)) for split in (data.train, data.held_out)]
    runs = [(split, run) for split, indices in chosen for run in _cut(indices)]
    total = sum(len(run) for _, run in runs)
    looks = []
    done = 0
    for (_, run), seen in zip(runs, map_ahead(lambda r: _look_at(*r), runs, threads), strict=True):
        looks.append(seen)
        done += len(run)
        progress(done, total)
    heights, widths = (
        tuple(chain.from_iterable(getattr(seen, side) for seen in looks))
        for side in ("heights", "widths")
    )
    grey = sum(seen.grey for seen in looks)
    training = [seen for (split, _), seen in zip(runs, looks, strict=True) if split is data.train]
    mean, std = _average([each for seen in training for each in seen.means], grey == len(heights))
    return PixelReport(
        images=total,
        heights=heights,
        widths=widths,
        grey=grey,
        bytes=sum(seen.bytes for seen in looks),
        mean=mean,
        std=std,
        broken=tuple(chain.from_iterable(seen.broken for seen in looks)),
    )


def _spread(total: int, count: int | None) -> list[int]:
    """`count` of the numbers below a total, evenly spread; all without a count."""
    count = total if count is None else min(count, total)
    return (np.arange(count) * total // max(1, count)).tolist()


def _cut(indices: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(indices), IMAGES_AT_ONCE):
        yield indices[start : start + IMAGES_AT_ONCE]


def _look_at(split: Split, indices: list[int]) -> Looks:
    looks = Looks()
    for index in indices:
        try:
            pixels, size = _decode(split, index)
        except UnreadableImageError as error:
            looks.broken.append(BrokenImage(split.name(index), str(error)))
            continue
        height, width, channels = pixels.shape
        looks.heights.append(height)
        looks.widths.append(width)
        looks.grey += channels == 1
        looks.bytes += size
        looks.means.append(_measure(pixels))
    return looks


def _decode(split: Split, index: int) -> tuple[Pixels, int]:
    """An image in its own size and channels, and the bytes of its file."""
    images = split.images
    if not isinstance(images, EncodedImages):
        return images.read(index, AS_IT_IS._replace(channels=images.channels or 3)), 0
    data = images.read_bytes(index)
    images.check(index, data)
    return decode_upright(data, AS_IT_IS), len(data)


def _measure(pixels: Pixels) -> NDArray[np.float64]:
    planes = pixels.reshape(-1, pixels.shape[2]).T.astype(np.float64, order="C")
    squares = np.einsum("ip,ip->i", planes, planes) / planes.shape[1]
    return np.broadcast_to(np.stack([planes.mean(axis=1), squares]), (2, 3))


def _average(
    means: list[NDArray[np.float64]], is_grey: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel; of one where all images are grey."""
    if not means:
        return (), ()
    mean, squares = np.mean(means, axis=0)[:, : 1 if is_grey else 3]
    std = np.sqrt(np.maximum(0, squares - mean**2))
    return tuple(mean.tolist()), tuple(std.tolist())
