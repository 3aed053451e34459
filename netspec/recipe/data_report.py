"""What is told of data sets: what is in one, what a packing came to, how quickly one is read.

A backend fills in the facts. The lines are text without colour or width; whoever shows them decides
the rest.
"""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, Literal

from msgspec import Struct, to_builtins

from netspec.recipe.device import show_bytes

MOST_CLASSES = 10
MOST_BROKEN = 20
Lines = list[tuple[str, str]]
"""Lines with their headings; the heading of a line that goes on is empty."""


class BrokenImage(Struct, frozen=True):
    """An image that cannot be read."""

    name: str
    reason: str


class PartReport(Struct, frozen=True):
    """One of the two parts of a data set."""

    images: int
    images_of_class: tuple[int, ...]


class PixelReport(Struct, frozen=True):
    """What was found when images were decoded."""

    images: int
    """Images looked at."""
    heights: tuple[int, ...]
    """Of every image, in no order that matters; so are the widths."""
    widths: tuple[int, ...]
    grey: int
    """Images of one channel."""
    bytes: int
    """Of the image files; 0 where the set has pixels and no files."""
    mean: tuple[float, ...]
    """Of the training images, a channel each, from 0 to 255; each image counts the same."""
    std: tuple[float, ...]
    broken: tuple[BrokenImage, ...]

    def to_json(self) -> dict[str, Any]:
        """Sizes are summed up."""
        return {
            "images": self.images,
            "shorter_side": _sum_up(list(map(min, self.heights, self.widths))),
            "longer_side": _sum_up(list(map(max, self.heights, self.widths))),
            "grey": self.grey,
            "bytes": self.bytes,
            "mean": self.mean,
            "std": self.std,
            "broken": to_builtins(self.broken),
        }


class DataReport(Struct, frozen=True):
    """What is in a data set."""

    name: str
    kind: str
    """In what form it lies there."""
    origin: str
    division: str
    """How the two parts came about."""
    classes: tuple[str, ...]
    train: PartReport
    held_out: PartReport
    pixels: PixelReport | None
    """None where no image was decoded."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        pixels = self.pixels and self.pixels.to_json()
        return {"format": 1, **to_builtins(self), "pixels": pixels}


class DataTiming(Struct, frozen=True):
    """How many images a second a data set and a training reach, each alone and together."""

    net: str
    device: str
    batch: int
    reading: float
    """Reading, decoding and preparing images on the device, and nothing else."""
    step: float
    """Updates on a batch that is there already."""
    together: float
    """A training."""
    notes: tuple[str, ...] = ()

    @property
    def limit(self) -> Literal["reading", "step"]:
        """The slower of the two."""
        return "reading" if self.reading < self.step else "step"

    def to_json(self) -> dict[str, Any]:
        return {**to_builtins(self), "limit": self.limit}


class PackReport(Struct, frozen=True):
    """What a packing came to."""

    folder: str
    classes: int
    train: int
    held_out: int
    shards: int
    bytes: int
    done_before: int
    """Images that an earlier packing into the folder had done."""
    broken: tuple[BrokenImage, ...]
    """The images that were left out."""
    notes: tuple[str, ...] = ()


def describe_data(report: DataReport) -> Lines:
    """What is in a data set, as lines."""
    train, held_out = report.train, report.held_out
    lines = [("data", f"{report.name}, {report.kind} ({report.origin})")]
    lines += _go_on(report.division, *report.notes)
    names, more = report.classes[:MOST_CLASSES], len(report.classes) - MOST_CLASSES
    rest = f" and {more:,} more" if more > 0 else ""
    lines += [
        ("classes", f"{len(report.classes):,}: {', '.join(names)}{rest}"),
        ("images", f"{train.images:,} to train on, {_describe_counts(train)}"),
        *_go_on(f"{held_out.images:,} held out, {_describe_counts(held_out)}"),
    ]
    return lines if report.pixels is None else [*lines, *_describe_pixels(report.pixels)]


def describe_timing(timing: DataTiming) -> Lines:
    """How quickly a data set is read beside a training, as lines."""
    reasons = {
        "reading": "reading the images: more cores, or packed images, would make it quicker",
        "step": "the training step: the images come quickly enough",
    }
    return [
        ("time", f"{timing.net} on {timing.device}, batches of {timing.batch:,} images"),
        *_go_on(
            f"images alone: {timing.reading:,.0f} images/s",
            f"training step alone: {timing.step:,.0f} images/s",
            f"both, as in a training: {timing.together:,.0f} images/s",
            *timing.notes,
        ),
        ("limit", reasons[timing.limit]),
    ]


def describe_packing(report: PackReport) -> Lines:
    """What a packing came to, as lines."""
    size = show_bytes(report.bytes)
    lines = [
        (
            "packed",
            f"{report.train:,} images to train on, {report.held_out:,} held out, of "
            f"{report.classes:,} classes, in {report.shards:,} shards ({size})",
        )
    ]
    if report.done_before:
        lines += _go_on(f"an earlier packing had done {report.done_before:,} of them")
    lines += _go_on(*report.notes)
    if report.broken:
        lines += [("left out", _count_broken(report.broken)), *_list_broken(report.broken)]
    return [*lines, ("into", report.folder)]


def _describe_pixels(pixels: PixelReport) -> Lines:
    lines: Lines = []
    if pixels.bytes:
        mean = show_bytes(round(pixels.bytes / max(1, pixels.images)))
        lines += [("files", f"{show_bytes(pixels.bytes)}, {mean} an image")]
    if pixels.heights:
        shorter = list(map(min, pixels.heights, pixels.widths))
        longer = list(map(max, pixels.heights, pixels.widths))
        lines += [
            (
                "sizes",
                f"shorter side {_describe_spread(shorter)}; longer side {_describe_spread(longer)}",
            )
        ]
        if 0 < pixels.grey < pixels.images:
            lines += _go_on(f"{pixels.grey:,} of {pixels.images:,} images are grey")
    if pixels.mean:
        mean, std = (
            ", ".join(f"{number:.2f}" for number in numbers)
            for numbers in (pixels.mean, pixels.std)
        )
        lines += [("mean", f"[{mean}], standard deviation [{std}], of the training images")]
    if pixels.broken:
        return [*lines, ("broken", _count_broken(pixels.broken)), *_list_broken(pixels.broken)]
    return [*lines, ("broken", f"none of {pixels.images:,} images")]


def _describe_counts(part: PartReport) -> str:
    least, most = min(part.images_of_class), max(part.images_of_class)
    if least == most:
        return f"{least:,} of each class"
    return f"{least:,} {'or' if most == least + 1 else 'to'} {most:,} of each class"


def _describe_spread(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    if least == most:
        return f"{least:,} pixels"
    return f"{least:,} to {most:,} pixels, median {median(numbers):,.0f}"


def _count_broken(broken: Sequence[BrokenImage]) -> str:
    images = "image" if len(broken) == 1 else "images"
    return f"{len(broken):,} {images} that cannot be read"


def _list_broken(broken: Sequence[BrokenImage]) -> Iterator[tuple[str, str]]:
    yield from _go_on(*(f"{each.name} {each.reason}" for each in broken[:MOST_BROKEN]))
    if len(broken) > MOST_BROKEN:
        yield from _go_on(f"and {len(broken) - MOST_BROKEN:,} more")


def _sum_up(numbers: Sequence[int]) -> dict[str, float] | None:
    if not numbers:
        return None
    return {"min": min(numbers), "median": median(numbers), "max": max(numbers)}


def _go_on(*texts: str) -> Lines:
    return [("", text) for text in texts if text]
