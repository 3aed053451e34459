"""Reading a file of weights: safetensors, or what `torch.save` wrote. Nothing in it is executed.

The file's first bytes say which of the two it is, whatever its name ends in.
"""

import pickle
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from netspec.recipe.run import TrainingError
from netspec_torch.tensor_file import STATISTICS

ENTRIES = ("state_dict", "model")
"""Where a checkpoint has its weights, beside the state of its training."""
FORBIDDEN = re.compile(r"(?:GLOBAL|global:?|class) ([\w.]+\.[\w.]+)")
SAVE_HELP = "save the weights alone where the file comes from: torch.save(model.state_dict(), FILE)"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The tensors of a file, on the CPU."""

    path: Path
    tensors: dict[str, Tensor]
    keeps_order: bool
    """Whether the tensors stand in the order in which they were saved, or sorted by name."""
    entry: str = ""
    """The entry of the checkpoint that has them; empty where the file is nothing else."""


def read_weights(path: Path) -> WeightsFile:
    """Read a file of weights; raises TrainingError where it is missing, damaged or has anything
    but tensors."""
    if path.is_dir():
        raise _unreadable(path, "it is a folder")
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError as error:
        raise _unreadable(path, "it is not there") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if not start:
        raise _unreadable(path, "it is empty")
    if start[8:] == b"{":
        return _read_safetensors(path)
    return _read_saved(path)


def _read_safetensors(path: Path) -> WeightsFile:
    try:
        with safe_open(path, framework="pt") as file:
            is_snapshot = "run" in (file.metadata() or {})
            names = [name for name in list(file.keys()) if not name.startswith(STATISTICS)]
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, f"it is damaged or cut off ({error})") from error
    if is_snapshot:
        raise TrainingError(
            f"{path} is the snapshot of a run",
            "its folder has the weights in last.safetensors; --resume goes on with the run",
            cause="file",
        )
    return _check(path, WeightsFile(path, tensors, keeps_order=False))


def _read_saved(path: Path) -> WeightsFile:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they warn of is refused below
            saved = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # damaged bytes end the unpickler in any way there is
        raise _explain_failure(path, error) from error
    if not isinstance(saved, dict):
        raise _unusable(path, f"it has a {type(saved).__name__}, and no tensors by their names")
    for entry in ENTRIES:
        if isinstance(saved.get(entry), dict):
            return _check(path, WeightsFile(path, saved[entry], keeps_order=True, entry=entry))
    return _check(path, WeightsFile(path, saved, keeps_order=True))


def _explain_failure(path: Path, error: Exception) -> TrainingError:
    text = str(error)
    if isinstance(error, pickle.UnpicklingError) and (found := FORBIDDEN.search(text)):
        return _unreadable(
            path,
            f"it has {found[1]}, which is more than tensors, and reading it could run code",
            SAVE_HELP,
        )
    if "TorchScript" in text:
        return _unreadable(path, "it is a TorchScript program", SAVE_HELP)
    if not torch_wrote(path):
        return _unreadable(path, "it is neither a safetensors file nor one that torch.save wrote")
    return _unreadable(path, "it is damaged or cut off")


def torch_wrote(path: Path) -> bool:
    """Whether a file can be read and begins as those of `torch.save` do, the older ones
    included."""
    try:
        with path.open("rb") as file:
            return file.read(2) in (b"PK", b"\x80\x02")
    except OSError:
        return False


def _check(path: Path, file: WeightsFile) -> WeightsFile:
    """Raise TrainingError where anything but a plain tensor stands under a name."""
    tensors: dict[Any, Any] = file.tensors
    if not any(isinstance(value, Tensor) for value in tensors.values()):
        names = ", ".join(f"`{name}`" for name in list(tensors)[:5])
        raise _unusable(path, f"it has no tensors by their names, but {names or 'nothing at all'}")
    for name, value in tensors.items():
        if not isinstance(name, str):
            raise _unusable(path, f"it has {name!r} where names of tensors should be")
        if not isinstance(value, Tensor):
            raise _unusable(path, f"its `{name}` is a {type(value).__name__}, and no tensor")
        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            raise _unusable(path, f"its `{name}` is sparse, quantized or without numbers")
    return file


def _unreadable(path: Path, reason: str, help: str = "") -> TrainingError:
    return TrainingError(f"no weights can be read from {path}: {reason}", help, cause="usage")


def _unusable(path: Path, reason: str) -> TrainingError:
    return TrainingError(f"no weights can be read from {path}: {reason}", SAVE_HELP, cause="file")
