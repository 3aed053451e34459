"""Bytes of an image file to pixels of the wanted form.

Decided here, where formats leave a choice:

* A photograph is turned upright as its Exif orientation says, as people see it (OpenCV does the
  same; Caffe and torchvision read the pixels as they are stored).
* Transparency is dropped, not blended (as torchvision's loader does).
* 16-bit grey keeps its upper eight bits. 32-bit and floating-point pixels are refused: nothing in
  the file says what is white.
* Of several frames the first is read.
* Resizing is bilinear, and reduces with a support as wide as the reduction, so that it does not
  alias (Pillow's BILINEAR).

JPEG goes through simplejpeg where that is installed, which is quicker. Everything else goes through
Pillow, CMYK among it and what simplejpeg refuses, so that which images are readable does not depend
on what is installed.
"""

from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from netspec.schema import HeightWidth
from netspec_torch.data.errors import UnreadableImageError

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

Pixels = NDArray[np.uint8]
"""One image, height x width x channels, 0 to 255."""

JPEG_START = b"\xff\xd8\xff"
ORIENTATION_TAG = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each Exif orientation; 1 is upright (Exif 2.32, tag 274)."""
GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"})


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
    """The pixels of an image file, height x width x channels.

    Raises UnreadableImageError where the bytes are damaged, or no image, and ColourImageError.
    """
    if not data:
        raise UnreadableImageError("is empty")
    try:
        image = _open(data, form)
        orientation = UPRIGHT.get(_read_orientation(image, data))
        image = _as_channels(image, form)
    except (ColourImageError, UnreadableImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError("is no image of a known format") from None
    except Exception as error:  # Damaged bytes can break a decoder in any way that it has.
        raise UnreadableImageError(f"cannot be decoded: {error}") from error
    if orientation is not None:
        image = image.transpose(orientation)
    return _as_pixels(resize_image(image, form.resize))


def convert_pixels(pixels: Pixels, form: Form) -> Pixels:
    """Pixels that are in memory already, in the wanted form; raises ColourImageError."""
    if form.resize is None and pixels.shape[2] == form.channels:
        return pixels
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return _as_pixels(resize_image(_as_channels(image, form), form.resize))


def resize_image(image: Image.Image, resize: int | HeightWidth | None) -> Image.Image:
    """Resize as `Form.resize` says: a number keeps the proportions and the centre square."""
    if resize is None:
        return image
    size = (resize, resize) if isinstance(resize, int) else (resize.width, resize.height)
    if isinstance(resize, int):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def _open(data: bytes, form: Form) -> Image.Image:
    """The decoded image, larger than wanted where that was cheaper."""
    if simplejpeg is not None and data.startswith(JPEG_START):
        with suppress(ValueError):
            return _decode_jpeg(data, form)
    image = Image.open(BytesIO(data))
    if form.resize is not None:
        image.draft(None, (_least_side(form.resize),) * 2)
    image.load()
    return image


def _decode_jpeg(data: bytes, form: Form) -> Image.Image:
    """Decode with simplejpeg, at half the size or less where that is large enough.

    Raises ValueError for damaged bytes and for CMYK.
    """
    colour_space = simplejpeg.decode_jpeg_header(data)[2]
    if colour_space in ("CMYK", "YCCK"):
        raise ValueError(colour_space)
    grey = colour_space == "Gray" or (form.channels == 1 and form.to_grey)
    least = 0 if form.resize is None else _least_side(form.resize)
    pixels = simplejpeg.decode_jpeg(
        data, "GRAY" if grey else "RGB", min_height=least, min_width=least, min_factor=2
    )
    return Image.fromarray(pixels[:, :, 0] if grey else pixels)


def _least_side(resize: int | HeightWidth) -> int:
    return resize if isinstance(resize, int) else max(resize)


def _read_orientation(image: Image.Image, data: bytes) -> int:
    """The Exif orientation, 1 where there is none."""
    if image.format is None and b"Exif\0\0" in data[:65536]:
        image = Image.open(BytesIO(data))
    return int(image.getexif().get(ORIENTATION_TAG, 1))


def _as_channels(image: Image.Image, form: Form) -> Image.Image:
    """Eight bits a channel, one channel or three."""
    if image.mode in ("I", "F"):
        raise UnreadableImageError("has pixels of 32 bits, and nothing says which of them is white")
    is_grey = image.mode in GREY_MODES
    if form.channels == 1 and not is_grey and not form.to_grey:
        raise ColourImageError
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("L" if form.channels == 1 else "RGB")


def _as_pixels(image: Image.Image) -> Pixels:
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
