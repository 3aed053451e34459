"""Groups of two and of four processes, which all tests of this folder share, and pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.netspec_torch.distributed.processes import Processes


@pytest.fixture(scope="session")
def pair() -> Iterator[Processes]:
    processes = Processes(2)
    yield processes
    processes.close()


@pytest.fixture(scope="session")
def four() -> Iterator[Processes]:
    processes = Processes(4)
    yield processes
    processes.close()


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """45 pictures to train on, of six classes, and 13 held out; one of each cannot be read."""
    root = tmp_path_factory.mktemp("photos")
    generator = torch.Generator().manual_seed(0)
    for split, count in (("train", 46), ("val", 14)):
        for number in range(count):
            label = number % 6
            pixels = torch.randint(0, 120, (12, 14, 3), generator=generator)
            pixels[:, :, label % 3] += 60 + 20 * (label // 3)
            folder = root / split / f"class{label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.byte().numpy()).save(folder / f"{number:02}.png")
        (root / split / "class3" / "03.png").write_bytes(b"no picture")
    return root
