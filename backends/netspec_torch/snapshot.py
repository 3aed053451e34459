"""What a run is continued from: the net's weights, what the solver remembers, and the run's counts.

A snapshot is one safetensors file with a SHA-256 over all that it holds; nothing in it is executed
when it is read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from netspec.recipe.run import TrainingError
from netspec_torch.storage import on_cpu, write_tensors

FORMAT = 1
NET, SOLVER = "net/", "solver/"


@dataclass(frozen=True)
class Snapshot:
    """A run between two updates."""

    weights: dict[str, Tensor]
    """The net's parameters and running averages, by name."""
    solver: dict[str, Tensor]
    """What the solver remembers of each parameter: `fc8.weight/momentum_buffer`."""
    state: dict[str, Any]
    """Everything else that a run remembers, as JSON values."""


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot in the place of the one before; raises TrainingError where it cannot."""
    tensors = {NET + name: on_cpu(tensor) for name, tensor in snapshot.weights.items()}
    tensors |= {SOLVER + name: on_cpu(tensor) for name, tensor in snapshot.solver.items()}
    text = json.dumps({"format": FORMAT, **snapshot.state}, sort_keys=True)
    write_tensors(path, tensors, {"run": text, "sha256": _digest(tensors, text)})


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot; raises TrainingError where it is missing, damaged or something else."""
    metadata, tensors = _read(path)
    if "run" not in metadata:
        raise _unusable(path, "is no snapshot of a run")
    if metadata.get("sha256") != _digest(tensors, metadata["run"]):
        raise _unusable(path, "is damaged: what it holds does not have its checksum")
    state = json.loads(metadata["run"])
    if state.pop("format") != FORMAT:
        raise _unusable(path, "was written by another version of netspec")
    return Snapshot(
        {name.removeprefix(NET): t for name, t in tensors.items() if name.startswith(NET)},
        {name.removeprefix(SOLVER): t for name, t in tensors.items() if name.startswith(SOLVER)},
        state,
    )


def collect_solver_state(net: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers, by the names of the net's parameters."""
    return {
        f"{name}/{key}": value
        for name, parameter in net.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def restore_solver_state(
    net: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """Give an optimiser back what `collect_solver_state` took.

    Fused kernels go through memory from end to end, so a tensor of a parameter's shape gets the
    parameter's memory format.
    """
    ordered = [p for group in optimizer.param_groups for p in group["params"]]
    place = {parameter: index for index, parameter in enumerate(ordered)}
    parameters = dict(net.named_parameters())
    state: dict[int, dict[str, Tensor]] = {}
    for path, tensor in tensors.items():
        name, key = path.rsplit("/", 1)
        parameter = parameters[name]
        if tensor.shape == parameter.shape:
            tensor = torch.empty_like(parameter).copy_(tensor)
        state.setdefault(place[parameter], {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except FileNotFoundError as error:
        raise _unusable(path, "is not there") from error
    except (SafetensorError, OSError) as error:
        raise _unusable(path, f"is damaged: {error}") from error


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """SHA-256 over the text and, in the order of their names, the tensors' names and bytes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _unusable(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"no run can go on from {path}: it {reason}",
        "--resume with --out DIR picks another run; without --resume a new one begins",
        cause="usage",
    )
