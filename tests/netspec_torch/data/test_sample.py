"""The built-in sample is what it says it is."""

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.errors import DataError
from netspec_torch.data.sample import FOLDER, IMAGES, LABELS, open_sample
from tests.netspec_torch.data.pictures import read_split


def test_every_class_has_a_thousand_images() -> None:
    data = open_sample()
    assert len(data.class_names) == data.num_classes == 10
    assert np.bincount(data.train.labels).tolist() == [800] * 10
    assert np.bincount(data.held_out.labels).tolist() == [200] * 10
    assert data.train.chance == data.held_out.chance == 0.1
    assert data.skipped == ()


def test_splits_have_every_image_once_with_its_label() -> None:
    data = open_sample()
    labels = np.frombuffer(gzip.decompress((FOLDER / LABELS).read_bytes()), np.uint8, offset=8)
    seen = np.zeros(10_000, int)
    for split in (data.train, data.held_out):
        indices = [int(split.images.name(i)) for i in range(len(split))]
        assert indices == sorted(indices)
        seen[indices] += 1
        np.testing.assert_array_equal(split.labels, labels[indices])
    assert seen.tolist() == [1] * 10_000


def test_pixels_are_those_that_were_published() -> None:
    """The digest of the decompressed data, which does not depend on who compressed it."""
    data = gzip.decompress((FOLDER / IMAGES).read_bytes())
    assert hashlib.sha256(data).hexdigest().startswith("5b4141f0afbad91edebe8549f8fcffe087ea10ca")
    images = np.frombuffer(data, np.uint8, offset=16).reshape(10_000, 28, 28, 1)
    sample = open_sample().held_out
    indices = [int(sample.images.name(i)) for i in range(len(sample))]
    np.testing.assert_array_equal(read_split(sample, channels=1), images[indices])


def test_licence_comes_along() -> None:
    assert "Zalando SE" in open_sample().licence
    assert "WITHOUT WARRANTY OF ANY KIND" in open_sample().licence


def test_changed_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    shutil.copytree(FOLDER, folder)
    damaged = bytearray((folder / LABELS).read_bytes())
    damaged[-1] ^= 1
    (folder / LABELS).write_bytes(damaged)
    with pytest.raises(DataError, match="is not the file that it was"):
        open_sample(folder)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        open_sample(tmp_path)
