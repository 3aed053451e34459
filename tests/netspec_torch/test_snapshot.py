"""Snapshots give back what was put in, and refuse whatever is not whole."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from netspec.layers.starting_values import Constant
from netspec.recipe.run import TrainingError
from netspec.recipe.solver import SOLVERS
from netspec.tensor import Weight
from netspec.values import Word
from netspec_torch.snapshot import (
    Snapshot,
    collect_solver_state,
    read_snapshot,
    restore_solver_state,
    write_snapshot,
)
from netspec_torch.solver import make_optimizer


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot(
        weights={"a.weight": torch.randn(3, 2), "a.running_mean": torch.zeros(3)},
        solver={"a.weight/momentum_buffer": torch.randn(3, 2), "a.weight/step": torch.tensor(7.0)},
        state={"run": {"update": 5, "loss": 0.1 + 0.2}, "best": None},
    )


@pytest.fixture
def path(tmp_path: Path, snapshot: Snapshot) -> Path:
    write_snapshot(tmp_path / "snapshot.safetensors", snapshot)
    return tmp_path / "snapshot.safetensors"


def test_what_is_written_is_read(path: Path, snapshot: Snapshot) -> None:
    read = read_snapshot(path)
    assert read.state == snapshot.state
    for mine, theirs in ((snapshot.weights, read.weights), (snapshot.solver, read.solver)):
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_truncated_snapshot_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in [0, 1, 7, 8, 9, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(TrainingError, match="is damaged"):
            read_snapshot(path)


def test_a_changed_bit_is_noticed(path: Path) -> None:
    whole = path.read_bytes()
    start = whole.index(b'"sha256"')
    for place in [start + 20, len(whole) - 1, len(whole) - 40]:
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(TrainingError, match="is damaged"):
            read_snapshot(path)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [({}, "is no snapshot of a run"), ({"format": "pt"}, "is no snapshot of a run")],
)
def test_other_safetensors_are_refused(path: Path, metadata: dict[str, str], reason: str) -> None:
    save_file({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(TrainingError, match=reason):
        read_snapshot(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="it is not there"):
        read_snapshot(tmp_path / "none")
    torch.save({"a": torch.zeros(1)}, tmp_path / "pickle")
    with pytest.raises(TrainingError, match="is damaged"):
        read_snapshot(tmp_path / "pickle")
    with pytest.raises(TrainingError, match="is damaged"):
        read_snapshot(tmp_path)


def make_net() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 4, 2))
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def make_solver(net: nn.Module, word: str) -> torch.optim.Optimizer:
    extra: dict[str, Any] = {"rate": 0.1}
    if word in ("sgd", "lars", "rmsprop"):
        extra["momentum"] = 0.9
    if word in ("sgd", "rmsprop"):
        extra["velocity"] = Word("step")
    if word == "lars":
        extra |= {"trust": 0.1, "biases": False}
    weight = Weight("weight", (), "weight", Constant(value=0.0), 1, 1)
    double = Weight("weight", (), "weight", Constant(value=0.0), 1, 1, rate=2.0)
    factors = {n: double if n.endswith("bias") else weight for n, _ in net.named_parameters()}
    return make_optimizer(SOLVERS[word].model_validate(extra), net.named_parameters(), factors)


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
    write_snapshot(tmp_path / "s", Snapshot(first.state_dict(), state, {}))

    again = make_net()
    optimizer = make_solver(again, word)
    read = read_snapshot(tmp_path / "s")
    again.load_state_dict(read.weights)
    restore_solver_state(again, optimizer, read.solver)
    take_steps(again, optimizer, range(3, 6))
    for name, tensor in straight.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
