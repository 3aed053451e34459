"""The order of an epoch: each image once, and of shards few to a process."""

from collections import Counter
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec_torch.data.order import Numbers, draw_order
from netspec_torch.data.randomness import make_generator
from netspec_torch.data.share import Share

SIZES = st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any)
"""How many images each shard has; some of a split's shards may have none of it."""


def number_shards(sizes: list[int]) -> Numbers:
    return np.repeat(np.arange(len(sizes)), sizes)


def cut_batches(order: Numbers, batch: int) -> list[list[int]]:
    return [order[start : start + batch].tolist() for start in range(0, len(order), batch)]


@given(SIZES, st.integers(1, 40), st.integers(0, 5))
def test_each_image_comes_once(sizes: list[int], batch: int, epoch: int) -> None:
    shards = number_shards(sizes)
    order = draw_order(len(shards), batch, shards, seed=3, epoch=epoch)
    assert sorted(order.tolist()) == list(range(len(shards)))


@given(SIZES, st.integers(1, 40))
def test_lane_by_lane_the_shards_come_one_after_another(sizes: list[int], batch: int) -> None:
    """The last batch is left out: it takes the last images of some lanes."""
    shards = number_shards(sizes)
    order = draw_order(len(shards), batch, shards, seed=3, epoch=0)
    whole = len(order) // batch * batch
    lanes = order[:whole].reshape(-1, batch).T
    met = [shard for shard, _ in groupby(shards[lanes.ravel()])]
    assert len(met) == len(set(met))


@pytest.mark.parametrize("replicas", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("count", [3, 40])
def test_two_processes_meet_in_one_shard(replicas: int, count: int) -> None:
    """All shards once, and one more for each pair of neighbours, whatever their number."""
    shards = number_shards([100 + number for number in range(count)])
    total, batch = len(shards), 48
    order = draw_order(total - total % batch, batch, shards[: total - total % batch], 0, 1)
    met = []
    for number in range(replicas):
        share = Share(number, replicas)
        own = [each for run in cut_batches(order, batch) for each in run[share.cut(slice(0, 48))]]
        met.append(set(shards[own].tolist()))
    assert set().union(*met) == set(shards[order].tolist())
    assert sum(map(len, met)) <= count + replicas - 1
    assert all(len(one & other) <= 1 for one, other in pairwise(met))


def test_a_last_batch_is_of_lanes_from_all_over() -> None:
    """So its parts too are of each process's own shards."""
    shards = number_shards([50] * 8)
    order = draw_order(400 - 44, 64, shards[: 400 - 44], seed=0, epoch=0)
    for number in range(4):
        share = Share(number, 4)
        batches = cut_batches(order, 64)
        assert len(batches[-1]) == 36
        *whole, last = (
            set(shards[batch[share.cut(slice(0, len(batch)))]].tolist())
            for batch in map(np.array, batches)
        )
        assert last <= set().union(*whole)


def test_images_of_one_shard_come_in_any_order() -> None:
    """Within a shard nothing keeps its neighbour: as in an order drawn for all images."""
    orders = [draw_order(40, 8, np.zeros(40, int), seed, epoch=0) for seed in range(300)]
    steps = Counter(int(step) for order in orders for step in np.diff(order))
    assert 0.5 < steps[1] / steps[-1] < 2
    assert steps[1] < 2 * 300 * 39 / 40
    places = np.array([np.argsort(order) for order in orders]).mean(0)
    assert abs(places - 19.5).max() < 3.5


def test_a_batch_has_some_of_all_shards() -> None:
    """Also where each has a class of its own."""
    shards = number_shards([60] * 6)
    for batch in cut_batches(draw_order(360, 24, shards, seed=1, epoch=2), 24):
        assert np.bincount(shards[batch]).tolist() == [4] * 6


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    shards = number_shards([5] * 20)
    orders = {
        tuple(draw_order(100, 10, shards, seed, epoch)) for seed in (0, 1) for epoch in range(5)
    }
    assert len(orders) == 10
    first = {tuple(order[:3]) for order in orders}
    assert len(first) > 5


def test_without_shards_all_orders_are_as_likely() -> None:
    order = draw_order(30, 7, None, seed=5, epoch=2)
    assert order.tolist() == make_generator(5, 2, 0).permutation(30).tolist()
