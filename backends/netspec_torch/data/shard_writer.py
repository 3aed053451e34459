"""Writing one shard of a packed set: what an image becomes, and the files, each of which is there
whole or not at all.
"""

import json
import os
import tarfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netspec_torch.data.dataset import Split
from netspec_torch.data.decoding import JPEG_START, Form, convert_pixels, decode_upright
from netspec_torch.data.encoding import encode_jpeg
from netspec_torch.data.errors import UnreadableImageError
from netspec_torch.data.images import EncodedImages
from netspec_torch.data.packed import COLUMNS, index_file
from netspec_torch.data.resizing import Pixels, cut_square, shrink_pixels
from netspec_torch.data.statistics import Sums

END = bytes(2 * tarfile.BLOCKSIZE)


class Options(NamedTuple):
    """How images are packed."""

    side: int = 256
    """The longest that a shorter side may be."""
    quality: int = 90
    """Of the JPEG files, from 1 to 100."""
    shard_images: int = 4096
    square: bool = False
    """Whether only the centre square is kept, which is what `resize` reads."""


class ShardWriter:
    """Writes one shard under other names, which it puts right when it is whole."""

    def __init__(self, path: Path, options: Options, *, with_sums: bool) -> None:
        self._path = path
        self._options = options
        self._form = Form(3, to_grey=False, resize=options.side)
        self._sums = Sums.over((options.side, options.side, 3)) if with_sums else None
        self._unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
        self._file: BinaryIO = self._unfinished.open("wb")
        self._rows: list[tuple[int, ...]] = []
        self._names: list[str] = []
        self._skipped: list[tuple[str, str]] = []

    def add(self, split: Split, index: int, key: str) -> None:
        """Add an image, or note why it cannot be read."""
        assert isinstance(split.images, EncodedImages)
        name, label = split.images.name(index), int(split.labels[index])
        try:
            data, channels = self._prepare(split.images.read_bytes(index))
        except UnreadableImageError as error:
            self._skipped.append((split.name(index), str(error)))
            return
        offset = self._write_member(f"{key}.jpg", data)
        self._write_member(f"{key}.cls", str(label).encode())
        self._rows.append((offset, len(data), label, zlib.crc32(data), channels))
        self._names.append(name)

    def _prepare(self, data: bytes) -> tuple[bytes, int]:
        """An image as it is packed, and its channels; raises UnreadableImageError."""
        pixels = decode_upright(data, self._form)
        if not _is_small_jpeg(data, self._options):
            data = encode_jpeg(self._reduce(pixels), self._options.quality)
            pixels = decode_upright(data, self._form) if self._sums else pixels
        if self._sums:
            self._sums.add_images(convert_pixels(pixels, self._form)[None])
        return data, pixels.shape[2]

    def _reduce(self, pixels: Pixels) -> Pixels:
        if self._options.square:
            pixels = cut_square(pixels)
        return shrink_pixels(pixels, self._options.side)

    def _write_member(self, name: str, data: bytes) -> int:
        """Write a file into the tar; gives the place of its bytes."""
        about = tarfile.TarInfo(name)
        about.size = len(data)
        self._file.write(about.tobuf(tarfile.USTAR_FORMAT))
        place = self._file.tell()
        self._file.write(data + bytes(-len(data) % tarfile.BLOCKSIZE))
        return place

    def finish(self) -> None:
        """Close the tar and write what belongs to it."""
        self._file.write(END)
        self._file.close()
        self._unfinished.replace(self._path)
        if self._sums:
            sums = {key: np.asarray(value) for key, value in vars(self._sums).items()}
            replace_file(sums_file(self._path), lambda path: _save_arrays(path, sums))
        rows = np.array(self._rows, np.int64).reshape(-1, len(COLUMNS) + 1)
        table: dict[str, NDArray[Any]] = dict(zip((*COLUMNS, "channels"), rows.T, strict=True))
        table["crc32"] = table["crc32"].astype(np.uint32)
        table["names"] = _as_bytes(self._names)
        table["skipped"] = _as_bytes(self._skipped)
        replace_file(index_file(self._path), lambda path: _save_arrays(path, table))

    def close(self) -> None:
        """Remove what was begun and not finished."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


def _is_small_jpeg(data: bytes, options: Options) -> bool:
    """Whether a file may be taken as it is: a JPEG that every reader sees alike, small enough."""
    if not data.startswith(JPEG_START):
        return False
    image = Image.open(BytesIO(data))
    return (
        image.format == "JPEG"
        and image.mode in ("L", "RGB")
        and min(image.size) <= options.side
        and (image.width == image.height or not options.square)
        and not image.getexif()
    )


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name first, so that it is there whole or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    write(unfinished)
    unfinished.replace(path)


def _save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def sums_file(path: Path) -> Path:
    """The file of a shard's sums, which goes when the set is packed."""
    return path.with_suffix(".sums.npz")


def _as_bytes(values: object) -> NDArray[np.uint8]:
    """A value as JSON, for an array file."""
    return np.frombuffer(json.dumps(values).encode(), np.uint8)
