"""Batched steps against slow references for one image at a time, in numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.recipe.data import (
    TRANSFORMS,
    Crop,
    Divide,
    Grey,
    Lighting,
    Mirror,
    Resize,
    Scale,
    Subtract,
    Transform,
)
from netspec.tensor import Shape
from netspec.values import Size, Word
from netspec_torch.data.errors import DataError
from netspec_torch.data.pipeline import Pipeline, prepare_image
from netspec_torch.data.stages import BUILDERS, need_statistics
from netspec_torch.data.statistics import Statistics
from tests.netspec_torch.data.pictures import encode, make_pixels

COUNT, HEIGHT, WIDTH = 12, 11, 13
Floats = NDArray[np.float64]


def line(kind: type[Transform], **arguments: Any) -> Transform:
    return kind.model_validate(arguments)


CROP = line(Crop, size=Size((7, 8)))
MIRROR = Mirror()
MEAN = line(Subtract, value=Word("mean"))
CHANNEL_MEAN = line(Subtract, mean=Word("channel"))
STD = line(Divide, value=Word("std"))
SCALE = line(Scale, factor=0.5)
GREY = Grey()
LIGHTING = line(Lighting, std=0.1)


def make_batch(channels: int = 3) -> Tensor:
    shape = (COUNT, HEIGHT, WIDTH, channels)
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, shape, np.uint8))


def as_images(batch: Tensor) -> Floats:
    """N x channels x height x width, float64."""
    return batch.numpy().transpose(0, 3, 1, 2).astype(np.float64)


def make_statistics(batch: Tensor) -> Statistics:
    images = as_images(batch)
    colours = images.transpose(0, 2, 3, 1).reshape(-1, images.shape[1])
    covariance = np.atleast_2d(np.cov(colours.T, bias=True))
    return Statistics(torch.from_numpy(images.mean(0)), torch.from_numpy(covariance))


def make_pipeline(
    transforms: Sequence[Transform], batch: Tensor, shape: Shape, **options: Any
) -> Pipeline:
    statistics = make_statistics(batch)
    return Pipeline(transforms, batch.shape[1:], shape, statistics=statistics, **options)


def train(transforms: Sequence[Transform], batch: Tensor, shape: Shape, epoch: int = 0) -> Tensor:
    pipeline = make_pipeline(transforms, batch, shape)
    return pipeline.train(batch.clone(), pipeline.draw(5, epoch, COUNT), slice(None))


def run_test(
    transforms: Sequence[Transform], batch: Tensor, shape: Shape, views: int = 1
) -> Tensor:
    return make_pipeline(transforms, batch, shape).test(batch, views)


def close(found: Tensor, expected: Floats, atol: float = 1e-4) -> None:
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=atol)


@pytest.mark.parametrize("channels", [1, 3])
def test_alexnets_chain_in_training(channels: int) -> None:
    """Crop, mirror, the mean's centre and colour noise, one image after another."""
    batch = make_batch(channels)
    statistics = make_statistics(batch)
    transforms = [CROP, MIRROR, MEAN, LIGHTING]
    pipeline = make_pipeline(transforms, batch, Shape(3, 7, 8))
    drawn = pipeline.draw(5, 0, COUNT)
    places, flips, nothing, factors = drawn
    assert places is not None
    assert flips is not None
    assert nothing is None
    assert factors is not None
    expected = []
    for image, place, flip, factor in zip(as_images(batch), places, flips, factors, strict=True):
        top, left = int(place[0] * (HEIGHT - 7 + 1)), int(place[1] * (WIDTH - 8 + 1))
        window = image[:, top : top + 7, left : left + 8]
        window = window[:, :, ::-1] if flip < 0.5 else window
        window = window - statistics.mean_image.numpy()[:, 2:9, 2:10]
        for component, times in zip(statistics.components.numpy().T, factor.numpy(), strict=True):
            window = window + times * component[:, None, None]
        expected.append(np.broadcast_to(window, (3, 7, 8)))
    close(pipeline.train(batch.clone(), drawn, slice(None)), np.stack(expected))


def test_a_crop_at_the_centre_is_there_in_training_too() -> None:
    batch = make_batch()
    pipeline = make_pipeline([line(Crop, size=6, at=Word("centre")), MIRROR], batch, Shape(3, 6, 6))
    drawn = pipeline.draw(0, 0, COUNT)
    places, flips = drawn
    assert places is None
    assert flips is not None
    top, left = (HEIGHT - 6) // 2, (WIDTH - 6) // 2
    windows = as_images(batch)[:, :, top : top + 6, left : left + 6]
    expected = [w[:, :, ::-1] if flip < 0.5 else w for w, flip in zip(windows, flips, strict=True)]
    close(pipeline.train(batch.clone(), drawn, slice(None)), np.stack(expected))
    assert len(pipeline.test(batch, 10)) == 10 * COUNT


def test_every_place_and_both_sides_are_drawn_evenly() -> None:
    pipeline = make_pipeline([CROP, MIRROR, LIGHTING], make_batch(), Shape(3, 7, 8))
    places, flips, factors = pipeline.draw(0, 0, 30_000)
    assert places is not None
    assert flips is not None
    assert factors is not None
    cells = (places * torch.tensor([5, 6])).long()
    counts = torch.bincount(cells[:, 0] * 6 + cells[:, 1], minlength=30)
    assert counts.min() > 850
    assert counts.max() < 1150
    assert abs((flips < 0.5).double().mean() - 0.5) < 0.015
    assert abs(factors.mean()) < 0.002
    assert abs(factors.std() - 0.1) < 0.002


def test_what_is_drawn_depends_on_seed_epoch_and_place_alone() -> None:
    pipeline = make_pipeline([CROP, MIRROR, LIGHTING], make_batch(), Shape(3, 7, 8))

    def draw(seed: int, epoch: int, count: int) -> Tensor:
        rows = [rows for rows in pipeline.draw(seed, epoch, count) if rows is not None]
        return torch.cat([row.reshape(count, -1) for row in rows], dim=1)

    assert draw(1, 2, 10).equal(draw(1, 2, 10))
    assert draw(1, 2, 20)[:10].equal(draw(1, 2, 10))
    assert not draw(1, 3, 10).equal(draw(1, 2, 10))
    assert not draw(2, 2, 10).equal(draw(1, 2, 10))


def test_two_steps_draw_apart() -> None:
    first, second = make_pipeline([MIRROR, MIRROR], make_batch(), Shape(3, 11, 13)).draw(1, 2, 20)
    assert first is not None
    assert second is not None
    assert not first.equal(second)


def test_rows_of_an_epoch_are_told_apart() -> None:
    batch = make_batch()
    pipeline = make_pipeline([CROP, MIRROR, MEAN, LIGHTING], batch, Shape(3, 7, 8))
    drawn = pipeline.draw(5, 0, COUNT)
    whole = pipeline.train(batch.clone(), drawn, slice(None))
    parts = [pipeline.train(batch[run].clone(), drawn, run) for run in (slice(0, 5), slice(5, 12))]
    assert torch.cat(parts).equal(whole)


@pytest.mark.parametrize("transforms", [[CROP, MIRROR, MEAN, LIGHTING], [CROP, CHANNEL_MEAN, STD]])
@pytest.mark.parametrize("channels", [1, 3])
def test_parts_and_layouts_change_nothing(
    transforms: list[Transform], channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU images go through the steps a few at a time."""
    batch, shape = make_batch(channels), Shape(3, 7, 8)
    whole = train(transforms, batch, shape)
    views = run_test(transforms, batch, shape, views=10)
    monkeypatch.setattr("netspec_torch.data.pipeline.IMAGES_AT_ONCE", 5)
    for layout in (torch.contiguous_format, torch.channels_last):
        pipeline = make_pipeline(transforms, batch, shape, memory_format=layout)
        found = pipeline.train(batch.clone(), pipeline.draw(5, 0, COUNT), slice(None))
        assert found.equal(whole)
        assert found.is_contiguous(memory_format=layout)
        assert pipeline.test(batch, 10).equal(views)


def test_mirror_in_place_of_a_crop() -> None:
    """Without a crop the batch itself is mirrored."""
    batch = make_batch()
    flips = make_pipeline([MIRROR], batch, Shape(3, HEIGHT, WIDTH)).draw(5, 0, COUNT)[0]
    assert flips is not None
    expected = [
        image[:, :, ::-1] if flip < 0.5 else image
        for image, flip in zip(as_images(batch), flips, strict=True)
    ]
    close(train([MIRROR], batch, Shape(3, HEIGHT, WIDTH)), np.stack(expected))


def test_one_view_is_the_centre_and_nothing_is_random() -> None:
    batch = make_batch()
    mean = as_images(batch).mean(0)
    expected = (as_images(batch) - mean)[:, :, 2:9, 2:10]
    found = run_test([CROP, MIRROR, MEAN, LIGHTING], batch, Shape(3, 7, 8))
    close(found, expected)


def test_ten_views_are_corners_and_centre_then_mirrored() -> None:
    batch = make_batch()
    mean = as_images(batch).mean(0)[:, 2:9, 2:10]
    found = run_test([CROP, MEAN], batch, Shape(3, 7, 8), views=10)
    corners = [(0, 0), (0, 5), (4, 0), (4, 5), (2, 2)]
    for image, views in zip(as_images(batch), found.unflatten(0, (COUNT, 10)), strict=True):
        upright = [image[:, top : top + 7, left : left + 8] for top, left in corners]
        expected = np.stack([*upright, *(view[:, :, ::-1] for view in upright)]) - mean
        close(views, expected)


@pytest.mark.parametrize("transforms", [[MEAN], [CROP, line(Crop, size=6)]])
def test_ten_views_need_one_crop(transforms: list[Transform]) -> None:
    side = Shape(3, 6, 6) if len(transforms) == 2 else Shape(3, HEIGHT, WIDTH)
    with pytest.raises(DataError, match="tests on 10 views, and its data has") as caught:
        run_test(transforms, make_batch(), side, views=10)
    assert "`views 1`" in caught.value.help


def test_mean_before_the_crop_is_taken_at_the_crops_own_place() -> None:
    """As Caffe does it: subtracting first is subtracting what lies under the window."""
    batch = make_batch()
    pipeline = make_pipeline([MEAN, CROP], batch, Shape(3, 7, 8))
    drawn = pipeline.draw(5, 0, COUNT)
    places = drawn[1]
    assert places is not None
    expected = []
    for image, place in zip(as_images(batch), places, strict=True):
        top, left = int(place[0] * 5), int(place[1] * 6)
        difference = image - as_images(batch).mean(0)
        expected.append(difference[:, top : top + 7, left : left + 8])
    close(pipeline.train(batch.clone(), drawn, slice(None)), np.stack(expected))


def test_mean_and_spread_of_channels() -> None:
    batch = make_batch()
    images = as_images(batch)
    mean = images.mean((0, 2, 3), keepdims=True)
    spread = images.std((0, 2, 3), keepdims=True)
    shape = Shape(3, HEIGHT, WIDTH)
    close(run_test([CHANNEL_MEAN], batch, shape), images - mean)
    close(run_test([CHANNEL_MEAN, STD], batch, shape), (images - mean) / spread)
    close(run_test([STD, CHANNEL_MEAN], batch, shape), (images - mean) / spread)
    close(run_test([SCALE, STD], batch, shape), images / spread)


def test_measured_values_follow_the_scale() -> None:
    batch = make_batch()
    shape = Shape(3, HEIGHT, WIDTH)
    images = as_images(batch)
    close(run_test([SCALE, MEAN], batch, shape), (images - images.mean(0)) / 2)
    close(run_test([MEAN, SCALE], batch, shape), (images - images.mean(0)) / 2)


@pytest.mark.parametrize("other", [SCALE, STD, CHANNEL_MEAN, GREY, line(Divide, value=[1, 2, 4])])
def test_lighting_means_the_same_before_and_after_other_arithmetic(other: Transform) -> None:
    batch = make_batch()
    shape = Shape(3, HEIGHT, WIDTH)
    before = make_pipeline([LIGHTING, other], batch, shape)
    after = make_pipeline([other, LIGHTING], batch, shape)
    factors = before.draw(5, 0, COUNT)[0]
    first = before.train(batch.clone(), (factors, None), slice(None))
    second = after.train(batch.clone(), (None, factors), slice(None))
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-4)
    assert not first.equal(before.test(batch))


def test_lighting_shifts_every_pixel_of_an_image_alike() -> None:
    batch = make_batch()
    trained = train([LIGHTING], batch, Shape(3, HEIGHT, WIDTH))
    shift = trained.double().numpy() - as_images(batch)
    assert np.ptp(shift, axis=(2, 3)).max() < 1e-4
    assert np.abs(shift).max() > 1


def test_lighting_has_the_covariance_of_colour() -> None:
    """Shifts of N(0, a) along the components have a squared times the colours' covariance."""
    batch = make_batch().repeat(500, 1, 1, 1)
    statistics = make_statistics(make_batch())
    pipeline = Pipeline([LIGHTING], batch.shape[1:], Shape(3, HEIGHT, WIDTH), statistics=statistics)
    trained = pipeline.train(batch.clone(), pipeline.draw(0, 0, len(batch)), slice(None))
    shift = trained[:, :, 0, 0].double().numpy() - as_images(batch)[:, :, 0, 0]
    np.testing.assert_allclose(
        np.cov(shift.T) / 0.01,
        statistics.covariance,
        atol=0.06 * float(statistics.covariance.abs().max()),
    )


@pytest.mark.parametrize("net_channels", [1, 3, 4])
def test_grey_is_luminance_in_all_channels(net_channels: int) -> None:
    batch = make_batch()
    luminance = np.einsum("nchw,c->nhw", as_images(batch), [0.299, 0.587, 0.114])[:, None]
    found = run_test([GREY], batch, Shape(net_channels, HEIGHT, WIDTH))
    close(found, luminance.repeat(net_channels, axis=1))
    mean = luminance.mean()
    close(
        run_test([GREY, CHANNEL_MEAN, STD], batch, Shape(1, HEIGHT, WIDTH)),
        (luminance - mean) / luminance.std(),
    )


def test_grey_of_grey_is_the_same() -> None:
    batch = make_batch(1)
    close(run_test([GREY], batch, Shape(1, HEIGHT, WIDTH)), as_images(batch))


def test_given_numbers_one_for_all_or_one_each() -> None:
    batch, shape = make_batch(), Shape(3, HEIGHT, WIDTH)
    images = as_images(batch)
    three = np.array([1.0, 2.0, 4.0])[None, :, None, None]
    close(run_test([line(Subtract, value=10)], batch, shape), images - 10)
    close(run_test([line(Subtract, value=[1, 2, 4])], batch, shape), images - three)
    close(run_test([line(Divide, value=[1, 2, 4])], batch, shape), images / three)


def test_numbers_for_three_channels_on_grey_images() -> None:
    batch = make_batch(1)
    three = np.array([1.0, 2.0, 4.0])[None, :, None, None]
    transforms = [line(Subtract, value=[1, 2, 4]), line(Divide, value=[1, 2, 4])]
    found = run_test(transforms, batch, Shape(3, HEIGHT, WIDTH))
    close(found, (as_images(batch) - three) / three)


def test_resize_after_a_crop() -> None:
    """Halving a gradient: bilinear, support two pixels on each side."""
    row = torch.arange(0, 160, 10, dtype=torch.uint8)
    batch = row[None, None, :, None].repeat(2, 16, 1, 1)
    found = Pipeline([Resize(side=8)], batch.shape[1:], Shape(1, 8, 8)).test(batch)
    assert found[0, 0, 4, 1:-1].tolist() == pytest.approx([25, 45, 65, 85, 105, 125])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 3])
def test_layout(channels: int, layout: torch.memory_format) -> None:
    batch = make_batch(channels)
    plain = run_test([CROP, MEAN], batch, Shape(3, 7, 8))
    pipeline = make_pipeline([CROP, MEAN], batch, Shape(3, 7, 8), memory_format=layout)
    found = pipeline.test(batch)
    assert found.is_contiguous(memory_format=layout)
    assert found.equal(plain)
    drawn = pipeline.draw(0, 0, COUNT)
    assert pipeline.train(batch.clone(), drawn, slice(None)).is_contiguous(memory_format=layout)


def test_images_without_any_transform_are_their_pixels() -> None:
    batch = make_batch()
    close(run_test([], batch, Shape(3, HEIGHT, WIDTH)), as_images(batch), atol=0)


def test_a_test_leaves_its_images_alone() -> None:
    batch = make_batch()
    before = batch.clone()
    run_test([MEAN, SCALE, CROP], batch, Shape(3, 7, 8), views=10)
    assert batch.equal(before)


@pytest.mark.parametrize(
    ("transforms", "shape", "said"),
    [
        ([CROP], Shape(3, 8, 8), "leaves images of 7x8, and the net reads 8x8"),
        ([MEAN], Shape(3, 7, 8), "leaves images of 11x13, and the net reads 7x8"),
        ([CROP, Resize(side=9)], Shape(3, 7, 8), "leaves images of 9x9, and the net reads 7x8"),
        ([line(Crop, size=12)], Shape(3, 12, 12), "crops 12x12 out of images of 11x13"),
        ([line(Subtract, value=[1, 2])], Shape(3, HEIGHT, WIDTH), "`subtract` has 2 numbers"),
        ([GREY, line(Subtract, value=[1, 2])], Shape(3, HEIGHT, WIDTH), "of 2 channels, and"),
        ([line(Divide, value=[1, 2])], Shape(3, HEIGHT, WIDTH), "`divide` has 2 numbers"),
        ([], Shape(1, HEIGHT, WIDTH), "leaves images of 3 channels, and the net reads 1"),
    ],
)
def test_refuses_what_does_not_fit(transforms: list[Transform], shape: Shape, said: str) -> None:
    with pytest.raises(DataError, match=said):
        run_test(transforms, make_batch(), shape)


def test_refuses_to_divide_by_no_spread() -> None:
    batch = torch.full((COUNT, 4, 4, 1), 9, dtype=torch.uint8)
    with pytest.raises(DataError, match="divides by `std`, and a channel of the images has one"):
        run_test([STD], batch, Shape(1, 4, 4))


def test_refuses_statistics_of_another_size() -> None:
    statistics = make_statistics(make_batch()[:, :8])
    with pytest.raises(DataError, match="measured on images of 3x8x13, and these are 3x11x13"):
        Pipeline([MEAN], (11, 13, 3), Shape(3, 11, 13), statistics=statistics)


def test_every_transform_of_the_language_has_a_step() -> None:
    assert set(BUILDERS) == set(TRANSFORMS.values())


@pytest.mark.parametrize(
    ("transform", "needed"),
    [
        (MEAN, True),
        (CHANNEL_MEAN, True),
        (STD, True),
        (LIGHTING, True),
        (line(Subtract, value=3), False),
        (line(Divide, value=3), False),
        (CROP, False),
        (GREY, False),
    ],
)
def test_what_has_to_be_measured(transform: Transform, needed: bool) -> None:
    assert need_statistics([SCALE, transform]) == needed


def test_one_image_file_is_prepared_as_a_batch_is() -> None:
    pixels = make_pixels(4, 20, 16)
    transforms = [Resize(side=16), line(Crop, size=12), line(Subtract, value=7)]
    found = prepare_image(encode(pixels), transforms, Shape(3, 12, 12), channels=None, views=10)
    square = torch.from_numpy(pixels[None, 2:18].copy())
    expected = Pipeline(transforms[1:], (16, 16, 3), Shape(3, 12, 12)).test(square, 10)
    assert tuple(found.shape) == (10, 3, 12, 12)
    assert found.equal(expected)
