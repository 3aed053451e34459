"""JPEG from pixels, with simplejpeg and with Pillow."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from netspec_torch.data import encoding
from netspec_torch.data.encoding import encode_jpeg
from tests.netspec_torch.data.pictures import make_pixels


@pytest.mark.parametrize("with_simplejpeg", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_encodes(channels: int, with_simplejpeg: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not with_simplejpeg:
        monkeypatch.setattr(encoding, "simplejpeg", None)
    pixels = make_pixels(1, 40, 50, channels)[:, ::-1]
    image = Image.open(BytesIO(encode_jpeg(pixels, 95)))
    assert (image.format, image.mode) == ("JPEG", "L" if channels == 1 else "RGB")
    found = np.asarray(image).reshape(pixels.shape)
    assert np.abs(found.astype(int) - pixels).mean() < 3


def test_quality_costs_bytes() -> None:
    pixels = make_pixels(1, 40, 50)
    assert len(encode_jpeg(pixels, 30)) < len(encode_jpeg(pixels, 95))
