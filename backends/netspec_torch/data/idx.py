"""The idx format of MNIST (LeCun): an array of bytes behind a short header, often gzipped.

0  0  type  dimensions     the type is 8 for unsigned bytes, the only one read here
extent of each dimension   four bytes each, high byte first
the data                   the last dimension the quickest
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.errors import DataError

UNSIGNED_BYTES = 8


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array of an idx file, gzipped where its name ends in `.gz`; raises DataError."""
    data = _read_bytes(path)
    header = bytes([0, 0, UNSIGNED_BYTES, dimensions])
    if data[:4] != header:
        raise DataError(
            f"{path} is no idx file of unsigned bytes in {dimensions} dimensions: "
            f"it starts with {data[:4].hex(' ') or 'nothing'}, not {header.hex(' ')}"
        )
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise DataError(f"{path} ends within its header, after {len(data)} of {start} bytes")
    shape = tuple(int(extent) for extent in np.frombuffer(data, ">u4", dimensions, offset=4))
    if len(data) - start != prod(shape):
        raise DataError(
            f"{path} holds {len(data) - start:,} bytes of data; its header speaks of "
            f"{' x '.join(map(str, shape))}, which is {prod(shape):,}"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error
