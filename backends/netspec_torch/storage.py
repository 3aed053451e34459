"""Writing files so that under its own name there is only ever a whole one: written under another
name, forced to the disk, then renamed. What the files hold is decided elsewhere.
"""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from netspec.recipe.run import TrainingError


def write_text(path: Path, text: str) -> None:
    """Write a text file; raises TrainingError where it cannot."""
    _replace(path, lambda part: _write(part, text))


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write a safetensors file with texts beside the tensors; raises TrainingError as above."""
    copies = {name: on_cpu(tensor) for name, tensor in tensors.items()}
    _replace(path, lambda part: save_file(copies, part, dict(about)))


def on_cpu(tensor: Tensor) -> Tensor:
    """A tensor as it is written: on the CPU, its numbers in their order, without a history."""
    return tensor.detach().cpu().contiguous()


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file; raises TrainingError where it cannot."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise cannot_write(path, error) from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        write(part)
        part.chmod(path.parent.stat().st_mode & 0o666)  # safetensors gives nobody else a look.
        _force_to_disk(part)
        part.replace(path)
        _force_to_disk(path.parent)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            part.unlink()
        raise cannot_write(path, error) from error


def _force_to_disk(path: Path) -> None:
    """fsync a file or, after a rename, the folder that holds it (where the system has that)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: Exception) -> TrainingError:
    """What a run says when a file cannot be written."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    is_full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in reason
    return TrainingError(
        f"{path} cannot be written: {'the disk is full' if is_full else reason}",
        "make room, or write the run elsewhere with --out; a file of that name that was there "
        "before is as it was"
        if is_full
        else "write the run elsewhere with --out",
        cause="run",
    )
