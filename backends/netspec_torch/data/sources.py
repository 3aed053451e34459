"""The data set of several words, as a packing names it: shards one by one, held-out images
elsewhere.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from netspec_torch.data.dataset import DataSet, Labels, Source, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.folder import read_flat
from netspec_torch.data.formats import read_source
from netspec_torch.data.opening import open_data
from netspec_torch.data.tar_sets import read_flat_tar, read_tars


def open_sources(
    words: Sequence[str],
    *,
    held_out: str | None = None,
    list_file: Path | None = None,
    seed: int = 0,
    announce: Callable[[str], None] = lambda line: None,
) -> DataSet:
    """Open what the words name together; raises DataError.

    One word is what `open_data` takes, several are tar files. `held_out` has the held-out images
    where they lie elsewhere: in a form of their own, or as a folder or tar without classes, which
    `list_file` labels.
    """
    if list_file is not None and held_out is None:
        raise DataError(
            f"{list_file} labels held-out images, and there are none apart", "--val names them"
        )
    if len(words) == 1 and held_out is None:
        return open_data(words[0], "", seed, announce)
    source = read_source(words[0]) if len(words) == 1 else read_tars([Path(w) for w in words])
    if held_out is not None:
        source = _with_held_out(source, words[0], held_out, list_file)
    return source.as_data_set(Path(words[0]).resolve().stem, ", ".join(words), seed)


def _with_held_out(source: Source, word: str, held_out: str, list_file: Path | None) -> Source:
    if source.held_out is not None:
        raise DataError(
            f"{word} has a held-out part of its own ({source.division})",
            f"leave out {held_out}, or give the part of {word} that is to train on",
        )
    if list_file is None:
        split, notes = _read_apart(source, word, held_out)
        labelled = ""
    else:
        read = read_flat if Path(held_out).is_dir() else read_flat_tar
        split, notes = read(Path(held_out), list_file, source.class_names), ()
        labelled = f", labelled by {list_file}"
    return Source(
        source.kind,
        source.class_names,
        source.images,
        split,
        f"{word}, and {held_out}{labelled}",
        source.notes + notes,
    )


def _read_apart(source: Source, word: str, held_out: str) -> tuple[Split, tuple[str, ...]]:
    """Held-out images that say themselves of which class they are."""
    try:
        other = read_source(held_out)
    except DataError as error:
        raise DataError(
            error.message, "a list of labels, --val-list FILE, can stand in for class folders"
        ) from error
    if other.held_out is not None:
        raise DataError(f"{held_out} has two parts itself ({other.division})")
    numbers = {name: number for number, name in enumerate(source.class_names)}
    unknown = next((name for name in other.class_names if name not in numbers), None)
    if unknown is not None:
        raise DataError(f"{held_out} has the class {unknown}, which {word} has not")
    renumbered: Labels = np.array([numbers[name] for name in other.class_names], np.int64)
    split = Split(other.images.images, renumbered[other.images.labels])
    return split, other.notes
