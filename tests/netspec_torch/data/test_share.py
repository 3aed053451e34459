"""Parts of batches: together they are the batch, in an epoch and in a test."""

import pytest
import torch

from netspec.tensor import Shape
from netspec_torch.data import DataSet, Loader, open_data
from netspec_torch.data.share import WHOLE, Share


@pytest.mark.parametrize("images", [0, 1, 5, 6, 17])
@pytest.mark.parametrize("parts", [1, 2, 3, 6, 8])
def test_parts_are_runs_that_meet(images: int, parts: int) -> None:
    batch = slice(40, 40 + images)
    cuts = [Share(number, parts).cut(batch) for number in range(parts)]
    assert [i for cut in cuts for i in range(cut.start, cut.stop)] == list(range(40, 40 + images))
    lengths = [cut.stop - cut.start for cut in cuts]
    assert lengths == sorted(lengths, reverse=True)
    assert max(lengths) - min(lengths) <= 1


@pytest.fixture(scope="module")
def sample() -> DataSet:
    return open_data("fashion_mnist", "clothes", 0)


def make_loader(data: DataSet, share: Share) -> Loader:
    some = data.train.take(range(103))
    return Loader(some, [], Shape(1, 28, 28), batch=20, seed=1, share=share)


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_an_epoch_is_the_same_images_in_the_same_order(sample: DataSet, parts: int) -> None:
    """103 images in batches of 20 leave 3 for the last, fewer than seven parts."""
    whole = list(make_loader(sample, WHOLE).batches(2))
    shares = [make_loader(sample, Share(number, parts)).batches(2) for number in range(parts)]
    for (images, labels), *others in zip(whole, *shares, strict=True):
        assert torch.equal(torch.cat([other[0] for other in others]), images)
        assert torch.equal(torch.cat([other[1] for other in others]), labels)


@pytest.mark.parametrize("parts", [2, 7])
def test_a_test_is_of_each_image_once(sample: DataSet, parts: int) -> None:
    """Each process has a run of them, in as many batches as every other, none much larger than its
    part of a whole one."""
    whole = torch.cat([images for images, _ in make_loader(sample, WHOLE).views()])
    shares = [list(make_loader(sample, Share(number, parts)).views()) for number in range(parts)]
    assert len({len(batches) for batches in shares}) == 1
    assert max(len(images) for batches in shares for images, _ in batches) <= -(-20 // parts)
    assert torch.equal(torch.cat([images for batches in shares for images, _ in batches]), whole)
    assert len(whole) == 103
