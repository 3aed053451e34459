"""List files as Caffe has them: `path label`, one image a line.

The label is what follows the last space, so that paths may have spaces; it is a number from 0, or,
where classes have names already, the name of one. Paths are relative to the list's folder, or to
the folder beside it that is called as the list is: `train/` for `train.txt`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from netspec_torch.data.dataset import Labels, Source, Split, number_classes
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import open_files

KIND = "list files"
LAYOUT = "a list has one image a line, `path label`, with labels that are numbers from 0"


MOST_CLASSES = 1_000_000


class Line(NamedTuple):
    """A line of a list."""

    number: int
    path: str
    label: str


def read_list(path: Path) -> Source:
    """The images of one list; raises DataError."""
    lines = parse_list(path)
    labels = _as_numbers(lines, path)
    return Source(KIND, number_classes(labels), Split(open_files(*_find(path, lines)), labels))


def read_lists(train: Path, held_out: Path) -> Source:
    """The images of two lists, one to train on and one held out; raises DataError."""
    first, second = parse_list(train), parse_list(held_out)
    labels, held_out_labels = _as_numbers(first, train), _as_numbers(second, held_out)
    return Source(
        KIND,
        number_classes(labels, held_out_labels),
        Split(open_files(*_find(train, first)), labels),
        Split(open_files(*_find(held_out, second)), held_out_labels),
        f"the lists {train.name} and {held_out.name}",
    )


def looks_like_list(start: bytes) -> bool:
    """Whether the beginning of a file could be a list's."""
    line = start.lstrip().split(b"\n")[0]
    return b"\0" not in start and len(line.split()) >= 2 and line.split()[-1].isalnum()


def parse_list(path: Path) -> list[Line]:
    """The lines of a list; raises DataError."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.rsplit(maxsplit=1)
        if len(words) == 1:
            raise DataError(f"{path}:{number} has one word, {words[0]!r}: no label", LAYOUT)
        if words:
            lines.append(Line(number, words[0].strip(), words[1]))
    if not lines:
        raise DataError(f"{path} lists no images", LAYOUT)
    return lines


def label_images(
    names: Sequence[str], list_file: Path, class_names: tuple[str, ...], place: str
) -> Labels:
    """The label of each of the images of a place, which a list names by their file names alone.

    Raises DataError where the two do not have the same images, or a class is unknown.
    """
    lines = parse_list(list_file)
    by_name = {Path(line.path).name: line for line in lines}
    numbers = _find_numbers(lines, class_names)
    labels: Labels = np.empty(len(names), np.int64)
    for index, name in enumerate(names):
        line = by_name.pop(Path(name).name, None)
        if line is None:
            raise DataError(f"{list_file} says nothing of {name}, which is in {place}")
        if line.label not in numbers:
            raise DataError(
                f"{list_file}:{line.number} has the label {line.label}, which is no class",
                f"labels are the numbers from 0 to {len(class_names) - 1}, or names of classes as "
                f"{class_names[0]}",
            )
        labels[index] = numbers[line.label]
    for line in by_name.values():
        raise DataError(f"{list_file}:{line.number} names {line.path}, which is not in {place}")
    return labels


def _find_numbers(lines: Sequence[Line], class_names: tuple[str, ...]) -> dict[str, int]:
    """What stands for which class: its name, where all labels are names, or else its number."""
    names = {name: number for number, name in enumerate(class_names)}
    if all(line.label in names for line in lines):
        return names
    return {str(number): number for number in range(len(class_names))}


def _as_numbers(lines: Sequence[Line], path: Path) -> Labels:
    for line in lines:
        if not (line.label.isascii() and line.label.isdecimal()):
            raise DataError(f"{path}:{line.number} has the label {line.label!r}", LAYOUT)
        if int(line.label) >= MOST_CLASSES:
            raise DataError(
                f"{path}:{line.number} has the label {line.label}; {MOST_CLASSES:,} is the most",
                LAYOUT,
            )
    return np.array([int(line.label) for line in lines], np.int64)


def _find(path: Path, lines: Sequence[Line]) -> tuple[Path, list[str]]:
    """The folder that a list's paths are relative to, and the paths."""
    first = lines[0]
    folders = [path.parent, path.parent / path.stem]
    for folder in folders:
        if (folder / first.path).is_file():
            return folder, [line.path for line in lines]
    raise DataError(
        f"{path}:{first.number} names {first.path}, which is neither in {folders[0]} nor in "
        f"{folders[1]}",
        "paths are relative to the list's folder, or absolute",
    )
