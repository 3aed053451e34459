"""Reading the headers of tars: what Python's own `tarfile` writes in every format, and damage."""

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from netspec_torch.data.errors import DataError
from netspec_torch.data.tars import open_tar

FILES = {
    "a.jpg": b"x" * 700,
    "folder/b.txt": b"",
    "long/" + "n" * 150 + ".png": b"y" * 512,
    "é/ü.png": b"z",
}


def make_tar(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "a.jpg"
        tar.addfile(link)
    return out.getvalue()


def read(path: Path) -> dict[str, bytes]:
    data = path.read_bytes()
    with open_tar(path) as tar:
        members = list(tar.list_members())
        found = {member.name: tar.read(member) for member in members}
    assert [data[m.offset : m.offset + m.size] for m in members] == list(found.values())
    return found


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_every_format_is_read(tmp_path: Path, form: int) -> None:
    files = {k: v for k, v in FILES.items() if form != tarfile.USTAR_FORMAT or len(k) < 100}
    (tmp_path / "x.tar").write_bytes(make_tar(files, form))
    assert read(tmp_path / "x.tar") == files


def test_a_name_in_two_fields(tmp_path: Path) -> None:
    name = f"{'d' * 90}/{'n' * 90}"
    (tmp_path / "x.tar").write_bytes(make_tar({name: b"1"}, tarfile.USTAR_FORMAT))
    assert read(tmp_path / "x.tar") == {name: b"1"}


def test_sizes_in_base_256(tmp_path: Path) -> None:
    """GNU's form, as for files from 8 GiB on."""
    about = tarfile.TarInfo("big")
    header = bytearray(about.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + (3).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x.tar").write_bytes(bytes(header) + b"abc" + bytes(509) + bytes(1024))
    assert read(tmp_path / "x.tar") == {"big": b"abc"}


def test_a_leading_dot_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(make_tar({"./a": b"1"}))
    assert read(tmp_path / "x.tar") == {"a": b"1"}


def test_a_tar_within_a_tar(tmp_path: Path) -> None:
    inner = make_tar({"x": b"inside"})
    (tmp_path / "x.tar").write_bytes(make_tar({"0": b"1", "in.tar": inner}))
    with open_tar(tmp_path / "x.tar") as tar:
        member = next(m for m in tar.list_members() if m.name == "in.tar")
        (found,) = tar.enter(member).list_members()
        assert tar.read(found) == b"inside"


WHOLE = make_tar({"a": b"x" * 600, "b": b"y" * 600}, tarfile.GNU_FORMAT)
B = 512 + 512 + 1024
"""Where the header of `b` begins: behind that of the folder, that of `a`, and its two blocks."""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"no tar", "is damaged at byte 0: it is cut off"),
        (b"no tar" * 200, "is no tar file"),
        (WHOLE[: B + 300], rf"is damaged at byte {B:,}: it is cut off"),
        (WHOLE[:B], rf"is damaged at byte {B:,}: it is cut off"),
        (WHOLE[: B + 700], rf"is damaged at byte {B:,}: a file of 600 bytes begins there"),
        (WHOLE[:B] + b"?" + WHOLE[B + 1 :], rf"is damaged at byte {B:,}: no header stands there"),
        (gzip.compress(WHOLE), "is compressed with gzip"),
    ],
)
def test_refuses(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    with pytest.raises(DataError, match=said) as caught, open_tar(path) as tar:
        list(tar.list_members())
    assert str(path) in caught.value.message


def test_every_place_at_which_a_tar_may_be_cut_off(tmp_path: Path) -> None:
    whole = WHOLE.rstrip(b"\0")
    end = -(-len(whole) // 512) * 512
    for length in range(1, end + 1, 97):
        (tmp_path / "x.tar").write_bytes(WHOLE[:length])
        with pytest.raises(DataError), open_tar(tmp_path / "x.tar") as tar:
            list(tar.list_members())


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened: No such file"), open_tar(tmp_path / "x"):
        pass


def count_bytes_read() -> int:
    """What this process has had read from disks."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("read_bytes")).split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="counts what Linux reads")
def test_headers_alone_are_read_of_large_files(tmp_path: Path) -> None:
    """Nothing is read of a folder in memory; of one on a disk a page or two a header."""
    files = {f"{number}.jpg": bytes(200_000) for number in range(50)}
    path = tmp_path / "large.tar"
    path.write_bytes(make_tar(files))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = count_bytes_read()
    with open_tar(path) as tar:
        assert len(list(tar.list_members())) == 50
    assert count_bytes_read() - before < path.stat().st_size / 4
