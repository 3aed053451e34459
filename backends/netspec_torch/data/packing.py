"""Packing a data set: every image once reduced and encoded anew, into the shards of `packed`.

An image is reduced until its shorter side has the wanted length, never enlarged, and encoded as
JPEG; a JPEG that is small enough already is taken byte for byte. The images to train on are mixed,
so that every shard has some of every class; those held out keep their order.

Which image lies in which shard depends on the source alone. A shard that is done is never made
again: a packing that was killed goes on with those that are missing, to the same files.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save

from netspec_torch.data.dataset import DataSet
from netspec_torch.data.errors import DataError
from netspec_torch.data.fetching import count_cores
from netspec_torch.data.images import EncodedImages
from netspec_torch.data.packed import (
    HELD_OUT,
    INDEX,
    STATISTICS,
    TRAIN,
    UNFINISHED,
    VERSION,
    Index,
    Shard,
    index_file,
    read_index,
)
from netspec_torch.data.randomness import make_generator
from netspec_torch.data.shard_writer import Options, ShardWriter, replace_file, sums_file
from netspec_torch.data.statistics import Statistics, Sums

SECONDS_BETWEEN_REPORTS = 0.25
MIXING_SEED = 0


@dataclass(frozen=True)
class Packed:
    """What a packing came to."""

    folder: Path
    index: Index
    done_before: int
    """Images that an earlier packing had done."""


class StoppedError(Exception):
    """A shard that is given up because the packing ends."""


class Job(NamedTuple):
    """A shard to make."""

    part: str
    number: int
    positions: range
    """Of its images in the order of the part."""

    @property
    def file(self) -> str:
        return f"{self.part}-{self.number:05}.tar"


class Packing:
    """A packing into one folder."""

    def __init__(self, data: DataSet, folder: Path, options: Options) -> None:
        self._data = data
        self._folder = folder
        self._options = options
        self._splits = {TRAIN: data.train, HELD_OUT: data.held_out}
        self._orders = {
            TRAIN: make_generator(MIXING_SEED).permutation(len(data.train)),
            HELD_OUT: np.arange(len(data.held_out)),
        }
        self._stop = Event()
        self._done: list[int] = []
        """An entry for each image done."""

    def run(self, threads: int, progress: Callable[[int, int], None]) -> Packed:
        """Make what is missing; raises DataError, and OSError where the folder cannot be
        written."""
        plan = self._plan()
        if _begin(self._folder, plan):
            return Packed(self._folder, read_index(self._folder), self._count())
        jobs = list(self._list_jobs())
        missing = [job for job in jobs if not self._is_done(job)]
        done_before = self._count() - sum(len(job.positions) for job in missing)
        with ThreadPoolExecutor(threads, thread_name_prefix="netspec-pack") as pool:
            waiting = {pool.submit(self._make_shard, job) for job in missing}
            try:
                while waiting:
                    done, waiting = wait(waiting, SECONDS_BETWEEN_REPORTS, FIRST_COMPLETED)
                    for future in done:
                        future.result()
                    # The last image counts when the last shard is written.
                    most = self._count() - 1 if waiting else self._count()
                    progress(min(done_before + len(self._done), most), self._count())
            finally:
                self._stop.set()
                for future in waiting:
                    future.cancel()
        return Packed(self._folder, self._finish(jobs, plan), done_before)

    def _count(self) -> int:
        return sum(map(len, self._splits.values()))

    def _plan(self) -> dict[str, Any]:
        """What decides every byte that is written, but for the images' own."""
        digest = hashlib.sha256(json.dumps(self._data.class_names).encode())
        for split in self._splits.values():
            for index, label in enumerate(split.labels.tolist()):
                digest.update(json.dumps([split.images.name(index), label]).encode())
        return {"version": VERSION, **self._options._asdict(), "source": digest.hexdigest()}

    def _list_jobs(self) -> Iterator[Job]:
        size = self._options.shard_images
        for part, split in self._splits.items():
            for number, start in enumerate(range(0, len(split), size)):
                yield Job(part, number, range(start, min(start + size, len(split))))

    def _is_done(self, job: Job) -> bool:
        path = self._folder / job.file
        needed = [path, index_file(path), *([sums_file(path)] if job.part == TRAIN else [])]
        return all(each.exists() for each in needed)

    def _make_shard(self, job: Job) -> None:
        """Write a shard: its tar first, and last, when all else is there, its `.npz`."""
        path = self._folder / job.file
        shard = ShardWriter(path, self._options, with_sums=job.part == TRAIN)
        split, order = self._splits[job.part], self._orders[job.part]
        try:
            for position in job.positions:
                if self._stop.is_set():
                    raise StoppedError
                index = int(order[position])
                shard.add(split, index, f"{position:08}")
                self._done.append(index)
            shard.finish()
        finally:
            shard.close()

    def _finish(self, jobs: list[Job], plan: dict[str, Any]) -> Index:
        """Write what concerns the whole, and remove what is needed no longer."""
        tables = {job: _load_table(self._folder / job.file) for job in jobs}
        channels = {int(c) for table in tables.values() for c in np.unique(table["channels"])}
        shared = channels.pop() if len(channels) == 1 else None
        statistics = self._collect_statistics(jobs, shared or 3)
        replace_file(
            self._folder / STATISTICS, lambda path: path.write_bytes(save(statistics.to_tensors()))
        )
        shards: dict[str, tuple[Shard, ...]] = {TRAIN: (), HELD_OUT: ()}
        for job, table in tables.items():
            shards[job.part] += (self._describe_shard(job, table),)
        if not sum(shard.images for shard in shards[HELD_OUT]):
            raise DataError("not one of the held-out images can be read")
        index = Index(
            name=self._data.name,
            classes=self._data.class_names,
            channels=shared,
            side=self._options.side,
            quality=self._options.quality,
            square=self._options.square,
            division=self._data.division,
            mean=tuple(statistics.channel_mean.tolist()),
            std=tuple(statistics.covariance.diagonal().clamp(min=0).sqrt().tolist()),
            components=tuple(map(tuple, statistics.components.T.flip(0).tolist())),
            train=shards[TRAIN],
            val=shards[HELD_OUT],
            skipped=tuple(
                (name, reason)
                for table in tables.values()
                for name, reason in json.loads(table["skipped"].tobytes())
            ),
            plan=plan,
        )
        text = json.dumps(index.to_json(), indent=1) + "\n"
        replace_file(self._folder / INDEX, lambda path: path.write_text(text, encoding="utf-8"))
        for path in (self._folder / UNFINISHED, *(sums_file(self._folder / j.file) for j in jobs)):
            path.unlink(missing_ok=True)
        return index

    def _collect_statistics(self, jobs: list[Job], channels: int) -> Statistics:
        """The statistics of all images to train on, of one channel where all are grey."""
        total = Sums.over((self._options.side, self._options.side, 3))
        for job in jobs:
            if job.part == TRAIN:
                with np.load(sums_file(self._folder / job.file)) as arrays:
                    total.add(Sums(arrays["images"], arrays["products"], int(arrays["count"])))
        if total.count == 0:
            raise DataError("not one of the training images can be read")
        total = Sums(
            total.images[:, :, :channels], total.products[:channels, :channels], total.count
        )
        return total.as_statistics()

    def _describe_shard(self, job: Job, table: dict[str, NDArray[Any]]) -> Shard:
        path = self._folder / job.file
        digest = hashlib.sha256(index_file(path).read_bytes()).hexdigest()
        return Shard(job.file, len(table["label"]), path.stat().st_size, digest)


def pack_data(
    data: DataSet,
    folder: Path,
    options: Options,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Packed:
    """Pack a data set of image files into a folder; `threads` work at once, as many as the process
    may use cores unless given, and `progress` is told the images done and their number.

    Raises DataError, and OSError where the folder cannot be written.
    """
    if not isinstance(data.train.images, EncodedImages):
        raise DataError(
            f"{data.origin} holds pixels and no image files: there is nothing to pack",
            "it is read into memory as it is",
        )
    return Packing(data, folder, options).run(threads or count_cores(), progress)


def _begin(folder: Path, plan: dict[str, Any]) -> bool:
    """Make the folder ready; gives whether all is done already.

    Raises DataError where it holds anything else than this packing.
    """
    earlier: dict[str, Any] | None = None
    if (folder / INDEX).exists():
        earlier = read_index(folder).plan
    elif (folder / UNFINISHED).exists():
        with suppress(ValueError):
            earlier = json.loads((folder / UNFINISHED).read_bytes())
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is there already", "give the packed set a place of its own")
    if earlier is not None and earlier != plan:
        different = [key for key, value in plan.items() if earlier.get(key) != value]
        raise DataError(
            f"{folder} holds a packed set that is another by its {', '.join(different)}",
            "remove it, or give the packed set another place",
        )
    if (folder / INDEX).exists():
        return True
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(plan) + "\n"
    replace_file(folder / UNFINISHED, lambda path: path.write_text(text, encoding="utf-8"))
    for path in folder.glob("*.unfinished"):
        path.unlink(missing_ok=True)
    return False


def _load_table(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(index_file(path)) as arrays:
        return dict(arrays)
