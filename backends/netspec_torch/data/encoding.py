"""Pixels to image files: JPEG, the colours at half the resolution each way (4:2:0), as cameras
store them; and PNG, which loses nothing.

simplejpeg encodes JPEG where it is installed, which is quicker, else Pillow.
"""

from io import BytesIO

import numpy as np
from PIL import Image

from netspec.recipe.run_facts import Picture
from netspec_torch.data.resizing import Pixels

try:
    import simplejpeg
except ImportError:
    simplejpeg = None


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """Pixels of one channel or three as a JPEG file; quality goes from 1 to 100."""
    is_grey = pixels.shape[2] == 1
    pixels = np.ascontiguousarray(pixels)
    if simplejpeg is not None:
        colours, sampling = ("GRAY", "Gray") if is_grey else ("RGB", "420")
        data: bytes = simplejpeg.encode_jpeg(pixels, quality, colours, sampling)
        return data
    file = BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if is_grey else pixels)
    image.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


def encode_png(pixels: Pixels) -> Picture:
    """Pixels of one channel or three, with one more where they are transparent, as a PNG file."""
    height, width, channels = pixels.shape
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels))
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return Picture(file.getvalue(), width, height)
