"""Packing: the files, what an image becomes, mixing, statistics, going on after a kill."""

import hashlib
import json
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from netspec.recipe.data import Crop, Mirror, Resize, Subtract
from netspec.tensor import Shape
from netspec.values import Word
from netspec_torch.data import DataError, Loader, Split, open_data
from netspec_torch.data.decoding import Form
from netspec_torch.data.fetching import Fetcher
from netspec_torch.data.opening import open_place
from netspec_torch.data.packing import Packed, pack_data
from netspec_torch.data.shard_writer import Options
from netspec_torch.data.statistics import measure_statistics
from tests.netspec_torch.data.pictures import encode, make_folder, make_pixels, write_picture

SMALL = Options(side=16, quality=95, shard_images=4)
NAMES = [f"{half}/{label}/{i}.png" for half in ("train", "val") for label in "ab" for i in range(5)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images to train on and ten held out, 24x32; one of each part is broken."""
    make_folder(tmp_path / "set", NAMES, 24, 32)
    (tmp_path / "set" / "train" / "b" / "3.png").write_bytes(b"")
    (tmp_path / "set" / "val" / "a" / "1.png").write_bytes(b"no image")
    return tmp_path / "set"


def pack(source: Path, out: Path, options: Options = SMALL, threads: int = 2) -> Packed:
    return pack_data(open_place(str(source), 0), out, options, threads=threads)


def list_names(split: Split) -> list[tuple[str, int]]:
    return [(split.images.name(i), int(label)) for i, label in enumerate(split.labels)]


def list_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_packed_set_has_the_same_images(folder: Path, tmp_path: Path) -> None:
    packed = pack(folder, tmp_path / "out")
    source, data = open_place(str(folder), 0), open_data(tmp_path / "out", "", 0)
    assert data.kind == "packed shards"
    assert data.class_names == ("a", "b")
    assert data.division == source.division
    assert not data.is_divided_here
    readable = {*list_names(source.train)} - {("b/3.png", 1)}
    assert {*list_names(data.train)} == readable
    assert len(data.train) == 9
    assert list_names(data.held_out) == [
        each for each in list_names(source.held_out) if each[0] != "a/1.png"
    ]
    assert packed.index.skipped == (
        ("train/b/3.png", "is empty"),
        ("val/a/1.png", "is no image of a known format"),
    )
    assert packed.done_before == 0


def test_images_are_reduced_and_nearly_the_same(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", NAMES, 90, 120)
    pack(folder, tmp_path / "out", Options(side=60))
    source, data = (
        open_place(str(folder), 0).held_out,
        open_place(str(tmp_path / "out"), 0).held_out,
    )
    as_it_is, square = (Form(3, to_grey=False, resize=resize) for resize in (None, 60))
    assert data.images.read(0, as_it_is).shape == (60, 80, 3)
    difference = data.images.read(0, square).astype(int) - source.images.read(0, square)
    assert np.abs(difference).mean() < 3


def test_the_folder_is_what_the_documentation_says(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "out")
    assert sorted(list_files(tmp_path / "out")) == [
        "index.json",
        "statistics.safetensors",
        *(f"train-0000{i}.{ending}" for i in range(3) for ending in ("npz", "tar")),
        *(f"val-0000{i}.{ending}" for i in range(3) for ending in ("npz", "tar")),
    ]
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    shard = index["train"][0]
    path = tmp_path / "out" / shard["file"]
    assert path.stat().st_size == shard["bytes"]
    digest = hashlib.sha256(path.with_suffix(".npz").read_bytes()).hexdigest()
    assert digest == shard["sha256"]
    arrays = np.load(path.with_suffix(".npz"))
    names = json.loads(arrays["names"].tobytes())
    assert len(names) == len(arrays["label"]) == shard["images"]
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        images, labels = members[::2], members[1::2]
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            assert image.name.removesuffix(".jpg") == label.name.removesuffix(".cls")
            assert (image.offset_data, image.size) == (arrays["offset"][i], arrays["size"][i])
            file = tar.extractfile(label)
            assert file is not None
            assert int(file.read()) == arrays["label"][i] == "ab".index(names[i][0])
            assert data[image.offset_data :].startswith(b"\xff\xd8\xff")


def test_shards_are_webdatasets(folder: Path, tmp_path: Path) -> None:
    """Without what makes the folder a packed set, its tars are what any reader takes."""
    pack(folder, tmp_path / "out")
    expected = open_place(str(tmp_path / "out"), 0)
    for path in (tmp_path / "out").iterdir():
        if path.suffix != ".tar":
            path.unlink()
    data = open_place(str(tmp_path / "out"), 0)
    assert data.kind == "WebDataset shards"
    assert data.train.labels.tolist() == expected.train.labels.tolist()
    assert data.held_out.labels.tolist() == expected.held_out.labels.tolist()


def test_training_images_are_mixed(tmp_path: Path) -> None:
    names = [
        f"{half}/{label}/{i:02}.png"
        for half in ("train", "val")
        for label in "ab"
        for i in range(16)
    ]
    pack(
        make_folder(tmp_path / "set", names, 6, 6), tmp_path / "out", SMALL._replace(shard_images=8)
    )
    data = open_place(str(tmp_path / "out"), 0)
    assert all(0 < part.sum() < 8 for part in data.train.labels.reshape(4, 8))
    assert data.held_out.labels.tolist() == [0] * 16 + [1] * 16


def test_the_bytes_do_not_depend_on_threads(folder: Path, tmp_path: Path) -> None:
    for number in (1, 3):
        pack(folder, tmp_path / str(number), threads=number)
    assert list_files(tmp_path / "1") == list_files(tmp_path / "3")


def test_what_is_not_divided_is_divided_for_good(tmp_path: Path) -> None:
    make_folder(tmp_path / "set", [f"{label}/{i}.png" for label in "ab" for i in range(5)], 6, 6)
    pack_data(open_place(str(tmp_path / "set"), 7), tmp_path / "out", SMALL)
    first, second = (open_place(str(tmp_path / "out"), seed) for seed in (0, 1))
    assert list_names(first.held_out) == list_names(second.held_out)
    assert first.division == "a fifth of each class held out at random, seed 7"
    assert first.describe() == {**second.describe(), "origin": first.origin}


def test_descriptions_tell_packed_sets_apart(folder: Path, tmp_path: Path) -> None:
    for name, options in (("out", SMALL), ("other", SMALL._replace(quality=94))):
        pack(folder, tmp_path / name, options)
    first, second = (open_place(str(tmp_path / name), 0).describe() for name in ("out", "other"))
    assert first["checksum"] != second["checksum"]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_small_jpegs_are_taken_as_they_are(tmp_path: Path, form: str) -> None:
    for i, name in enumerate(NAMES):
        path = tmp_path / "set" / name.replace("png", form.lower())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(make_pixels(i, 16, 19), form))
    pack(tmp_path / "set", tmp_path / "out")
    source, data = (open_place(str(tmp_path / name), 0).held_out for name in ("set", "out"))
    same = [data.images.read_bytes(i) == source.images.read_bytes(i) for i in range(10)]  # type: ignore[attr-defined]
    assert same == [form == "JPEG"] * 10
    assert data.images.read(0, Form(3, to_grey=False, resize=None)).shape == (16, 19, 3)


def test_squares_have_the_pixels_that_a_recipe_reads(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "out", SMALL._replace(square=True))
    pack(folder, tmp_path / "whole")
    squares, whole = (open_place(str(tmp_path / name), 0) for name in ("out", "whole"))
    assert squares.held_out.images.read(0, Form(3, to_grey=False, resize=None)).shape == (16, 16, 3)
    form = Form(3, to_grey=False, resize=16)
    first, second = (data.held_out.images.read(0, form).astype(int) for data in (squares, whole))
    assert np.abs(first - second).mean() < 12
    assert "squares of 16 pixels" in squares.notes[0]


def test_a_turned_jpeg_is_packed_upright(tmp_path: Path) -> None:
    make_folder(tmp_path / "set", [name.replace("png", "jpg") for name in NAMES], 10, 14)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encode(make_pixels(0, 10, 14), "JPEG", exif=exif)
    (tmp_path / "set" / "val" / "a" / "0.jpg").write_bytes(turned)
    pack(tmp_path / "set", tmp_path / "out")
    data = open_place(str(tmp_path / "out"), 0).held_out
    assert data.images.read(0, Form(3, to_grey=False, resize=None)).shape == (14, 10, 3)
    assert data.images.read(1, Form(3, to_grey=False, resize=None)).shape == (10, 14, 3)


def test_grey_stays_grey(tmp_path: Path) -> None:
    for i, name in enumerate(NAMES):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(make_pixels(i, 20, 24, channels=1)[..., 0]))
    packed = pack(tmp_path / "set", tmp_path / "out")
    assert packed.index.channels == 1
    assert len(packed.index.mean) == 1
    data = open_place(str(tmp_path / "out"), 0)
    assert data.train.images.channels == 1
    (form, statistics), *_ = data.train.measured.items()
    assert form.channels == 1
    assert tuple(statistics.mean_image.shape) == (1, 16, 16)


MEAN = Subtract.model_validate({"value": Word("mean")})
CROP = Crop.model_validate({"size": 12})


def test_the_mean_is_that_which_would_be_measured(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "out")
    split = open_place(str(tmp_path / "out"), 0).train
    measured = measure_statistics(Fetcher(split, Form(3, to_grey=False, resize=16)))
    recipe = (Resize(side=16), CROP, Mirror(), MEAN)
    told: list[int] = []
    loader = Loader(
        split, recipe, Shape(3, 12, 12), batch=4, seed=0, progress=lambda done, _: told.append(done)
    )
    assert loader.statistics is not None
    assert loader.statistics.mean_image.equal(measured.mean_image)
    assert loader.statistics.covariance.equal(measured.covariance)
    assert told == []
    index = open_place(str(tmp_path / "out"), 0)
    assert index.train.measured


def test_another_form_is_measured_anew(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "out")
    split = open_place(str(tmp_path / "out"), 0).train
    loader = Loader(split, (Resize(side=14), CROP, MEAN), Shape(3, 12, 12), batch=4, seed=0)
    assert loader.statistics is not None
    assert tuple(loader.statistics.mean_image.shape) == (3, 14, 14)
    assert loader.note == ""


def test_enlarging_is_said(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "out")
    split = open_place(str(tmp_path / "out"), 0).train
    loader = Loader(split, (Resize(side=20), CROP), Shape(3, 12, 12), batch=4, seed=0)
    assert "resizes to 20 pixels, and images are packed with 16" in loader.note


def test_an_epoch_of_a_packed_set_has_every_image_once(folder: Path, tmp_path: Path) -> None:
    """In the same order and with the same crops, wherever it begins and however it is read."""
    pack(folder, tmp_path / "out")
    split = open_place(str(tmp_path / "out"), 0).train
    recipe = (Resize(side=16), CROP, Mirror())

    def read(threads: int, start: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
        loader = Loader(
            split, recipe, Shape(3, 12, 12), batch=2, seed=5, threads=threads, cache_bytes=0
        )
        return list(loader.batches(3, start))

    whole = read(1)
    labels = torch.cat([labels for _, labels in whole])
    assert torch.bincount(labels).tolist() == np.bincount(split.labels).tolist()
    for (images, _), (again, _) in zip(whole[2:], read(3, start=2), strict=True):
        assert images.equal(again)


class KillError(Exception):
    """Ends a packing as a signal would."""


def test_a_packing_goes_on_where_it_was_ended(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pack(folder, tmp_path / "whole").index
    source = open_place(str(folder), 0)

    def kill(done: int, total: int) -> None:
        assert total == 20
        if done >= 4:
            raise KillError

    with pytest.raises(KillError):
        pack_data(source, tmp_path / "out", SMALL, threads=1, progress=kill)
    assert not (tmp_path / "out" / "index.json").exists()
    assert not list((tmp_path / "out").glob("*.unfinished"))
    assert [t.name for t in threading.enumerate() if t.name.startswith("netspec-pack")] == []
    with pytest.raises(DataError, match="is not packed to its end") as caught:
        open_place(str(tmp_path / "out"), 0)
    assert "goes on with it" in caught.value.help
    told: list[tuple[int, int]] = []
    packed = pack_data(
        source, tmp_path / "out", SMALL, threads=1, progress=lambda *it: told.append(it)
    )
    assert 4 <= packed.done_before < 20
    assert told[-1] == (20, 20)
    assert packed.index == whole
    assert list_files(tmp_path / "out") == list_files(tmp_path / "whole")


def test_half_a_shard_is_made_anew(folder: Path, tmp_path: Path) -> None:
    """Whichever of a shard's files a kill left behind, and what it had begun to write."""
    whole = list_files((pack(folder, tmp_path / "whole")).folder)
    for lost in ("train-00001.tar", "train-00001.npz", "train-00001.sums.npz"):
        out = tmp_path / lost
        with pytest.raises(KillError):
            pack_data(open_place(str(folder), 0), out, SMALL, threads=1, progress=_kill_at_the_end)
        (out / lost).unlink()
        (out / "train-00001.1234.unfinished").write_bytes(b"half")
        assert pack(folder, out).done_before == 16
        assert list_files(out) == whole


def _kill_at_the_end(done: int, total: int) -> None:
    if done == total:
        raise KillError


def test_a_packed_set_is_not_packed_again(folder: Path, tmp_path: Path) -> None:
    first = pack(folder, tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    again = pack(folder, tmp_path / "out")
    assert (again.index, again.done_before) == (first.index, 20)
    assert times == {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}


@pytest.fixture(params=["finished", "begun"])
def packed_folder(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    if request.param == "finished":
        pack(folder, tmp_path / "out")
    else:
        with pytest.raises(KillError):
            pack_data(
                open_place(str(folder), 0), tmp_path / "out", SMALL, progress=_kill_at_the_end
            )
    return tmp_path / "out"


def test_another_packing_is_refused(folder: Path, packed_folder: Path) -> None:
    with pytest.raises(DataError, match="is another by its quality"):
        pack(folder, packed_folder, SMALL._replace(quality=50))
    write_picture(folder / "train" / "a" / "9.png")
    with pytest.raises(DataError, match="is another by its source"):
        pack(folder, packed_folder)


def test_refuses_a_folder_of_something_else(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="set is there already"):
        pack(folder, folder)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file is there already"):
        pack(folder, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    pack(folder, tmp_path / "empty")


def test_refuses_pixels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is nothing to pack"):
        pack_data(open_data("fashion_mnist", "", 0), tmp_path / "out", SMALL)


@pytest.mark.parametrize(("half", "said"), [("train", "training"), ("val", "held-out")])
def test_refuses_a_part_that_cannot_be_read(
    folder: Path, tmp_path: Path, half: str, said: str
) -> None:
    for path in (folder / half).rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=f"not one of the {said} images can be read"):
        pack(folder, tmp_path / "out")
