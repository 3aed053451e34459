"""The idx reader: what it takes, and every way in which a file can be wrong."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.errors import DataError
from netspec_torch.data.idx import read_idx


def make_idx(shape: tuple[int, ...], kind: int = 8, data: bytes | None = None) -> bytes:
    payload = bytes(range(int(np.prod(shape)))) if data is None else data
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + payload


def test_reads_plain_and_gzipped(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(make_idx((2, 3, 4)))
    (tmp_path / "zipped.gz").write_bytes(gzip.compress(make_idx((2, 3, 4))))
    expected = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for name in ("plain", "zipped.gz"):
        np.testing.assert_array_equal(read_idx(tmp_path / name, 3), expected)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "starts with nothing"),
        (b"\x00\x00", "starts with 00 00"),
        (b"\x89PNG1234567890ab", "starts with 89 50 4e 47, not 00 00 08 03"),
        (make_idx((2, 3, 4), kind=0x0D), "starts with 00 00 0d 03"),
        (make_idx((24,)), "starts with 00 00 08 01"),
        (make_idx((2, 3, 4))[:9], "ends within its header, after 9 of 16 bytes"),
        (make_idx((2, 3, 4))[:-1], "holds 23 bytes of data; its header speaks of 2 x 3 x 4"),
        (make_idx((2, 3, 4)) + b"!", "holds 25 bytes of data"),
    ],
)
def test_refuses(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "images"
    path.write_bytes(data)
    with pytest.raises(DataError, match=said) as caught:
        read_idx(path, 3)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("keep", [0, 5, 30])
def test_refuses_a_truncated_gzip_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(make_idx((2, 3, 4)))[:keep])
    with pytest.raises(DataError):
        read_idx(path, 3)


def test_refuses_what_is_no_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(make_idx((2, 3, 4)))
    with pytest.raises(DataError, match="is damaged"):
        read_idx(path, 3)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened: No such file"):
        read_idx(tmp_path / "images", 3)
