"""Batches: order, going on in the middle, both splits, damaged images, threads."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from netspec.recipe.data import Crop, Grey, Lighting, Mirror, Resize, Subtract, Transform
from netspec.tensor import Shape
from netspec.values import Word
from netspec_torch.data import DataError, Loader, open_data
from netspec_torch.data.dataset import Split
from netspec_torch.data.images import open_files
from tests.netspec_torch.data.pictures import make_split, read_split, write_picture

SHAPE = Shape(3, 8, 8)
MEAN = Subtract.model_validate({"value": Word("mean")})
CROP = Crop.model_validate({"size": 8})
RECIPE = (CROP, Mirror(), MEAN, Lighting(std=0.1))


def make_loader(split: Split, transforms: Sequence[Transform] = RECIPE, **options: Any) -> Loader:
    return Loader(split, transforms, SHAPE, **{"batch": 4, "seed": 3, **options})


def take(batches: Iterator[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.fixture
def split() -> Split:
    return make_split(18, 10, 12)


def test_an_epoch_has_every_image_once(split: Split) -> None:
    loader = make_loader(split, [Crop.model_validate({"size": 8})])
    sizes = [(len(images), len(labels)) for images, labels in loader.batches(0)]
    assert sizes == [(4, 4)] * 4 + [(2, 2)]
    assert len(loader) == 5
    labels = take(loader.batches(0))[1]
    assert labels.dtype == torch.int64
    assert torch.bincount(labels).tolist() == [6, 6, 6]


def test_images_keep_their_labels() -> None:
    split = make_split(20, 8, 8, classes=20)
    pixels = read_split(split).transpose(0, 3, 1, 2)
    images, labels = take(make_loader(split, []).batches(0))
    assert sorted(labels.tolist()) == list(range(20))
    assert labels.tolist() != list(range(20))
    np.testing.assert_array_equal(images.numpy(), pixels[labels.numpy()])


def test_the_same_seed_gives_the_same_bytes(split: Split) -> None:
    first, second = (take(make_loader(split, threads=n).batches(2)) for n in (1, 3))
    assert first[0].equal(second[0])
    assert first[1].equal(second[1])


def test_seeds_and_epochs_differ(split: Split) -> None:
    reference = take(make_loader(split).batches(0))[0]
    assert not take(make_loader(split).batches(1))[0].equal(reference)
    assert not take(make_loader(split, seed=4).batches(0))[0].equal(reference)


def test_each_epoch_has_an_order_of_its_own() -> None:
    loader = make_loader(make_split(18, 8, 8, classes=18), [])
    orders = [take(loader.batches(epoch))[1].tolist() for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.parametrize("start", range(6))
def test_going_on_in_the_middle_gives_the_rest(split: Split, start: int) -> None:
    whole = list(make_loader(split).batches(7))
    rest = list(make_loader(split).batches(7, start))
    assert len(rest) == len(whole) - start
    for (images, labels), (expected, expected_labels) in zip(rest, whole[start:], strict=True):
        assert images.equal(expected)
        assert labels.equal(expected_labels)


@pytest.mark.parametrize("seed", [0, -1, 2**70])
def test_any_whole_number_is_a_seed(split: Split, seed: int) -> None:
    assert len(take(make_loader(split, seed=seed).batches(0))[1]) == 18


def test_statistics_given_are_those_used(split: Split) -> None:
    measured = make_loader(split).statistics
    assert measured is not None
    again = make_loader(split, statistics=measured)
    assert again.statistics is measured
    other = make_loader(make_split(18, 10, 12, classes=2), statistics=measured)
    assert other.statistics is measured
    assert take(again.batches(0))[0].equal(take(make_loader(split).batches(0))[0])


def test_nothing_is_measured_where_nothing_is_needed(split: Split) -> None:
    assert make_loader(split, [CROP, Mirror()]).statistics is None


@pytest.mark.parametrize(("views", "sizes"), [(1, [12, 6]), (10, [1] * 18)])
def test_views_come_in_order_within_the_batch(views: int, sizes: list[int]) -> None:
    """A batch of 12 views: twelve images with one, or one with ten."""
    split = make_split(18, 10, 12, classes=18)
    loader = make_loader(split, [CROP], batch=12)
    batches = list(loader.views(views))
    assert [len(labels) for _, labels in batches] == sizes
    images, labels = take(iter(batches))
    assert labels.tolist() == list(range(18))
    assert tuple(images.shape) == (18 * views, 3, 8, 8)
    centre = read_split(split)[:, 1:9, 2:10].transpose(0, 3, 1, 2)
    found = images.unflatten(0, (18, views))[:, 4 if views == 10 else 0]
    np.testing.assert_array_equal(found.numpy(), centre)


def test_views_do_not_depend_on_the_batch(split: Split) -> None:
    few, many = (take(make_loader(split, batch=n).views(10)) for n in (7, 40))
    assert few[0].equal(many[0])
    assert few[1].equal(many[1])


def test_ten_views_without_a_crop_are_refused() -> None:
    loader = make_loader(make_split(4, 8, 8), [])
    with pytest.raises(DataError, match="10 views"):
        next(loader.views(10))
    assert list_threads() == []


@pytest.fixture
def files(tmp_path: Path) -> Split:
    """Six pictures, the third cut off."""
    names = [f"{i}.jpg" for i in range(6)]
    for seed, name in enumerate(names):
        write_picture(tmp_path / name, seed)
    (tmp_path / "2.jpg").write_bytes((tmp_path / "2.jpg").read_bytes()[:-200])
    return Split(open_files(tmp_path, names), np.arange(6))


def test_training_goes_on_past_a_damaged_image(files: Split) -> None:
    loader = make_loader(files, [Resize(side=10), *RECIPE])
    images, labels = take(loader.batches(0))
    assert sorted(labels.tolist()) == [0, 1, 3, 3, 4, 5]
    assert [skipped.name for skipped in files.skipped] == ["2.jpg"]
    again = take(loader.batches(0))
    assert again[0].equal(images)
    assert again[1].equal(labels)


def test_a_test_leaves_a_damaged_image_out(files: Split) -> None:
    loader = make_loader(files, [Resize(side=8)], batch=1)
    assert [labels.tolist() for _, labels in loader.views()] == [[0], [1], [3], [4], [5]]


def test_small_sets_are_the_same_from_memory(files: Split) -> None:
    transforms = [Resize(side=10), *RECIPE]
    kept, read = (make_loader(files, transforms, cache_bytes=size) for size in (2**20, 0))
    for epoch in (0, 1):
        assert take(kept.batches(epoch))[0].equal(take(read.batches(epoch))[0])


def list_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("netspec-data")]


def test_leaving_a_loop_leaves_no_thread(split: Split) -> None:
    loader = make_loader(split)
    for _ in loader.batches(0):
        assert list_threads() != []
        break
    assert list_threads() == []
    batches = loader.batches(0)
    next(batches)
    batches.close()
    assert list_threads() == []


def test_errors_of_a_thread_come_out_in_the_loop(files: Split, tmp_path: Path) -> None:
    write_picture(tmp_path / "5.jpg", height=30)
    loader = make_loader(files, [CROP])
    with pytest.raises(DataError, match=r"5.jpg is 30x16, and images before it are 12x16"):
        take(loader.batches(0))
    assert list_threads() == []


def test_a_net_of_one_channel_needs_grey(files: Split) -> None:
    with pytest.raises(DataError, match=r"0.jpg is in colour") as caught:
        Loader(files, [Resize(side=8)], Shape(1, 8, 8), batch=4, seed=0)
    assert "write `grey`" in caught.value.help
    loader = Loader(files, [Resize(side=8), Grey()], Shape(1, 8, 8), batch=4, seed=0)
    assert next(loader.batches(0))[0].shape[1] == 1


def test_sizes_that_do_not_meet_are_refused(split: Split) -> None:
    with pytest.raises(DataError, match="crops 8x8 out of images of 6x6"):
        make_loader(split, [Resize(side=6), CROP])
    with pytest.raises(DataError, match="leaves images of 10x10, and the net reads 8x8"):
        make_loader(split, [Resize(side=10)])


def test_stretching_is_said(split: Split) -> None:
    loader = make_loader(split, [Mirror()])
    assert "stretched" in loader.note
    assert tuple(next(loader.batches(0))[0].shape) == (4, 3, 8, 8)
    assert make_loader(split).note == ""


def test_the_sample_enlarged_for_a_net_of_colour() -> None:
    """Grey 28x28 becomes 3 x 20 x 20 out of 24; all channels alike without colour in the recipe."""
    data = open_data(None, "imagenet", seed=0)
    transforms = [Resize(side=24), Crop.model_validate({"size": 20}), Mirror(), MEAN]
    train = Loader(data.train, transforms, Shape(3, 20, 20), batch=50, seed=0)
    images, labels = next(train.batches(0))
    assert tuple(images.shape) == (50, 3, 20, 20)
    assert images[:, 0].equal(images[:, 1])
    assert images[:, 0].equal(images[:, 2])
    assert abs(float(images.mean())) < 20
    assert 3 < len(labels.unique()) <= 10
    held_out = Loader(
        data.held_out,
        [transforms[0], transforms[1], MEAN],
        Shape(3, 20, 20),
        batch=500,
        seed=0,
        statistics=train.statistics,
    )
    assert torch.bincount(take(held_out.views())[1]).tolist() == [200] * 10


@pytest.mark.gpu
def test_a_gpu_gets_the_same_batches(split: Split) -> None:
    for device, expected in zip(
        make_loader(split, device="cuda").batches(0), make_loader(split).batches(0), strict=True
    ):
        torch.testing.assert_close(device[0].cpu(), expected[0])
        assert device[1].cpu().equal(expected[1])
