"""Small pictures on disk, and a source that keeps them in memory."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from netspec_torch.data.dataset import Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.images import ArrayImages
from netspec_torch.data.resizing import Pixels


def make_pixels(seed: int, height: int, width: int, channels: int = 3) -> Pixels:
    """Smooth pixels, so that JPEG keeps them nearly as they are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image) if channels == 3 else np.asarray(image.convert("L"))[..., None]


def encode(image: Image.Image | Pixels, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        file, kind, **options
    )
    return file.getvalue()


def write_picture(path: Path, seed: int = 0, height: int = 12, width: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "JPEG" if path.suffix.lower() in (".jpg", ".jpeg") else "PNG"
    path.write_bytes(encode(make_pixels(seed, height, width), kind))


def make_folder(root: Path, files: Sequence[str], height: int = 12, width: int = 16) -> Path:
    """A folder with a different picture under each of the names."""
    for seed, name in enumerate(files):
        write_picture(root / name, seed, height, width)
    return root


def make_split(count: int, height: int, width: int, channels: int = 3, classes: int = 3) -> Split:
    """Random pixels; image i has the label i modulo the classes."""
    shape = (count, height, width, channels)
    pixels = np.random.default_rng(7).integers(0, 256, shape, np.uint8)
    return Split(ArrayImages(pixels, range(count)), np.arange(count) % classes)


def read_split(split: Split, channels: int = 3) -> Pixels:
    """All pixels of a split, as they are."""
    form = Form(channels, to_grey=False, resize=None)
    return np.stack([split.images.read(i, form) for i in range(len(split))])
