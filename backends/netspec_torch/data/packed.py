"""Packed images as they lie on the disk, and reading them.

A folder has `index.json`, which says all that concerns the whole, and for each part its shards:

    train-00000.tar    images: KEY.jpg and KEY.cls, side by side; any reader of WebDataset reads it
    train-00000.npz    where they lie in it, and whose they are; NumPy reads it

The arrays of an `.npz` have an entry an image, in the order of the tar: `offset` and `size` of its
bytes in the tar, `label`, `crc32` of its bytes, and `names`, the original names as a JSON list. The
images of a part are numbered through its shards, so that a shard is a stretch of numbers: what a
process reads can be given to it by shards as well as by images.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from netspec_torch.data.dataset import Source, Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import EncodedImages, Ranges
from netspec_torch.data.statistics import Statistics

KIND = "packed shards"
FORMAT = "netspec packed images"
VERSION = 1
INDEX, UNFINISHED, STATISTICS = "index.json", "packing.json", "statistics.safetensors"
TRAIN, HELD_OUT = "train", "val"
COLUMNS = ("offset", "size", "label", "crc32")


@dataclass(frozen=True)
class Shard:
    """A shard as the index has it."""

    file: str
    images: int
    bytes: int
    """Of the tar."""
    sha256: str
    """Of the `.npz`, which has the checksums of the images."""


@dataclass(frozen=True)
class Index:
    """What `index.json` says."""

    name: str
    classes: tuple[str, ...]
    channels: int | None
    """1 or 3, where all images have as many."""
    side: int
    """No image's shorter side is longer."""
    quality: int
    square: bool
    """Whether only the centre square of each image was kept."""
    division: str
    mean: tuple[float, ...]
    """Of the training images, a channel each, from 0 to 255."""
    std: tuple[float, ...]
    components: tuple[tuple[float, ...], ...]
    """The principal components of colour, the longest first, one a row, each as long as its
    standard deviation."""
    train: tuple[Shard, ...]
    val: tuple[Shard, ...]
    skipped: tuple[tuple[str, str], ...]
    """The images that could not be read when the set was packed, and why."""
    plan: dict[str, Any]
    """From what and with which options the set was packed, as the packing wrote it down."""

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Index":
        """Raises KeyError and TypeError where the values are not an index's."""
        given = {key: values[key] for key in cls.__dataclass_fields__}
        for part in (TRAIN, HELD_OUT):
            given[part] = tuple(Shard(**shard) for shard in given[part])
        for key in ("classes", "mean", "std"):
            given[key] = tuple(given[key])
        given["skipped"] = tuple((name, reason) for name, reason in given["skipped"])
        given["components"] = tuple(tuple(row) for row in given["components"])
        return cls(**given)


def is_packed(folder: Path) -> bool:
    """Whether a folder holds a packed set, or one that is not packed to its end."""
    try:
        with (folder / INDEX).open("rb") as file:
            return FORMAT.encode() in file.read(len(FORMAT) + 20)
    except OSError:
        return (folder / UNFINISHED).exists()


def read_index(folder: Path) -> Index:
    """The index of a packed set; raises DataError."""
    path = folder / INDEX
    try:
        values = json.loads(path.read_bytes())
        if values["format"] != FORMAT:
            raise DataError(f"{path} is no index of packed images")
        if values["version"] != VERSION:
            raise DataError(
                f"{path} is of version {values['version']}, and this netspec reads {VERSION}"
            )
        return Index.from_json(values)
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged: {error}", "pack the set again") from error


def read_packed(folder: Path) -> Source:
    """The images of a packed set; raises DataError."""
    if not (folder / INDEX).exists():
        raise DataError(
            f"{folder} is not packed to its end",
            "the same `netspec pack` that was begun goes on with it",
        )
    index = read_index(folder)
    statistics = _read_statistics(folder / STATISTICS)
    form = Form(index.channels or 3, to_grey=False, resize=index.side)
    train = replace(
        _read_part(folder, index.train, index), measured={form: statistics}, part="train/"
    )
    held_out = replace(_read_part(folder, index.val, index), part="val/")
    digest = hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
    what = "squares" if index.square else "shorter sides"
    notes = (f"packed with {what} of {index.side} pixels, JPEG of quality {index.quality}",)
    return Source(KIND, index.classes, train, held_out, index.division, notes, checksum=digest)


class PackedImages(EncodedImages):
    """The images of a part. Their names stay on the disk until one is asked for."""

    def __init__(
        self, index_files: Sequence[Path], starts: Sequence[int], ranges: Ranges, **about: Any
    ) -> None:
        super().__init__((), ranges.read_bytes, **about)
        self.index_files = index_files
        self._starts = starts
        self._count = len(ranges.sizes)
        self._loaded: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        shard = bisect_right(self._starts, index) - 1
        if shard not in self._loaded:
            with np.load(self.index_files[shard]) as arrays:
                self._loaded[shard] = json.loads(arrays["names"].tobytes())
        return self._loaded[shard][index - self._starts[shard]]


def _read_part(folder: Path, shards: Sequence[Shard], index: Index) -> Split:
    """The images of one part; raises DataError where a file is not what the index says."""
    tables = [_read_table(folder, shard) for shard in shards]
    columns = {key: np.concatenate([table[key] for table in tables]) for key in COLUMNS}
    counts = [shard.images for shard in shards]
    ranges = Ranges(
        [folder / shard.file for shard in shards],
        np.repeat(np.arange(len(shards)), counts),
        columns["offset"],
        columns["size"],
    )
    images = PackedImages(
        [index_file(path) for path in ranges.files],
        np.cumsum([0, *counts[:-1]]).tolist(),
        ranges,
        channels=index.channels,
        checksums=columns["crc32"],
    )
    return Split(images, columns["label"], index.side, shards=ranges.numbers)


def _read_table(folder: Path, shard: Shard) -> dict[str, NDArray[Any]]:
    """What the `.npz` of a shard has of every image."""
    tar = folder / shard.file
    path = index_file(tar)
    try:
        data, size = path.read_bytes(), tar.stat().st_size
    except OSError as error:
        raise DataError(f"{error.filename} cannot be opened: {error.strerror}") from error
    if size != shard.bytes:
        raise DataError(
            f"{tar} has {size:,} bytes, and {folder / INDEX} says {shard.bytes:,}",
            "copy the folder again, or pack the set again",
        )
    if hashlib.sha256(data).hexdigest() != shard.sha256:
        raise DataError(
            f"{path} is not what was written: its SHA-256 differs from the one in {INDEX}",
            "copy the folder again, or pack the set again",
        )
    with np.load(BytesIO(data)) as arrays:
        return {key: arrays[key] for key in COLUMNS}


def index_file(tar: Path) -> Path:
    """The file that says where the images lie in a shard."""
    return tar.with_suffix(".npz")


def _read_statistics(path: Path) -> Statistics:
    try:
        return Statistics.from_tensors(load_file(path))
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(f"{path} cannot be read: {error}", "pack the set again") from error
