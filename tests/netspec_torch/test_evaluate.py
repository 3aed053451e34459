"""Figures of held-out images against the same counted by hand."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netspec.recipe.run import Figures
from netspec_torch.evaluate import evaluate, take_some
from tests.netspec_torch.data.pictures import make_split, read_split

CPU = torch.device("cpu")


class Scores:
    """A test set whose images are their own scores, in batches."""

    def __init__(self, scores: Tensor, labels: list[int], batch: int) -> None:
        self.scores = scores
        self.labels = torch.tensor(labels)
        self.batch = batch

    def views(self, count: int = 1) -> Iterable[tuple[Tensor, Tensor]]:
        for start in range(0, len(self.labels), self.batch):
            labels = self.labels[start : start + self.batch]
            yield self.scores[start * count : (start + len(labels)) * count], labels


def evaluate_scores(scores: Tensor, labels: list[int], batch: int = 2, views: int = 1) -> Figures:
    return evaluate(nn.Identity(), Scores(scores, labels, batch), device=CPU, views=views)


def test_top1_top5_and_loss_are_those_counted_by_hand() -> None:
    scores = torch.tensor(np.random.default_rng(0).normal(size=(23, 9)), dtype=torch.float32)
    labels = np.random.default_rng(1).integers(0, 9, 23).tolist()
    rank = [(row > row[label]).sum().item() for row, label in zip(scores, labels, strict=True)]
    logarithms = [
        float(row[label] - row.exp().sum().log()) for row, label in zip(scores, labels, strict=True)
    ]
    figures = evaluate_scores(scores, labels, batch=5)
    assert figures.images == 23
    assert figures.top1 == pytest.approx(np.mean([r == 0 for r in rank]))
    assert figures.top5 == pytest.approx(np.mean([r < 5 for r in rank]))
    assert figures.loss == pytest.approx(-np.mean(logarithms), rel=1e-6)
    assert figures.error == pytest.approx(1 - figures.top1)


def test_views_average_probabilities_and_not_scores() -> None:
    scores = torch.tensor([[9.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    probabilities = scores.softmax(1).mean(0)
    assert [int(mean.argmax()) for mean in (scores.mean(0), probabilities)] == [0, 1]
    figures = evaluate_scores(scores, [1], views=3)
    assert (figures.images, figures.views, figures.top1) == (1, 3, 1.0)
    assert figures.loss == pytest.approx(-float(probabilities[1].log()), rel=1e-6)


def test_with_fewer_than_five_classes_top5_is_all() -> None:
    figures = evaluate_scores(torch.eye(3), [0, 0, 0])
    assert figures.top1 == pytest.approx(1 / 3)
    assert figures.top5 == 1.0


def test_a_certain_miss_has_a_finite_loss() -> None:
    assert evaluate_scores(torch.tensor([[1000.0, 0.0]]), [1]).loss == pytest.approx(1000)


@pytest.mark.parametrize("training", [True, False])
def test_the_net_computes_as_in_a_test_and_keeps_its_mode(training: bool) -> None:
    net = nn.Sequential(nn.Dropout(0.99))
    net.train(training)
    figures = evaluate(net, Scores(torch.eye(8), list(range(8)), 3), device=CPU)
    assert figures.top1 == 1.0
    assert net.training is training


def test_the_mode_is_kept_when_the_test_is_broken_off() -> None:
    class StopError(Exception): ...

    def stop(done: int) -> None:
        raise StopError

    net = nn.Identity()
    with pytest.raises(StopError):
        evaluate(net, Scores(torch.eye(4), [0, 1, 2, 3], 2), device=CPU, progress=stop)
    assert net.training


def test_progress_is_told_the_images_done() -> None:
    seen: list[int] = []
    images = Scores(torch.eye(5), [0, 1, 2, 3, 4], 2)
    evaluate(nn.Identity(), images, device=CPU, progress=seen.append)
    assert seen == [2, 4, 5]


def test_some_images_are_spread_over_the_split() -> None:
    split = make_split(10, 4, 5)
    some = take_some(split, 4)
    assert len(some) == 4
    assert some.labels.tolist() == split.labels[[0, 2, 5, 7]].tolist()
    assert (read_split(some) == read_split(split)[[0, 2, 5, 7]]).all()
    assert some.images.name(1) == split.images.name(2)
