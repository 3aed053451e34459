"""Looking at data sets: sizes, colours, broken images, checksums."""

from pathlib import Path

import numpy as np
import pytest

from netspec.recipe.data_report import BrokenImage
from netspec_torch.data import open_data
from netspec_torch.data.inspection import inspect_data
from netspec_torch.data.packing import pack_data
from netspec_torch.data.shard_writer import Options
from tests.netspec_torch.data.pictures import encode, make_folder, make_pixels, read_split

NAMES = [f"{half}/{label}/{i}.png" for half in ("train", "val") for label in "ab" for i in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_folder(tmp_path / "set", NAMES, 12, 16)
    grey = make_pixels(0, 30, 20, channels=1)[..., 0]
    (tmp_path / "set" / "val" / "a" / "0.png").write_bytes(encode(grey))
    (tmp_path / "set" / "train" / "b" / "1.png").write_bytes(b"x")
    return tmp_path / "set"


def test_everything_is_counted_and_measured(folder: Path) -> None:
    data = open_data(folder, "", 0)
    told: list[tuple[int, int]] = []
    report = inspect_data(data, progress=lambda *it: told.append(it))
    assert report.classes == ("a", "b")
    assert report.train.images_of_class == (3, 3)
    pixels = report.pixels
    assert pixels is not None
    assert (pixels.images, pixels.grey) == (12, 1)
    assert sorted(pixels.heights) == [12] * 10 + [30]
    assert sorted(pixels.widths) == [16] * 10 + [20]
    assert pixels.broken == (BrokenImage("train/b/1.png", "is no image of a known format"),)
    files = [path for path in folder.rglob("*.png") if path.stat().st_size > 1]
    assert pixels.bytes == sum(path.stat().st_size for path in files)
    images = read_split(data.train.take([0, 1, 2, 3, 5]))
    np.testing.assert_allclose(pixels.mean, images.mean((0, 1, 2)))
    np.testing.assert_allclose(pixels.std, images.std((0, 1, 2)))
    assert told[-1] == (12, 12)


def test_some_images_or_none(folder: Path) -> None:
    data = open_data(folder, "", 0)
    some = inspect_data(data, images=2).pixels
    assert some is not None
    assert some.images == 4
    assert inspect_data(data, images=0).pixels is None
    many = inspect_data(data, images=1000).pixels
    assert many is not None
    assert many.images == 12


def test_pixels_have_no_files() -> None:
    report = inspect_data(open_data("fashion_mnist", "", 0), images=50)
    assert report.pixels is not None
    assert report.pixels.bytes == 0
    assert len(report.pixels.mean) == 1
    assert set(report.pixels.heights) == {28}


def test_checksums_find_damage_that_still_decodes(folder: Path, tmp_path: Path) -> None:
    pack_data(open_data(folder, "", 0), tmp_path / "out", Options(side=8))
    path = tmp_path / "out" / "val-00000.tar"
    data = bytearray(path.read_bytes())
    place = data.index(b"\xff\xdb") + 10  # within a table of quantization: other colours
    data[place] ^= 1
    path.write_bytes(bytes(data))
    report = inspect_data(open_data(tmp_path / "out", "", 0))
    assert report.pixels is not None
    (broken,) = report.pixels.broken
    assert broken.reason == "is not what was stored: its checksum differs"
