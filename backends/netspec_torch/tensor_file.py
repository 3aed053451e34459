"""The safetensors files of a run, with a checksum: how they are written and read.

A file is eight bytes with the length of a header, the header, which is JSON, and the tensors' bytes
one after the other (https://huggingface.co/docs/safetensors). It is written here tensor by tensor,
so that a copy is made of one at a time, and only of one that lies on a device or is not in the
order of its numbers; any reader of safetensors reads it.

The checksum stands in the header: the SHA-256 of the whole file with 64 zeros in its own place.
Nothing in a file is executed when it is read.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
STATISTICS = "statistics/"
"""What the names of tensors begin with that are no weights, but were measured on images."""
NO_CHECKSUM = "0" * 64
CHECKSUM = re.compile(rb'"sha256":"([0-9a-f]{64})"')
"""A text in the header can't look like it: its quotes are escaped."""
BYTES_AT_ONCE = 2**20


class DamagedFileError(Exception):
    """A file that is not whole, not as it was written, or nothing of the kind; the message
    completes "it …"."""


@dataclass(frozen=True)
class TensorFile:
    """What a file holds."""

    about: dict[str, str]
    """Texts beside the tensors."""
    tensors: dict[str, Tensor]
    """On the CPU; their numbers are read from the file when they are first used."""


def write_tensor_file(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write a file; raises OSError where that fails, and leaves a part of it."""
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    head = _make_head(ordered, {**about, "sha256": NO_CHECKSUM})
    place = CHECKSUM.search(head)
    assert place is not None
    digest = hashlib.sha256(head)
    with path.open("wb") as file:
        file.write(head)
        for _, tensor in ordered:
            data = _read_bytes(tensor)
            digest.update(data)
            file.write(data)
        file.seek(place.start(1))
        file.write(digest.hexdigest().encode())


def read_tensor_file(path: Path) -> TensorFile:
    """Read a file and hold it against its checksum; raises FileNotFoundError and
    DamagedFileError."""
    try:
        with path.open("rb") as file:
            _check(file)
        with safe_open(path, framework="pt") as content:
            names = list(content.keys())
            return TensorFile(
                content.metadata() or {}, {name: content.get_tensor(name) for name in names}
            )
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        raise DamagedFileError(f"cannot be read: {error}") from error


def read_texts(path: Path) -> dict[str, str]:
    """The texts of a file alone, unchecked; empty where there is no such file, or none that can be
    read."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}


def _make_head(ordered: list[tuple[str, Tensor]], about: Mapping[str, str]) -> bytes:
    """The header behind its length. Wide numbers come first, so that each lies where a number of
    its width may."""
    header: dict[str, object] = {"__metadata__": dict(about)}
    end = 0
    for name, tensor in ordered:
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _read_bytes(tensor: Tensor) -> memoryview:
    numbers = tensor.detach().cpu().contiguous().reshape(-1)
    data: memoryview = numbers.view(torch.uint8).numpy().data
    return data


def _check(file: BufferedReader) -> None:
    """Raise DamagedFileError where a file is not what was written."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    size = file.seek(0, 2)
    file.seek(8)
    if len(start) < 8 or length > size - 8:
        raise DamagedFileError(f"is cut off, or no safetensors file: it has {size:,} bytes")
    head = start + file.read(length)
    whole = len(head) + _count_bytes(head[8:])
    if size != whole:
        raise DamagedFileError(f"is cut off: it has {size:,} of {whole:,} bytes")
    written = CHECKSUM.search(head)
    if written is None:
        raise DamagedFileError("has no checksum, so that netspec did not write it")
    digest = hashlib.sha256(head[: written.start(1)] + NO_CHECKSUM.encode())
    digest.update(head[written.end(1) :])
    for part in _read_parts(file):
        digest.update(part)
    if digest.hexdigest().encode() != written[1]:
        raise DamagedFileError("is damaged: what it holds does not have its checksum")


def _count_bytes(header: bytes) -> int:
    """The bytes of all tensors, by the header."""
    try:
        entries = json.loads(header)
        return max(
            (entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"),
            default=0,
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DamagedFileError("is no safetensors file") from error


def _read_parts(file: BufferedReader) -> Iterator[memoryview]:
    buffer = bytearray(BYTES_AT_ONCE)
    view = memoryview(buffer)
    while count := file.readinto(buffer):
        yield view[:count]
