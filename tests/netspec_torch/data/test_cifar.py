"""CIFAR's binary files: records, planes, names, and damage by file, record and byte."""

from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.errors import DataError
from netspec_torch.data.opening import open_place
from tests.netspec_torch.data.pictures import read_split

NAMES = [f"class {number}" for number in range(10)]


def make_record(labels: list[int], seed: int) -> bytes:
    """Labels, then red, green and blue planes, row by row."""
    planes = np.random.default_rng(seed).integers(0, 256, 3072, np.uint8)
    return bytes(labels) + planes.tobytes()


def make_pixels(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    planes = np.random.default_rng(seed).integers(0, 256, (3, 32, 32), np.uint8)
    return planes.transpose(1, 2, 0)


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    for number in range(1, 6):
        records = [make_record([number], seed) for seed in (number, 10 + number)]
        (tmp_path / f"data_batch_{number}.bin").write_bytes(b"".join(records))
    (tmp_path / "test_batch.bin").write_bytes(make_record([9], 0))
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    return tmp_path


def test_cifar_10(ten: Path) -> None:
    data = open_place(str(ten), seed=0)
    assert data.class_names == tuple(NAMES)
    assert data.kind == "CIFAR-10's binary files"
    assert data.train.labels.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert data.held_out.labels.tolist() == [9]
    assert data.train.images.channels == 3
    pixels = read_split(data.train)
    np.testing.assert_array_equal(pixels[3], make_pixels(12))
    assert "no image to train on is of the class class 0, class 6" in data.notes[0]


def test_cifar_100_has_the_fine_labels(tmp_path: Path) -> None:
    (tmp_path / "train.bin").write_bytes(make_record([3, 99], 1) + make_record([4, 7], 2))
    (tmp_path / "test.bin").write_bytes(make_record([1, 7], 3))
    data = open_place(str(tmp_path), 0)
    assert data.kind == "CIFAR-100's binary files"
    assert len(data.class_names) == 100
    assert data.train.labels.tolist() == [99, 7]
    assert data.held_out.labels.tolist() == [7]
    np.testing.assert_array_equal(read_split(data.held_out)[0], make_pixels(3))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("data_batch_3.bin", make_record([3], 1)[:-1], r"has 3,072 bytes, .* record 0, at byte 0"),
        (
            "data_batch_3.bin",
            make_record([3], 1) * 2 + b"!",
            r"record 2, at byte 6,146, is cut off",
        ),
        ("data_batch_3.bin", b"", r"has 0 bytes"),
        (
            "test_batch.bin",
            make_record([3], 1) + make_record([10], 1),
            r"record 1, at byte 3,073, has the label 10, and there are 10 classes",
        ),
        ("batches.meta.txt", b"cat\ndog\n", "names 2 classes, and there are 10"),
    ],
)
def test_refuses(ten: Path, name: str, data: bytes, said: str) -> None:
    (ten / name).write_bytes(data)
    with pytest.raises(DataError, match=said) as caught:
        open_place(str(ten), 0)
    assert str(ten / name) in caught.value.message


def test_refuses_a_part_of_the_files(ten: Path) -> None:
    (ten / "data_batch_2.bin").unlink()
    with pytest.raises(DataError, match=r"data_batch_2.bin cannot be opened: No such") as caught:
        open_place(str(ten), 0)
    assert "test_batch.bin" in caught.value.help
    with pytest.raises(DataError, match="is one file of several"):
        open_place(str(ten / "test_batch.bin"), 0)
