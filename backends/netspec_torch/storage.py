"""Writing files so that under its own name there is only ever a whole one: written under another
name, forced to the disk, then renamed. What the files hold is decided elsewhere.
"""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from netspec.recipe.run import TrainingError
from netspec_torch.tensor_file import write_tensor_file

UNFINISHED = ".part"
"""What the name of a file ends in that is being written."""


def write_text(path: Path, text: str) -> None:
    """Write a text file; raises TrainingError where it cannot."""
    _replace(path, lambda part: _write(part, text))


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write a safetensors file with texts beside the tensors and a checksum over all; raises
    TrainingError as above."""
    _replace(path, lambda part: write_tensor_file(part, tensors, about))


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file; raises TrainingError where it cannot."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise cannot_write(path, error) from error


def force_to_disk(path: Path) -> None:
    """fsync a file or, after a rename, the folder that holds it (where the system has that)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path) -> None:
    """Remove what was not written to its end; raises TrainingError where it cannot."""
    for path in folder.glob(f"*{UNFINISHED}"):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file, if it is there; raises TrainingError where it cannot."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    part = path.with_name(path.name + UNFINISHED)
    try:
        write(part)
        force_to_disk(part)
        part.replace(path)
        force_to_disk(path.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def cannot_write(path: Path, error: OSError) -> TrainingError:
    """What a run says when a file cannot be written."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return TrainingError(
        f"{path} cannot be written: {'the disk is full' if is_full else error.strerror or error}",
        "make room, or write the run elsewhere with --out; what was there before is as it was, and "
        "--resume goes on from the last snapshot"
        if is_full
        else "write the run elsewhere with --out",
        cause="run",
    )
