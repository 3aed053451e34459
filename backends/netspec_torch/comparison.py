"""Several nets on the same images: the figures of each, and those of their mean.

All see the same images in the same order; those that prepare them alike share the batches. Which
images these are is decided in `testing.py`.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from netspec.recipe.device import Precision
from netspec.recipe.run import Figures, Listener, TrainingError
from netspec_torch.compute import autocast, choose_memory_format
from netspec_torch.data import Loader, Split, Statistics
from netspec_torch.distributed.world import World
from netspec_torch.evaluate import Tally, average, average_views
from netspec_torch.members import recipe_of
from netspec_torch.trained import TrainedNet

CENTRE = 4
"""Of ten views, the one that is the centre crop."""


def compare(
    nets: Sequence[TrainedNet],
    splits: Sequence[Split],
    label_of_class: Tensor,
    views: int,
    world: World,
    precision: Precision,
    listener: Listener,
) -> list[tuple[Figures, ...]]:
    """The figures of each net, and behind them those of all together. Each process of the world has
    the nets, and a part of the images."""
    device = world.device
    sources, source_of = open_sources(nets, splits, world)
    kinds = [1] if views == 1 else [1, views]
    tallies = [[Tally(device) for _ in kinds] for _ in (*nets, "all")]
    total = sum(map(len, splits))
    with torch.inference_mode():
        for batches in zip(*(source.views(views) for source in sources), strict=True):
            labels = label_of_class[batches[0][1]]
            if not len(labels):
                continue
            answers = []
            for each, source in zip(nets, source_of, strict=True):
                with autocast(device, precision):
                    scores = each.module(batches[source][0])
                answers.append(_read_scores(scores, views))
            answers.append([average(torch.stack(alike), 0) for alike in zip(*answers, strict=True)])
            for tally, answer in zip(tallies, answers, strict=True):
                for count, logarithms in zip(tally, answer, strict=True):
                    count.add(logarithms, labels)
            listener.testing(min(tallies[0][0].images * world.size, total), total)
    if sum(world.list_all(tallies[0][0].images)) == 0:
        raise TrainingError("not one of the images can be read", cause="usage")
    return [
        tuple(count.as_figures(kind, world.add) for count, kind in zip(tally, kinds, strict=True))
        for tally in tallies
    ]


def _read_scores(scores: Tensor, views: int) -> list[Tensor]:
    """The logarithms of the probabilities: of the centre view, and the mean of several."""
    if views == 1:
        return [average_views(scores, 1)]
    return [average_views(scores[CENTRE::views], 1), average_views(scores, views)]


class Source:
    """Images prepared in one way, from one split after the other."""

    def __init__(self, loaders: Sequence[Loader]) -> None:
        self._loaders = loaders

    def views(self, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        for loader in self._loaders:
            yield from loader.views(count)


def open_sources(
    nets: Sequence[TrainedNet], splits: Sequence[Split], world: World
) -> tuple[list[Source], list[int]]:
    """A source for each way of preparing images, and for each net the number of its own."""
    batch = min(recipe_of(each.net).test_batch or recipe_of(each.net).batch for each in nets)
    firsts: list[TrainedNet] = []
    source_of = []
    for each in nets:
        alike = [place for place, first in enumerate(firsts) if _are_alike(first, each)]
        if not alike:
            alike = [len(firsts)]
            firsts.append(each)
        source_of.append(alike[0])
    sources = [
        Source(
            [
                Loader(
                    split,
                    first.transforms,
                    first.shape,
                    batch=batch,
                    seed=0,
                    share=world.share,
                    statistics=first.images.statistics,
                    device=world.device,
                    memory_format=choose_memory_format(first.net.graph.nodes),
                    threads=world.threads,
                )
                for split in splits
            ]
        )
        for first in firsts
    ]
    return sources, source_of


def _are_alike(one: TrainedNet, other: TrainedNet) -> bool:
    """Whether two nets read an image prepared in the same way."""
    return (
        one.transforms == other.transforms
        and one.shape == other.shape
        and choose_memory_format(one.net.graph.nodes) == choose_memory_format(other.net.graph.nodes)
        and _have_same_numbers(one.images.statistics, other.images.statistics)
    )


def _have_same_numbers(one: Statistics | None, other: Statistics | None) -> bool:
    if one is None or other is None:
        return one is other
    mine, theirs = one.to_tensors(), other.to_tensors()
    return all(torch.equal(mine[name], theirs[name]) for name in mine)
