"""Tests of trained nets: figures against those of the training and those counted by hand,
ensembles, which images are tested, and weights from elsewhere.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from PIL import Image
from torch import Tensor
from torch.nn.functional import nll_loss

import netspec
import netspec_torch
from netspec.recipe.results import TestReport
from netspec.recipe.run import Figures, TrainingError
from netspec.source import SourceFile
from netspec_torch import TrainingResult, predict, read_trained
from tests.netspec_torch.data.pictures import make_folder, write_picture
from tests.netspec_torch.small_runs import SGD, Hearer, Trainer, make_net

Test = Callable[..., TestReport]


@pytest.fixture
def test(photos: Path, one_thread: None) -> Test:
    """A test on the photos."""

    def test_here(weights: Any, *arguments: Any, **options: Any) -> TestReport:
        return netspec_torch.test(
            weights, *arguments, **{"data": photos, "device": "cpu", **options}
        )

    return test_here


@pytest.fixture
def trained(run: Trainer) -> TrainingResult:
    """A run whose recipe tests on ten views."""
    return run(make_net(views=10), iterations=6)


def check_figures(figures: Figures, expected: Figures | None) -> None:
    """They are the same but for the order of sums."""
    assert expected is not None
    assert figures == replace(expected, loss=figures.loss)
    assert figures.loss == pytest.approx(expected.loss, rel=1e-5)


def compute(folder: Path, photos: Path, views: int) -> tuple[Tensor, Tensor]:
    """The mean probabilities of all held-out images, image by image, and their classes."""
    net = read_trained(folder / "last.safetensors")
    rows, labels = [], []
    for number, name in enumerate(net.class_names):
        for path in sorted((photos / "val" / name).iterdir()):
            with torch.inference_mode():
                rows.append(net.module(net.prepare(path.read_bytes(), views)).softmax(1).mean(0))
            labels.append(number)
    return torch.stack(rows), torch.tensor(labels)


def test_a_run_is_tested_as_it_was_at_its_end(test: Test, trained: TrainingResult) -> None:
    report = test(trained.folder)
    (net,) = report.nets
    for figures, expected in zip(net.figures, (trained.final, trained.final_views), strict=True):
        check_figures(figures, expected)
    assert (net.net, net.update) == ("tiny", 6)
    assert net.weights == str(trained.folder / "last.safetensors")
    assert (report.images, report.tested, report.classes) == (12, "held-out images", 3)
    assert report.chance == pytest.approx(1 / 3)
    assert report.ensemble == ()


def test_one_view_is_the_centre_of_ten(test: Test, trained: TrainingResult) -> None:
    (one,), (ten,) = (test(trained.folder, views=views).nets for views in (1, 10))
    assert [figures.views for figures in ten.figures] == [1, 10]
    check_figures(one.figures[0], ten.figures[0])


@pytest.mark.parametrize("views", [1, 10])
def test_an_ensemble_is_the_mean_of_probabilities(
    test: Test, run: Trainer, photos: Path, views: int
) -> None:
    folders = [run(make_net(), out=f"{n}", seed=n, iterations=6).folder for n in range(3)]
    report = test(folders, views=views)
    computed = [compute(folder, photos, views) for folder in folders]
    labels = computed[0][1]
    together = torch.stack([rows for rows, _ in computed]).mean(0)
    everyone = [*(rows for rows, _ in computed), together]
    figures = [*(net.figures[-1] for net in report.nets), report.ensemble[-1]]
    for rows, each in zip(everyone, figures, strict=True):
        assert each.top1 == pytest.approx(float((rows.argmax(1) == labels).float().mean()))
        assert each.loss == pytest.approx(float(nll_loss(rows.log(), labels)), rel=1e-5)
        assert each.views == views
    assert [Path(net.weights).parent for net in report.nets] == folders


def test_nets_that_see_other_images_are_averaged_too(
    test: Test, run: Trainer, photos: Path
) -> None:
    """Each reads the images as its own recipe prepares them."""
    small = make_net().span.source.text.replace("3x8x8", "3x6x6").replace("crop 8", "crop 6")
    other = netspec.load(SourceFile("small.net", small)).net
    folders = [
        run(net, out=name, iterations=6).folder for name, net in (("a", make_net()), ("b", other))
    ]
    report = test(folders, views=1)
    parts = [compute(folder, photos, 1) for folder in folders]
    labels = parts[0][1]
    mean = (parts[0][0] + parts[1][0]) / 2
    assert report.ensemble[0].loss == pytest.approx(float(nll_loss(mean.log(), labels)), rel=1e-5)


def test_a_file_given_twice_counts_once(test: Test, trained: TrainingResult) -> None:
    last = trained.folder / "last.safetensors"
    assert len(test([last, trained.folder]).nets) == 1


def test_some_of_the_images(test: Test, trained: TrainingResult) -> None:
    assert test(trained.folder, eval_images=5).images == 5
    assert test(trained.folder, eval_images=500).images == 12


def test_all_images(test: Test, trained: TrainingResult) -> None:
    report = test(trained.folder, all_images=True)
    assert (report.images, report.tested) == (42, "images")
    assert test(trained.folder, all_images=True, eval_images=21).images == 21


def test_the_data_of_a_run_are_found_again(trained: TrainingResult, photos: Path) -> None:
    report = netspec_torch.test(trained.folder, device="cpu")
    assert report.origin == str(photos)


def test_classes_are_told_by_their_names(
    test: Test, trained: TrainingResult, photos: Path, tmp_path: Path
) -> None:
    """Without the first class the others have other numbers, and are the same."""
    some = tmp_path / "some"
    for part in ("train", "val"):
        for name in ("green", "red"):
            shutil.copytree(photos / part / name, some / part / name)
    rows, labels = compute(trained.folder, photos, 1)
    kept = labels > 0
    figures = test(trained.folder, data=some, views=1).nets[0].figures[0]
    assert figures.images == 8
    assert figures.loss == pytest.approx(float(nll_loss(rows[kept].log(), labels[kept])), rel=1e-5)
    (some / "val" / "green").rename(some / "val" / "mauve")
    (some / "train" / "green").rename(some / "train" / "mauve")
    with pytest.raises(
        TrainingError, match=r"has the class mauve, which .* does not know"
    ) as caught:
        test(trained.folder, data=some)
    assert "it knows blue, green, red" in caught.value.help


@pytest.fixture
def heap(tmp_path: Path) -> Path:
    """Photos with no part that is held out."""
    return make_folder(tmp_path / "heap", [f"{c}/{i}.png" for c in "abc" for i in range(5)])


def test_images_that_netspec_held_out_are_held_out_again(
    test: Test, run: Trainer, heap: Path
) -> None:
    """They depend on the seed of the run, which need not be said again."""
    result = run(make_net(), data=heap, seed=7, iterations=2)
    check_figures(test(result.folder, data=heap).nets[0].figures[0], result.final)
    other = run(make_net(), data=heap, out="other", seed=8, iterations=2)
    with pytest.raises(TrainingError, match="it is not known which of its images") as caught:
        test([result.folder, other.folder], data=heap)
    assert "--all" in caught.value.help
    alike = run(make_net(), data=heap, out="alike", seed=8, split_seed=7, iterations=2)
    assert test([result.folder, alike.folder], data=heap).images == 3


def test_a_heap_that_has_changed_is_not_divided_anew(test: Test, run: Trainer, heap: Path) -> None:
    result = run(make_net(), data=heap, iterations=2)
    write_picture(heap / "a" / "new.png")
    with pytest.raises(TrainingError, match="was trained on"):
        test(result.folder, data=heap)
    assert test(result.folder, data=heap, all_images=True).images == 16


def test_images_that_cannot_be_read_are_named(
    test: Test, trained: TrainingResult, photos: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "photos"
    shutil.copytree(photos, broken)
    (broken / "val" / "red" / "2.png").write_bytes(b"none")
    report = test(trained.folder, data=broken)
    assert report.images == 11
    assert report.chance == 4 / 11
    assert report.skipped == (("val/red/2.png", "is no image of a known format"),)


NUMBERS = make_net().span.source.text.replace("subtract mean", "subtract [1, 2, 3]")


@pytest.fixture
def foreign(trained: TrainingResult, tmp_path: Path) -> Path:
    """The weights of the run in a file that says nothing else."""
    path = tmp_path / "theirs.pth"
    torch.save(trained.module.state_dict(), path)
    return path


def test_weights_from_elsewhere_need_the_net(test: Test, foreign: Path) -> None:
    net = netspec.load(SourceFile("tiny.net", NUMBERS)).net
    report = test(foreign, net)
    assert (report.nets[0].update, report.images) == (None, 12)
    with pytest.raises(TrainingError, match="is no trained net: it was written by torch") as caught:
        test(foreign)
    assert caught.value.cause == "usage"
    assert "netspec predict PICTURE --weights FILE --net NET" in caught.value.help


def test_weights_for_other_classes_are_trained_first(
    test: Test, foreign: Path, heap: Path, photos: Path
) -> None:
    net = netspec.load(SourceFile("tiny.net", NUMBERS)).net
    write_picture(heap / "d" / "1.png")
    write_picture(heap / "d" / "2.png", 1)
    with pytest.raises(TrainingError, match="is for 3 classes, and the data have 4") as caught:
        test(foreign, net, data=heap, all_images=True)
    assert caught.value.help.endswith(f"--weights {foreign} --fresh-last`")
    picture = next(photos.rglob("*.png"))
    with pytest.raises(TrainingError, match="3 classes, and `tiny` ends in 10") as caught:
        next(predict(picture, foreign, net, device="cpu"))
    assert caught.value.help == "--set classes=3 gives it as many"


def test_what_they_need_of_the_training_images_is_measured(
    test: Test, foreign: Path, trained: TrainingResult, photos: Path
) -> None:
    """They are the same images, so the figures are the same."""
    listener = Hearer()
    report = test(foreign, make_net(), listener=listener)
    check_figures(report.nets[0].figures[0], trained.final)
    assert listener.said == [
        f"{foreign} does not have what its recipe measures on the training images: it is measured "
        f"on the 30 images that {photos.name} has to train on"
    ]


def test_weights_that_fit_by_a_map_alone(
    test: Test, trained: TrainingResult, tmp_path: Path
) -> None:
    weights = trained.module.state_dict()
    torch.save({f"x.{name}": weights[name] for name in reversed(weights)}, tmp_path / "theirs.pth")
    (tmp_path / "their.map").write_text("x.conv1 conv1\nx.fc2 fc2\n")
    listener = Hearer()
    net = netspec.load(SourceFile("tiny.net", NUMBERS)).net
    options: dict[str, Any] = {"weights_map": tmp_path / "their.map", "listener": listener}
    assert test(tmp_path / "theirs.pth", net, **options).images == 12
    assert listener.said[1:] == ["x.conv1  conv1", "x.fc2    fc2"]
    with pytest.raises(TrainingError, match="whose net must be given"):
        test(tmp_path / "theirs.pth", **options)


def test_on_a_heap_it_cannot_be_measured(test: Test, foreign: Path, heap: Path) -> None:
    with pytest.raises(TrainingError, match=r"measured on the training images, and .* not have it"):
        test(foreign, make_net(), data=heap, all_images=True)


def test_a_file_of_a_run_keeps_its_statistics_with_another_net(
    test: Test, trained: TrainingResult
) -> None:
    report = test(trained.folder, make_net(views=1))
    check_figures(report.nets[0].figures[0], trained.final)
    assert report.nets[0].update == 6


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"views": 5}, "1 view or 10"),
        ({"eval_images": 0}, "cannot have 0 images"),
        ({"device": "toaster"}, "no device `toaster`"),
        ({"data": "nowhere"}, "there is no .*nowhere"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    test: Test, trained: TrainingResult, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(TrainingError, match=says) as caught:
        test(trained.folder, **options)
    assert caught.value.cause == "usage"


def test_files_that_are_no_weights_are_refused(
    test: Test, trained: TrainingResult, photos: Path
) -> None:
    snapshot = trained.folder / "snapshots" / "update-6.safetensors"
    for path, says in (
        (trained.folder / "gone.safetensors", "it is not there"),
        (trained.folder / "spec.net", "is no trained net"),
        (snapshot, "the snapshot of a run"),
        (photos, "holds no trained weights"),
        ([], "no file of weights"),
    ):
        with pytest.raises(TrainingError, match=says):
            test(path)
    damaged = trained.folder / "last.safetensors"
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 1
    damaged.write_bytes(data)
    for net in (None, make_net()):
        with pytest.raises(TrainingError, match="is damaged"):
            test(damaged, net)


def test_nets_that_answer_otherwise_have_no_mean(
    test: Test, run: Trainer, trained: TrainingResult, heap: Path
) -> None:
    other = run(make_net(), data=heap, out="other", iterations=1)
    with pytest.raises(TrainingError, match=r"the class 0 is blue in .*, and a in .*: .* no mean"):
        test([trained.folder, other.folder])
    write_picture(heap / "d" / "1.png")
    write_picture(heap / "d" / "2.png", 1)
    four = run(make_net(), data=heap, out="four", iterations=1)
    with pytest.raises(TrainingError, match=r"tells 3 classes apart and .* 4"):
        test([trained.folder, four.folder])


def test_a_recipe_without_a_crop_has_one_view(test: Test, run: Trainer) -> None:
    text = make_net(SGD).span.source.text.replace("resize 10; crop 8", "resize 8")
    result = run(netspec.load(SourceFile("tiny.net", text)).net, iterations=1)
    check_figures(test(result.folder).nets[0].figures[0], result.final)
    with pytest.raises(TrainingError, match="no `crop`"):
        test(result.folder, views=10)


def test_a_net_that_was_trained_on_grey_images(run: Trainer, test: Test, tmp_path: Path) -> None:
    grey = tmp_path / "grey"
    for name in ("a/1", "a/2", "a/3", "b/1", "b/2", "b/3"):
        path = grey / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (12, 12), len(name)).save(path)
    result = run(make_net(), data=grey, iterations=1)
    check_figures(test(result.folder, data=grey).nets[0].figures[0], result.final)
