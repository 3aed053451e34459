"""What could only go wrong with several processes, refused before the first update."""

import hashlib
from collections.abc import Sequence

import numpy as np

from netspec.recipe.clock import Clock, count_parts
from netspec.recipe.run import TrainingError
from netspec_torch.data import DataError, DataSet, Split
from netspec_torch.distributed.world import World


def check_same_data(world: World, data: DataSet) -> None:
    """All processes must have the same images: each takes its part of every batch by number."""
    seen = world.collect((len(data.train), len(data.held_out), _digest(data)))
    for rank, other in enumerate(seen):
        if other == seen[0]:
            continue
        counts = [f"{train:,} and {held_out:,}" for train, held_out, _ in (other, seen[0])]
        difference = (
            f"{counts[0]} images to train on and held out, and process 0 has {counts[1]}"
            if counts[0] != counts[1]
            else "as many images as process 0, of other classes or in other shards"
        )
        raise TrainingError(
            f"process {rank} has other data: {difference}",
            "give every machine the same files, or a folder that they share",
            cause="usage",
        )


def check_classes(world: World, data: DataSet) -> None:
    """Raise DataError where no training image of a class can be read, as far as any process has
    read them."""
    tell_unreadable(world, (data.train, data.held_out))
    split = data.train
    for label in np.flatnonzero(np.bincount(split.labels)).tolist():
        if split.count_readable()[label]:
            continue
        members = np.flatnonzero(split.labels == label)
        first = int(members[0])
        raise DataError(
            f"not one of the {len(members):,} training images of the class "
            f"{data.class_names[label]} can be read; {split.name(first)} {split.unreadable[first]}",
            "`netspec data` names all that cannot be read; mend them, or take the class out",
        )


def tell_unreadable(world: World, splits: Sequence[Split]) -> None:
    """Have all processes know which images one of them could not read."""
    seen = world.collect([split.unreadable for split in splits])
    for split, parts in zip(splits, zip(*seen, strict=True), strict=True):
        for part in parts:
            for index, reason in part.items():
                split.skip(index, reason)


def check_shares(world: World, clock: Clock, device_batch: int | None) -> None:
    """Each replica needs an image of every batch, and of every part in which one is computed."""
    if clock.smallest_batch < world.replicas:
        raise TrainingError(
            f"the last batch of an epoch holds {clock.smallest_batch:,} of {clock.images:,} "
            f"images, too few for {world.replicas:,} replicas of the net",
            "change the `batch`, or start fewer processes",
            cause="file",
        )
    for images in (min(clock.batch, clock.images), clock.smallest_batch):
        if images // world.replicas < count_parts(-(-images // world.replicas), device_batch):
            raise TrainingError(
                f"--device-batch {device_batch} leaves a replica without an image of some part of "
                f"a batch of {images:,}, which {world.replicas:,} replicas share",
                "give a larger --device-batch",
                cause="usage",
            )


def _digest(data: DataSet) -> str:
    """The classes' names, and the labels and shards in their order; where the files lie may
    differ."""
    digest = hashlib.sha256("\n".join(data.class_names).encode())
    for split in (data.train, data.held_out):
        digest.update(np.asarray(split.labels, np.int64).tobytes())
        if split.shards is not None:
            digest.update(split.shards.tobytes())
    return digest.hexdigest()
