"""The order of an epoch: which image stands at which place, from seed and epoch alone.

Images that lie each for itself, or in one file, come in an order that is drawn for all of them.

Images in shards come such that a process meets few of these, whichever part of the batches is its
own (`share`), and that the order is the same whatever the number of processes:

    shards in an order that is drawn, and within each its images        | a | b | c |  …  | y | z |
    cut into as many lanes as a batch has images, of the same length    |  0  |  1  | …  | B - 1  |
    image p of batch k is the k-th of lane p

So a run of a batch's places is a run of lanes, and these a run of shards: of R processes each reads
an R-th of the shards in an epoch, and where two meet both read a part of one. A last, smaller batch
takes from lanes that are spread evenly over all, and these have an image more.
"""

import numpy as np
from numpy.typing import NDArray

from netspec_torch.data.randomness import make_generator

Numbers = NDArray[np.int64]


def draw_order(total: int, batch: int, shards: Numbers | None, seed: int, epoch: int) -> Numbers:
    """Each number below `total` once: the image at each place of an epoch of batches of `batch`.

    `shards` has each image's shard, by numbers from 0; None where there are none.
    """
    generator = make_generator(seed, epoch, 0)
    order = generator.permutation(total)
    if shards is None:
        return order
    places = generator.permutation(int(shards.max()) + 1)
    by_shard = order[np.argsort(places[shards[order]], kind="stable")]
    return by_shard[_lay_lanes(total, batch)]


def _lay_lanes(total: int, batch: int) -> Numbers:
    """For each place of an epoch, in batches, how far along the lanes its image stands."""
    updates, rest = divmod(total, batch)
    longer = np.arange(rest) * batch // max(1, rest)
    lengths = np.full(batch, updates)
    lengths[longer] += 1
    starts = np.cumsum(lengths) - lengths
    whole = starts + np.arange(updates)[:, None]
    return np.concatenate([whole.ravel(), starts[longer] + updates])
