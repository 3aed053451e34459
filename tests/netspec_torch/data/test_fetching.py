"""Reading batches: damaged images, mixed sizes, the memory for small sets, and threads."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.dataset import Split
from netspec_torch.data.decoding import Form
from netspec_torch.data.errors import DataError
from netspec_torch.data.fetching import Fetcher, map_ahead
from netspec_torch.data.images import open_files
from netspec_torch.data.resizing import Pixels
from tests.netspec_torch.data.pictures import make_split, read_split, write_picture

FORM = Form(3, to_grey=False, resize=None)


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Five pictures, of which 1 is cut off, 3 is empty and 4 is missing."""
    names = [f"{i}.png" for i in range(6)]
    for seed, name in enumerate(names):
        write_picture(tmp_path / name, seed)
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:100])
    (tmp_path / "3.png").write_bytes(b"")
    (tmp_path / "4.png").unlink()
    return Split(open_files(tmp_path, names), np.arange(6))


def read_good(split: Split, *indices: int) -> Pixels:
    return np.stack([split.images.read(i, FORM) for i in indices])


@pytest.mark.parametrize("cache_bytes", [0, 2**20])
def test_damaged_images_are_left_out_and_named(split: Split, cache_bytes: int) -> None:
    fetcher = Fetcher(split, FORM, cache_bytes=cache_bytes)
    for _ in range(2):
        images, kept = fetcher.fetch(np.arange(6))
        assert kept.tolist() == [0, 2, 5]
        np.testing.assert_array_equal(images.numpy(), read_good(split, 0, 2, 5))
    assert [name for name, _ in split.skipped] == ["1.png", "3.png", "4.png"]
    assert split.skipped[1].reason == "is empty"
    assert split.skipped[2].reason == "cannot be opened: No such file or directory"


@pytest.mark.parametrize("cache_bytes", [0, 2**20])
def test_places_of_damaged_images_are_taken_by_the_next(split: Split, cache_bytes: int) -> None:
    fetcher = Fetcher(split, FORM, cache_bytes=cache_bytes)
    for _ in range(2):
        images, taken = fetcher.fetch_all(np.array([5, 4, 3, 2, 1, 0]))
        assert taken.tolist() == [5, 5, 5, 2, 2, 0]
        np.testing.assert_array_equal(images.numpy(), read_good(split, 5, 5, 5, 2, 2, 0))


def test_the_next_of_the_last_is_the_first(split: Split, tmp_path: Path) -> None:
    (tmp_path / "5.png").write_bytes(b"?")
    assert Fetcher(split, FORM).fetch_all(np.array([4]))[1].tolist() == [0]


def test_no_readable_image_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"?")
    (tmp_path / "b.png").write_bytes(b"?")
    split = Split(open_files(tmp_path, ["a.png", "b.png"]), np.arange(2))
    with pytest.raises(DataError, match=r"not one of 2 images can be read; a.png is no image"):
        Fetcher(split, FORM)


def test_images_of_two_sizes_are_an_error_that_names_both(split: Split, tmp_path: Path) -> None:
    write_picture(tmp_path / "2.png", height=9, width=11)
    fetcher = Fetcher(split, FORM)
    with pytest.raises(DataError, match=r"2.png is 9x11, and images before it are 12x16") as caught:
        fetcher.fetch(np.arange(6))
    assert "resize" in caught.value.help


def test_images_of_two_sizes_can_be_resized(split: Split, tmp_path: Path) -> None:
    write_picture(tmp_path / "2.png", height=9, width=11)
    images, _ = Fetcher(split, FORM._replace(resize=8)).fetch(np.arange(6))
    assert tuple(images.shape) == (3, 8, 8, 3)


def test_colour_where_grey_is_read_is_an_error_that_names_the_image(split: Split) -> None:
    with pytest.raises(DataError, match=r"0.png is in colour") as caught:
        Fetcher(split, FORM._replace(channels=1))
    assert "`grey`" in caught.value.help


def test_small_sets_are_decoded_once(split: Split, tmp_path: Path) -> None:
    fetcher = Fetcher(split, FORM, cache_bytes=6 * 12 * 16 * 3)
    first, _ = fetcher.fetch(np.arange(6))
    (tmp_path / "0.png").unlink()
    assert fetcher.fetch(np.arange(6))[0].equal(first)


def test_sets_beyond_the_bound_are_decoded_again(split: Split, tmp_path: Path) -> None:
    fetcher = Fetcher(split, FORM, cache_bytes=6 * 12 * 16 * 3 - 1)
    fetcher.fetch(np.arange(6))
    (tmp_path / "0.png").unlink()
    assert fetcher.fetch(np.arange(6))[1].tolist() == [2, 5]


def test_a_batch_is_the_consumers_own() -> None:
    split = make_split(4, 5, 5)
    fetcher = Fetcher(split, FORM)
    fetcher.fetch(np.arange(4))[0].zero_()
    np.testing.assert_array_equal(fetcher.fetch(np.arange(4))[0].numpy(), read_split(split))


def list_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("netspec-data")]


@pytest.mark.parametrize("threads", [1, 3])
def test_map_ahead_keeps_the_order(threads: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(map_ahead(work, range(20), threads)) == [i * i for i in range(20)]
    assert list_threads() == []


def test_map_ahead_raises_where_the_result_would_have_been() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise DataError("no")
        return item

    seen: list[int] = []
    with pytest.raises(DataError, match="no"):
        seen.extend(map_ahead(work, range(10), 2))
    results = map_ahead(work, range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match="no"):
        next(results)
    assert list_threads() == []


def test_map_ahead_is_bounded() -> None:
    started: list[int] = []
    results = map_ahead(started.append, range(100), 3)
    next(results)
    time.sleep(0.05)
    assert len(started) <= 4
    results.close()
    assert len(started) <= 4
    assert list_threads() == []


def test_map_ahead_starts_nothing_before_it_is_asked() -> None:
    def items() -> Iterator[int]:
        pytest.fail("asked for an item")
        yield 0  # type: ignore[unreachable]

    map_ahead(abs, items(), 2).close()
    assert list_threads() == []
