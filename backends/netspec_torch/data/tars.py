"""What lies where in a tar file: names, places and lengths, read from the headers alone.

The form is that of POSIX (ustar, and pax's records for long names) and of GNU tar: a header of 512
bytes, the file, padded to 512 bytes, and so on; two blocks of zeros close it. A compressed tar has
no places to read from, and is refused.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from netspec_torch.data.errors import DataError

BLOCK = 512
PROBED, NEAR = 16, 1 << 14
"""Where the first headers lie nearer to each other than this, the file is read from end to end."""
REGULAR = (b"0", b"\0", b"7")
WITHOUT_BYTES = (b"1", b"2", b"3", b"4", b"5", b"6")
"""Links, devices and folders: whatever size their header has, no bytes follow."""
LONG_NAME, PAX, SPARSE = b"L", b"x", b"S"
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class Member(NamedTuple):
    """A file in a tar."""

    name: str
    offset: int
    """Of its bytes, from the beginning of the file on the disk."""
    size: int


class Tar:
    """A tar file, or one that lies within another, as bytes that are not read before they are
    asked for."""

    def __init__(self, path: Path, data: mmap.mmap, start: int, end: int, name: str) -> None:
        self.path = path
        self.name = name
        """How messages call it."""
        self._data = data
        self._start = start
        self._end = end

    def read(self, member: Member) -> bytes:
        """The bytes of a file."""
        return self._data[member.offset : member.offset + member.size]

    def enter(self, member: Member) -> "Tar":
        """A tar file that lies in this one."""
        end = member.offset + member.size
        return Tar(self.path, self._data, member.offset, end, f"{self.name}: {member.name}")

    def list_members(self) -> Iterator[Member]:
        """The files in it, in order; raises DataError where it is damaged or cut off."""
        place, name, pax_size = self._start, "", None
        headers = 0
        while True:
            header = self._data[place : min(place + BLOCK, self._end)]
            if header.count(0) == BLOCK:
                return
            self._check_header(header, place)
            kind = header[156:157]
            size = self._read_size(header, place) if pax_size is None else pax_size
            size = 0 if kind in WITHOUT_BYTES else size
            headers += 1
            if headers == PROBED and place - self._start < PROBED * NEAR:
                advise(self._data, "MADV_NORMAL")
            begin = place + BLOCK
            if begin + size > self._end:
                raise self._damage(place, f"a file of {size:,} bytes begins there, and it ends")
            if kind == LONG_NAME:
                name = _as_text(self._data[begin : begin + size])
            elif kind == PAX:
                records = self._read_records(begin, size, place)
                name = records.get("path", name)
                pax_size = self._as_number(records["size"], place) if "size" in records else None
            elif kind == SPARSE:
                raise self._damage(place, "GNU's form of files with holes is not read")
            else:
                if kind in REGULAR:
                    yield Member((name or _read_name(header)).removeprefix("./"), begin, size)
                name, pax_size = "", None
            place = begin + -(-size // BLOCK) * BLOCK

    def _check_header(self, header: bytes, place: int) -> None:
        if len(header) < BLOCK:
            raise self._damage(
                place, "it is cut off: the blocks of zeros that close it are missing"
            )
        try:
            stored = int(header[148:156].strip(b"\0 ") or b"x", 8)
        except ValueError:
            stored = -1
        if stored != sum(header) - sum(header[148:156]) + 8 * ord(" "):
            if place == self._start:
                raise DataError(f"{self.name} is no tar file")
            raise self._damage(place, "no header stands there, where one must")

    def _read_size(self, header: bytes, place: int) -> int:
        field = header[124:136]
        if field[0] & 0x80:  # GNU's form of sizes from 8 GiB on: base 256.
            return int.from_bytes(field, "big") & ((1 << 95) - 1)
        return self._as_number(_as_text(field).strip() or "0", place, base=8)

    def _as_number(self, text: str, place: int, base: int = 10) -> int:
        try:
            return int(text, base)
        except ValueError:
            raise self._damage(place, f"the size there is {text!r}") from None

    def _read_records(self, begin: int, size: int, place: int) -> dict[str, str]:
        """The records of pax, each `LENGTH KEY=VALUE` and a newline."""
        records = {}
        end = begin + size
        while begin < end:
            length, _, _ = self._data[begin : min(begin + 20, end)].partition(b" ")
            if not length.isdigit() or not 0 < int(length) <= end - begin:
                raise self._damage(place, "the records there are no pax records")
            record = self._data[begin + len(length) + 1 : begin + int(length) - 1]
            key, _, value = record.partition(b"=")
            records[_as_text(key)] = _as_text(value)
            begin += int(length)
        return records

    def _damage(self, place: int, what: str) -> DataError:
        return DataError(f"{self.name} is damaged at byte {place - self._start:,}: {what}")


def _as_text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _read_name(header: bytes) -> str:
    name = _as_text(header[:100])
    prefix = _as_text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def looks_like_tar(start: bytes) -> bool:
    """Whether the beginning of a file is a tar's, or that of a compressed file."""
    return start[257:262] == b"ustar" or start.startswith(tuple(COMPRESSED))


def advise(data: mmap.mmap, advice: str) -> None:
    """Tell the system how a file will be read, where it listens. Unless told, it reads ahead, and
    with the headers of large files all that lies between them."""
    number = getattr(mmap, advice, None)
    if number is not None:
        data.madvise(number)


@contextmanager
def open_tar(path: Path) -> Iterator[Tar]:
    """A tar file, open for reading; raises DataError."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size == 0:
                raise DataError(f"{path} is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                advise(data, "MADV_RANDOM")
                for start, name in COMPRESSED.items():
                    if data[: len(start)] == start:
                        raise DataError(
                            f"{path} is compressed with {name}, so images cannot be read out of it "
                            "in any order",
                            "decompress the file to a tar, or unpack it to a folder",
                        )
                yield Tar(path, data, 0, size, str(path))
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error
