"""Folders of class folders: `train/CLASS/…` and `val/CLASS/…`, or `CLASS/…` that is split later.

Classes are the folders by name, sorted in code points, and their images all image files below them,
sorted by path. What starts with a dot is passed over, as are files that are no images by their
ending, which are counted; links are followed. A layout that leaves a doubt is refused.

ImageNet's own layout has no class folders in `val/`, and a list of labels beside it: `val.txt`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netspec_torch.data.dataset import MOST_NAMED, Labels, Source, Split, note_passed_over
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import ENDINGS, is_image, open_files
from netspec_torch.data.lists import label_images

TRAIN, HELD_OUT = "train", "val"
KIND = "class folders"
LAYOUT = (
    "a data set is a folder with train/CLASS/ and val/CLASS/ in it, or with CLASS/ folders alone, "
    "which are then split"
)


def read_folder(path: Path) -> Source:
    """The images of a folder; raises DataError where they are not in class folders."""
    halves = [half for half in (TRAIN, HELD_OUT) if (path / half).is_dir()]
    if len(halves) == 1:
        present, missing = halves[0], HELD_OUT if halves[0] == TRAIN else TRAIN
        raise DataError(
            f"{path} has a folder {present}/ but none called {missing}/",
            f"name the other half {missing}/, or give {path / present} to have it split",
        )
    return _read_halves(path) if halves else read_classes(path)


def read_classes(path: Path) -> Source:
    """The images of a folder of class folders."""
    classes = _list_classes(path)
    return Source(
        KIND,
        classes.names,
        classes.as_split(classes.names),
        notes=note_passed_over(classes.passed_over),
    )


def read_flat(folder: Path, list_file: Path, class_names: tuple[str, ...]) -> Split:
    """The images of a folder without class folders, labelled by a list."""
    names = sorted(name for name in list_files(folder) if is_image(name))
    labels = label_images(names, list_file, class_names, str(folder))
    return Split(open_files(folder, names), labels)


def list_files(folder: Path) -> list[str]:
    """The files of a folder by name, hidden ones excepted."""
    return [entry.name for entry in _visible(folder) if entry.is_file()]


def list_folders(folder: Path) -> list[str]:
    """The folders in a folder by name, hidden ones excepted; none where there is no such folder."""
    return [entry.name for entry in _visible(folder) if entry.is_dir()] if folder.is_dir() else []


def _read_halves(path: Path) -> Source:
    train = _list_classes(path / TRAIN)
    images = replace(train.as_split(train.names), part=f"{TRAIN}/")
    division = f"the folders {TRAIN}/ and {HELD_OUT}/"
    list_file = path / f"{HELD_OUT}.txt"
    if list_file.is_file() and not list_folders(path / HELD_OUT):
        held_out = read_flat(path / HELD_OUT, list_file, train.names)
        return Source(
            KIND,
            train.names,
            images,
            replace(held_out, part=f"{HELD_OUT}/"),
            f"{division}, the latter labelled by {list_file.name}",
            note_passed_over(train.passed_over),
        )
    second = _list_classes(path / HELD_OUT, train)
    unknown = [label for label in second.names if label not in train.names]
    if unknown:
        raise DataError(
            f"{path / HELD_OUT} has the class {unknown[0]}, which {path / TRAIN} has not",
            "both need the same class folders",
        )
    return Source(
        KIND,
        train.names,
        images,
        replace(second.as_split(train.names), part=f"{HELD_OUT}/"),
        division,
        note_passed_over(train.passed_over + second.passed_over),
    )


@dataclass(frozen=True)
class _Classes:
    """The class folders of one folder, and their images as paths relative to it."""

    root: Path
    names: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]
    passed_over: int

    def as_split(self, class_names: tuple[str, ...]) -> Split:
        numbers = {name: number for number, name in enumerate(class_names)}
        counts = [len(files) for files in self.files]
        labels: Labels = np.repeat([numbers[name] for name in self.names], counts)
        return Split(open_files(self.root, [f for files in self.files for f in files]), labels)


def _list_classes(root: Path, train: _Classes | None = None) -> _Classes:
    """The classes of a folder; `train` are those of the other half."""
    names = tuple(sorted(list_folders(root)))
    if not names:
        raise DataError(_describe_without_classes(root), LAYOUT)
    files: list[tuple[str, ...]] = []
    passed_over = 0
    for name in names:
        found = sorted(_walk(root / name, name, frozenset()))
        images = tuple(file for file in found if is_image(file))
        if not images:
            raise DataError(
                f"the class folder {root / name} holds no images",
                f"remove it, or put images into it ({', '.join(ENDINGS)})",
            )
        files.append(images)
        passed_over += len(found) - len(images)
    if len(names) == 1:
        raise DataError(
            f"{root} holds one class, {names[0]}, and there is nothing to tell it from",
            LAYOUT if train is None else _describe_lack(names[0], train),
        )
    return _Classes(root, names, tuple(files), passed_over)


def _describe_lack(present: str, train: _Classes) -> str:
    lacking = [name for name in train.names if name != present]
    more = f" and {len(lacking) - MOST_NAMED:,} more" if len(lacking) > MOST_NAMED else ""
    return f"{train.root} also has {', '.join(lacking[:MOST_NAMED])}{more}: hold out images of each"


def _visible(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from error


def _walk(folder: Path, name: str, above: frozenset[Path]) -> Iterator[str]:
    """All files below a folder, as `/`-separated paths that start with `name`. A link back to a
    folder that it lies in is not followed."""
    real = folder.resolve()
    if real in above:
        return
    for entry in _visible(folder):
        below = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _walk(folder / entry.name, below, above | {real})
        else:
            yield below


def _describe_without_classes(root: Path) -> str:
    images = sum(is_image(entry.name) for entry in _visible(root))
    if images:
        return f"{root} holds {images:,} images but no class folders"
    return f"{root} holds neither images nor class folders"
