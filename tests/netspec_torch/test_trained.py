"""A trained net as a file: what a use of it needs is in it and is read back."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import netspec
from netspec.diagnostics import CompileError
from netspec.recipe.run import TrainingError
from netspec.source import SourceFile
from netspec_torch import TrainedNet, TrainingResult, read_trained
from netspec_torch.run_folder import RunFolder
from netspec_torch.storage import write_tensors
from netspec_torch.tensor_file import read_texts
from tests.netspec_torch.small_runs import NET, SGD, Trainer, make_net


def predict(trained: TrainedNet, photos: Path) -> float:
    """The share of the held-out photos that are told right."""
    hits = [
        trained.class_names[int(trained.module(trained.prepare(path.read_bytes())).argmax())]
        == path.parent.name
        for path in sorted((photos / "val").rglob("*.png"))
    ]
    return sum(hits) / len(hits)


def test_a_trained_net_is_read_back(run: Trainer, photos: Path) -> None:
    result = run(make_net(solver="sgd rate=0.01"))
    trained = read_trained(result.folder / "last.safetensors")
    assert trained.net.name == "tiny"
    assert trained.net.graph.num_params == result.net.graph.num_params
    assert trained.class_names == ("blue", "green", "red")
    assert trained.images.data == photos.name
    assert trained.shape == (3, 8, 8)
    assert [transform.kind for transform in trained.transforms] == [
        "resize",
        "crop",
        "subtract",
        "scale",
    ]
    assert trained.update == result.updates
    assert trained.figures == result.final
    assert not trained.module.training
    assert result.final is not None
    assert 0.34 < result.final.top1 < 1
    assert predict(trained, photos) == pytest.approx(result.final.top1)


def test_a_net_made_from_another_is_read_back(run: Trainer) -> None:
    """What it filled in is no parameter of its own."""
    text = NET.format(solver=SGD, schedule="fixed", more="", views=1)
    text = text.replace("tiny(classes = 10)", "any(width, classes = 10)").replace(
        "conv 6", "conv width"
    )
    net = netspec.load(SourceFile("tiny.net", f"{text}net wide = any(width=9)\n")).net
    result = run(net, iterations=2)
    assert json.loads((result.folder / "recipe.json").read_text())["parameters"] == {"classes": "3"}
    trained = read_trained(result.folder / "last.safetensors")
    assert trained.net.graph["conv1"].shape.channels == 9
    assert trained.figures == result.final


def test_it_computes_what_the_run_computed(run: Trainer, photos: Path) -> None:
    result = run(make_net(more="side: head weight=0.3 { fc classes }"))
    trained = read_trained(str(result.folder / "best.safetensors"))
    images = torch.cat(
        [trained.prepare(path.read_bytes()) for path in sorted((photos / "val").rglob("*.png"))]
    )
    assert trained.update == result.best_update == result.updates
    assert torch.equal(trained.module(images), result.module.eval()(images))


def test_reading_leaves_torchs_random_state_alone(run: Trainer) -> None:
    path = run(make_net(), iterations=1).folder / "last.safetensors"
    before = torch.get_rng_state()
    read_trained(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_ten_views_of_an_image(run: Trainer, photos: Path) -> None:
    trained = read_trained(run(make_net(), iterations=1).folder / "last.safetensors")
    image = next((photos / "val").rglob("*.png")).read_bytes()
    assert trained.prepare(image, views=10).shape == (10, 3, 8, 8)


def test_used_files_may_be_gone(run: Trainer, tmp_path: Path) -> None:
    text = make_net().span.source.text
    used = tmp_path / "blocks" / "last.net"
    used.parent.mkdir()
    used.write_text("block ending(n) { fc n }\n")
    path = tmp_path / "tiny.net"
    path.write_text(
        'use "blocks/last.net"\n' + text.replace("fc2:   fc classes", "fc2: ending classes")
    )
    (tmp_path / "netspec.toml").touch()
    result = run(netspec.load(path).net, iterations=1)
    used.unlink()
    path.unlink()
    trained = read_trained(result.folder / "last.safetensors")
    assert trained.net.graph["fc2.fc_1"].shape == (3, 1, 1)
    assert list(trained.net.texts) == ["tiny.net", "blocks/last.net"]


MADE = """
net tiny(classes = 3, width = 4) { input 3x8x8; fc width; fc classes }
net small = tiny(width=2)
train(rate = 0.01, size = 10) {
  data colours { resize size; crop 8 }
  batch 8
  loss softmax
  sgd rate=rate
  stop after=1 epoch
}
"""


def test_nets_made_from_others_and_recipes_with_other_values_are_read_back(run: Trainer) -> None:
    source = SourceFile("made.net", MADE)
    net = netspec.load(source, net="small", settings={"size": 9, "rate": "1 / 30"}).net
    trained = read_trained(run(net).folder / "last.safetensors")
    assert trained.net.graph["fc_1"].shape.channels == 2
    assert trained.transforms[0].side == 9  # type: ignore[attr-defined]
    assert trained.net.parameters == net.parameters


def test_what_a_stranger_reads(run: Trainer) -> None:
    """Without netspec: plain texts, and the measurements as tensors that are no weights."""
    path = run(make_net()).folder / "last.safetensors"
    about = read_texts(path)
    tensors = load_file(path)
    mean = tensors["statistics/mean_image"]
    assert json.loads(about["classes"]) == ["blue", "green", "red"]
    assert json.loads(about["parameters"]) == {"classes": "3"}
    assert about["file"] == "tiny.net"
    read = json.loads(about["input"])
    assert read["shape"] == [3, 8, 8]
    assert read["channels"] == ["red", "green", "blue"]
    assert read["pixels"] == [0, 255]
    assert read["mean"] == pytest.approx(mean.mean((1, 2)).tolist())
    assert min(read["std"]) > 10
    assert json.loads(about["test"]) == [
        {"kind": "resize", "side": 10},
        {"kind": "crop", "size": "8x8"},
        {"kind": "subtract", "value": "mean"},
        {"kind": "scale", "factor": 1 / 64},
    ]


def test_what_only_training_measures_is_left_out(run: Trainer, photos: Path) -> None:
    text = make_net().span.source.text.replace("subtract mean; ", "")
    net = netspec.load(SourceFile("tiny.net", text)).net
    path = run(net, iterations=1).folder / "last.safetensors"
    assert not any(name.startswith("statistics/") for name in load_file(path))
    trained = read_trained(path)
    assert trained.images.statistics is None
    image = next((photos / "val").rglob("*.png")).read_bytes()
    assert trained.prepare(image).shape == (1, 3, 8, 8)


@pytest.fixture
def result(run: Trainer) -> TrainingResult:
    return run(make_net(SGD), iterations=1)


def test_other_files_are_refused(result: TrainingResult, tmp_path: Path) -> None:
    path = result.folder / "last.safetensors"
    cases: list[tuple[Path, str]] = [
        (tmp_path / "none.safetensors", "it is not there"),
        (RunFolder(result.folder).snapshot(1), "it is the snapshot of a run"),
        (result.folder / "recipe.json", "no safetensors file"),
    ]
    write_tensors(tmp_path / "plain", {"x": torch.zeros(1)}, {"format": "pt"})
    cases += [(tmp_path / "plain", "it has tensors, and no net that they belong to")]
    (tmp_path / "half").write_bytes(path.read_bytes()[:-9])
    cases += [(tmp_path / "half", "it is cut off")]
    for other, reason in cases:
        with pytest.raises(TrainingError, match=f"{other.name} is no trained net: .*{reason}"):
            read_trained(other)


def test_a_spec_that_does_not_hold_any_more_is_told(result: TrainingResult, tmp_path: Path) -> None:
    path = result.folder / "last.safetensors"
    about: dict[str, Any] = read_texts(path)
    about["spec"] = about["spec"].replace("conv 6", "convolution 6")
    write_tensors(tmp_path / "old", load_file(path), about)
    with pytest.raises(CompileError) as caught:
        read_trained(tmp_path / "old")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["NS101"]
