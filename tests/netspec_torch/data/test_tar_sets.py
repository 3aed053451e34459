"""WebDataset shards and tars of classes: parts, labels, ImageNet's nesting, and damage."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from netspec_torch.data.dataset import Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.opening import open_place
from tests.netspec_torch.data.pictures import encode, make_pixels, read_split

PICTURES = [encode(make_pixels(seed, 6, 8)) for seed in range(12)]


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
    return path


def make_samples(labels: Sequence[int], start: int = 0) -> dict[str, bytes]:
    """The files of a WebDataset shard."""
    files = {}
    for i, label in enumerate(labels, start):
        files[f"dir/{i:04}.png"] = PICTURES[i]
        files[f"dir/{i:04}.cls"] = str(label).encode()
        files[f"dir/{i:04}.json"] = b"{}"
    return files


def list_names(split: Split) -> list[tuple[str, int]]:
    return [(split.images.name(i), int(label)) for i, label in enumerate(split.labels)]


def test_shards_are_divided_where_they_have_one_part(tmp_path: Path) -> None:
    write_tar(tmp_path / "000.tar", make_samples([0, 1, 0]))
    write_tar(tmp_path / "001.tar", make_samples([1, 1], start=3))
    data = open_place(str(tmp_path), seed=0)
    assert (data.kind, data.class_names) == ("WebDataset shards", ("0", "1"))
    assert data.is_divided_here
    assert sorted(list_names(data.train) + list_names(data.held_out)) == [
        ("000.tar/dir/0000.png", 0),
        ("000.tar/dir/0001.png", 1),
        ("000.tar/dir/0002.png", 0),
        ("001.tar/dir/0003.png", 1),
        ("001.tar/dir/0004.png", 1),
    ]
    read = read_split(data.train.take([0]))[0]
    np.testing.assert_array_equal(read, make_pixels(int(data.train.images.name(0)[-5]), 6, 8))


@pytest.mark.parametrize(
    ("train", "held_out", "rest"),
    [
        ("set-train-000.tar", "set-val-000.tar", "set-test-000.tar"),
        ("train/0.tar", "val/0.tar", ""),
        ("a-0.tar", "a-validation-0.tar", ""),
        ("retrieval-0.tar", "test_0.tar", ""),
    ],
)
def test_names_tell_the_parts(tmp_path: Path, train: str, held_out: str, rest: str) -> None:
    write_tar(tmp_path / train, make_samples([0, 1]))
    write_tar(tmp_path / held_out, make_samples([1], start=2))
    if rest:
        write_tar(tmp_path / rest, make_samples([1], start=3))
    data = open_place(str(tmp_path), 0)
    assert data.train.labels.tolist() == [0, 1]
    assert data.held_out.labels.tolist() == [1]
    assert not data.is_divided_here
    passed_over = "1 shards that are called test were passed over"
    assert (passed_over in data.notes) == bool(rest)


def test_one_shard_and_a_pattern(tmp_path: Path) -> None:
    for number in range(3):
        write_tar(tmp_path / f"t-{number:03}.tar", make_samples([0, 0, 1, 1], number * 4))
    assert len(open_place(str(tmp_path / "t-001.tar"), 0).train) == 2
    for pattern in ("t-{000..002}.tar", "t-*.tar"):
        data = open_place(str(tmp_path / pattern), 0)
        assert len(data.train) + len(data.held_out) == 12
    with pytest.raises(DataError, match=r"t-003.tar cannot be opened: No such file"):
        open_place(str(tmp_path / "t-{000..003}.tar"), 0)
    with pytest.raises(DataError, match="there is no folder or file"):
        open_place(str(tmp_path / "u-*.tar"), 0)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.png": b"1", "b.cls": b"0"}, r"has no a.cls beside a.png"),
        ({"a.png": b"1", "a.cls": b"0", "b.cls": b"0"}, r"has no image beside b.cls"),
        ({"a.png": b"1", "a.jpg": b"1", "a.cls": b"0"}, r"two images of the key a, a.png and a"),
        ({"a.png": b"1", "a.cls": b"cat"}, r"a.cls holds 'cat', where the number of a class"),
        ({"a.png": b"1", "a.cls": b""}, r"a.cls holds '', where"),
        ({"a.png": b"1", "a.cls": b"0"}, "all images are of the class 0"),
        ({"a.png": b"1"}, "holds images without labels"),
        ({"a.txt": b"1"}, "holds no images"),
        ({}, "holds no images"),
    ],
)
def test_refuses_samples(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    path = write_tar(tmp_path / "x.tar", files)
    with pytest.raises(DataError, match=said) as caught:
        open_place(str(path), 0)
    if "class 0" not in said:
        assert str(path) in caught.value.message


CLASSES = {
    "n02": {"n02_1.JPEG": PICTURES[0], "n02_2.JPEG": PICTURES[1], "readme.txt": b""},
    "n01": {"n01_1.JPEG": PICTURES[2], "._n01_1.JPEG": b"", "n01_2.JPEG": PICTURES[3]},
}
NAMES = [("n01/n01_1.JPEG", 0), ("n01/n01_2.JPEG", 0), ("n02/n02_1.JPEG", 1), ("n02/n02_2.JPEG", 1)]


def test_a_tar_of_class_tars(tmp_path: Path) -> None:
    """ILSVRC2012_img_train.tar."""
    inner = {
        f"{name}.tar": write_tar(tmp_path / "in" / f"{name}.tar", files).read_bytes()
        for name, files in CLASSES.items()
    }
    data = open_place(str(write_tar(tmp_path / "all.tar", inner)), 0)
    assert (data.kind, data.class_names) == ("a tar of each class", ("n01", "n02"))
    assert sorted(list_names(data.train) + list_names(data.held_out)) == NAMES
    assert data.notes == ("1 file that is no image by name was passed over",)
    read = data.train.images.name(0)
    found = read_split(data.train.take([0]))[0]
    expected = {"n01/n01_1.JPEG": 2, "n01/n01_2.JPEG": 3}[read]
    np.testing.assert_array_equal(found, make_pixels(expected, 6, 8))


def test_a_folder_of_class_tars(tmp_path: Path) -> None:
    for name, files in CLASSES.items():
        write_tar(tmp_path / f"{name}.tar", files)
    data = open_place(str(tmp_path), 0)
    assert sorted(list_names(data.train) + list_names(data.held_out)) == NAMES


def test_damage_within_a_class_is_named(tmp_path: Path) -> None:
    inner = write_tar(tmp_path / "in.tar", CLASSES["n01"]).read_bytes()
    path = write_tar(tmp_path / "all.tar", {"n01.tar": inner, "n02.tar": b"x" * 2000})
    with pytest.raises(DataError, match=r"all.tar: n02.tar is no tar file"):
        open_place(str(path), 0)
    path = write_tar(tmp_path / "all.tar", {"n01.tar": inner, "n02.tar": inner[:700]})
    with pytest.raises(DataError, match=r"all.tar: n02.tar is damaged at byte 0"):
        open_place(str(path), 0)


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (["a.tar"], "there is one class, a"),
        (["x/a.tar", "y/a.tar"], "two tars of the class a"),
        (["a.tar", "b.txt"], r"holds tar files, and b.txt beside them"),
    ],
)
def test_refuses_class_tars(tmp_path: Path, inner: list[str], said: str) -> None:
    data = write_tar(tmp_path / "in.tar", CLASSES["n01"]).read_bytes()
    path = write_tar(tmp_path / "all.tar", dict.fromkeys(inner, data))
    with pytest.raises(DataError, match=said):
        open_place(str(path), 0)


def test_refuses_a_tar_of_tars_among_others(tmp_path: Path) -> None:
    data = write_tar(tmp_path / "a.tar", CLASSES["n01"]).read_bytes()
    write_tar(tmp_path / "a.tar", {"n01.tar": data})
    write_tar(tmp_path / "b.tar", CLASSES["n01"])
    with pytest.raises(DataError, match=r"a.tar holds tar files itself, and .*b.tar lies beside"):
        open_place(str(tmp_path), 0)
