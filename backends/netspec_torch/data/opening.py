"""Which data set a run trains on: what `--data` says, else what the environment has, else the
built-in sample in its place.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from netspec_torch.data.dataset import DataSet
from netspec_torch.data.elpv import ELPV_NAME, find_cached_elpv, open_elpv
from netspec_torch.data.errors import DataError
from netspec_torch.data.formats import read_source
from netspec_torch.data.sample import SAMPLE_NAME, SAMPLE_TITLE, open_sample

ENVIRONMENT = "NETSPEC_DATA"
"""Names a folder that holds a folder NAME/ for each data set."""


def open_data(
    path: Path | str | None,
    wanted: str,
    seed: int,
    announce: Callable[[str], None] = lambda line: None,
) -> DataSet:
    """Open the data set of a run; raises DataError.

    `path` is what `--data` says: a folder, a file or a pattern of files in any form that `formats`
    knows, `elpv` (fetched from PyPI where it is not in the cache; the text `./elpv` is a folder of
    that name), or `fashion_mnist`, the built-in sample. Without it `wanted`, the name in the
    recipe, is looked for in the folder that NETSPEC_DATA names, then among these two; where it is
    not there the sample stands in and `DataSet.notice` says so. The seed draws the held-out images
    where nobody has chosen any. `announce` is told of a download, and the licence of what was
    fetched.
    """
    if path is not None:
        return _open_named(path, seed, announce)
    name = wanted.lower().replace("-", "_")
    folder = _find_in_environment(wanted)
    if folder is not None:
        return open_place(str(folder), seed, wanted)
    if name == SAMPLE_NAME:
        return open_sample()
    if name == ELPV_NAME and find_cached_elpv():
        return open_elpv(seed, announce)
    return replace(open_sample(), notice=_describe_absence(wanted))


def _open_named(path: Path | str, seed: int, announce: Callable[[str], None]) -> DataSet:
    if str(path) == ELPV_NAME:
        return open_elpv(seed, announce)
    if str(path) == SAMPLE_NAME:
        return open_sample()
    return open_place(str(path), seed)


def open_place(word: str, seed: int, name: str | None = None) -> DataSet:
    """The data set of a folder, a file, or a pattern of tar files; raises DataError."""
    try:
        source = read_source(word)
    except DataError as error:
        is_unknown = not os.path.lexists(word) and os.sep not in word
        known = f"{error.help}; --data also takes {ELPV_NAME} and {SAMPLE_NAME}"
        raise DataError(error.message, known if is_unknown else error.help) from None
    return source.as_data_set(name or Path(word).resolve().name, word, seed)


def _find_in_environment(wanted: str) -> Path | None:
    """The folder of the wanted set in the folder of all, if both are there."""
    named = os.environ.get(ENVIRONMENT)
    if not named:
        return None
    if not Path(named).is_dir():
        raise DataError(
            f"{ENVIRONMENT} is {named}, which is no folder",
            f"{ENVIRONMENT} names a folder that holds one folder a data set, here {wanted}/",
        )
    folder = Path(named) / wanted
    # A recipe may not lead out of the folder.
    is_one_name = Path(wanted).name == wanted and wanted not in ("", "..")
    return folder if is_one_name and folder.is_dir() else None


def _describe_absence(wanted: str) -> str:
    return (
        f"the data set {wanted} is not here: the built-in sample stands in, {SAMPLE_TITLE}.\n"
        f"--data FOLDER takes {wanted} as a folder with train/CLASS/ and val/CLASS/ in it, or "
        f"CLASS/ folders alone, which are then split; --data {ELPV_NAME} fetches photographs of "
        f"solar cells; {ENVIRONMENT}=FOLDER finds FOLDER/{wanted}."
    )
