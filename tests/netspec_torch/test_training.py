"""Whole runs of small nets on small pictures: what they write, and that they learn."""

import json
import math
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import netspec
from netspec.recipe.run import Progress, TrainingError
from netspec.source import SourceFile
from netspec_torch import TrainingResult, build, train
from tests.netspec_torch.small_runs import (
    NET,
    SGD,
    TOTAL,
    UPDATES_PER_EPOCH,
    Recorder,
    Trainer,
    assert_same_run,
    list_names,
    make_net,
    read_metrics,
)


def test_a_run_learns_and_writes_its_folder(run: Trainer) -> None:
    listener = Recorder()
    result = run(make_net(), listener=listener)
    assert list_names(result.folder) == [
        "best.safetensors",
        "curves.svg",
        "events.out.tfevents",
        "last.safetensors",
        "metrics.jsonl",
        "plan.txt",
        "recipe.json",
        "report.json",
        "sessions.json",
        "snapshots",
        "spec.net",
        "split.json",
    ]
    assert (result.updates, result.total, result.interrupted) == (TOTAL, TOTAL, "")
    assert result.final is not None
    assert result.final.images == 12
    assert result.final.top1 > 2 * result.chance
    assert result.class_names == ("blue", "green", "red")
    assert [progress.update for progress in listener.progress] == list(range(1, TOTAL + 1))
    assert [update for update, _, _ in listener.tests] == [4, 8, 12]


def test_the_folder_says_what_was_done(run: Trainer) -> None:
    result = run(make_net(), seed=5)
    names = ("spec.net", "recipe.json", "plan.txt", "report.json", "curves.svg")
    written = {name: (result.folder / name).read_text() for name in names}
    assert written["spec.net"] == make_net().span.source.text
    recipe = json.loads(written["recipe.json"])
    assert recipe["parameters"] == {"classes": "3"}
    assert (recipe["updates"], recipe["updates_per_epoch"]) == (TOTAL, UPDATES_PER_EPOCH)
    assert recipe["recipe"]["solver"] == {
        "kind": "sgd",
        "rate": 0.05,
        "decay": 1e-3,
        "momentum": 0.9,
        "nesterov": False,
        "velocity": "step",
    }
    assert recipe["options"]["seed"] == 5
    assert "30 images to train on, 12 held out, 3 classes (chance 0.33)" in written["plan.txt"]
    assert "classes = 3, the data's (the spec says 10)" in written["plan.txt"]
    assert result.final is not None
    assert json.loads(written["report.json"])["final"] == result.final.to_json()
    ElementTree.fromstring(written["curves.svg"])


def test_metrics_have_a_line_for_each_stretch_and_test(run: Trainer) -> None:
    entries = read_metrics(run(make_net(schedule="step, every=1")))
    trained = [entry for entry in entries if entry["kind"] == "train"]
    assert [entry["update"] for entry in trained] == list(range(1, TOTAL + 1))
    assert [entry["rate"] for entry in trained] == pytest.approx(
        [0.05] * 4 + [0.005] * 4 + [0.0005] * 4
    )
    assert [entry["update"] for entry in entries if entry["kind"] == "test"] == [4, 8, 12]


def test_weights_are_for_use_and_say_what_they_are(run: Trainer) -> None:
    result = run(make_net())
    path = result.folder / "last.safetensors"
    module = build(result.net)
    tensors = load_file(path)
    weights = {name: t for name, t in tensors.items() if not name.startswith("statistics/")}
    assert len(tensors) == len(weights) + 2
    module.load_state_dict(weights)
    for name, tensor in result.module.state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor)
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
    assert about["format"] == "pt"
    assert about["net"] == "tiny"
    assert json.loads(about["classes"]) == ["blue", "green", "red"]
    assert [line["kind"] for line in json.loads(about["test"])] == [
        "resize",
        "crop",
        "subtract",
        "scale",
    ]
    assert about["spec"] == make_net().span.source.text


def test_the_best_weights_are_those_of_the_best_test(run: Trainer) -> None:
    listener = Recorder()
    result = run(make_net(solver="sgd rate=0.5"), listener=listener)
    best = [(update, figures) for update, figures, is_best in listener.tests if is_best][-1]
    assert (result.best_update, result.best) == best
    assert min(figures.error for _, figures, _ in listener.tests) == best[1].error
    with safe_open(result.folder / "best.safetensors", framework="pt") as file:
        assert file.metadata()["update"] == str(best[0])


def test_the_seed_decides_a_run(run: Trainer) -> None:
    torch.manual_seed(1)
    one = run(make_net(), out="one", seed=3)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    two = run(make_net(), out="two", seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert_same_run(one, two)
    other = run(make_net(), out="other", seed=4)
    weights = (load_file(r.folder / "last.safetensors")["fc2.weight"] for r in (one, other))
    assert not torch.equal(*weights)


def test_a_run_begins_from_the_weights_of_another(run: Trainer) -> None:
    first = run(make_net(), out="first", seed=3)
    listener = Recorder()
    weights = first.folder / "last.safetensors"
    second = run(make_net("sgd rate=0.01"), weights=weights, iterations=1, listener=listener)
    assert listener.plan is not None
    assert listener.plan.weights_notes == (f"{weights}: 4 tensors by name",)
    assert f"weights  {weights}: 4 tensors by name" in (second.folder / "plan.txt").read_text()
    options = json.loads((second.folder / "recipe.json").read_text())["options"]
    assert (options["weights"], options["weights_map"]) == (str(weights), None)
    fresh = run(make_net("sgd rate=0.01"), out="fresh", iterations=1)

    def distance(run: TrainingResult) -> float:
        ours, theirs = first.module.state_dict(), run.module.state_dict()
        return float(sum((ours[name] - theirs[name]).abs().sum() for name in ours))

    assert distance(second) < 0.1 * distance(fresh)


def test_the_last_layer_keeps_its_starting_values_on_request(run: Trainer) -> None:
    weights = run(make_net(), out="first", iterations=1).folder / "last.safetensors"
    text = NET.format(solver="sgd rate=1e-30", schedule="fixed", more="", views=1)
    net = netspec.load(SourceFile("tiny.net", text)).net
    result = run(net, weights=weights, fresh_last=True, seed=9, iterations=1)
    drawn, taken = build(result.net, seed=9).state_dict(), load_file(weights)
    state = result.module.state_dict()
    assert torch.equal(state["fc2.weight"], drawn["fc2.weight"])
    assert torch.equal(state["conv1.weight"], taken["conv1.weight"])


def test_weights_that_do_not_fit_begin_no_run(run: Trainer, tmp_path: Path) -> None:
    weights = run(make_net(), out="first", iterations=1).folder / "last.safetensors"
    net = make_net(more="conv3: conv 6, 3x3")
    with pytest.raises(TrainingError, match=r"does not fit `tiny`: it has no `conv3\.weight`"):
        run(net, weights=weights)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_written_over(run: Trainer) -> None:
    run(make_net(), iterations=1)
    with pytest.raises(TrainingError, match="is there already"):
        run(make_net())


def test_a_diverging_run_ends_with_what_to_try(run: Trainer, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the run diverged: the loss of update 3") as caught:
        run(make_net(solver="sgd rate=1e15"))
    assert caught.value.cause == "run"
    assert "lower rate" in caught.value.help
    assert [path.name for path in (tmp_path / "run" / "snapshots").iterdir()] == [
        "update-0.safetensors"
    ]
    for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines():
        assert "NaN" not in line


def test_a_run_that_diverges_on_unscaled_pixels_is_told_of_them(run: Trainer) -> None:
    text = NET.replace("subtract mean; lighting 0.1; scale 1 / 64", "divide [0.229, 0.224, 0.225]")
    text = text.format(more="", solver="sgd rate=1e15", schedule="fixed", views=1)
    with pytest.raises(TrainingError, match="the run diverged") as caught:
        run(netspec.load(SourceFile("tiny.net", text)).net)
    first, second = caught.value.help.splitlines()
    assert "pixels from 0 to 1; they are 0 to 255 here: put `scale 1 / 255` before it" in first
    assert "lower rate" in second


@pytest.mark.parametrize(
    ("text", "cause", "says"),
    [
        ("net bare { input 3x8x8; fc 3 }", "file", "`bare` has no recipe"),
        (NET.replace("crop 8", "crop 9"), "file", "leaves images of 9x9"),
        (
            NET.replace("input 3x8x8", "input 3x8x8; default conv, fc {{ rate=0 }}"),
            "file",
            "nothing to train",
        ),
        (
            NET.replace("(classes = 10)", "").replace("fc classes", "fc 10"),
            "file",
            "have 3 classes",
        ),
        (NET.replace("3x8x8", "1x8x8"), "usage", "is in colour"),
        (
            NET.replace("{more}", "avgpool global; batchnorm").replace("batch 8", "batch 29"),
            "file",
            "holds one image .*too few for batchnorm `batchnorm_1`",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(
    run: Trainer, tmp_path: Path, text: str, cause: str, says: str
) -> None:
    formatted = (
        text.format(solver=SGD, schedule="fixed", more="", views=1) if "{{" in text else text
    )
    source = SourceFile("case.net", formatted.replace("(classes = 10)", "(classes = 3)"))
    spec = netspec.check(source)
    if spec.has_errors:  # what the file alone can tell, the compiler tells too
        assert any(says in diagnostic.headline for diagnostic in spec.diagnostics)
        return
    with pytest.raises(TrainingError, match=says) as caught:
        run(spec.net)
    assert caught.value.cause == cause
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"epochs": 1, "iterations": 1}, "not by both"),
        ({"epochs": 0}, "--epochs is more than 0, not 0"),
        ({"epochs": math.nan}, "--epochs is a number, not nan"),
        ({"iterations": -5}, "--iterations is more than 0, not -5"),
        ({"views": 5}, "1 view or 10"),
        ({"eval_images": 0}, "cannot have 0 images"),
        ({"device": "toaster"}, "no device `toaster`; there is cpu"),
        ({"device": "gpu"}, "a GPU is --device cuda"),
        ({"data": "nowhere"}, "there is no folder or file nowhere"),
        ({"weights": "nowhere"}, "no weights can be read from nowhere: it is not there"),
        ({"weights": "w.pth", "resume": True}, "has its weights already"),
        ({"weights_map": "w.map"}, "no file of weights"),
        ({"fresh_last": True}, "no file of weights"),
    ],
)
def test_options_that_cannot_be_met(photos: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(TrainingError, match=says) as caught:
        train(make_net(), **{"data": photos, **options})
    assert caught.value.cause == "usage"


def test_a_plateau_drops_the_rate_and_says_so(run: Trainer) -> None:
    listener = Recorder()
    schedule = "plateau, patience=1 iteration, threshold=1000, times=1"
    result = run(make_net(schedule=schedule), listener=listener)
    ((update, rate),) = listener.drops
    assert update == 8
    assert rate == pytest.approx(0.005)
    rates = [entry["rate"] for entry in read_metrics(result) if entry["kind"] == "train"]
    assert rates == pytest.approx([0.05] * 8 + [0.005] * 4)


def test_tests_on_the_way_can_be_bounded(run: Trainer) -> None:
    listener = Recorder()
    result = run(make_net(views=10), eval_images=5, listener=listener)
    assert {figures.images for _, figures, _ in listener.tests} == {5}
    assert result.final is not None
    assert result.final_views is not None
    assert (result.final.images, result.final.views) == (12, 1)
    assert (result.final_views.images, result.final_views.views) == (5, 10)


def test_views_can_be_told_apart_from_the_recipe(run: Trainer) -> None:
    assert run(make_net(views=10), out="one", views=1, iterations=1).final_views is None
    ten = run(make_net(), out="ten", views=10, iterations=1).final_views
    assert ten is not None
    assert (ten.images, ten.views) == (12, 10)


def test_heads_train_with_their_weight_and_are_not_in_the_result(run: Trainer) -> None:
    def losses(weight: str) -> tuple[list[float], set[str]]:
        head = f"side: head weight={weight} {{ fc classes }}"
        result = run(make_net(more=head), out=weight, iterations=2)
        entries = [entry for entry in read_metrics(result) if entry["kind"] == "train"]
        return [entry["loss"] for entry in entries], set(
            load_file(result.folder / "last.safetensors")
        )

    light, names = losses("0.1")
    heavy, _ = losses("10")
    assert heavy[0] > 5 * light[0]
    assert not any(name.startswith("side") for name in names)


def test_a_frozen_layer_stays_as_it_began(run: Trainer) -> None:
    text = NET.format(solver=SGD, schedule="fixed", more="", views=1)
    text = text.replace("stride=2", "stride=2, rate=0")
    net = netspec.load(SourceFile("tiny.net", text)).net
    result = run(net, seed=1, iterations=3)
    first = build(result.net, seed=1).state_dict()
    last = load_file(result.folder / "last.safetensors")
    assert torch.equal(last["conv1.weight"], first["conv1.weight"])
    assert not torch.equal(last["fc2.weight"], first["fc2.weight"])


def test_images_that_cannot_be_read_are_named(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for path in photos.rglob("*.png"):
        copy = folder / path.relative_to(photos)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (folder / "train" / "red" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("val/red/3.png", "val/blue/0.png", "val/blue/2.png"):
        (folder / name).write_bytes(b"")
    result = train(make_net(), data=folder, out=tmp_path / "run", device="cpu", iterations=2)
    assert [image.name for image in result.skipped] == [
        *("train/red/3.png", "val/blue/0.png", "val/blue/2.png", "val/red/3.png")
    ]
    assert result.final is not None
    assert result.final.images == 9
    assert result.chance == 4 / 9
    report = json.loads((result.folder / "report.json").read_text())
    assert report["chance"] == 4 / 9
    assert [image["name"] for image in report["skipped_images"]] == [
        image.name for image in result.skipped
    ]


def test_sessions_say_when_it_computed_and_on_what(run: Trainer) -> None:
    run(make_net(), snapshot_every=3, listener=Recorder(stop_after=5))
    result = run(make_net(), resume=True)
    first, second = json.loads((result.folder / "sessions.json").read_text())
    assert (first["from"], first["to"], second["from"], second["to"]) == (0, 5, 5, TOTAL)
    assert datetime.fromisoformat(first["begun"]) <= datetime.fromisoformat(second["begun"])
    assert first["seconds"] >= 0
    machine = second["machine"]
    assert machine["device"] == "cpu, 1 thread"
    assert machine["netspec"] == netspec.__version__
    assert machine["torch"] == torch.__version__
    assert machine["processor"]
    assert int(machine["cores"]) >= 1


def test_a_run_that_goes_on_has_no_report_of_its_end(run: Trainer) -> None:
    run(make_net(), iterations=3)

    class Looker(Recorder):
        def updated(self, progress: Progress) -> None:
            seen.append((result_folder / "report.json").exists())

    seen: list[bool] = []
    result_folder = run(make_net(), resume=True).folder
    assert (result_folder / "report.json").exists()
    run(make_net(), resume=True, iterations=TOTAL + 2, listener=Looker())
    assert seen
    assert not any(seen)


@pytest.mark.parametrize("measures", [True, False])
def test_a_class_without_an_image_that_can_be_read_ends_a_run(
    photos: Path, tmp_path: Path, measures: bool
) -> None:
    """Before it begins, where all images are read before; else after the first epoch."""
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    for path in (folder / "train" / "red").iterdir():
        path.write_bytes(b"junk")
    text = NET if measures else NET.replace("subtract mean; lighting 0.1; ", "")
    text = text.format(more="", solver=SGD, schedule="fixed", views=1)
    net = netspec.load(SourceFile("tiny.net", text)).net
    says = r"not one of the 10 training images of the class red can be read; train/red/0\.png is no"
    with pytest.raises(TrainingError, match=says) as caught:
        train(net, data=folder, out=tmp_path / "run", device="cpu", epochs=2)
    assert caught.value.cause == "usage"
    assert (tmp_path / "run").exists() != measures


def test_the_built_in_sample_stands_in_and_the_plan_says_so(tmp_path: Path) -> None:
    listener = Recorder()
    text = """
    net small(classes = 3) { input 1x28x28; avgpool 4x4, stride=4; fc classes }
    train { data mnist { scale 1 / 255 }; batch 200; loss softmax; adam; stop after=1 iteration }
    """
    net = netspec.load(SourceFile("small.net", text)).net
    train(net, out=tmp_path / "run", device="cpu", eval_images=10, listener=listener)
    assert listener.plan is not None
    assert "mnist is not here" in listener.plan.data.notice
    assert len(listener.plan.data.classes) == 10


def test_a_batch_is_computed_in_parts_where_the_device_has_no_room(run: Trainer) -> None:
    net = make_net(more="droppath 0.2")
    whole = run(net, out="whole")
    listener = Recorder()
    parts = run(net, out="parts", device_batch=3, listener=listener)
    mine, theirs = (load_file(result.folder / "last.safetensors") for result in (whole, parts))
    for name, tensor in mine.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-5, atol=1e-6)
    line = "each in 3 parts of at most 3 images, whose gradients are added up"
    assert line in (parts.folder / "plan.txt").read_text()
    assert listener.plan is not None
    assert listener.plan.recipe.test_batch == 3


def test_parts_are_too_small_for_batch_normalization_of_vectors(run: Trainer) -> None:
    net = make_net(more="avgpool global; batchnorm")
    says = "holds 6 images, of which one of 6 parts has one .*too few for batchnorm `batchnorm_1`"
    with pytest.raises(TrainingError, match=says) as caught:
        run(net, device_batch=1)
    assert caught.value.cause == "usage"
    result = run(net, device_batch=4, iterations=1)
    assert (
        "batchnorm normalises by the figures of a part" in (result.folder / "plan.txt").read_text()
    )


def test_counts_are_at_least_one(run: Trainer) -> None:
    for name in ("device_batch", "snapshot_every", "keep"):
        with pytest.raises(TrainingError, match=f"{name} is at least 1, not 0"):
            run(make_net(), **{name: 0})
