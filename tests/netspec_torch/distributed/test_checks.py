"""What several processes refuse before the first update, and by which name."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from torch.distributed import get_rank

from netspec_torch.data.opening import open_place
from netspec_torch.data.packing import pack_data
from netspec_torch.data.shard_writer import Options
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.test_training import write_net
from tests.netspec_torch.distributed.training import train_net


def train_on_own(text: str, folder: Path, data: list[Path]) -> dict[str, Any]:
    """Each process has data of its own."""
    return train_net(text, folder, data[get_rank()], iterations=1)


def drop_one(photos: Path) -> None:
    (photos / "train" / "class1" / "01.png").unlink()


def rename_class(photos: Path) -> None:
    for part in ("train", "val"):
        (photos / part / "class5").rename(photos / part / "class7")


def move_one(photos: Path) -> None:
    """As many images of other classes."""
    (photos / "train" / "class1" / "01.png").rename(photos / "train" / "class2" / "01.png")


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (drop_one, "45 and 14 images to train on and held out, and process 0 has 46 and 14"),
        (rename_class, "as many images as process 0, of other classes or in other shards"),
        (move_one, "as many images as process 0, of other classes or in other shards"),
    ],
)
def test_a_process_with_other_data_is_named(
    pair: Processes, photos: Path, tmp_path: Path, change: Any, difference: str
) -> None:
    shutil.copytree(photos, tmp_path / "other")
    change(tmp_path / "other")
    places = [photos, tmp_path / "other"]
    for answer in pair.run(train_on_own, write_net(), tmp_path / "run", places):
        assert answer["error"] == f"process 1 has other data: {difference}"
    assert not (tmp_path / "run").exists()


def test_the_same_images_in_other_shards_are_other_data(
    pair: Processes, photos: Path, tmp_path: Path
) -> None:
    """Their order would be another on each process."""
    places = []
    for images in (8, 9):
        places.append(tmp_path / f"{images}")
        pack_data(open_place(str(photos), 0), places[-1], Options(side=10, shard_images=images))
    for answer in pair.run(train_on_own, write_net(), tmp_path / "run", places):
        assert "of other classes or in other shards" in answer["error"]


FOUR = """
net four {
  gpus 4
  input 3x8x8
  conv 8, 3x3
  fc 8
}
train {
  data photos { resize 8 }
  batch 8
  loss softmax
  sgd rate=0.1
  stop after=1 epoch
}
"""


def test_columns_that_the_processes_cannot_hold(
    pair: Processes, photos: Path, tmp_path: Path
) -> None:
    for answer in pair.run(train_on_own, FOUR, tmp_path / "run", [photos, photos]):
        assert answer["error"] == (
            "2 processes cannot hold `four`, which has `gpus 4`: 2 is no multiple of 4"
        )
    assert not (tmp_path / "run").exists()
