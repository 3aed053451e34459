"""Reading packed sets: every way in which their files can be wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from netspec_torch.data import DataError
from netspec_torch.data.decoding import Form
from netspec_torch.data.errors import UnreadableImageError
from netspec_torch.data.images import EncodedImages
from netspec_torch.data.opening import open_place
from netspec_torch.data.packing import pack_data
from netspec_torch.data.shard_writer import Options
from tests.netspec_torch.data.pictures import make_folder

FORM = Form(3, to_grey=False, resize=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = [f"{half}/{label}/{i}.png" for half in ("train", "val") for label in "ab" for i in "12"]
    source = open_place(str(make_folder(tmp_path / "set", names)), 0)
    pack_data(source, tmp_path / "out", Options(side=8, shard_images=3))
    return tmp_path / "out"


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    path.write_bytes(edit(path.read_bytes()))


def test_the_index_stands_for_the_folder(folder: Path) -> None:
    first, second = (open_place(str(place), 0) for place in (folder, folder / "index.json"))
    assert first.checksum == second.checksum


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("train-00000.tar", lambda b: b[:-512], r"train-00000.tar has .* bytes, and .*index.json"),
        ("train-00001.npz", lambda b: b[:-1], r"train-00001.npz is not what was written"),
        ("val-00000.npz", lambda b: b"x" + b[1:], r"val-00000.npz is not what was written"),
        ("index.json", lambda b: b[:-20], r"index.json is damaged"),
        ("index.json", lambda b: b.replace(b'"quality"', b'"qualities"'), "is damaged: 'quality'"),
        ("index.json", lambda b: b.replace(b'"version": 1', b'"version": 9', 1), "of version 9"),
        ("statistics.safetensors", lambda b: b[:100], r"statistics.safetensors cannot be read"),
    ],
    ids=range(7),
)
def test_refuses_damage(folder: Path, file: str, edit: Callable[[bytes], bytes], said: str) -> None:
    change(folder / file, edit)
    with pytest.raises(DataError, match=said):
        open_place(str(folder), 0)


@pytest.mark.parametrize("file", ["train-00001.tar", "val-00000.npz", "statistics.safetensors"])
def test_refuses_a_missing_file(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(DataError, match=file):
        open_place(str(folder), 0)


def test_another_index_makes_no_packed_set(folder: Path) -> None:
    (folder / "index.json").write_text(json.dumps({"format": "something else"}))
    assert open_place(str(folder), 0).kind == "WebDataset shards"


def test_damage_of_an_image_costs_itself_alone(folder: Path) -> None:
    data = open_place(str(folder), 0)
    arrays_offset = data.train.images
    assert isinstance(arrays_offset, EncodedImages)
    stored = arrays_offset.read_bytes(1)
    change(folder / "train-00000.tar", lambda b: b.replace(stored, bytes(len(stored))))
    with pytest.raises(UnreadableImageError):
        data.train.images.read(1, FORM)
    data.train.images.read(0, FORM)


def test_names_are_read_when_they_are_asked_for(folder: Path) -> None:
    data = open_place(str(folder), 0)
    names = {data.train.images.name(i) for i in range(4)}
    assert names == {"a/1.png", "a/2.png", "b/1.png", "b/2.png"}
    assert data.train.take([2]).images.name(0) == data.train.images.name(2)
