"""Image files of every kind to pixels: colour, turning, resizing, and what is no image."""

import contextlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from netspec.schema import HeightWidth
from netspec_torch.data import decoding
from netspec_torch.data.decoding import ColourImageError, Form, decode_image
from netspec_torch.data.errors import UnreadableImageError
from netspec_torch.data.resizing import Pixels
from tests.netspec_torch.data.pictures import encode, make_pixels

COLOUR = Form(3, to_grey=False, resize=None)
GREY = Form(1, to_grey=False, resize=None)
TO_GREY = Form(1, to_grey=True, resize=None)

PICTURE = make_pixels(1, 20, 30)
LUMINANCE = PICTURE @ np.array([0.299, 0.587, 0.114])


@pytest.fixture(params=["simplejpeg", "pillow"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With simplejpeg, and as where it is not installed."""
    if request.param == "pillow":
        monkeypatch.setattr(decoding, "simplejpeg", None)
    return str(request.param)


def differ(pixels: Pixels, expected: object) -> float:
    """The largest difference of a level."""
    return float(np.abs(pixels.astype(float) - np.asarray(expected, float)).max())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_files_keep_their_pixels(kind: str) -> None:
    np.testing.assert_array_equal(decode_image(encode(PICTURE, kind), COLOUR), PICTURE)


@pytest.mark.usefixtures("decoder")
def test_jpeg_is_close_to_what_was_saved() -> None:
    data = encode(PICTURE, "JPEG", quality=95, subsampling=0)
    assert differ(decode_image(data, COLOUR), PICTURE) < 12
    assert differ(decode_image(data, TO_GREY)[..., 0], LUMINANCE) < 12


@pytest.mark.usefixtures("decoder")
def test_grey_jpeg_is_repeated_over_three_channels() -> None:
    data = encode(make_pixels(1, 20, 30, channels=1)[..., 0], "JPEG", quality=95)
    grey = decode_image(data, GREY)
    assert grey.shape == (20, 30, 1)
    np.testing.assert_array_equal(decode_image(data, COLOUR), grey.repeat(3, axis=2))


@pytest.mark.usefixtures("decoder")
def test_cmyk_jpeg_becomes_colour() -> None:
    image = Image.fromarray(PICTURE).convert("CMYK")
    assert differ(decode_image(encode(image, "JPEG", quality=95), COLOUR), PICTURE) < 16


@pytest.mark.parametrize(
    ("mode", "tolerance"), [("RGBA", 0), ("P", 60), ("YCbCr", 3), ("HSV", 6), ("CMYK", 0)]
)
def test_colour_modes_become_colour(mode: str, tolerance: int) -> None:
    image = Image.fromarray(PICTURE).convert(mode)
    kind = "PNG" if mode in ("RGBA", "P") else "TIFF"
    if mode == "HSV":
        assert differ(np.asarray(image.convert("RGB")), PICTURE) <= tolerance
        return
    assert differ(decode_image(encode(image, kind), COLOUR), PICTURE) <= tolerance


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_modes_are_grey(mode: str) -> None:
    image = Image.fromarray(PICTURE).convert("L").convert(mode)
    pixels = decode_image(encode(image), GREY)
    np.testing.assert_array_equal(pixels[..., 0], np.asarray(image.convert("L")))


def test_transparency_is_dropped() -> None:
    alpha = np.zeros((20, 30, 1), np.uint8)
    data = encode(np.concatenate([PICTURE, alpha], axis=2))
    np.testing.assert_array_equal(decode_image(data, COLOUR), PICTURE)


def test_palette_with_transparency_is_read() -> None:
    image = Image.fromarray(PICTURE).quantize(8)
    data = encode(image, transparency=bytes([0, 128, 255]))
    np.testing.assert_array_equal(decode_image(data, COLOUR), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_the_upper_eight(kind: str) -> None:
    levels = np.array([[0, 255, 256], [32768, 65279, 65535]], np.uint16)
    pixels = decode_image(encode(Image.fromarray(levels), kind), GREY)
    assert pixels[..., 0].tolist() == [[0, 0, 1], [128, 254, 255]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_known_range_are_refused(mode: str) -> None:
    data = encode(Image.new(mode, (4, 4)), "TIFF")
    with pytest.raises(UnreadableImageError, match="32 bits"):
        decode_image(data, GREY)


def test_first_frame_is_read() -> None:
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(data, TO_GREY).max() == 10


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_colour_is_refused_where_grey_is_read(kind: str) -> None:
    with pytest.raises(ColourImageError):
        decode_image(encode(PICTURE, kind), GREY)
    assert decode_image(encode(PICTURE, kind), TO_GREY).shape == (20, 30, 1)


def test_exif_is_found_behind_other_segments() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(make_pixels(0, 16, 24), "JPEG", exif=exif)
    comment = b"\xff\xfe\x00\x06abcd"
    for between in (comment, b"\xff" + comment + b"\xff\xff", comment * 2):
        moved = data[:2] + between + data[2:]
        assert decode_image(moved, Form(3, to_grey=False, resize=None)).shape == (24, 16, 3)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(kind: str, orientation: int) -> None:
    """Stored so that turning as Exif 2.32 says (row 0 and column 0 are at …) gives the picture."""
    stored = {
        1: PICTURE,
        2: PICTURE[:, ::-1],
        3: PICTURE[::-1, ::-1],
        4: PICTURE[::-1],
        5: PICTURE.transpose(1, 0, 2),
        6: np.rot90(PICTURE, 1),
        7: PICTURE[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(PICTURE, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    data = encode(np.ascontiguousarray(stored), kind, exif=exif, **options)
    assert differ(decode_image(data, COLOUR), PICTURE) < 16


@pytest.mark.usefixtures("decoder")
def test_resize_keeps_the_centre_square() -> None:
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[:, 10:30] = 200
    for pixels in (wide, wide.transpose(1, 0, 2)):
        data = encode(np.ascontiguousarray(pixels))
        assert decode_image(data, COLOUR._replace(resize=8)).tolist() == [[[200] * 3] * 8] * 8


def test_resize_is_the_mean_where_it_halves() -> None:
    """Bilinear with a support of two pixels on each side, weights 1 3 3 1, away from the edge."""
    row = np.arange(0, 160, 10, dtype=np.uint8)
    pixels = decode_image(encode(np.tile(row, (16, 1))), GREY._replace(resize=8))
    assert pixels[4, 1:-1, 0].tolist() == [25, 45, 65, 85, 105, 125]


def test_resize_to_a_size_stretches() -> None:
    pixels = decode_image(encode(PICTURE), COLOUR._replace(resize=HeightWidth(7, 5)))
    expected = Image.fromarray(PICTURE).resize((5, 7), Image.Resampling.BILINEAR)
    assert pixels.shape == (7, 5, 3)
    assert differ(pixels, expected) <= 1


def test_large_jpeg_is_reduced_in_decoding_and_resized_alike() -> None:
    picture = make_pixels(3, 400, 600)
    form = COLOUR._replace(resize=64)
    reduced = decode_image(encode(picture, "JPEG", quality=95), form)
    assert differ(reduced, decode_image(encode(picture), form)) < 12


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_truncated_files_are_unreadable(kind: str, share: float) -> None:
    data = encode(make_pixels(2, 64, 64), kind)
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(data[: int(share * len(data))], TO_GREY)
    assert "0x" not in str(caught.value)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"no image", "is no image of a known format"),
        (b"\xff\xd8\xff" + b"\0" * 100, "is no image|cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 50, "is no image|cannot be decoded"),
    ],
)
def test_what_is_no_image_is_unreadable(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableImageError, match=said):
        decode_image(data, COLOUR)


@pytest.mark.usefixtures("decoder")
def test_flipped_bytes_never_raise_anything_else() -> None:
    """Damage anywhere in a file gives pixels or the one exception."""
    generator = np.random.default_rng(0)
    for kind in ("JPEG", "PNG"):
        whole = np.frombuffer(encode(make_pixels(2, 16, 16), kind), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[generator.integers(2, len(whole), 3)] ^= 0xFF
            with contextlib.suppress(UnreadableImageError):
                assert decode_image(damaged.tobytes(), COLOUR).shape[2] == 3


def test_simplejpeg_is_what_decodes_jpeg_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests above would try one decoder twice."""
    assert getattr(decoding, "simplejpeg") is not None  # noqa: B009
    data = encode(PICTURE, "JPEG")
    with_simplejpeg = decode_image(data, COLOUR)
    monkeypatch.setattr(decoding, "simplejpeg", None)
    assert differ(decode_image(data, COLOUR), with_simplejpeg) <= 3
    assert Image.open(BytesIO(data)).format == "JPEG"
