"""MNIST's folder of idx files: names, parts, and what does not fit together."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.errors import DataError
from netspec_torch.data.opening import open_place
from tests.netspec_torch.data.pictures import read_split

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def make_idx(*shape: int, data: bytes) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + data


def write_part(folder: Path, names: tuple[str, str], labels: list[int], side: int = 4) -> None:
    pixels = np.arange(len(labels) * side * side, dtype=np.uint8).tobytes()
    files = (
        make_idx(len(labels), side, side, data=pixels),
        make_idx(len(labels), data=bytes(labels)),
    )
    for name, data in zip(names, files, strict=True):
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize(
    "form",
    [
        "{part}-{what}-idx{dimensions}-ubyte",
        "{part}-{what}-idx{dimensions}-ubyte.gz",
        "{part}-{what}.idx{dimensions}-ubyte",
        "emnist-letters-{part}-{what}-idx{dimensions}-ubyte.gz",
    ],
)
def test_four_files_are_two_parts(tmp_path: Path, form: str) -> None:
    for part, labels in (("train", [2, 0, 1]), ("test" if "emnist" in form else "t10k", [1, 2])):
        images = form.format(part=part, what="images", dimensions=3)
        write_part(tmp_path, (images, form.format(part=part, what="labels", dimensions=1)), labels)
    data = open_place(str(tmp_path), seed=0)
    assert (data.kind, data.class_names) == ("idx files", ("0", "1", "2"))
    assert data.train.labels.tolist() == [2, 0, 1]
    assert data.held_out.labels.tolist() == [1, 2]
    assert data.train.images.channels == 1
    expected = np.arange(48, dtype=np.uint8).reshape(3, 4, 4, 1)
    np.testing.assert_array_equal(read_split(data.train, channels=1), expected)


def test_one_pair_is_divided(tmp_path: Path) -> None:
    write_part(tmp_path, TEST, [0, 1, 0, 1])
    data = open_place(str(tmp_path), seed=3)
    assert data.is_divided_here
    assert (len(data.train), len(data.held_out)) == (2, 2)


def test_refuses_what_does_not_fit(tmp_path: Path) -> None:
    write_part(tmp_path, TRAIN, [0, 1])
    (tmp_path / TRAIN[1]).unlink()
    with pytest.raises(DataError, match="has train-images-idx3-ubyte, and no labels for it"):
        open_place(str(tmp_path), 0)
    (tmp_path / TRAIN[1]).write_bytes(make_idx(3, data=bytes(3)))
    with pytest.raises(DataError, match=r"has 2 images, and .* has 3 labels"):
        open_place(str(tmp_path), 0)
    (tmp_path / TRAIN[1]).write_bytes(make_idx(2, data=bytes(2)))
    with pytest.raises(DataError, match="all images are of the class 0"):
        open_place(str(tmp_path), 0)
    (tmp_path / f"{TRAIN[1]}.gz").write_bytes(b"")
    with pytest.raises(DataError, match="has two files of one part"):
        open_place(str(tmp_path), 0)


def test_refuses_damage_by_the_files_name(tmp_path: Path) -> None:
    write_part(tmp_path, TRAIN, [0, 1])
    images = tmp_path / TRAIN[0]
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte holds 31 bytes of data"):
        open_place(str(tmp_path), 0)


def test_refuses_two_sets_and_no_images(tmp_path: Path) -> None:
    write_part(tmp_path, TRAIN, [])
    with pytest.raises(DataError, match="has no images"):
        open_place(str(tmp_path), 0)
    write_part(tmp_path, ("other-train-images-idx3-ubyte", TRAIN[1]), [0])
    with pytest.raises(DataError, match=r"two files of one part"):
        open_place(str(tmp_path), 0)
    (tmp_path / TRAIN[0]).unlink()
    with pytest.raises(DataError, match="has files of several sets: , other-"):
        open_place(str(tmp_path), 0)


def test_one_of_the_files_is_not_the_set(tmp_path: Path) -> None:
    write_part(tmp_path, TRAIN, [0, 1])
    with pytest.raises(DataError, match="is one file of several") as caught:
        open_place(str(tmp_path / TRAIN[0]), 0)
    assert str(tmp_path) in caught.value.help
