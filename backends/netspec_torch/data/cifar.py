"""CIFAR-10 and CIFAR-100 in their binary form (Krizhevsky, `cifar-10-binary`, `cifar-100-binary`).

A file is records of one length and nothing else: the label, one byte (CIFAR-100: two, the coarse
label and the fine one, of which the fine one counts), then 1,024 bytes of red, green and blue each,
row by row. The names of the classes lie beside them as text, a line each.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.dataset import Labels, Source, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import ArrayImages

SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS


class Layout(NamedTuple):
    """What the files of one of the two are called."""

    kind: str
    train: tuple[str, ...]
    test: str
    names: str
    classes: int
    label_bytes: int
    """The last of them is the label."""


LAYOUTS = (
    Layout(
        "CIFAR-10's binary files",
        tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        "test_batch.bin",
        "batches.meta.txt",
        10,
        1,
    ),
    Layout(
        "CIFAR-100's binary files",
        ("train.bin",),
        "test.bin",
        "fine_label_names.txt",
        100,
        2,
    ),
)


def find_layout(names: Sequence[str]) -> Layout | None:
    """Which of the two a folder holds, by the names of its files."""
    return next(
        (each for each in LAYOUTS if {*each.train, each.test}.intersection(names)),
        None,
    )


def read_cifar(folder: Path, layout: Layout) -> Source:
    """The images of a folder; raises DataError."""
    train = [_read_records(folder / name, layout) for name in layout.train]
    return Source(
        layout.kind,
        _read_names(folder / layout.names, layout.classes),
        _as_split(train, layout),
        _as_split([_read_records(folder / layout.test, layout)], layout),
        f"{layout.train[0]}{' and others' if len(train) > 1 else ''}, and {layout.test}",
    )


def _read_records(path: Path, layout: Layout) -> NDArray[np.uint8]:
    """Records x bytes."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened: {error.strerror}",
            f"{layout.kind} are {', '.join([*layout.train, layout.test])}",
        ) from error
    length = layout.label_bytes + PIXELS
    whole, rest = divmod(len(data), length)
    if rest or not whole:
        raise DataError(
            f"{path} has {len(data):,} bytes, which is not a whole number of records of {length:,} "
            f"bytes: record {whole:,}, at byte {whole * length:,}, is cut off"
        )
    records = data.reshape(whole, length)
    labels = records[:, layout.label_bytes - 1]
    wrong = np.flatnonzero(labels >= layout.classes)
    if len(wrong):
        record = int(wrong[0])
        raise DataError(
            f"{path}: record {record:,}, at byte {record * length:,}, has the label "
            f"{labels[record]}, and there are {layout.classes} classes"
        )
    return records


def _as_split(parts: list[NDArray[np.uint8]], layout: Layout) -> Split:
    labels: Labels = np.concatenate([part[:, layout.label_bytes - 1] for part in parts]).astype(
        np.int64
    )
    planes = np.concatenate([part[:, layout.label_bytes :] for part in parts])
    images = planes.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1)
    return Split(ArrayImages(np.ascontiguousarray(images)), labels)


def _read_names(path: Path, classes: int) -> tuple[str, ...]:
    """The names of the classes; their numbers where the file of names is not there."""
    if not path.exists():
        return tuple(str(number) for number in range(classes))
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != classes:
        raise DataError(f"{path} names {len(names)} classes, and there are {classes}")
    return names
