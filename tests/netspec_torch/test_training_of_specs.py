"""A network of each family trains by its own file, with smaller images, smaller batches and a lower
rate, on the built-in sample. What a run does and writes is tested in `test_training.py`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import torch

import netspec
from netspec.compiler.program import CheckedNet
from netspec_torch import TrainingResult, train
from tests.netspec_torch.small_runs import read_last

SPECS = Path(__file__).parents[2] / "specs"


@dataclass(frozen=True)
class Small:
    """What stands in a spec's text in place of its own figures."""

    size: int
    batch: int
    rate: float
    updates: int
    """The length of the run, enough for the loss to fall."""


SMALL = {
    "resnet18": Small(size=32, batch=64, rate=0.005, updates=9),
    "mobilenet_v2": Small(size=64, batch=32, rate=0.02, updates=30),
    "googlenet": Small(size=80, batch=32, rate=0.01, updates=12),
    "nasnet_a_mobile": Small(size=64, batch=32, rate=0.01, updates=24),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def load_small(name: str, folder: Path) -> CheckedNet:
    """The spec's net, read from a copy that is made small."""
    for path in (SPECS / f"{name}.net", *SPECS.glob("blocks/*.net")):
        copy = folder / path.relative_to(SPECS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(make_small(path.read_text(encoding="utf-8"), SMALL[name]), "utf-8")
    return netspec.load(folder / f"{name}.net").net


def make_small(text: str, small: Small) -> str:
    """Without the claims, which speak of the size that the file has."""
    for pattern, replacement in (
        (r" +-> [^#\n]*", ""),
        (r"(?m)^ *expect .*\n", ""),
        (r"input 3x224x224", f"input 3x{small.size}x{small.size}"),
        (r"resize 256; crop 224", f"resize {small.size * 8 // 7}; crop {small.size}"),
        (r"batch \d+", f"batch {small.batch}"),
        (r"(sgd|rmsprop) rate=[\d.]+", rf"\1 rate={small.rate}"),
    ):
        text = re.sub(pattern, replacement, text)
    return text


def read_entries(result: TrainingResult, kind: str) -> list[dict[str, Any]]:
    lines = (result.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]


def read_losses(result: TrainingResult) -> list[float]:
    return [entry["loss"] for entry in read_entries(result, "train")]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "resnet18")) for name in SMALL]
)
def test_spec_trains(name: str, tmp_path: Path) -> None:
    small = SMALL[name]
    net = load_small(name, tmp_path)
    assert net.graph[net.graph.inputs[0]].shape == (3, small.size, small.size)
    result = train(net, out=tmp_path / "run", device="cpu", iterations=small.updates)

    losses = read_losses(result)
    assert len(losses) == result.updates == small.updates
    assert all(map(isfinite, losses))
    third = small.updates // 3
    assert mean(losses[-third:]) < mean(losses[:third]) - 0.1

    assert result.final is not None
    assert result.final.images == 2000
    assert isfinite(result.final.loss)
    assert [entry["update"] for entry in read_entries(result, "test")] == [small.updates]
    snapshot = read_last(result.folder)
    assert snapshot.state["run"]["update"] == small.updates
    for file in ("last.safetensors", "best.safetensors"):
        assert (result.folder / file).exists()


@pytest.mark.slow
def test_heads_of_googlenet_have_their_share_of_the_loss(tmp_path: Path) -> None:
    """All three classifiers begin near the loss of a guess; two of them count with 0.3."""

    def train_once(name: str, net: CheckedNet) -> TrainingResult:
        return train(net, out=tmp_path / name, device="cpu", iterations=1)

    with_heads = train_once("with", load_small("googlenet", tmp_path))
    path = tmp_path / "googlenet.net"
    text, removed = re.subn(r"(?m)^ *\w+: head .*\n", "", path.read_text(encoding="utf-8"))
    assert removed == 2
    path.write_text(text, encoding="utf-8")
    without = train_once("without", netspec.load(path).net)

    assert read_losses(with_heads)[0] > 1.3 * read_losses(without)[0]
    moved = read_last(with_heads.folder).solver
    for head in ("early", "late"):
        tensors = [tensor for name, tensor in moved.items() if name.startswith(f"{head}.")]
        assert tensors
        assert all(tensor.any() for tensor in tensors)
    assert with_heads.module.state_dict().keys() == without.module.state_dict().keys()
