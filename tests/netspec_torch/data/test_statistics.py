"""Statistics against numpy by hand, in float64 from the whole of the pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from netspec_torch.data.dataset import Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.errors import DataError
from netspec_torch.data.fetching import Fetcher
from netspec_torch.data.images import open_files
from netspec_torch.data.share import Share
from netspec_torch.data.statistics import Statistics, measure_statistics
from tests.netspec_torch.data.pictures import make_split, read_split, write_picture

FORM = Form(3, to_grey=False, resize=None)


def measure(split: Split, channels: int = 3, threads: int = 2) -> Statistics:
    return measure_statistics(Fetcher(split, FORM._replace(channels=channels), threads=threads))


@pytest.mark.parametrize("channels", [1, 3])
def test_against_numpy(channels: int) -> None:
    split = make_split(150, 9, 7, channels)
    pixels = read_split(split, channels).astype(np.float64)
    colours = pixels.reshape(-1, channels)
    found = measure(split, channels)
    expected = np.cov(colours.T, bias=True).reshape(channels, channels)
    np.testing.assert_allclose(found.mean_image, pixels.mean(0).transpose(2, 0, 1), rtol=1e-14)
    np.testing.assert_allclose(found.channel_mean, colours.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-10)


def test_components_are_eigenvectors_as_long_as_their_spread() -> None:
    """Colours with a known covariance: 9, 4 and 1 along the rows of a rotation."""
    rotation = np.array([[1, 2, 2], [2, 1, -2], [2, -2, 1]]) / 3
    covariance = rotation.T @ np.diag([9.0, 4.0, 1.0]) @ rotation
    mean_image = torch.zeros(3, 2, 2, dtype=torch.float64)
    found = Statistics(mean_image, torch.from_numpy(covariance)).components.numpy()
    assert np.sort(np.linalg.norm(found, axis=0)).tolist() == pytest.approx([1, 2, 3])
    np.testing.assert_allclose(found @ found.T, covariance, atol=1e-12)
    for column in found.T:
        assert column[np.abs(column).argmax()] > 0
        np.testing.assert_allclose(covariance @ column, column @ column * column, atol=1e-12)


def test_threads_and_order_do_not_matter() -> None:
    split = make_split(200, 6, 6)
    first, second = measure(split, threads=1), measure(split, threads=4)
    assert torch.equal(first.mean_image, second.mean_image)
    assert torch.equal(first.covariance, second.covariance)


@pytest.mark.parametrize("parts", [2, 3, 250])
def test_several_processes_measure_what_one_does(parts: int) -> None:
    """To the last bit, also where there are fewer images than processes."""
    split = make_split(200, 6, 6)
    sums: list[torch.Tensor] = []

    def keep(numbers: torch.Tensor) -> torch.Tensor:
        sums.append(numbers.clone())
        return torch.stack(sums).sum(0)

    fetcher = Fetcher(split, FORM)
    for number in range(parts):
        found = measure_statistics(fetcher, share=Share(number, parts), add=keep)
    whole = measure(split)
    assert torch.equal(found.mean_image, whole.mean_image)
    assert torch.equal(found.covariance, whole.covariance)


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    measure_statistics(Fetcher(make_split(150, 4, 4), FORM), lambda *at: seen.append(at))
    assert seen == [(64, 150), (128, 150), (150, 150)]


def test_damaged_images_are_left_out(tmp_path: Path) -> None:
    for seed in range(3):
        write_picture(tmp_path / f"{seed}.png", seed)
    (tmp_path / "1.png").write_bytes(b"?")
    split = Split(open_files(tmp_path, ["0.png", "1.png", "2.png"]), np.arange(3))
    pixels = np.stack([split.images.read(i, FORM) for i in (0, 2)])
    found = measure(split)
    np.testing.assert_allclose(found.mean_image, pixels.mean(0).transpose(2, 0, 1), rtol=1e-14)
    assert [skipped.name for skipped in split.skipped] == ["1.png"]


def test_images_that_vanish_between_opening_and_measuring_are_an_error(tmp_path: Path) -> None:
    write_picture(tmp_path / "0.png")
    fetcher = Fetcher(Split(open_files(tmp_path, ["0.png"]), np.zeros(1, int)), FORM, cache_bytes=0)
    (tmp_path / "0.png").unlink()
    with pytest.raises(DataError, match="not one of the training images can be read"):
        measure_statistics(fetcher)


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    found = measure(make_split(30, 5, 5))
    save_file(found.to_tensors(), tmp_path / "statistics.safetensors")
    back = Statistics.from_tensors(load_file(tmp_path / "statistics.safetensors"))
    assert torch.equal(back.mean_image, found.mean_image)
    assert torch.equal(back.components, found.components)
