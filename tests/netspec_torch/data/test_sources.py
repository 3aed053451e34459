"""Data sets of several words: shards one by one, held-out images that lie elsewhere."""

from pathlib import Path

import pytest

from netspec_torch.data import DataError, Split
from netspec_torch.data.sources import open_sources
from tests.netspec_torch.data.pictures import make_folder
from tests.netspec_torch.data.test_tar_sets import CLASSES, PICTURES, make_samples, write_tar

VAL = {"val_1.JPEG": PICTURES[4], "val_2.JPEG": PICTURES[5], "val_3.JPEG": PICTURES[6]}


def list_names(split: Split) -> list[tuple[str, int]]:
    return [(split.images.name(i), int(label)) for i, label in enumerate(split.labels)]


@pytest.fixture
def train(tmp_path: Path) -> str:
    """ImageNet's tar of class tars."""
    inner = {
        f"{name}.tar": write_tar(tmp_path / "in" / f"{name}.tar", files).read_bytes()
        for name, files in CLASSES.items()
    }
    return str(write_tar(tmp_path / "train.tar", inner))


@pytest.mark.parametrize("labels", [("1", "0", "1"), ("n02", "n01", "n02")])
@pytest.mark.parametrize("as_tar", [True, False])
def test_imagenets_own_files(
    tmp_path: Path, train: str, labels: tuple[str, ...], as_tar: bool
) -> None:
    list_file = tmp_path / "val.txt"
    list_file.write_text("".join(f"{n} {label}\n" for n, label in zip(VAL, labels, strict=True)))
    val = tmp_path / "val"
    if as_tar:
        val = write_tar(tmp_path / "val.tar", VAL)
    else:
        val.mkdir()
        for name, picture in VAL.items():
            (val / name).write_bytes(picture)
    data = open_sources([train], held_out=str(val), list_file=list_file)
    assert data.class_names == ("n01", "n02")
    assert list_names(data.held_out) == [("val_1.JPEG", 1), ("val_2.JPEG", 0), ("val_3.JPEG", 1)]
    assert len(data.train) == 4
    assert data.name == "train"
    assert data.division == f"{train}, and {val}, labelled by {list_file}"


def test_held_out_images_that_know_their_classes(tmp_path: Path) -> None:
    first = make_folder(tmp_path / "first", [f"{label}/1.png" for label in "abc"])
    second = make_folder(tmp_path / "second", ["c/2.png", "b/3.png"])
    data = open_sources([str(first)], held_out=str(second))
    assert list_names(data.held_out) == [("b/3.png", 1), ("c/2.png", 2)]
    make_folder(second, ["d/4.png"])
    with pytest.raises(DataError, match=r"second has the class d, which .*first has not"):
        open_sources([str(first)], held_out=str(second))


def test_shards_one_by_one(tmp_path: Path) -> None:
    words = [
        str(write_tar(tmp_path / f"{name}.tar", make_samples([0, 1], start)))
        for start, name in enumerate(["train-0", "train-1", "val-0"])
    ]
    data = open_sources(words)
    assert (len(data.train), len(data.held_out)) == (4, 2)
    assert data.origin == ", ".join(words)


def test_refuses(tmp_path: Path, train: str) -> None:
    halves = make_folder(
        tmp_path / "halves",
        [f"{half}/{label}/1.png" for half in ("train", "val") for label in "ab"],
    )
    flat = make_folder(tmp_path / "flat", ["1.png", "2.png"])
    with pytest.raises(DataError, match="has a held-out part of its own"):
        open_sources([str(halves)], held_out=str(flat))
    with pytest.raises(DataError, match="holds 2 images but no class folders") as caught:
        open_sources([train], held_out=str(flat))
    assert "--val-list" in caught.value.help
    with pytest.raises(DataError, match="has two parts itself"):
        open_sources([train], held_out=str(halves))
    with pytest.raises(DataError, match="there are none apart"):
        open_sources([train], list_file=flat / "val.txt")
    (flat / "val.txt").write_text("3.png 0\n")
    with pytest.raises(DataError, match=r"says nothing of 1\.png"):
        open_sources([train], held_out=str(flat), list_file=flat / "val.txt")
    with pytest.raises(DataError, match=r"a tar of tars is a data set of its own"):
        open_sources([train, str(halves)])
