"""Resizing one image, on the CPU.

Bilinear; where it reduces, its support is as wide as the reduction, so that it does not alias. That
is Pillow's BILINEAR to within a level, computed by torch, which is several times quicker.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from netspec.schema import HeightWidth

Pixels = NDArray[np.uint8]
"""One image, height x width x channels, 0 to 255."""


def resize_pixels(pixels: Pixels, resize: int | HeightWidth | None) -> Pixels:
    """Stretch to a size; or scale the shorter side to a length, and keep the centre square."""
    if resize is None:
        return pixels
    if isinstance(resize, int):
        pixels, resize = cut_square(pixels), HeightWidth(resize, resize)
    if pixels.shape[:2] == resize:
        return pixels
    # A copy, in one piece and writable: torch takes no other array without a warning, or would
    # make the copy itself with threads, on top of those that images are read on.
    batch = torch.from_numpy(pixels.copy(order="C"))[None].permute(0, 3, 1, 2)
    resized = interpolate(batch, tuple(resize), mode="bilinear", antialias=True)
    result: Pixels = resized.permute(0, 2, 3, 1)[0].numpy()
    return result


def shrink_pixels(pixels: Pixels, side: int) -> Pixels:
    """Scale the shorter side down to a length, the proportions kept; a shorter one stays."""
    height, width, _ = pixels.shape
    shorter = min(height, width)
    if shorter <= side:
        return pixels
    return resize_pixels(
        pixels, HeightWidth(round(height * side / shorter), round(width * side / shorter))
    )


def cut_square(pixels: Pixels) -> Pixels:
    """The centre square."""
    height, width, _ = pixels.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]
