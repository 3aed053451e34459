"""What is known of runs after them: their records, and one more test of their weights."""

import json
import shutil
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import netspec
from netspec.recipe.run import TrainingError
from netspec.recipe.run_facts import RunFacts
from netspec.source import SourceFile
from netspec_torch import inspect_runs, predict, train_seeds, train_sweep
from tests.netspec_torch.small_runs import (
    NET,
    SGD,
    TOTAL,
    Recorder,
    Trainer,
    make_net,
    read_metrics,
)

CLASSES = ("blue", "green", "red")


def inspect(folder: Path, **options: Any) -> RunFacts:
    (facts,) = inspect_runs(folder, device="cpu", **options).runs
    return facts


def test_the_records_of_a_run(run: Trainer) -> None:
    result = run(make_net(), iterations=10, snapshot_every=4)
    facts = inspect(result.folder)
    assert (facts.net, facts.parameters) == ("tiny", {"classes": "3"})
    assert list(facts.texts.values()) == [make_net().span.source.text]
    assert facts.metrics == read_metrics(result)
    assert (facts.updates, facts.planned, facts.updates_per_epoch) == (10, 10, 4)
    assert (facts.ended, facts.reason) == ("done", "")
    assert (facts.final, facts.final_views) == (result.final, None)
    assert (facts.best, facts.best_update) == (result.best, result.best_update)
    assert facts.chance == result.chance
    assert (facts.data["train"], facts.data["held_out"], facts.data["classes"]) == (
        30,
        12,
        list(CLASSES),
    )
    (session,) = facts.sessions
    assert (session.start, session.end) == (0, 10)
    assert session.machine["device"] == "cpu, 1 thread"
    assert facts.options["stop"] == {"number": 10, "unit": "iterations"}
    assert facts.recipe["batch"] == 8
    assert facts.missing == {}


def test_the_confusion_is_what_predicting_each_image_gives(run: Trainer, photos: Path) -> None:
    result = run(make_net())
    answers = inspect(result.folder).answers
    assert answers is not None
    assert answers.class_names == CLASSES
    pictures = sorted((photos / "val").rglob("*.png"))
    predictions = predict(pictures, result.folder / "last.safetensors", device="cpu")
    counted = Counter(
        (CLASSES.index(path.parent.name), prediction.classes[0].number)
        for path, prediction in zip(pictures, predictions, strict=True)
    )
    assert answers.confusion == counted
    assert answers.count_images() == {0: 4, 1: 4, 2: 4}
    assert answers.figures == result.final
    right = sum(count for (label, answer), count in counted.items() if label == answer)
    assert answers.figures.top1 == right / 12


def test_samples_are_spread_and_mistakes_are_the_surest(run: Trainer, photos: Path) -> None:
    result = run(make_net(), iterations=2)
    answers = inspect(result.folder).answers
    assert answers is not None
    assert [sample.name for sample in answers.samples] == [
        f"{CLASSES[n // 4]}/{n % 4}.png" for n in (0, 1, 3, 4, 6, 7, 9, 10)
    ]
    for sample in (*answers.samples, *answers.mistakes):
        (prediction,) = predict(photos / "val" / sample.name, result.folder / "last.safetensors")
        assert [each.name for each in sample.classes] == [e.name for e in prediction.classes]
        assert [each.probability for each in sample.classes] == pytest.approx(
            [each.probability for each in prediction.classes]
        )
        assert sample.truth.name == Path(sample.name).parent.name
        assert sample.truth in sample.classes
        pixels = np.asarray(Image.open(BytesIO(sample.picture.png)))
        assert (pixels == np.asarray(Image.open(photos / "val" / sample.name))).all()
    wrong = [sample.classes[0].probability for sample in answers.mistakes]
    assert wrong == sorted(wrong, reverse=True)
    assert all(sample.classes[0].name != sample.truth.name for sample in answers.mistakes)
    assert len(wrong) == min(8, 12 - round(12 * answers.figures.top1))


def test_a_part_of_the_images_and_none(run: Trainer) -> None:
    result = run(make_net(), iterations=2)
    some = inspect(result.folder, eval_images=5).answers
    assert some is not None
    assert some.figures.images == 5
    none = inspect(result.folder, eval_images=0)
    assert none.answers is None
    assert "--eval-images 0" in none.missing["answers"]
    assert none.kernels is not None


def test_an_image_that_cannot_be_read_is_left_out(
    run: Trainer, photos: Path, tmp_path: Path
) -> None:
    mine = shutil.copytree(photos, tmp_path / "mine")
    result = run(make_net(), data=mine, iterations=2)
    (mine / "val" / "blue" / "1.png").write_bytes(b"")
    answers = inspect(result.folder).answers
    assert answers is not None
    assert answers.figures.images == 11
    assert [sample.name for sample in answers.samples][:2] == ["blue/0.png", "blue/2.png"]


def test_a_run_that_was_stopped(run: Trainer) -> None:
    result = run(make_net(), listener=Recorder(stop_after=6))
    facts = inspect(result.folder)
    assert (facts.ended, facts.reason, facts.updates, facts.planned) == (
        "interrupted",
        "SIGINT",
        6,
        TOTAL,
    )
    assert facts.final is None
    assert facts.answers is not None
    assert facts.answers.update == 6


def test_a_run_that_was_killed(run: Trainer) -> None:
    result = run(make_net(), snapshot_every=5)
    (result.folder / "report.json").unlink()
    facts = inspect(result.folder)
    assert (facts.ended, facts.updates, facts.planned) == ("unknown", TOTAL, TOTAL)
    assert (facts.best, facts.best_update) == (result.best, result.best_update)


def test_a_run_that_diverged(run: Trainer, tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        run(make_net("sgd rate=1e15", more="fc 9; fc 9"))
    facts = inspect(tmp_path / "run")
    assert (facts.ended, facts.updates) == ("failed", 1)
    assert facts.reason.startswith("the run diverged")


def test_without_weights_the_records_are_left(run: Trainer) -> None:
    result = run(make_net(), iterations=4)
    (result.folder / "last.safetensors").write_bytes(b"cut")
    best = inspect(result.folder)
    assert best.answers is not None
    assert best.answers.weights.endswith("best.safetensors")
    (result.folder / "best.safetensors").unlink()
    facts = inspect(result.folder)
    assert (facts.answers, facts.kernels) == (None, None)
    assert "last.safetensors is no trained net" in facts.missing["answers"]
    assert list(facts.texts.values()) == [make_net().span.source.text]
    shutil.rmtree(result.folder / "snapshots")
    assert inspect(result.folder).texts == {"spec.net": make_net().span.source.text}


def test_data_that_are_gone(run: Trainer, photos: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(photos, tmp_path / "here")
    result = run(make_net(), data=moved, iterations=2)
    moved.rename(tmp_path / "there")
    facts = inspect(result.folder)
    assert facts.answers is None
    assert "here" in facts.missing["answers"]
    assert inspect(result.folder, data=tmp_path / "there").answers is not None


def test_data_that_have_changed_are_told(run: Trainer, photos: Path, tmp_path: Path) -> None:
    mine = shutil.copytree(photos, tmp_path / "mine")
    result = run(make_net(), data=mine, iterations=2)
    (mine / "val" / "blue" / "1.png").unlink()
    answers = inspect(result.folder).answers
    assert answers is not None
    assert "not those of the training any more" in answers.notes[0]


def test_several_seeds_and_their_mean(photos: Path, tmp_path: Path) -> None:
    result = train_seeds(
        make_net(), 2, data=photos, device="cpu", iterations=2, out=tmp_path / "pair"
    )
    found = inspect_runs(tmp_path / "pair", device="cpu")
    assert [facts.folder for facts in found.runs] == [str(folder) for folder in result.folders]
    assert found.ensembles == (result.report,)
    twice = inspect_runs([tmp_path / "pair", tmp_path / "pair" / "seed-0"], device="cpu")
    assert len(twice.runs) == 2


def test_a_sweep_stands_for_all_its_runs(photos: Path, tmp_path: Path) -> None:
    text = NET.format(solver=SGD, schedule="fixed", more="", views=1)
    text = text.replace("classes = 10", "width = 6, classes = 10").replace("conv 6", "conv width")
    source = SourceFile("tiny.net", text)
    nets = [netspec.load(source, settings={"width": width}).net for width in (4, 8)]
    out = tmp_path / "sweep"
    train_sweep(nets, 2, data=photos, device="cpu", iterations=2, out=out)
    found = inspect_runs(out, device="cpu", eval_images=0).runs
    assert [Path(facts.folder).relative_to(out).as_posix() for facts in found] == [
        f"width={width}/seed-{seed}" for width in (4, 8) for seed in (0, 1)
    ]
    assert [facts.parameters["width"] for facts in found] == ["4", "4", "8", "8"]


def test_what_is_no_run_is_refused(run: Trainer, tmp_path: Path) -> None:
    for word, says in (
        (tmp_path / "gone", "there is no such folder"),
        (tmp_path, "there is no recipe.json in it"),
    ):
        with pytest.raises(TrainingError, match=says) as caught:
            inspect_runs(word)
        assert caught.value.cause == "usage"
    result = run(make_net(), iterations=1)
    with pytest.raises(TrainingError, match="it is a file, and not a folder"):
        inspect_runs(result.folder / "last.safetensors")
    with pytest.raises(TrainingError, match="cannot have -1 images"):
        inspect_runs(result.folder, eval_images=-1)
    with pytest.raises(TrainingError, match="no run to report on"):
        inspect_runs([])
    (result.folder / "recipe.json").write_text(json.dumps({"net": "tiny"}))
    with pytest.raises(TrainingError, match=r"its recipe\.json cannot be read"):
        inspect_runs(result.folder)


def test_what_is_damaged_is_left_out(run: Trainer) -> None:
    result = run(make_net(), iterations=4)
    for name in ("split.json", "sessions.json", "report.json"):
        (result.folder / name).write_text("{")
    (result.folder / "plan.txt").unlink()
    with (result.folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "tr')
    facts = inspect(result.folder)
    assert (facts.sessions, facts.plan, facts.ended) == ((), "", "unknown")
    assert facts.data == {"train": None, "held_out": None}
    assert facts.metrics == read_metrics_but_last(result.folder)


def read_metrics_but_last(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()[:-1]
    return [json.loads(line) for line in lines]
