"""Folders of class folders: `train/CLASS/…` and `val/CLASS/…`, or `CLASS/…` that is split here.

Classes are the folders by name, sorted in code points, and their images all image files below them,
sorted by path. What starts with a dot is passed over, as are files that are no images by their
ending, which are counted; links are followed. A layout that leaves a doubt is refused.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netspec_torch.data.dataset import DataSet, Labels, Split, divide_at_random
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import open_files

JPEG_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif")
ENDINGS = (*JPEG_ENDINGS, ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
"""Files that count as images, in small or capital letters."""
TRAIN, HELD_OUT = "train", "val"
LAYOUT = (
    "a data set is a folder with train/CLASS/ and val/CLASS/ in it, or with CLASS/ folders alone, "
    "which are then split"
)


def open_folder(path: Path, seed: int, name: str | None = None) -> DataSet:
    """The data set in a folder; raises DataError where it is none."""
    if not path.exists():
        raise DataError(f"there is no folder {path}", LAYOUT)
    if not path.is_dir():
        raise DataError(f"{path} is a file, not a folder", LAYOUT)
    halves = [half for half in (TRAIN, HELD_OUT) if (path / half).is_dir()]
    if len(halves) == 1:
        present, missing = halves[0], HELD_OUT if halves[0] == TRAIN else TRAIN
        raise DataError(
            f"{path} has a folder {present}/ but none called {missing}/",
            f"name the other half {missing}/, or give {path / present} to have it split",
        )
    name = name or path.resolve().name
    return _open_halves(path, name) if halves else _open_divided(path, name, seed)


def _open_halves(path: Path, name: str) -> DataSet:
    train, held_out = (_list_classes(path / half) for half in (TRAIN, HELD_OUT))
    unknown = [label for label in held_out.names if label not in train.names]
    missing = [label for label in train.names if label not in held_out.names]
    if unknown:
        raise DataError(
            f"{path / HELD_OUT} has the class {unknown[0]}, which {path / TRAIN} has not",
            "both need the same class folders",
        )
    notes = _notes(train.passed_over + held_out.passed_over)
    if missing:
        notes += (f"no held-out image is of the class {', '.join(missing)}",)
    return DataSet(
        name=name,
        class_names=train.names,
        train=train.as_split(train.names),
        held_out=held_out.as_split(train.names),
        origin=str(path),
        division=f"the folders {TRAIN}/ and {HELD_OUT}/",
        notes=notes,
    )


def _open_divided(path: Path, name: str, seed: int) -> DataSet:
    classes = _list_classes(path)
    for label, files in zip(classes.names, classes.files, strict=True):
        if len(files) == 1:
            raise DataError(
                f"the class {label} has one image, and a split needs two",
                f"add images to {path / label}, or sort them into {TRAIN}/ and {HELD_OUT}/",
            )
    whole = classes.as_split(classes.names)
    names = [name for files in classes.files for name in files]
    train, held_out = (
        Split(open_files(path, [names[i] for i in chosen]), whole.labels[chosen])
        for chosen in divide_at_random(whole.labels, seed)
    )
    return DataSet(
        name=name,
        class_names=classes.names,
        train=train,
        held_out=held_out,
        origin=str(path),
        division=f"a fifth of each class held out at random, seed {seed}",
        is_divided_here=True,
        notes=_notes(classes.passed_over),
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


def _list_classes(root: Path) -> _Classes:
    names = tuple(sorted(entry.name for entry in _visible(root) if entry.is_dir()))
    if not names:
        raise DataError(_describe_without_classes(root), LAYOUT)
    files: list[tuple[str, ...]] = []
    passed_over = 0
    for name in names:
        found = sorted(_walk(root / name, name, frozenset()))
        images = tuple(file for file in found if Path(file).suffix.lower() in ENDINGS)
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
            LAYOUT,
        )
    return _Classes(root, names, tuple(files), passed_over)


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
    images = sum(Path(entry.name).suffix.lower() in ENDINGS for entry in _visible(root))
    if images:
        return f"{root} holds {images:,} images but no class folders"
    return f"{root} holds neither images nor class folders"


def _notes(passed_over: int) -> tuple[str, ...]:
    if not passed_over:
        return ()
    what = "file that is no image" if passed_over == 1 else "files that are no images"
    return (f"{passed_over:,} {what} by name {'was' if passed_over == 1 else 'were'} passed over",)
