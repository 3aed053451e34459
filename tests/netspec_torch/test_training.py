"""Whole runs of small nets on small pictures: what they write, that they learn, stop and go on."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

import netspec
from netspec.compiler.program import CheckedNet
from netspec.recipe.plan import Plan
from netspec.recipe.run import Figures, Listener, Progress, TrainingError
from netspec.source import SourceFile
from netspec_torch import TrainingResult, build, train
from netspec_torch.snapshot import read_snapshot, write_snapshot

NET = """
net tiny(classes = 10) {{
  input 3x8x8
  conv1: conv 6, 3x3, stride=2
         relu
         dropout 0.2
  {more}
  fc2:   fc classes
}}
train {{
  data colours {{ resize 10; crop 8; mirror; subtract mean; lighting 0.1; scale 1 / 64 }}
  batch 8
  loss softmax
  {solver}
  schedule {schedule}
  stop after=3 epochs
}}
test {{ views {views} }}
"""
SGD = "sgd rate=0.05, momentum=0.9, decay=1e-3, velocity=step"
UPDATES_PER_EPOCH = 4
TOTAL = 3 * UPDATES_PER_EPOCH


def make_net(
    solver: str = SGD, schedule: str = "fixed", more: str = "", views: int = 1, **settings: Any
) -> CheckedNet:
    text = NET.format(solver=solver, schedule=schedule, more=more, views=views)
    return netspec.load(SourceFile("tiny.net", text), settings=settings).net


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 pictures to train on and 12 held out, each mostly of its class's colour."""
    root = tmp_path_factory.mktemp("photos")
    generator = torch.Generator().manual_seed(0)
    for split, count in (("train", 10), ("val", 4)):
        for place, colour in enumerate(("red", "green", "blue")):
            folder = root / split / colour
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = torch.randint(0, 120, (12, 14, 3), generator=generator)
                pixels[:, :, place] += 100
                Image.fromarray(pixels.byte().numpy()).save(folder / f"{number}.png")
    return root


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Recorder(Listener):
    """Keeps what it hears, and may send a signal after an update or in a test."""

    def __init__(self, stop_after: int = 0, stop_in_test: int = 0) -> None:
        self.plan: Plan | None = None
        self.progress: list[Progress] = []
        self.tests: list[tuple[int, Figures, bool]] = []
        self.drops: list[tuple[int, float]] = []
        self._stop_after = stop_after
        self._stop_in_test = stop_in_test

    def planned(self, plan: Plan) -> None:
        self.plan = plan

    def updated(self, progress: Progress) -> None:
        self.progress.append(progress)
        if progress.update == self._stop_after:
            signal.raise_signal(signal.SIGINT)

    def testing(self, done: int, total: int) -> None:
        if self._stop_in_test == 1 and done < total:
            signal.raise_signal(signal.SIGINT)
        if done >= total:
            self._stop_in_test -= 1

    def tested(self, update: int, figures: Figures, is_best: bool) -> None:
        self.tests.append((update, figures, is_best))

    def dropped(self, update: int, rate: float) -> None:
        self.drops.append((update, rate))


Trainer = Callable[..., TrainingResult]


@pytest.fixture
def run(photos: Path, tmp_path: Path) -> Trainer:
    """Train on the photos, into a folder of the given name."""

    def train_here(net: CheckedNet, out: str = "run", **options: Any) -> TrainingResult:
        return train(net, data=photos, device="cpu", out=tmp_path / out, **options)

    return train_here


def read_metrics(result: TrainingResult) -> list[dict[str, Any]]:
    lines = (result.folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def assert_same_run(one: TrainingResult, other: TrainingResult) -> None:
    """Weights bit for bit, what the solver remembers, and every line of the metrics."""
    for name in ("last.safetensors", "best.safetensors"):
        mine, theirs = load_file(one.folder / name), load_file(other.folder / name)
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine), name
    mine_solver, their_solver = (
        read_snapshot(result.folder / "snapshot.safetensors").solver for result in (one, other)
    )
    assert all(torch.equal(mine_solver[key], their_solver[key]) for key in mine_solver)
    assert read_metrics(one) == read_metrics(other)
    assert (one.final, one.best, one.best_update) == (other.final, other.best, other.best_update)


def test_a_run_learns_and_writes_its_folder(run: Trainer) -> None:
    listener = Recorder()
    result = run(make_net(), listener=listener)
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "best.safetensors",
        "curves.svg",
        "last.safetensors",
        "metrics.jsonl",
        "plan.txt",
        "recipe.json",
        "report.json",
        "snapshot.safetensors",
        "spec.net",
        "split.json",
        "statistics.safetensors",
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
    written = {p.name: p.read_text() for p in result.folder.iterdir() if p.suffix != ".safetensors"}
    assert written["spec.net"] == make_net().span.source.text
    recipe = json.loads(written["recipe.json"])
    assert recipe["parameters"] == {"classes": "3"}
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
    module.load_state_dict(load_file(path))
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


@pytest.mark.parametrize("stop_after", [1, 4, 6, 11])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(run: Trainer, stop_after: int) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_after=stop_after))
    assert (stopped.updates, stopped.interrupted, stopped.final) == (stop_after, "SIGINT", None)
    listener = Recorder()
    resumed = run(make_net(), resume=True, listener=listener)
    assert listener.plan is not None
    assert listener.plan.start == stop_after
    assert_same_run(straight, resumed)


@pytest.mark.parametrize(
    ("solver", "schedule", "more"),
    [
        ("adam", "cosine, warmup=5 iterations", "n: batchnorm"),
        ("lars rate=1, momentum=0.9, trust=0.01, biases=no", "plateau, patience=1 iteration", ""),
        ("rmsprop rate=0.001, momentum=0.5", "poly, power=1", "droppath 0.3"),
    ],
)
def test_every_kind_of_state_survives_a_stop(
    run: Trainer, solver: str, schedule: str, more: str
) -> None:
    net = make_net(solver, schedule, more)
    straight = run(net, out="straight", seed=2)
    for stop_after in (3, 9):
        run(net, resume=stop_after > 3, seed=2, listener=Recorder(stop_after=stop_after))
    assert_same_run(straight, run(net, resume=True))


@pytest.mark.parametrize("stop_in_test", [1, 2])
def test_a_stop_within_a_test_repeats_that_test(run: Trainer, stop_in_test: int) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_in_test=stop_in_test))
    assert stopped.updates == stop_in_test * UPDATES_PER_EPOCH
    assert stopped.interrupted == "SIGINT"
    assert_same_run(straight, run(make_net(), resume=True))


def test_metrics_beyond_the_snapshot_are_written_anew(run: Trainer) -> None:
    straight = run(make_net(), out="straight")
    stopped = run(make_net(), listener=Recorder(stop_after=6))
    with (stopped.folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "update": 7, "loss": 99, "rate": 1}\n{"kind": "te')
    assert_same_run(straight, run(make_net(), resume=True))


def test_a_run_that_came_to_its_end_can_be_given_more(run: Trainer) -> None:
    straight = run(make_net(), out="straight", epochs=5)
    run(make_net())
    assert_same_run(straight, run(make_net(), resume=True, epochs=5))
    again = run(make_net(), resume=True)
    assert again.updates == again.total == 5 * UPDATES_PER_EPOCH


def test_a_run_cannot_go_back(run: Trainer) -> None:
    run(make_net(), iterations=5)
    with pytest.raises(TrainingError, match="has done 5 updates, which are more than 3"):
        run(make_net(), resume=True, iterations=3)


def test_going_on_keeps_the_options_of_the_run(run: Trainer) -> None:
    straight = run(make_net(), out="straight", seed=7, iterations=9, precision="bf16")
    run(
        make_net(),
        seed=7,
        iterations=9,
        precision="bf16",
        listener=Recorder(stop_after=5),
    )
    resumed = run(make_net(), resume=True)
    assert resumed.total == 9
    assert_same_run(straight, resumed)


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


def test_a_run_from_weights_goes_on_without_them(run: Trainer) -> None:
    weights = run(make_net(), out="first", iterations=1).folder / "last.safetensors"
    options: dict[str, Any] = {"weights": weights, "fresh_last": True}
    straight = run(make_net(), out="straight", **options)
    run(make_net(), listener=Recorder(stop_after=5), **options)
    weights.unlink()
    listener = Recorder()
    resumed = run(make_net(), resume=True, listener=listener)
    assert_same_run(straight, resumed)
    assert listener.plan is not None
    assert listener.plan.weights_notes == (f"began as those of {weights}",)
    kept = json.loads((resumed.folder / "recipe.json").read_text())["options"]
    assert (kept["weights"], kept["fresh_last"]) == (str(weights), True)


def test_a_run_of_an_earlier_version_goes_on(run: Trainer) -> None:
    """Its snapshot does not know all options of today."""
    stopped = run(make_net(), listener=Recorder(stop_after=2))
    path = stopped.folder / "snapshot.safetensors"
    snapshot = read_snapshot(path)
    for name in ("weights", "weights_map", "fresh_last"):
        del snapshot.state["options"][name]
    write_snapshot(path, snapshot)
    assert run(make_net(), resume=True).updates == TOTAL


def test_weights_that_do_not_fit_begin_no_run(run: Trainer, tmp_path: Path) -> None:
    weights = run(make_net(), out="first", iterations=1).folder / "last.safetensors"
    net = make_net(more="conv3: conv 6, 3x3")
    with pytest.raises(TrainingError, match=r"does not fit `tiny`: it has no `conv3\.weight`"):
        run(net, weights=weights)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("net", "options", "named"),
    [
        (make_net(solver="sgd rate=0.1"), {}, "recipe: solver"),
        (make_net(more="relu"), {}, "layer relu_2"),
        (make_net(), {"seed": 1}, "seed"),
        (make_net(), {"precision": "bf16"}, "precision"),
    ],
)
def test_another_run_does_not_go_on(
    run: Trainer, net: CheckedNet, options: dict[str, Any], named: str
) -> None:
    run(make_net(), listener=Recorder(stop_after=2))
    with pytest.raises(TrainingError, match=f"not the same as it was is .*{named}") as caught:
        run(net, resume=True, **options)
    assert caught.value.cause == "usage"


def test_other_data_do_not_go_on(run: Trainer, photos: Path, tmp_path: Path) -> None:
    run(make_net(), listener=Recorder(stop_after=2))
    with pytest.raises(TrainingError, match="data"):
        train(make_net(), data=photos / "train", out=tmp_path / "run", device="cpu", resume=True)


def test_a_run_is_not_written_over(run: Trainer) -> None:
    run(make_net(), iterations=1)
    with pytest.raises(TrainingError, match="is there already"):
        run(make_net())


def test_there_must_be_a_run_to_go_on_with(run: Trainer) -> None:
    with pytest.raises(TrainingError, match="it is not there"):
        run(make_net(), resume=True)


def test_a_diverging_run_ends_with_what_to_try(run: Trainer, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the run diverged: after update") as caught:
        run(make_net(solver="sgd rate=1e15"))
    assert caught.value.cause == "run"
    assert "lower rate" in caught.value.help
    assert not (tmp_path / "run" / "snapshot.safetensors").exists()
    for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines():
        assert "NaN" not in line


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
            "holds one image .*`batchnorm_1` has one number a channel",
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
        ({"epochs": 0}, "nothing to do"),
        ({"iterations": -5}, "nothing to do"),
        ({"views": 5}, "1 view or 10"),
        ({"eval_images": 0}, "cannot have 0 images"),
        ({"device": "toaster"}, "no device `toaster`"),
        ({"data": "nowhere"}, "there is no folder nowhere"),
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
    (folder / "val" / "blue" / "0.png").write_bytes(b"")
    result = train(make_net(), data=folder, out=tmp_path / "run", device="cpu", iterations=2)
    assert len(result.skipped) == 2
    assert result.final is not None
    assert result.final.images == 11
    report = json.loads((result.folder / "report.json").read_text())
    assert [image["name"] for image in report["skipped_images"]] == [
        image.name for image in result.skipped
    ]


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
