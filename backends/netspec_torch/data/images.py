"""Lists of images: pixels in memory, or encoded as files.

A source gives one image at a time, in any order and from any thread. Which class or split an image
belongs to is not known here.
"""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.decoding import ColourImageError, Form, convert_pixels, decode_image
from netspec_torch.data.errors import DataError, UnreadableImageError
from netspec_torch.data.resizing import Pixels

ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
)
"""Files that count as images, in small or capital letters."""


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return name.lower().endswith(ENDINGS)


class Images(Protocol):
    """A list of images."""

    @property
    def channels(self) -> int | None:
        """The channels that every one has, 1 or 3; None where they may differ."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What reports call it."""

    def take(self, indices: Sequence[int]) -> "Images":
        """Some of them, as a list of its own."""

    def read(self, index: int, form: Form) -> Pixels:
        """One image in the wanted form.

        Raises UnreadableImageError where this one is damaged, and DataError where it is in colour
        and may not become grey, which is a mistake of the whole.
        """


class ArrayImages:
    """Images of an array, count x height x width x channels, uint8: all, or those of indices."""

    def __init__(self, array: NDArray[np.uint8], indices: Sequence[int] | None = None) -> None:
        self._array = array
        self._indices = range(len(array)) if indices is None else indices

    @property
    def channels(self) -> int | None:
        return int(self._array.shape[3])

    def __len__(self) -> int:
        return len(self._indices)

    def name(self, index: int) -> str:
        return str(self._indices[index])

    def take(self, indices: Sequence[int]) -> "ArrayImages":
        return ArrayImages(self._array, [self._indices[index] for index in indices])

    def read(self, index: int, form: Form) -> Pixels:
        try:
            return convert_pixels(self._array[self._indices[index]], form)
        except ColourImageError:
            raise colour_error(f"image {self.name(index)}") from None


class EncodedImages:
    """Image files, wherever their bytes lie."""

    def __init__(
        self,
        names: Sequence[str],
        read_bytes: Callable[[int], bytes],
        channels: int | None = None,
        checksums: NDArray[np.uint32] | None = None,
    ) -> None:
        """`read_bytes` gives the bytes of an image, from any thread, and raises OSError.
        `checksums` are their CRC-32, where they are known."""
        self._names = names
        self._read_bytes = read_bytes
        self._channels = channels
        self._checksums = checksums

    @property
    def channels(self) -> int | None:
        return self._channels

    def __len__(self) -> int:
        return len(self._names)

    def name(self, index: int) -> str:
        return self._names[index]

    def take(self, indices: Sequence[int]) -> "EncodedImages":
        return EncodedImages(
            [self.name(index) for index in indices],
            lambda index: self._read_bytes(indices[index]),
            self._channels,
            None if self._checksums is None else self._checksums[indices],
        )

    def read(self, index: int, form: Form) -> Pixels:
        try:
            return decode_image(self.read_bytes(index), form)
        except ColourImageError:
            raise colour_error(self.name(index)) from None

    def read_bytes(self, index: int) -> bytes:
        """An image as it is stored; raises UnreadableImageError."""
        try:
            return self._read_bytes(index)
        except OSError as error:
            reason = error.strerror or error
            raise UnreadableImageError(f"cannot be opened: {reason}") from error

    def check(self, index: int, data: bytes) -> None:
        """Raise UnreadableImageError where the bytes are not those that were once stored."""
        if self._checksums is not None and zlib.crc32(data) != self._checksums[index]:
            raise UnreadableImageError("is not what was stored: its checksum differs")


class Ranges(NamedTuple):
    """Where the bytes of images lie in larger files."""

    files: Sequence[Path]
    numbers: NDArray[np.int64]
    """For each image the number of its file."""
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]

    def read_bytes(self, index: int) -> bytes:
        """The bytes of an image; raises OSError. Files are opened for each: it takes microseconds,
        and no number of files, threads and processes is too many."""
        size = int(self.sizes[index])
        with self.files[self.numbers[index]].open("rb", buffering=0) as file:
            file.seek(int(self.offsets[index]))
            data: bytes = file.read(size)
        if len(data) != size:
            raise OSError(f"{self.files[self.numbers[index]]} ends within it")
        return data


def open_files(root: Path, names: Sequence[str]) -> EncodedImages:
    """Image files below a folder, by their paths relative to it."""
    return EncodedImages(names, lambda index: (root / names[index]).read_bytes())


def colour_error(name: str) -> DataError:
    """Colour images for a net whose input has not three channels."""
    return DataError(
        f"{name} is in colour, and the net's input has not three channels",
        "write `grey` in the recipe's data to turn colour into luminance, or give the net's input "
        "three channels",
    )
