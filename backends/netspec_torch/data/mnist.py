"""MNIST's layout, and that of all who took it over: four idx files in a folder.

`train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, and `t10k-…` or `test-…` with the same
endings; each may be gzipped, have a dot in place of the hyphen in front of `idx`, and a prefix, as
EMNIST's have. Where there is one pair alone, it is split later.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.dataset import Labels, Source, Split, number_classes
from netspec_torch.data.errors import DataError
from netspec_torch.data.idx import read_idx
from netspec_torch.data.images import ArrayImages

KIND = "idx files"
NAME = re.compile(
    r"(?P<set>.*?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[13]-ubyte(\.gz)?"
)
LAYOUT = (
    "MNIST's layout is train-images-idx3-ubyte, train-labels-idx1-ubyte, and the same with t10k; "
    "each may end in .gz"
)


def is_idx_name(name: str) -> bool:
    """Whether a file is called as one of the four is."""
    return NAME.fullmatch(name) is not None


def read_mnist(folder: Path, names: list[str]) -> Source:
    """The images of idx files, by the names of the folder's files; raises DataError."""
    files: dict[tuple[str, str], Path] = {}
    sets = set()
    for name in sorted(names):
        match = NAME.fullmatch(name)
        if match is None:
            continue
        key = ("train" if match["part"] == "train" else "test", match["what"])
        sets.add(match["set"])
        if key in files:
            first = files[key].name
            raise DataError(f"{folder} has two files of one part, {first} and {name}", LAYOUT)
        files[key] = folder / name
    if len(sets) > 1:
        raise DataError(f"{folder} has files of several sets: {', '.join(sorted(sets))}", LAYOUT)
    parts = {part: _read_part(files, part, folder) for part, _ in files}
    class_names = number_classes(*(split.labels for split in parts.values()))
    if len(parts) == 1:
        (split,) = parts.values()
        return Source(KIND, class_names, split)
    division = f"{files['train', 'images'].name} and {files['test', 'images'].name}"
    return Source(KIND, class_names, parts["train"], parts["test"], division)


def _read_part(files: dict[tuple[str, str], Path], part: str, folder: Path) -> Split:
    for what, other in (("images", "labels"), ("labels", "images")):
        if (part, what) not in files:
            raise DataError(f"{folder} has {files[part, other].name}, and no {what} for it", LAYOUT)
    images, labels = files[part, "images"], files[part, "labels"]
    pixels = read_idx(images, dimensions=3)
    numbers: NDArray[np.uint8] = read_idx(labels, dimensions=1)
    if len(pixels) != len(numbers):
        raise DataError(
            f"{images} has {len(pixels):,} images, and {labels} has {len(numbers):,} labels"
        )
    if pixels.size == 0:
        raise DataError(f"{images} has no images")
    as_labels: Labels = numbers.astype(np.int64)
    return Split(ArrayImages(pixels[..., None]), as_labels)
