"""What the tests of whole runs share; the runs themselves are in `small_runs.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from netspec.compiler.program import CheckedNet
from netspec_torch import TrainingResult, train
from tests.netspec_torch.small_runs import Trainer, draw_photos


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    draw_photos(root)
    return root


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums are made in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def run(photos: Path, tmp_path: Path, one_thread: None) -> Trainer:
    """Train on the photos, unless told otherwise, into a folder of the given name."""

    def train_here(net: CheckedNet, out: str = "run", **options: Any) -> TrainingResult:
        given: dict[str, Any] = {"data": photos, "device": "cpu", **options}
        return train(net, out=tmp_path / out, **given)

    return train_here
