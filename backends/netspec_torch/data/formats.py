"""In which form images lie in a place: found out from the place itself, and read by its file.

A folder is, in this order: packed; MNIST's files; CIFAR's; tar files and no folders, or `train/`
and `val/` that hold tar files; two lists, `train.txt` and `val.txt`; else class folders. A file is
a tar or a list. A pattern such as `train-{000..146}.tar` stands for the tar files that it spells.
"""

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from netspec_torch.data import packed
from netspec_torch.data.cifar import find_layout, read_cifar
from netspec_torch.data.dataset import Source
from netspec_torch.data.errors import DataError
from netspec_torch.data.folder import list_files, list_folders, read_folder
from netspec_torch.data.lists import looks_like_list, read_list, read_lists
from netspec_torch.data.mnist import is_idx_name, read_mnist
from netspec_torch.data.tar_sets import find_tars, read_tars
from netspec_torch.data.tars import looks_like_tar

BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
PARTS = ("train", "val")
START_BYTES = 4096
FORMS = (
    "a data set is a folder with train/CLASS/ and val/CLASS/ in it, or with CLASS/ folders alone, "
    "a packed set, WebDataset shards, a list with `path label` a line, or a folder with the files "
    "of MNIST or CIFAR"
)


def read_source(word: str) -> Source:
    """The images of a place; raises DataError."""
    path = Path(word)
    if path.is_dir():
        return _read_directory(path)
    if path.exists():
        return _read_file(path)
    paths = expand_pattern(word)
    if not paths:
        raise DataError(f"there is no folder or file {word}", FORMS)
    return read_tars(paths)


def expand_pattern(word: str) -> list[Path]:
    """The files that a pattern stands for, with `{000..146}` as shells and WebDataset have it."""
    found: list[Path] = []
    for spelled in _spell(word):
        matches = sorted(glob.glob(spelled)) if glob.has_magic(spelled) else [spelled]
        found += map(Path, matches)
    if len(found) == 1 and not found[0].exists():
        return []
    return found


def _spell(word: str) -> Iterator[str]:
    match = BRACES.search(word)
    if match is None:
        yield word
        return
    first, last = match.groups()
    for number in range(int(first), int(last) + 1):
        yield from _spell(f"{word[: match.start()]}{number:0{len(first)}}{word[match.end() :]}")


def _read_directory(path: Path) -> Source:
    names = list_files(path)
    if packed.is_packed(path):
        return packed.read_packed(path)
    if any(map(is_idx_name, names)):
        return read_mnist(path, names)
    layout = find_layout(names)
    if layout is not None:
        return read_cifar(path, layout)
    tars = find_tars(path)
    if tars:
        return read_tars(tars)
    train, held_out = (path / f"{part}.txt" for part in PARTS)
    has_class_folders = all(list_folders(path / part) for part in PARTS)
    if _is_list(train) and _is_list(held_out) and not has_class_folders:
        return read_lists(train, held_out)
    return read_folder(path)


def _read_file(path: Path) -> Source:
    start = _read_start(path)
    if path.name == packed.INDEX and packed.is_packed(path.parent):
        return packed.read_packed(path.parent)
    if path.suffix == ".tar" or looks_like_tar(start):
        return read_tars([path])
    if is_idx_name(path.name) or find_layout([path.name]):
        raise DataError(
            f"{path} is one file of several", f"give the folder that they lie in: {path.parent}"
        )
    if looks_like_list(start):
        return read_list(path)
    raise DataError(f"{path} is neither a tar nor a list of images", FORMS)


def _is_list(path: Path) -> bool:
    return path.is_file() and looks_like_list(_read_start(path))


def _read_start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(START_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}") from error
