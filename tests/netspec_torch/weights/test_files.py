"""Files of weights are read without running anything of theirs, and what is none is refused."""

import argparse
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from netspec.recipe.run import TrainingError
from netspec_torch.snapshot import Snapshot, write_snapshot
from netspec_torch.weights.files import read_weights


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))


STATE = make_model().state_dict()
SAVERS: dict[str, Callable[[Path], Any]] = {
    "zip": lambda path: torch.save(STATE, path),
    "legacy": lambda path: torch.save(STATE, path, _use_new_zipfile_serialization=False),
    "safetensors": lambda path: save_file(STATE, path),
    "state_dict": lambda path: torch.save({"state_dict": STATE, "epoch": 3}, path),
    "model": lambda path: torch.save({"model": STATE, "optimizer": {"state": {}}}, path),
    "parameters": lambda path: torch.save(dict(make_model().named_parameters()), path),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.bin"


@pytest.mark.parametrize("saver", SAVERS)
def test_what_is_saved_is_read(saver: str, path: Path) -> None:
    SAVERS[saver](path)
    file = read_weights(path)
    expected = dict(make_model().named_parameters()) if saver == "parameters" else STATE
    assert file.tensors.keys() == expected.keys()
    assert file.keeps_order == (saver != "safetensors")
    assert file.entry == (saver if saver in ("state_dict", "model") else "")
    if file.keeps_order:
        assert list(file.tensors) == list(expected)
    if saver != "parameters":
        assert all(torch.equal(file.tensors[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("saver", ["zip", "legacy", "safetensors"])
def test_a_file_that_is_cut_off(saver: str, path: Path) -> None:
    SAVERS[saver](path)
    whole = path.read_bytes()
    for length in [1, 2, 5, 8, 9, 10, 40, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(TrainingError, match="no weights can be read from") as refusal:
            read_weights(path)
        assert refusal.value.cause == "usage"
        assert length < 10 or "is damaged or cut off" in refusal.value.message


@pytest.mark.parametrize("saver", ["zip", "legacy", "safetensors"])
def test_damage_ends_in_a_refusal_or_in_other_numbers(saver: str, path: Path) -> None:
    SAVERS[saver](path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 23):
        changed = bytearray(whole)
        changed[place] ^= 0xA5
        path.write_bytes(changed)
        with suppress(TrainingError):
            read_weights(path)


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: None, "it is not there"),
        (lambda path: path.write_text("layer1 0.5\n"), "neither a safetensors file nor one"),
        (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "neither a safetensors file"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("x", "y"), "it is damaged"),
        (
            lambda path: torch.save(make_model(), path),
            "it has torch.nn.modules.container.Sequential, which is more than tensors",
        ),
        (
            lambda path: torch.save({"args": argparse.Namespace(), "model": STATE}, path),
            "it has argparse.Namespace, which is more than tensors",
        ),
    ],
)
def test_what_cannot_be_read(write: Callable[[Path], Any], says: str, path: Path) -> None:
    write(path)
    with pytest.raises(TrainingError) as refusal:
        read_weights(path)
    assert says in refusal.value.message
    assert str(path) in refusal.value.message
    assert refusal.value.cause == "usage"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_is_refused(path: Path) -> None:
    torch.jit.script(make_model()).save(str(path))
    with pytest.raises(TrainingError, match="it is a TorchScript program"):
        read_weights(path)


@pytest.mark.parametrize(
    ("saved", "says"),
    [
        (torch.zeros(3), "it has a Tensor, and no tensors by their names"),
        ([torch.zeros(3)], "it has a list, and no tensors by their names"),
        ({}, "it has no tensors by their names, but nothing at all"),
        ({"epoch": 3, "net": STATE}, "it has no tensors by their names, but `epoch`, `net`"),
        ({"a.weight": torch.zeros(3), "epoch": 3}, "its `epoch` is a int, and no tensor"),
        ({0: torch.zeros(3)}, "it has 0 where names of tensors should be"),
        ({"a.weight": torch.zeros(3).to_sparse()}, "its `a.weight` is sparse"),
    ],
)
def test_what_has_no_weights(saved: object, says: str, path: Path) -> None:
    torch.save(saved, path)
    with pytest.raises(TrainingError) as refusal:
        read_weights(path)
    assert says in refusal.value.message
    assert refusal.value.cause == "file"


def test_a_snapshot_of_a_run_is_not_taken_for_weights(path: Path) -> None:
    write_snapshot(path, Snapshot({"fc.weight": torch.zeros(2, 2)}, {}, {}, {}))
    with pytest.raises(TrainingError, match="is the snapshot of a run") as refusal:
        read_weights(path)
    assert "last.safetensors" in refusal.value.help
