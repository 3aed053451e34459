"""Bytes of an image file to pixels of the wanted form.

Decided here, where formats leave a choice:

* A photograph is turned upright as its Exif orientation says, as people see it (OpenCV does the
  same; Caffe and torchvision read the pixels as they are stored).
* Transparency is dropped, not blended (as torchvision's loader does).
* 16-bit grey keeps its upper eight bits. 32-bit and floating-point pixels are refused: nothing in
  the file says what is white.
* Of several frames the first is read.
* Luminance is 0.299 red + 0.587 green + 0.114 blue, as JPEG and Pillow have it.

JPEG goes through simplejpeg where that is installed, which is quicker. Everything else goes through
Pillow, CMYK among it and what simplejpeg refuses, so that which images are readable does not depend
on what is installed.
"""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from netspec.schema import HeightWidth
from netspec_torch.data.errors import UnreadableImageError
from netspec_torch.data.resizing import Pixels, resize_pixels

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

JPEG_START = b"\xff\xd8\xff"
APP1 = 0xE1
FRAME_MARKERS = (*range(0xC0, 0xC4), *range(0xC5, 0xD0), 0xDA)
"""Of JPEG: what begins a frame or a scan. (0xC4 is a table.)"""
ORIENTATION_TAG = 0x0112
UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels),
}
"""What undoes each Exif orientation; 1 is upright (Exif 2.32, tag 274)."""
GREY_MODES = frozenset({"1", "L", "LA", "La"})


class Form(NamedTuple):
    """How an image is wanted."""

    channels: int
    """1 or 3; grey is repeated where 3 are wanted."""
    to_grey: bool
    """Whether colour becomes luminance where one channel is wanted; otherwise it is an error."""
    resize: int | HeightWidth | None
    """A shorter side, of which the centre square is kept; or a size to stretch to; or as it is."""


class ColourImageError(Exception):
    """A colour image where one channel is wanted and nothing says that it may become grey."""


def decode_image(data: bytes, form: Form) -> Pixels:
    """The pixels of an image file.

    Raises UnreadableImageError where the bytes are damaged, or no image, and ColourImageError.
    """
    return convert_pixels(decode_upright(data, form), form)


def decode_upright(data: bytes, form: Form) -> Pixels:
    """The pixels upright, of one channel where the file is grey and else of three, in their own
    size or smaller, where that was cheaper and is still as large as wanted.

    Raises UnreadableImageError.
    """
    if not data:
        raise UnreadableImageError("is empty")
    try:
        return _decode(data, form)
    except (UnreadableImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError("is no image of a known format") from None
    except Exception as error:  # Damaged bytes can break a decoder in any way that it has.
        raise UnreadableImageError(f"cannot be decoded: {error}") from error


def convert_pixels(pixels: Pixels, form: Form) -> Pixels:
    """Pixels of one channel or three in the wanted form; raises ColourImageError."""
    return resize_pixels(_as_channels(pixels, form), form.resize)


def _decode(data: bytes, form: Form) -> Pixels:
    if simplejpeg is not None and data.startswith(JPEG_START):
        with suppress(ValueError):
            return _decode_jpeg(data, form)
    image = Image.open(BytesIO(data))
    if form.resize is not None:
        image.draft(None, (_least_side(form.resize),) * 2)
    image.load()
    return _turn_upright(_as_bytes(image), image)


def _decode_jpeg(data: bytes, form: Form) -> Pixels:
    """Decode with simplejpeg, at half the size or less where that is large enough.

    Raises ValueError for damaged bytes and for CMYK.
    """
    colour_space = simplejpeg.decode_jpeg_header(data)[2]
    if colour_space in ("CMYK", "YCCK"):
        raise ValueError(colour_space)
    grey = colour_space == "Gray" or (form.channels == 1 and form.to_grey)
    least = 0 if form.resize is None else _least_side(form.resize)
    pixels: Pixels = simplejpeg.decode_jpeg(
        data, "GRAY" if grey else "RGB", min_height=least, min_width=least, min_factor=2
    )
    if _has_exif(data):
        return _turn_upright(pixels, Image.open(BytesIO(data)))
    return pixels


def _has_exif(data: bytes) -> bool:
    """Whether a JPEG has an Exif segment (APP1) in front of its image. Its segments are a marker,
    0xFF and a byte, and a length that counts itself and what follows it; more of 0xFF may stand in
    front of it."""
    place = 2
    while data[place : place + 1] == b"\xff" and data[place + 1] not in FRAME_MARKERS:
        if data[place + 1] == APP1 and data[place + 4 : place + 10] == b"Exif\0\0":
            return True
        is_filled = data[place + 1] == 0xFF
        place += 1 if is_filled else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return False


def _least_side(resize: int | HeightWidth) -> int:
    return resize if isinstance(resize, int) else max(resize)


def _turn_upright(pixels: Pixels, image: Image.Image) -> Pixels:
    """The pixels, turned as the Exif data of the image that they came from says."""
    turn = UPRIGHT.get(image.getexif().get(ORIENTATION_TAG, 1))
    return pixels if turn is None else turn(pixels)


def _as_bytes(image: Image.Image) -> Pixels:
    """Eight bits a channel: one channel where the file's mode is grey, else three."""
    if image.mode in ("I", "F"):
        raise UnreadableImageError("has pixels of 32 bits, and nothing says which of them is white")
    if image.mode.startswith("I;16"):
        return (np.asarray(image) >> 8).astype(np.uint8)[:, :, None]
    if image.mode in GREY_MODES:
        return np.asarray(image.convert("L"))[:, :, None]
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return np.asarray(image.convert("RGB"))


def _as_channels(pixels: Pixels, form: Form) -> Pixels:
    """Grey repeated, or colour as luminance."""
    if pixels.shape[2] == form.channels:
        return pixels
    if pixels.shape[2] == 1:
        return pixels.repeat(form.channels, axis=2)
    if not form.to_grey:
        raise ColourImageError
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))[:, :, None]
