"""List files: lines, what paths are relative to, and every way in which a list can be wrong."""

from pathlib import Path

import pytest

from netspec_torch.data.dataset import DataSet, Split
from netspec_torch.data.errors import DataError
from netspec_torch.data.opening import open_place
from tests.netspec_torch.data.pictures import make_folder, read_split


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def list_names(split: Split) -> list[tuple[str, int]]:
    return [(split.images.name(i), int(label)) for i, label in enumerate(split.labels)]


def list_all(data: DataSet) -> list[tuple[str, int]]:
    return sorted(list_names(data.train) + list_names(data.held_out))


def test_labels_stand_behind_the_last_space(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a b/1 2.png", "c.png", "d.png", "e.png"])
    text = "a b/1 2.png 1\r\n\nc.png\t0\nd.png   1  \ne.png 0"
    data = open_place(write(tmp_path / "all.txt", text), seed=0)
    assert list_all(data) == [("a b/1 2.png", 1), ("c.png", 0), ("d.png", 1), ("e.png", 0)]
    assert (data.kind, data.class_names) == ("list files", ("0", "1"))
    assert data.is_divided_here
    assert data.division == "a fifth of each class held out at random, seed 0"
    assert len(read_split(data.train)) == 2


def test_a_byte_order_mark_is_no_part_of_a_path(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    text = "\ufeffa.png 0\nb.png 0\nc.png 1\nd.png 1\n"
    data = open_place(write(tmp_path / "all.txt", text), 0)
    assert [name for name, _ in list_all(data)] == ["a.png", "b.png", "c.png", "d.png"]


def test_two_lists_are_the_two_parts(tmp_path: Path) -> None:
    """Caffe's ImageNet: the paths of `train.txt` begin in `train/`."""
    make_folder(tmp_path, ["train/n1/a.png", "train/n2/b.png", "val/x.png", "val/y.png"])
    write(tmp_path / "train.txt", "n1/a.png 0\nn2/b.png 2\n")
    write(tmp_path / "val.txt", "x.png 2\ny.png 0\n")
    data = open_place(str(tmp_path), 0)
    assert data.class_names == ("0", "1", "2")
    assert list_names(data.train) == [("n1/a.png", 0), ("n2/b.png", 2)]
    assert list_names(data.held_out) == [("x.png", 2), ("y.png", 0)]
    assert data.division == "the lists train.txt and val.txt"
    assert data.notes == (
        "no image to train on is of the class 1",
        "no held-out image is of the class 1",
    )
    assert len(read_split(data.train)) == len(read_split(data.held_out)) == 2


def test_class_folders_on_both_sides_go_before_lists(tmp_path: Path) -> None:
    make_folder(tmp_path, [f"{half}/{label}/1.png" for half in ("train", "val") for label in "ab"])
    for half in ("train", "val"):
        write(tmp_path / f"{half}.txt", f"{half}/a/1.png 1\n{half}/b/1.png 0\n")
    assert open_place(str(tmp_path), 0).class_names == ("a", "b")


def test_an_image_that_is_not_there_costs_itself_alone(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a.png", "b.png"])
    write(tmp_path / "train.txt", "a.png 0\nb.png 1\nc.png 1\n")
    write(tmp_path / "val.txt", "a.png 0\n")
    data = open_place(str(tmp_path), 0)
    assert len(data.train) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.png 0\nb.png\n", r"all.txt:2 has one word, 'b.png': no label"),
        ("a.png 0\nb.png one\n", r"all.txt:2 has the label 'one'"),
        ("a.png 0\nb.png -1\n", r"all.txt:2 has the label '-1'"),
        ("a.png 0\nb.png 1000000\n", r"all.txt:2 has the label 1000000; 1,000,000 is the most"),
        ("a.png 0\nb.png 0\n", "all images are of the class 0"),
        ("x/a.png 0\nb.png 1\n", r"all.txt:1 names x/a.png, which is neither in .* nor in .*all"),
        ("a.png 0\nb.png 0\na.png 1\n", r"the class 1 has one image"),
    ],
)
def test_refuses(tmp_path: Path, text: str, said: str) -> None:
    make_folder(tmp_path, ["a.png", "b.png"])
    with pytest.raises(DataError, match=said):
        open_place(write(tmp_path / "all.txt", text), 0)
