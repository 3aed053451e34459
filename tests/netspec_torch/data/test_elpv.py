"""The solar cells: a small package of the same form, every way a fetch can fail, the real one."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.dataset import DataSet
from netspec_torch.data.decoding import Form
from netspec_torch.data.elpv import WHEEL, cache_folder, find_cached_elpv, open_elpv, open_wheel
from netspec_torch.data.errors import DataError
from tests.netspec_torch.data.pictures import encode, make_pixels


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and a pip that asks nobody."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    (tmp_path / "links").mkdir()
    return tmp_path / "cache"


def write_wheel(path: Path, kinds: list[str]) -> Path:
    """A package as the real one is laid out, with small pictures."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(len(kinds)):
            pixels = make_pixels(i, 6, 6, channels=1)[..., 0]
            archive.writestr(f"elpv_dataset/data/images/cell{i:04}.png", encode(pixels))
        rows = [f"images/cell{i:04}.png  {i % 2}.0   {kind}" for i, kind in enumerate(kinds)]
        archive.writestr("elpv_dataset/data/labels.csv", "\n".join(rows) + "\n")
        info = "elpv_dataset-1.0.0.post1.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: elpv-dataset\nVersion: 1.0.0.post1\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def list_images(data: DataSet) -> list[tuple[str, int]]:
    return sorted(
        (split.images.name(i), int(label))
        for split in (data.train, data.held_out)
        for i, label in enumerate(split.labels)
    )


def test_images_and_classes_come_from_the_package(tmp_path: Path) -> None:
    data = open_wheel(write_wheel(tmp_path / WHEEL, ["mono", "poly"] * 5), seed=2)
    assert data.class_names == ("mono", "poly")
    assert list_images(data) == [(f"images/cell{i:04}.png", i % 2) for i in range(10)]
    assert (len(data.train), len(data.held_out)) == (8, 2)
    assert data.train.images.channels == 1
    index = int(data.train.images.name(0)[-8:-4])
    pixels = data.train.images.read(0, Form(1, to_grey=False, resize=None))
    np.testing.assert_array_equal(pixels, make_pixels(index, 6, 6, channels=1))
    assert "CC BY-NC-SA" in data.licence.replace("\n", " ")
    assert "flatters" in data.notes[0]


def test_no_network_is_said_and_leaves_nothing(cache: Path) -> None:
    lines: list[str] = []
    with pytest.raises(DataError, match=r"elpv-dataset==1.0.0.post1 could not be fetched: ERROR"):
        open_elpv(0, lines.append)
    assert len(lines) == 1
    assert lines[0].startswith("fetching elpv-dataset==1.0.0.post1 (91 MB) from PyPI")
    assert list(cache_folder().iterdir()) == []
    assert find_cached_elpv() is None


def test_another_file_under_that_name_is_refused(tmp_path: Path, cache: Path) -> None:
    write_wheel(tmp_path / "links" / WHEEL, ["mono", "poly"])
    with pytest.raises(DataError, match="is not the file that was published: its SHA-256 is"):
        open_elpv(0, lambda line: None)
    assert list(cache_folder().iterdir()) == []


def test_damaged_file_in_the_cache_is_refused(cache: Path) -> None:
    cache_folder().mkdir(parents=True)
    write_wheel(cache_folder() / WHEEL, ["mono", "poly"])
    with pytest.raises(DataError, match="is not the file that was published") as caught:
        open_elpv(0, lambda line: None)
    assert str(cache_folder()) in caught.value.help


def test_cache_that_cannot_be_made_is_said(cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    with pytest.raises(DataError, match="cannot be written"):
        open_elpv(0, lambda line: None)


@pytest.mark.network
def test_the_real_package(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CONFIG_FILE", "PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    lines: list[str] = []
    data = open_elpv(0, lines.append)
    assert len(list_images(data)) == 2624
    assert np.bincount(np.concatenate([data.train.labels, data.held_out.labels])).tolist() == [
        1074,
        1550,
    ]
    assert data.train.images.read(0, Form(1, to_grey=False, resize=None)).shape == (300, 300, 1)
    assert [line.split()[0] for line in lines] == ["fetching", "elpv-dataset:"]
    open_elpv(0, lines.append)
    assert len(lines) == 3
