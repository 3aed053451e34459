"""Images in shards, read by several processes: each image once in an epoch, each process its own
shards, and an epoch that goes on in its middle with as many processes or with others.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from netspec.tensor import Shape
from netspec_torch.data import DataSet, Loader
from netspec_torch.data.images import Ranges
from netspec_torch.data.opening import open_place
from netspec_torch.data.packing import pack_data
from netspec_torch.data.shard_writer import Options
from netspec_torch.data.share import WHOLE, Share
from netspec_torch.distributed.world import join_world
from tests.netspec_torch.data.pictures import encode, make_pixels
from tests.netspec_torch.data.test_tar_sets import write_tar
from tests.netspec_torch.distributed.processes import Processes
from tests.netspec_torch.distributed.test_training import check_state, write_net
from tests.netspec_torch.distributed.training import run_training, train_net
from tests.netspec_torch.small_runs import read_last

BATCH = 12
TRAIN, HELD_OUT, SHARD = 125, 40, 8


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """125 images in 16 shards of 8 or 5 and 40 held out in 5, of six classes."""
    root = tmp_path_factory.mktemp("packed")
    source = open_place(str(write_tars(root / "tars")), 0)
    pack_data(source, root / "out", Options(side=12, shard_images=SHARD))
    return root / "out"


@pytest.fixture(scope="module")
def tars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as WebDataset shards of 10 images."""
    return write_tars(tmp_path_factory.mktemp("tars") / "tars")


def write_tars(folder: Path) -> Path:
    for part, first, count in (("train", 0, TRAIN), ("val", 1000, HELD_OUT)):
        for start in range(0, count, 10):
            files = {}
            for number in range(first + start, first + min(start + 10, count)):
                pixels = make_pixels(number, 12, 14).copy()
                pixels[:, :, number % 3] |= 96
                files[f"{number:04}.png"] = encode(pixels)
                files[f"{number:04}.cls"] = str(number % 6).encode()
            write_tar(folder / f"{part}-{start:04}.tar", files)
    return folder


class Watched:
    """A data set whose loaders note which images they read, and from which shards."""

    def __init__(self, place: Path) -> None:
        self.read: list[int] = []
        self.data = open_place(str(place), 0)
        self._watch(self.data)

    def _watch(self, data: DataSet) -> None:
        for split in (data.train, data.held_out):
            images: Any = split.images
            ranges = images._read_bytes.__self__
            assert isinstance(ranges, Ranges)
            images._read_bytes = lambda index, ranges=ranges: self._note(index, ranges)

    def _note(self, index: int, ranges: Ranges) -> bytes:
        self.read.append(index)
        return ranges.read_bytes(index)

    def open(self, share: Share, *, held_out: bool = False) -> Loader:
        split = self.data.held_out if held_out else self.data.train
        options: Any = {"batch": BATCH, "seed": 4, "share": share, "cache_bytes": 0, "threads": 2}
        loader = Loader(split, [], Shape(3, 12, 14), **options)
        self.read.clear()
        return loader


def read_epochs(place: Path, epochs: int) -> list[list[int]]:
    """The images that this process reads in each epoch."""
    watched = Watched(place)
    with join_world("x", 1, "cpu") as world:
        read = []
        for epoch in range(epochs):
            loader = watched.open(world.share)
            count = sum(len(labels) for _, labels in loader.batches(epoch))
            assert count == len(watched.read)
            read.append(list(watched.read))
        return read


def read_part(place: Path, start: int, stop: int) -> list[list[int]]:
    """The labels of this process's part of some batches of an epoch."""
    with join_world("x", 1, "cpu") as world:
        batches = Watched(place).open(world.share).batches(2, start)
        return [
            labels.tolist() for _, (_, labels) in zip(range(start, stop), batches, strict=False)
        ]


def read_held_out(place: Path) -> list[int]:
    watched = Watched(place)
    with join_world("x", 1, "cpu") as world:
        for _ in watched.open(world.share, held_out=True).views():
            pass
        return list(watched.read)


@pytest.mark.parametrize("form", ["packed", "tars"])
def test_each_image_once_an_epoch(
    pair: Processes, four: Processes, form: str, request: pytest.FixtureRequest
) -> None:
    """By one, two and four processes; of the shards that one of them reads another reads at most
    the one in which both meet, and those that the last batch shares otherwise."""
    place = request.getfixturevalue(form)
    shards = open_place(str(place), 0).train.shards
    assert shards is not None
    for processes in (pair, four):
        for read in zip(*processes.run(read_epochs, place, 3), strict=True):
            counts = Counter(number for each in read for number in each)
            assert counts == dict.fromkeys(range(TRAIN), 1)
            met = [set(shards[each].tolist()) for each in read]
            assert sum(map(len, met)) <= len(set(shards.tolist())) + 2 * (processes.size - 1)


def test_each_epoch_gives_a_process_other_shards(four: Processes, packed: Path) -> None:
    shards = open_place(str(packed), 0).train.shards
    assert shards is not None
    for epochs in four.run(read_epochs, packed, 3):
        assert len({tuple(sorted(set(shards[read].tolist()))) for read in epochs}) == 3


def test_a_test_is_of_each_held_out_image_once(four: Processes, packed: Path) -> None:
    shards = open_place(str(packed), 0).held_out.shards
    assert shards is not None
    read = four.run(read_held_out, packed)
    assert sorted(number for each in read for number in each) == list(range(HELD_OUT))
    assert sum(len(set(shards[each].tolist())) for each in read) <= 5 + 3


def test_an_epoch_goes_on_with_any_number_of_processes(
    pair: Processes, four: Processes, packed: Path
) -> None:
    """Three batches by four processes, four by two, the rest by one: the batches of one alone."""
    whole = [labels.tolist() for _, labels in Watched(packed).open(WHOLE).batches(2)]
    parts = [
        *zip(*four.run(read_part, packed, 0, 3), strict=True),
        *zip(*pair.run(read_part, packed, 3, 7), strict=True),
        *zip(read_part(packed, 7, 99), strict=True),
    ]
    assert [[label for part in batch for label in part] for batch in parts] == whole


@pytest.mark.parametrize("replicas", [3, 5, 12])
def test_fewer_shards_than_processes_are_read_in_parts(packed: Path, replicas: int) -> None:
    counts: Counter[int] = Counter()
    most = 0
    for number in range(replicas):
        watched = Watched(packed)
        loader = watched.open(Share(number, replicas))
        for _ in loader.batches(0):
            pass
        counts.update(watched.read)
        most = max(most, len(watched.read))
    assert counts == dict.fromkeys(range(TRAIN), 1)
    assert most <= -(-BATCH // replicas) * -(-TRAIN // BATCH)


def test_a_training_on_shards_that_changes_its_processes(
    pair: Processes, four: Processes, packed: Path, tmp_path: Path
) -> None:
    """Each stop is in the middle of an epoch, of eleven updates."""
    text = write_net(norm="batchnorm synced=yes", batch=BATCH, stop="2 epochs")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_net(text, whole, packed)
    four.run(run_training, text, parts, packed, {"iterations": 4})
    pair.run(run_training, text, parts, packed, {"iterations": 9, "resume": True})
    train_net(text, parts, packed, iterations=13, resume=True)
    (answer, *_) = pair.run(run_training, text, parts, packed, {"epochs": 2, "resume": True})
    assert answer["updates"] == 22
    last = "last.safetensors"
    check_state(load_file(parts / last), load_file(whole / last), 1e-4)


@pytest.mark.parametrize(("group", "gpus"), [("pair", 1), ("four", 2)])
def test_a_training_on_shards_goes_on_bit_for_bit(
    group: str, gpus: int, packed: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With running averages that each replica has otherwise, though there are more tests and
    snapshots where a run is stopped."""
    processes: Processes = request.getfixturevalue(group)
    text = write_net(gpus=gpus, norm="batchnorm", batch=BATCH, stop="2 epochs")
    processes.run(run_training, text, tmp_path / "whole", packed, {})
    processes.run(run_training, text, tmp_path / "parts", packed, {"iterations": 5})
    processes.run(run_training, text, tmp_path / "parts", packed, {"epochs": 2, "resume": True})
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    averages = [read_last(tmp_path / name).averages for name in ("whole", "parts")]
    assert len(averages[0]) == 4
    assert all(torch.equal(averages[0][name], averages[1][name]) for name in averages[0])


def test_other_shards_are_other_data(packed: Path, tmp_path: Path) -> None:
    """The order of an epoch depends on them, so a run does not go on with them by itself."""
    source = open_place(str(packed), 0)
    pack_data(source, tmp_path / "again", Options(side=12, shard_images=SHARD + 1))
    text = write_net(batch=BATCH)
    train_net(text, tmp_path / "run", packed, iterations=2)
    answer = train_net(text, tmp_path / "run", tmp_path / "again", iterations=4, resume=True)
    assert "cannot go on as it was" in answer["error"]
