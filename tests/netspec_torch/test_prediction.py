"""What pictures are said to show, by one net and by several, and pictures that fail."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import netspec
from netspec.recipe.run import TrainingError
from netspec.source import SourceFile
from netspec.tensor import Shape
from netspec_torch import TrainingResult, predict, read_trained
from netspec_torch.data import DataError
from netspec_torch.data.pipeline import prepare_image
from tests.netspec_torch.data.pictures import encode, make_pixels, write_picture
from tests.netspec_torch.small_runs import Trainer, make_net


@pytest.fixture
def trained(run: Trainer) -> TrainingResult:
    return run(make_net(), iterations=12)


@pytest.fixture
def picture(photos: Path) -> Path:
    return photos / "val" / "red" / "1.png"


def list_probabilities(folder: Path, data: bytes, views: int) -> list[float]:
    net = read_trained(folder / "last.safetensors")
    with torch.inference_mode():
        values: list[float] = net.module(net.prepare(data, views)).softmax(1).mean(0).tolist()
    return values


@pytest.mark.parametrize("views", [1, 10])
def test_classes_with_their_probabilities_the_best_first(
    trained: TrainingResult, picture: Path, views: int
) -> None:
    (prediction,) = predict(picture, trained.folder, views=views)
    assert (prediction.picture, prediction.failure) == (str(picture), "")
    expected = list_probabilities(trained.folder, picture.read_bytes(), views)
    assert prediction.classes[0].name == "red"
    assert [each.number for each in prediction.classes] == sorted(
        range(3), key=lambda number: -expected[number]
    )
    for each in prediction.classes:
        assert each.probability == pytest.approx(expected[each.number], rel=1e-5)
        assert each.name == trained.class_names[each.number]


def test_an_ensemble_answers_by_the_mean(run: Trainer, picture: Path) -> None:
    folders = [run(make_net(), out=f"{n}", seed=n, iterations=4).folder for n in range(2)]
    (prediction,) = predict(picture, folders)
    each = [list_probabilities(folder, picture.read_bytes(), 1) for folder in folders]
    mean = [sum(pair) / 2 for pair in zip(*each, strict=True)]
    assert {c.number: c.probability for c in prediction.classes} == pytest.approx(
        dict(enumerate(mean))
    )


def test_only_so_many_classes(trained: TrainingResult, picture: Path) -> None:
    (prediction,) = predict(picture, trained.folder, best=2)
    assert len(prediction.classes) == 2
    (prediction,) = predict(picture, trained.folder, best=9)
    assert len(prediction.classes) == 3


def test_folders_files_and_bytes_in_their_order(
    trained: TrainingResult, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "some"
    for name in ("b.png", "a/2.jpg", "a/1.png", "a/.hidden.png", ".git/3.png"):
        write_picture(folder / name)
    (folder / "readme.txt").touch()
    (folder / "empty").mkdir()
    data = encode(make_pixels(0, 12, 16))
    found = [each.picture for each in predict([data, folder, folder / "b.png"], trained.folder)]
    expected = ["b.png", "a/1.png", "a/2.jpg", "b.png"]
    assert found == ["-", *(str(folder / name) for name in expected)]


def test_a_picture_that_fails_costs_itself_alone(
    trained: TrainingResult, picture: Path, tmp_path: Path
) -> None:
    for name, data in (("text.png", b"none"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "nothing").mkdir()
    words = [tmp_path / n for n in ("text.png", "empty.png", "gone.png", "nothing")]
    *failed, good = predict([*words, picture], trained.folder)
    assert [each.failure for each in failed] == [
        "is no image of a known format",
        "is empty",
        "cannot be opened: No such file or directory",
        "holds no image files",
    ]
    assert all(not each.classes for each in failed)
    assert good.classes


def test_a_picture_that_the_recipe_cannot_prepare_fails(run: Trainer, picture: Path) -> None:
    """Without `resize` a crop needs images that are as large."""
    text = make_net().span.source.text.replace("resize 10; ", "").replace("subtract mean; ", "")
    net = netspec.load(SourceFile("tiny.net", text)).net
    folder = run(net, iterations=1).folder
    small = encode(make_pixels(0, 6, 6))
    bad, good = predict([small, picture], folder)
    assert bad.failure == "cannot be prepared: the recipe crops 8x8 out of images of 6x6"
    assert good.classes


def test_colour_becomes_grey_where_all_images_were() -> None:
    net = make_net()
    assert net.recipe is not None
    transforms = net.recipe.test_transforms
    kept = [line for line in transforms if line.kind != "subtract"]
    image = Image.fromarray(make_pixels(0, 12, 12))
    colour, grey = (
        prepare_image(encode(each), kept, Shape(3, 8, 8), channels=1)
        for each in (image, image.convert("L"))
    )
    assert torch.equal(colour, grey)
    with pytest.raises(DataError, match="the image is in colour"):
        prepare_image(encode(image), kept, Shape(1, 8, 8), channels=None)


def test_weights_from_elsewhere(trained: TrainingResult, picture: Path, tmp_path: Path) -> None:
    """Their classes have numbers for names, and means must stand in the recipe."""
    path = tmp_path / "theirs.pth"
    torch.save(trained.module.state_dict(), path)
    net = make_net(classes=3)
    with pytest.raises(TrainingError, match=r"what was measured on .*theirs\.pth does not have it"):
        predict(picture, path, net)
    text = net.span.source.text.replace("subtract mean", "subtract 100")
    (prediction,) = predict(
        picture, path, netspec.load(SourceFile("tiny.net", text), settings={"classes": 3}).net
    )
    assert {each.name for each in prediction.classes} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"views": 2}, "1 view or 10"),
        ({"best": 0}, "are none"),
        ({"device": "toaster"}, "no device `toaster`"),
    ],
)
def test_refusals_come_before_the_first_picture(
    trained: TrainingResult, picture: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(TrainingError, match=says):
        predict(picture, trained.folder, **options)


def test_ten_views_need_a_crop(run: Trainer, picture: Path) -> None:
    text = make_net().span.source.text.replace("resize 10; crop 8", "resize 8")
    folder = run(netspec.load(SourceFile("tiny.net", text)).net, iterations=1).folder
    with pytest.raises(TrainingError, match="with 0 crops, and 10 views"):
        predict(picture, folder, views=10)


def test_a_photograph_that_lies_on_its_side_is_turned(trained: TrainingResult) -> None:
    upright = Image.fromarray(make_pixels(3, 12, 16))
    file = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(file, "PNG", exif=exif)
    one, other = predict([encode(upright), file.getvalue()], trained.folder)
    assert one.classes == other.classes
