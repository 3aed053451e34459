"""Resizing beside Pillow, which does the same more slowly."""

import numpy as np
import pytest
from PIL import Image

from netspec.schema import HeightWidth
from netspec_torch.data.resizing import Pixels, resize_pixels
from tests.netspec_torch.data.pictures import make_pixels


def resize_with_pillow(pixels: Pixels, size: HeightWidth) -> Pixels:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    resized = image.resize((size.width, size.height), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(*size, pixels.shape[2])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(5, 7), (20, 30), (41, 64), (3, 90)])
def test_stretching_is_pillows_bilinear(channels: int, size: tuple[int, int]) -> None:
    pixels = make_pixels(1, 20, 30, channels)
    found = resize_pixels(pixels, HeightWidth(*size))
    assert found.dtype == np.uint8
    assert found.shape == (*size, channels)
    expected = resize_with_pillow(pixels, HeightWidth(*size))
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("side", [8, 20, 50])
@pytest.mark.parametrize(("height", "width"), [(20, 31), (31, 20), (20, 20), (21, 40)])
def test_shorter_side_is_scaled_and_the_centre_square_kept(
    height: int, width: int, side: int
) -> None:
    pixels = make_pixels(2, height, width)
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = pixels[top : top + short, left : left + short]
    found = resize_pixels(pixels, side)
    expected = resize_with_pillow(np.ascontiguousarray(square), HeightWidth(side, side))
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("resize", [None, 20, HeightWidth(20, 20)])
def test_what_has_the_size_already_is_left_as_it_is(resize: int | HeightWidth | None) -> None:
    pixels = make_pixels(3, 20, 20)
    assert np.shares_memory(resize_pixels(pixels, resize), pixels)


def test_any_view_of_an_array_will_do() -> None:
    """Read-only, backwards, transposed: torch takes none of these as they are."""
    pixels = make_pixels(4, 20, 20)
    backwards = pixels[::-1, ::-1].transpose(1, 0, 2)
    backwards.flags.writeable = False
    expected = resize_pixels(np.ascontiguousarray(backwards), 11)
    np.testing.assert_array_equal(resize_pixels(backwards, 11), expected)
