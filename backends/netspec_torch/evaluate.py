"""How well a net does on held-out images: top-1, top-5 and loss, on one view of each or on ten.

With several views the probabilities are averaged, as in Krizhevsky et al. 2012, section 4.1, and
the figures taken from the mean.
"""

from collections.abc import Callable, Iterable
from math import log
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from netspec.recipe.device import Precision
from netspec.recipe.run import TOP, Figures
from netspec_torch.compute import autocast
from netspec_torch.data.dataset import Split


class ViewSource(Protocol):
    """What gives a split's images as a test sees them: a `Loader`."""

    def views(self, count: int = 1) -> Iterable[tuple[Tensor, Tensor]]: ...


def evaluate(
    net: nn.Module,
    images: ViewSource,
    *,
    device: torch.device,
    views: int = 1,
    precision: Precision = "float32",
    progress: Callable[[int], None] = lambda done: None,
    add: Callable[[Tensor], Tensor] = lambda sums: sums,
    meet: Callable[[Tensor], Tensor] = lambda images: images,
) -> Figures:
    """Evaluate a net on all images that the loader gives; `progress` is told how many are done.

    The net computes as in a test and is left in the mode that it had; it gives N x classes. Where
    processes share the images, `add` sums a tensor over them; one without classes counts nothing.
    `meet` gives what is to be computed of a batch, which may be something where there are no
    images.
    """
    was_training = net.training
    net.eval()
    tally = Tally(device)
    done = 0
    try:
        with torch.inference_mode():
            for batch, labels in images.views(views):
                computed = meet(batch)
                if len(computed):
                    with autocast(device, precision):
                        scores = net(computed)
                    if len(labels) and scores.numel():
                        tally.add(average_views(scores, views), labels)
                done += len(labels)
                progress(done)
    finally:
        net.train(was_training)
    return tally.as_figures(views, add)


class Tally:
    """Counts over the images of a test, kept on the device."""

    def __init__(self, device: torch.device) -> None:
        self.images = 0
        self._sums = torch.zeros(4, dtype=torch.float64, device=device)
        """Images, right at first, right within five, loss."""

    def add(self, logarithms: Tensor, labels: Tensor) -> None:
        """Add a batch: the logarithms of the probabilities, N x classes, and the classes, N."""
        best = logarithms.topk(min(TOP, logarithms.shape[1]), dim=1).indices
        hits = best == labels[:, None]
        loss = nll_loss(logarithms, labels, reduction="sum")
        images = labels.new_tensor(len(labels))
        self.images += len(labels)
        self._sums += torch.stack([images, hits[:, 0].sum(), hits.sum(), loss]).double()

    def as_figures(
        self, views: int, add: Callable[[Tensor], Tensor] = lambda sums: sums
    ) -> Figures:
        """The figures of all images so far, of which there is at least one; `add` as above."""
        count, *counted = add(self._sums).tolist()
        top1, top5, loss = (each / count for each in counted)
        return Figures(images=int(count), views=views, top1=top1, top5=top5, loss=loss)


def average_views(scores: Tensor, views: int) -> Tensor:
    """The logarithms of the mean probabilities of each image, N x classes, from the scores of its
    views, which lie side by side, (N * views) x classes."""
    return average(scores.float().log_softmax(1).unflatten(0, (-1, views)), dim=1)


def average(logarithms: Tensor, dim: int) -> Tensor:
    """The mean of probabilities, in logarithms, where nothing rounds to 0."""
    return logarithms.logsumexp(dim) - log(logarithms.shape[dim])


def take_some(split: Split, count: int) -> Split:
    """`count` images of a split, evenly spread over its order, in which classes may stand one
    after another."""
    return split.take((np.arange(count) * len(split) // count).tolist())
