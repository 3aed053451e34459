"""Snapshots give back what was put in, and other files are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netspec.layers.starting_values import Constant
from netspec.recipe.solver import SOLVERS, Solver
from netspec.tensor import Weight
from netspec.values import Word
from netspec_torch.snapshot import (
    Snapshot,
    collect_solver_state,
    read_best_update,
    read_snapshot,
    restore_solver_state,
    write_snapshot,
)
from netspec_torch.solver import list_remembered, make_optimizer
from netspec_torch.storage import write_tensors
from netspec_torch.tensor_file import DamagedFileError


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot(
        weights={"a.weight": torch.randn(3, 2), "a.running_mean": torch.zeros(3)},
        solver={"a.weight/momentum_buffer": torch.randn(3, 2), "a.weight/step": torch.tensor(7.0)},
        statistics={"mean_image": torch.randn(3, 2, 2, dtype=torch.float64)},
        state={"run": {"update": 5, "loss": 0.1 + 0.2}, "best": None},
    )


@pytest.fixture
def path(tmp_path: Path, snapshot: Snapshot) -> Path:
    write_snapshot(tmp_path / "snapshot.safetensors", snapshot)
    return tmp_path / "snapshot.safetensors"


def test_what_is_written_is_read(path: Path, snapshot: Snapshot) -> None:
    read = read_snapshot(path)
    assert read.state == snapshot.state
    for mine, theirs in (
        (snapshot.weights, read.weights),
        (snapshot.solver, read.solver),
        (snapshot.statistics, read.statistics),
    ):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_snapshot(tmp_path / "none")
    write_tensors(tmp_path / "weights", {"a": torch.zeros(1)}, {"net": "a"})
    with pytest.raises(DamagedFileError, match="is no snapshot of a run"):
        read_snapshot(tmp_path / "weights")
    write_tensors(tmp_path / "old", {}, {"run": '{"format": 1}'})
    with pytest.raises(DamagedFileError, match="another version of netspec"):
        read_snapshot(tmp_path / "old")


def test_the_best_update_is_read_alone(path: Path, snapshot: Snapshot) -> None:
    write_snapshot(path, replace(snapshot, state={"run": {"best_update": 4}}))
    assert read_best_update(path) == 4
    assert read_best_update(path.with_name("none")) == 0


def make_net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 4, 2))
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def make_settings(word: str) -> Solver:
    extra: dict[str, Any] = {"rate": 0.1}
    if word in ("sgd", "lars", "rmsprop"):
        extra["momentum"] = 0.9
    if word in ("sgd", "rmsprop"):
        extra["velocity"] = Word("step")
    if word == "lars":
        extra |= {"trust": 0.1, "biases": False}
    return SOLVERS[word].model_validate(extra)


def make_solver(net: nn.Module, word: str) -> torch.optim.Optimizer:
    weight = Weight("weight", (), "weight", Constant(value=0.0), 1, 1)
    double = Weight("weight", (), "weight", Constant(value=0.0), 1, 1, rate=2.0)
    factors = {n: double if n.endswith("bias") else weight for n, _ in net.named_parameters()}
    return make_optimizer(make_settings(word), net.named_parameters(), factors)


def take_steps(net: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        images = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        net(images.to(memory_format=torch.channels_last)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("word", sorted(SOLVERS))
def test_a_solver_goes_on_as_if_it_had_not_stopped(word: str, tmp_path: Path) -> None:
    straight = make_net()
    take_steps(straight, make_solver(straight, word), range(6))

    first = make_net()
    optimizer = make_solver(first, word)
    take_steps(first, optimizer, range(3))
    state = collect_solver_state(first, optimizer)
    assert {path.rsplit("/", 1)[1] for path in state} == list_remembered(make_settings(word))
    write_snapshot(tmp_path / "s", Snapshot(first.state_dict(), state, {}, {}))

    again = make_net()
    optimizer = make_solver(again, word)
    read = read_snapshot(tmp_path / "s")
    again.load_state_dict(read.weights)
    restore_solver_state(again, optimizer, read.solver)
    take_steps(again, optimizer, range(3, 6))
    for name, tensor in straight.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
