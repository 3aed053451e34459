"""What a run is continued from: the net's weights, what the solver remembers, what was measured on
the training images, and the run's counts.

A snapshot is one safetensors file (`tensor_file.py`); nothing in it is executed when it is read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netspec_torch.storage import write_tensors
from netspec_torch.tensor_file import STATISTICS, DamagedFileError, read_tensor_file, read_texts

FORMAT = 2
NET, SOLVER, AVERAGES = "net/", "solver/", "averages/"


@dataclass(frozen=True)
class Snapshot:
    """A run between two updates."""

    weights: dict[str, Tensor]
    """The net's parameters and running averages, by name."""
    solver: dict[str, Tensor]
    """What the solver remembers of each parameter: `fc8.weight/momentum_buffer`."""
    statistics: dict[str, Tensor]
    """What was measured on the training images; empty where the recipe needs nothing."""
    state: dict[str, Any]
    """Everything else that a run remembers, as JSON values."""
    averages: dict[str, Tensor] = field(default_factory=dict)
    """The running averages of each replica, `REPLICA/NAME`, where they are not the same."""


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot; raises TrainingError where it cannot."""
    tensors = {
        prefix + name: tensor
        for prefix, group in (
            (NET, snapshot.weights),
            (SOLVER, snapshot.solver),
            (STATISTICS, snapshot.statistics),
            (AVERAGES, snapshot.averages),
        )
        for name, tensor in group.items()
    }
    text = json.dumps({"format": FORMAT, **snapshot.state})
    write_tensors(path, tensors, {"run": text})


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot; raises DamagedFileError where it is cut off, damaged or something else, and
    FileNotFoundError."""
    file = read_tensor_file(path)
    if "run" not in file.about:
        raise DamagedFileError("is no snapshot of a run")
    state = json.loads(file.about["run"])
    if state.pop("format") != FORMAT:
        raise DamagedFileError("was written by another version of netspec")
    return Snapshot(
        _take(file.tensors, NET),
        _take(file.tensors, SOLVER),
        _take(file.tensors, STATISTICS),
        state,
        _take(file.tensors, AVERAGES),
    )


def read_best_update(path: Path) -> int:
    """The update whose test was the best when a snapshot was taken; 0 where it had none, or cannot
    be read."""
    run = read_texts(path).get("run")
    return int(json.loads(run)["run"]["best_update"]) if run else 0


def _take(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


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
    """Give an optimiser back what `collect_solver_state` took, of the parameters that it updates.

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
        if parameter not in place:
            continue
        if tensor.shape == parameter.shape:
            tensor = torch.empty_like(parameter).copy_(tensor)
        state.setdefault(place[parameter], {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
