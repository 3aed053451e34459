"""Lists of images: pixels in memory, or encoded as files.

A source gives one image at a time, in any order and from any thread. Which class or split an image
belongs to is not known here.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.decoding import ColourImageError, Form, convert_pixels, decode_image
from netspec_torch.data.errors import DataError, UnreadableImageError
from netspec_torch.data.resizing import Pixels


class Images(Protocol):
    """A list of images."""

    @property
    def channels(self) -> int | None:
        """The channels that every one has, 1 or 3; None where they may differ."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What reports call it."""

    def read(self, index: int, form: Form) -> Pixels:
        """One image in the wanted form.

        Raises UnreadableImageError where this one is damaged, and DataError where it is in colour
        and may not become grey, which is a mistake of the whole.
        """


class ArrayImages:
    """Some of the images of an array: count x height x width x channels, uint8."""

    def __init__(self, array: NDArray[np.uint8], indices: Sequence[int]) -> None:
        self._array = array
        self._indices = indices

    @property
    def channels(self) -> int | None:
        return int(self._array.shape[3])

    def __len__(self) -> int:
        return len(self._indices)

    def name(self, index: int) -> str:
        return str(self._indices[index])

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
        read_bytes: Callable[[str], bytes],
        channels: int | None = None,
    ) -> None:
        """`read_bytes` gives the bytes behind a name, from any thread, and raises OSError."""
        self._names = names
        self._read_bytes = read_bytes
        self._channels = channels

    @property
    def channels(self) -> int | None:
        return self._channels

    def __len__(self) -> int:
        return len(self._names)

    def name(self, index: int) -> str:
        return self._names[index]

    def read(self, index: int, form: Form) -> Pixels:
        try:
            return decode_image(self._read_bytes(self._names[index]), form)
        except OSError as error:
            raise UnreadableImageError(f"cannot be opened: {error.strerror}") from error
        except ColourImageError:
            raise colour_error(self.name(index)) from None


def open_files(root: Path, names: Sequence[str]) -> EncodedImages:
    """Image files below a folder, by their paths relative to it."""
    return EncodedImages(names, lambda name: (root / name).read_bytes())


def colour_error(name: str) -> DataError:
    """Colour images for a net whose input has not three channels."""
    return DataError(
        f"{name} is in colour, and the net's input has not three channels",
        "write `grey` in the recipe's data to turn colour into luminance, or give the net's input "
        "three channels",
    )
