"""Folders of class folders: what counts as an image, and the layouts that are refused."""

import os
from pathlib import Path

import pytest

from netspec_torch.data.dataset import DataSet, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.opening import open_place
from tests.netspec_torch.data.pictures import make_folder

HALVES = ("train/a/1.png", "train/b/2.jpg", "val/a/3.png", "val/b/4.png")


def open_folder(path: Path, seed: int) -> DataSet:
    return open_place(str(path), seed)


def list_names(split: Split) -> list[tuple[str, int]]:
    labels = split.labels.tolist()
    return [(split.images.name(i), label) for i, label in enumerate(labels)]


def list_all(data: DataSet) -> list[tuple[str, int]]:
    return sorted(list_names(data.train) + list_names(data.held_out))


def test_halves_are_taken_as_they_are(tmp_path: Path) -> None:
    data = open_folder(make_folder(tmp_path, HALVES), seed=0)
    assert data.class_names == ("a", "b")
    assert list_names(data.train) == [("a/1.png", 0), ("b/2.jpg", 1)]
    assert list_names(data.held_out) == [("a/3.png", 0), ("b/4.png", 1)]
    assert data.name == tmp_path.name
    assert not data.is_divided_here
    assert data.notice == ""


def test_classes_are_sorted_in_code_points(tmp_path: Path) -> None:
    files = [f"{label}/{i}.png" for label in ("b", "a10", "a2", "B", "é") for i in "12"]
    assert open_folder(make_folder(tmp_path, files), 0).class_names == ("B", "a10", "a2", "b", "é")


def test_one_folder_is_divided(tmp_path: Path) -> None:
    files = [f"{label}/{i}.png" for label in "ab" for i in range(10)]
    data = open_folder(make_folder(tmp_path, files), seed=5)
    assert data.is_divided_here
    assert "seed 5" in data.division
    assert (len(data.train), len(data.held_out)) == (16, 4)
    assert [name for name, _ in list_all(data)] == files


def test_images_may_lie_deeper_and_have_capital_endings(tmp_path: Path) -> None:
    files = ["a/images/1.JPEG", "a/2.PNG", "b/x/y/3.jpg", "b/4.png"]
    assert list_all(open_folder(make_folder(tmp_path, files), 0)) == [
        ("a/2.PNG", 0),
        ("a/images/1.JPEG", 0),
        ("b/4.png", 1),
        ("b/x/y/3.jpg", 1),
    ]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    files = [
        ".git/1.png",
        "a/.2.png",
        "a/.thumbs/3.png",
        "a/4.png",
        "a/5.png",
        "b/6.png",
        "b/7.png",
    ]
    data = open_folder(make_folder(tmp_path, files), 0)
    assert [name for name, _ in list_all(data)] == ["a/4.png", "a/5.png", "b/6.png", "b/7.png"]
    assert data.notes == ()


def test_files_that_are_no_images_are_counted(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a/1.png", "a/2.png", "b/3.png", "b/4.png"])
    (tmp_path / "a" / "labels.txt").touch()
    (tmp_path / "README").touch()
    data = open_folder(tmp_path, 0)
    assert data.notes == ("1 file that is no image by name was passed over",)
    (tmp_path / "b" / "Thumbs.db").touch()
    assert open_folder(tmp_path, 0).notes == (
        "2 files that are no images by name were passed over",
    )


def test_links_are_followed(tmp_path: Path) -> None:
    far = make_folder(tmp_path / "far", ["1.png", "2.png"])
    near = make_folder(tmp_path / "near", ["b/3.png", "b/4.png"])
    (near / "a").symlink_to(far, target_is_directory=True)
    (near / "b" / "5.png").symlink_to(far / "1.png")
    names = [name for name, _ in list_all(open_folder(near, 0))]
    assert names == ["a/1.png", "a/2.png", "b/3.png", "b/4.png", "b/5.png"]


def test_a_link_back_ends(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a/1.png", "a/2.png", "b/3.png", "b/4.png"])
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    assert len(list_all(open_folder(tmp_path, 0))) == 4


def test_class_without_held_out_images_is_noted(tmp_path: Path) -> None:
    data = open_folder(make_folder(tmp_path, [*HALVES, "train/c/5.png"]), 0)
    assert data.class_names == ("a", "b", "c")
    assert data.notes == ("no held-out image is of the class c",)
    assert list_names(data.held_out) == [("a/3.png", 0), ("b/4.png", 1)]


def test_held_out_images_without_class_folders_have_a_list(tmp_path: Path) -> None:
    """ImageNet as it is unpacked: `val/` is flat, and `val.txt` labels it."""
    make_folder(tmp_path, ["train/b/1.png", "train/a/2.png", "val/x.png", "val/y.png", "val/z.png"])
    (tmp_path / "val.txt").write_text("y.png 0\nx.png 1\nz.png 1\n")
    data = open_folder(tmp_path, 0)
    assert list_names(data.train) == [("a/2.png", 0), ("b/1.png", 1)]
    assert list_names(data.held_out) == [("x.png", 1), ("y.png", 0), ("z.png", 1)]
    assert data.division == "the folders train/ and val/, the latter labelled by val.txt"
    (tmp_path / "val.txt").write_text("val/y.png a\nval/x.png b\nval/z.png b\n")
    assert open_folder(tmp_path, 0).held_out.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y.png 0\nx.png 1\n", "val.txt says nothing of z.png"),
        ("y.png 0\nx.png 1\nz.png 2\n", "val.txt:3 has the label 2, which is no class"),
        ("y.png a\nx.png 1\nz.png 1\n", "val.txt:1 has the label a, which is no class"),
        ("x.png 0\ny.png 1\nz.png 1\nw.png 1\n", "val.txt:4 names w.png, which is not in"),
        ("x.png 0\n\n0\n", "val.txt:3 has one word, '0': no label"),
        ("\n", "val.txt lists no images"),
    ],
)
def test_refuses_a_list_that_does_not_fit(tmp_path: Path, text: str, said: str) -> None:
    make_folder(tmp_path, ["train/b/1.png", "train/a/2.png", "val/x.png", "val/y.png", "val/z.png"])
    (tmp_path / "val.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        open_folder(tmp_path, 0)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "holds neither images nor class folders"),
        (["notes/.hidden"], "the class folder .*notes holds no images"),
        (["1.png", "2.png"], "holds 2 images but no class folders"),
        (["a/1.png", "a/2.png"], "holds one class, a, and there is nothing to tell it from"),
        (["a/1.png", "a/2.png", "b/3.png"], "the class b has one image, and a split needs two"),
        (["train/a/1.png", "train/b/2.png"], "has a folder train/ but none called val/"),
        (["val/a/1.png", "val/b/2.png"], "has a folder val/ but none called train/"),
        (["train/a/1.png", "val/a/2.png"], "train holds one class, a"),
        ([*HALVES, "val/c/5.png"], "val has the class c, which .*train has not"),
        ([*HALVES, "train/c/x.txt"], "the class folder .*c holds no images"),
        ([*HALVES, "val/c/x.txt"], "the class folder .*c holds no images"),
    ],
)
def test_refuses_a_layout(tmp_path: Path, files: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        open_folder(make_folder(tmp_path, files), 0)
    assert caught.value.help


def test_classes_that_are_not_held_out_are_named(tmp_path: Path) -> None:
    files = [f"train/{label}/1.png" for label in ("cat", "dog", "owl")]
    with pytest.raises(DataError, match="val holds one class, dog") as caught:
        open_folder(make_folder(tmp_path, [*files, "val/dog/1.png"]), 0)
    assert "also has cat, owl" in caught.value.help


def test_an_image_of_either_part_is_named_with_it(tmp_path: Path) -> None:
    data = open_folder(make_folder(tmp_path, HALVES), seed=0)
    data.train.skip(0, "is empty")
    data.held_out.skip(1, "is empty")
    assert [name for name, _ in data.skipped] == ["train/a/1.png", "val/b/4.png"]
    assert [name for name, _ in data.held_out.take([1]).skipped] == []
    assert data.held_out.take([1]).name(0) == "val/b/4.png"


def test_refuses_an_empty_class_folder(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a/1.png", "a/2.png", "b/3.png", "b/4.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"the class folder .*empty holds no images"):
        open_folder(tmp_path, 0)


def test_refuses_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder or file .*nowhere"):
        open_folder(tmp_path / "nowhere", 0)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is neither a tar nor a list"):
        open_folder(tmp_path / "file", 0)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_refuses_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a/1.png", "b/2.png"])
    (tmp_path / "a").chmod(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        open_folder(tmp_path, 0)
