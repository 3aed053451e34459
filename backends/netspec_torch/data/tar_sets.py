"""Data sets in tar files, read where they lie: WebDataset shards, and ImageNet's tars of classes.

* A WebDataset shard has for each image two files, `KEY.jpg` and `KEY.cls`; the latter is the class
  as a number, as text. A key is a name up to the first dot behind its last slash; files of a key
  with other endings are passed over. Shards that are called `train…` and `val…`, or lie in folders
  of these names, are the two parts.
* A tar of a class has its images and nothing else, and is called by the class: `n01440764.tar`.
  They lie in a folder, or all in one tar, as ImageNet's training images are published.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from netspec_torch.data.dataset import Labels, Source, Split, note_passed_over, number_classes
from netspec_torch.data.errors import DataError
from netspec_torch.data.folder import list_folders
from netspec_torch.data.images import EncodedImages, Ranges, is_image
from netspec_torch.data.lists import MOST_CLASSES, label_images
from netspec_torch.data.tars import Member, Tar, open_tar

SHARDS, CLASS_TARS = "WebDataset shards", "a tar of each class"
ENDING, LABEL_ENDING = ".tar", "cls"
TRAIN = "train"
HELD_OUT_NAMES = {
    "val": re.compile(r"(?<![a-z])(val|valid|validation)(?![a-z])"),
    "test": re.compile(r"(?<![a-z])test(?![a-z])"),
}
"""What shards that are held out are called; those for testing are, where there are no others."""
LAYOUT = (
    "tar files hold WebDataset samples, KEY.jpg beside KEY.cls, or the images of one class each, "
    "called by the class"
)


class Entries:
    """Images in tar files, gathered one after another."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._names: list[str] = []
        self._rows: list[tuple[int, int, int]] = []
        self._labels: list[int] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, tar: Tar, member: Member, name: str, label: int) -> None:
        if not self._files or self._files[-1] != tar.path:
            self._files.append(tar.path)
        self._names.append(name)
        self._rows.append((len(self._files) - 1, member.offset, member.size))
        self._labels.append(label)

    @property
    def names(self) -> Sequence[str]:
        return self._names

    @property
    def labels(self) -> Labels:
        return np.array(self._labels, np.int64)

    def as_split(self, labels: Labels | None = None, *, in_shards: bool = False) -> Split:
        """The images so far. With `in_shards` each file has images of all sorts, and may be read as
        a whole; `labels` stand in for those that were given with the images."""
        numbers, offsets, sizes = np.array(self._rows, np.int64).reshape(-1, 3).T
        ranges = Ranges(self._files, numbers, offsets, sizes)
        images = EncodedImages(self._names, ranges.read_bytes)
        shards = numbers if in_shards else None
        return Split(images, self.labels if labels is None else labels, shards=shards)


def find_tars(folder: Path) -> list[Path]:
    """The tar files of a folder that has no folders, or of `train/` and `val/` in it, by name."""
    folders = [folder / part for part in ("train", "val")] if list_folders(folder) else [folder]
    if any(list_folders(each) for each in folders):
        return []
    return [path for each in folders for path in sorted(_list_tars(each))]


def read_tars(paths: Sequence[Path]) -> Source:
    """The images of tar files that belong together; raises DataError."""
    with open_tar(paths[0]) as tar:
        members = list(_visible(tar.list_members()))
        if any(member.name.endswith(ENDING) for member in members):
            if len(paths) > 1:
                raise DataError(
                    f"{paths[0]} holds tar files itself, and {paths[1]} lies beside it",
                    f"a tar of tars is a data set of its own: give {paths[0]} alone",
                )
            return _read_class_tars(_enter_each(tar, members))
        if any(_split_key(member.name)[1] == LABEL_ENDING for member in members):
            return _read_parts(paths)
    if len(paths) > 1 and any(is_image(member.name) for member in members):
        return _read_class_tars(_open_each(paths))
    what = "images without labels" if any(is_image(m.name) for m in members) else "no images"
    raise DataError(f"{paths[0]} holds {what}", LAYOUT)


def read_flat_tar(path: Path, list_file: Path, class_names: tuple[str, ...]) -> Split:
    """The images of a tar without classes, labelled by a list; raises DataError."""
    entries = Entries()
    with open_tar(path) as tar:
        for member in _visible(tar.list_members()):
            if is_image(member.name):
                entries.add(tar, member, member.name, 0)
    if not entries:
        raise DataError(f"{path} holds no images")
    return entries.as_split(label_images(entries.names, list_file, class_names, str(path)))


def _list_tars(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        files = (path for path in folder.iterdir() if path.suffix == ENDING)
        yield from (path for path in files if not path.name.startswith(".") and path.is_file())


def _visible(members: Iterable[Member]) -> Iterator[Member]:
    """Without what a system hides beside its files."""
    return (member for member in members if not member.name.rpartition("/")[2].startswith("."))


def _read_parts(paths: Sequence[Path]) -> Source:
    """WebDataset shards, in one part or two, as they are called."""
    folder = os.path.commonpath([path.parent for path in paths])
    parts = [_find_part(os.path.relpath(path, folder).lower()) for path in paths]
    chosen = next((part for part in HELD_OUT_NAMES if part in parts), None)
    if chosen is None or set(parts) == {chosen}:
        labels, split = _read_shards(paths)
        return Source(SHARDS, number_classes(labels), split)
    by_part = {
        part: [p for p, of in zip(paths, parts, strict=True) if of == part] for part in parts
    }
    held_out, train = by_part.pop(chosen), by_part.pop(TRAIN)
    labels, split = _read_shards(train)
    held_out_labels, held_out_split = _read_shards(held_out)
    return Source(
        SHARDS,
        number_classes(labels, held_out_labels),
        split,
        held_out_split,
        f"{len(train):,} shards to train on, {len(held_out):,} that are called {chosen}",
        tuple(
            f"{len(rest):,} shards that are called {part} were passed over"
            for part, rest in by_part.items()
        ),
    )


def _find_part(name: str) -> str:
    """The part that a shard belongs to by its name, in small letters."""
    return next((part for part, seen in HELD_OUT_NAMES.items() if seen.search(name)), TRAIN)


def _read_shards(paths: Sequence[Path]) -> tuple[Labels, Split]:
    entries = Entries()
    for path in paths:
        with open_tar(path) as tar:
            _read_samples(tar, entries)
    if not entries:
        raise DataError(f"{paths[0]} holds no images", LAYOUT)
    return entries.labels, entries.as_split(in_shards=True)


def _read_samples(tar: Tar, entries: Entries) -> None:
    images: dict[str, Member] = {}
    labels: dict[str, int] = {}
    for member in _visible(tar.list_members()):
        key, ending = _split_key(member.name)
        if ending == LABEL_ENDING:
            labels[key] = _read_label(tar, member)
        elif is_image(member.name):
            if key in images:
                raise DataError(
                    f"{tar.name} has two images of the key {key}, {images[key].name} and "
                    f"{member.name}",
                    LAYOUT,
                )
            images[key] = member
    for key, member in images.items():
        if key not in labels:
            raise DataError(f"{tar.name} has no {key}.{LABEL_ENDING} beside {member.name}", LAYOUT)
        entries.add(tar, member, f"{tar.path.name}/{member.name}", labels[key])
    lone = next((key for key in labels if key not in images), None)
    if lone is not None:
        raise DataError(f"{tar.name} has no image beside {lone}.{LABEL_ENDING}", LAYOUT)


def _split_key(name: str) -> tuple[str, str]:
    """The key of a file and what stands behind it."""
    folder, slash, file = name.rpartition("/")
    stem, _, ending = file.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()


def _read_label(tar: Tar, member: Member) -> int:
    text = tar.read(member)[:40].decode("utf-8", "replace").strip()
    if not (text.isascii() and text.isdecimal() and int(text) < MOST_CLASSES):
        raise DataError(
            f"{tar.name}: {member.name} holds {text!r}, where the number of a class must stand",
            LAYOUT,
        )
    return int(text)


def _open_each(paths: Sequence[Path]) -> Iterator[tuple[str, Tar]]:
    for path in sorted(paths, key=lambda path: path.stem):
        with open_tar(path) as tar:
            yield path.stem, tar


def _enter_each(tar: Tar, members: Iterable[Member]) -> Iterator[tuple[str, Tar]]:
    for member in sorted(members, key=lambda member: Path(member.name).stem):
        if not member.name.endswith(ENDING):
            raise DataError(f"{tar.name} holds tar files, and {member.name} beside them", LAYOUT)
        yield Path(member.name).stem, tar.enter(member)


def _read_class_tars(tars: Iterable[tuple[str, Tar]]) -> Source:
    """The images of tars of one class each, which come sorted by it."""
    entries, class_names, passed_over = Entries(), list[str](), 0
    for class_name, tar in tars:
        before = len(entries)
        for member in _visible(tar.list_members()):
            if is_image(member.name):
                entries.add(tar, member, f"{class_name}/{member.name}", len(class_names))
            else:
                passed_over += 1
        if len(entries) == before:
            raise DataError(f"{tar.name} holds no images", LAYOUT)
        if class_name in class_names:
            raise DataError(f"there are two tars of the class {class_name}", LAYOUT)
        class_names.append(class_name)
    if len(class_names) == 1:
        raise DataError(
            f"there is one class, {class_names[0]}, and nothing to tell it from", LAYOUT
        )
    return Source(
        CLASS_TARS, tuple(class_names), entries.as_split(), notes=note_passed_over(passed_over)
    )
