"""Sweeps: every value trained with the same seeds, the figures and the picture, and going on."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import torch

import netspec
import netspec_torch
from netspec.backend import SeedOptions
from netspec.compiler.program import CheckedNet
from netspec.recipe.run import Listener, TrainingError
from netspec.source import SourceFile
from netspec_torch import SweepResult, train, train_sweep
from netspec_torch.run_folder import RunFolder
from tests.netspec_torch.data.pictures import make_folder
from tests.netspec_torch.small_runs import Recorder

NET = """
net tiny(classes = 3, activation = relu, factor = 1) {
  input 3x8x8
  conv 4, 3x3, stride=2
  activate activation
  multiply factor; multiply factor; multiply factor
  fc classes
}
train {
  data colours { crop 8; mirror; subtract 100; scale 1 / 64 }
  batch 6
  loss softmax
  sgd rate=0.05, momentum=0.9
  stop after=4 iterations
}
"""
BROKEN = "1e15"
"""A factor whose third power no float32 holds."""


def make_nets(text: str = NET, **choices: list[str]) -> list[CheckedNet]:
    """A net for each value of the one parameter."""
    ((name, values),) = choices.items()
    source = SourceFile("tiny.net", text)
    return [netspec.load(source, settings={name: value}).net for value in values]


ACTIVATIONS = ["relu", "tanh"]


class SweepRecorder(Recorder):
    """Also keeps what is announced and how many runs are done; its signal comes in one run."""

    def __init__(self, stop_in_run: int = 0, stop_after: int = 0) -> None:
        super().__init__()
        self.said: list[str] = []
        self.done: list[tuple[int, int]] = []
        self._at = stop_after
        self._run = stop_in_run

    @property
    def runs(self) -> list[str]:
        return [line for line in self.said if ", run " in line]

    def announce(self, line: str) -> None:
        self.said.append(line)
        if ", run " in line:
            self._run -= 1
            self._stop_after = self._at if self._run == 0 else 0

    def swept(self, done: int, total: int) -> None:
        self.done.append((done, total))


@pytest.fixture
def sweep(photos: Path, tmp_path: Path, one_thread: None) -> Any:
    """Sweep on the photos, for a few updates."""

    def sweep_here(
        nets: list[CheckedNet] | None = None, count: int = 2, out: str = "sweep", **options: Any
    ) -> SweepResult:
        given: dict[str, Any] = {"data": photos, "device": "cpu", **options}
        if given.get("resume"):
            given = options
        nets = nets or make_nets(activation=ACTIVATIONS)
        return train_sweep(nets, count, out=tmp_path / out, **given)

    return sweep_here


def list_weights(result: SweepResult) -> list[bytes]:
    return [(Path(run.folder) / "last.safetensors").read_bytes() for run in result.report.runs]


def test_each_value_is_trained_with_each_seed(sweep: Any, tmp_path: Path) -> None:
    listener = SweepRecorder()
    result = sweep(seed=3, listener=listener)
    assert listener.runs == [
        "activation=relu, seed 3, run 1 of 4",
        "activation=tanh, seed 3, run 2 of 4",
        "activation=relu, seed 4, run 3 of 4",
        "activation=tanh, seed 4, run 4 of 4",
    ]
    assert listener.done == [(n, 4) for n in range(5)]
    folder = tmp_path / "sweep"
    assert (result.folder, result.interrupted) == (folder, "")
    assert sorted(path.name for path in folder.iterdir()) == [
        "activation=relu",
        "activation=tanh",
        "curves.svg",
        "summary.json",
        "summary.txt",
        "sweep.json",
    ]
    assert [run.folder for run in result.report.runs] == [
        str(folder / f"activation={word}" / f"seed-{seed}")
        for word in ACTIVATIONS
        for seed in (3, 4)
    ]
    assert json.loads((folder / "summary.json").read_text()) == json.loads(
        json.dumps(result.report.to_json())
    )
    assert "tanh" in (folder / "summary.txt").read_text()
    assert "<svg" in (folder / "curves.svg").read_text()


def test_a_run_of_a_sweep_is_the_run_of_its_value(sweep: Any, photos: Path, tmp_path: Path) -> None:
    """The same weights bit for bit, and the figures that it reports itself."""
    result = sweep()
    for net, values in zip(make_nets(activation=ACTIVATIONS), result.report.values, strict=True):
        for run in values.runs:
            out = tmp_path / f"alone-{values.label}-{run.seed}"
            alone = train(net, data=photos, device="cpu", seed=run.seed, split_seed=0, out=out)
            weights = netspec_torch.read_trained(Path(run.folder) / "last.safetensors")
            for name, tensor in alone.module.state_dict().items():
                assert torch.equal(weights.module.state_dict()[name], tensor)
            assert run.final == alone.final
            lines = [e for e in RunFolder(out).read_metrics() if e["kind"] == "train"]
            assert len(lines) == run.updates == values.total == 4
            assert run.training_loss == pytest.approx(sum(e["loss"] for e in lines) / 4)
            assert run.training_error == pytest.approx(sum(e["error"] for e in lines) / 4)
            assert run.updates_until is None  # a window of 2,500 images is never full


def test_the_folder_of_a_value_is_an_ensemble(sweep: Any) -> None:
    result = sweep()
    report = netspec_torch.test(result.folder / "activation=tanh")
    tanh = result.report.values[1]
    assert [net.figures[0] for net in report.nets] == [run.final for run in tanh.runs]


def test_all_hold_out_the_same_images(sweep: Any, tmp_path: Path) -> None:
    names = [f"{c}/{i}.png" for c in "abc" for i in range(10)]
    heap = make_folder(tmp_path / "heap", names)
    result = sweep(data=heap, seed=3)
    splits = [json.loads((Path(r.folder) / "split.json").read_text()) for r in result.report.runs]
    assert splits == splits[:1] * 4


def test_the_updates_until_an_error_are_those_of_the_running_mean(sweep: Any) -> None:
    """With a batch that has the images of a window, the mean is the error of each update."""
    text = NET.replace("batch 6", "batch 2500").replace("4 iterations", "20 iterations")
    result = sweep(make_nets(text, activation=ACTIVATIONS), 1, until_error=0.5)
    for values in result.report.values:
        (run,) = values.runs
        metrics = RunFolder(Path(run.folder)).read_metrics()
        lines = [e for e in metrics if e["kind"] == "train"]
        below = [e["update"] for e in lines if e["error"] <= 0.5]
        assert 1 < below[0] == run.updates_until
        assert run.training_error == lines[-1]["error"]


def test_a_run_that_diverges_is_told_and_the_others_go_on(sweep: Any) -> None:
    nets = make_nets(factor=["1", BROKEN, "0.5"])
    listener = SweepRecorder()
    result = sweep(nets, 1, listener=listener)
    assert [run.state for run in result.report.runs] == ["done", "diverged", "done"]
    wild = result.report.runs[1]
    assert wild.reason.startswith("the run diverged: the loss of update 1, at a rate of 0.05, is ")
    assert "it starts in `multiply_" in wild.reason
    assert wild.reason in listener.said
    assert "1e15, seed 0: the run diverged" in (result.folder / "summary.txt").read_text()
    again = SweepRecorder()
    assert sweep(nets, 1, resume=True, listener=again).report == result.report
    assert not again.progress


@pytest.mark.parametrize(("stop_in_run", "stop_after"), [(1, 2), (3, 1), (4, 4)])
def test_it_goes_on_where_it_stopped(sweep: Any, stop_in_run: int, stop_after: int) -> None:
    straight = sweep(out="straight")
    stopped = sweep(listener=SweepRecorder(stop_in_run, stop_after))
    assert stopped.interrupted == "SIGINT"
    states = [run.state for run in stopped.report.runs]
    assert states.count("done") == stop_in_run - 1
    assert states.count("unfinished") == 5 - stop_in_run
    assert json.loads((stopped.folder / "summary.json").read_text())["values"]
    listener = SweepRecorder()
    resumed = sweep(resume=True, listener=listener)
    assert len(listener.progress) <= 4 * (5 - stop_in_run) - stop_after
    assert list_weights(resumed) == list_weights(straight)
    for one, other in zip(straight.report.runs, resumed.report.runs, strict=True):
        assert (one.final, one.training_loss) == (other.final, other.training_loss)


def test_what_is_done_is_not_trained_again(sweep: Any) -> None:
    first = sweep()
    listener = SweepRecorder()
    more = make_nets(activation=[*ACTIVATIONS, "sigmoid"])
    result = sweep(more, 3, resume=True, until_error=0.9, listener=listener)
    assert len(result.report.runs) == 9
    assert len(listener.progress) == 4 * 5
    assert result.report.until_error == 0.9
    before = {run.folder: run for run in first.report.runs}
    after = {run.folder: run for run in result.report.runs}
    assert {folder: after[folder] for folder in before} == before


def test_other_fixed_values_and_more_updates_are_not_done(sweep: Any) -> None:
    sweep()
    listener = SweepRecorder()
    assert len(sweep(resume=True, iterations=6, listener=listener).report.runs) == 4
    assert len(listener.progress) == 4 * 2
    changed = make_nets(NET.replace("factor = 1", "factor = 0.5"), activation=ACTIVATIONS)
    with pytest.raises(TrainingError, match="this has changed since"):
        sweep(changed, resume=True)


def test_without_a_folder_it_is_the_next_in_runs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nets = make_nets(activation=ACTIVATIONS)
    options: dict[str, Any] = {"data": photos, "device": "cpu", "iterations": 1}
    with pytest.raises(TrainingError, match="no sweep of `tiny-sweep` in runs/ to go on with"):
        train_sweep(nets, 1, resume=True)
    assert train_sweep(nets, 1, **options).folder == Path("runs/tiny-sweep")
    assert train_sweep(nets, 1, **options).folder == Path("runs/tiny-sweep-2")
    assert train_sweep(nets, 1, resume=True).folder == Path("runs/tiny-sweep-2")


def test_folders_are_named_as_a_file_system_takes_it(sweep: Any) -> None:
    text = NET.replace("multiply factor; multiply factor; multiply factor", "multiply factor[0]")
    nets = make_nets(text.replace("factor = 1", "factor = [1]"), factor=["[1 / 3]", "[1 * 3]"])
    result = sweep(nets, 1)
    names = [Path(values.folder).name for values in result.report.values]
    assert all(name.startswith("factor=_1_3_-") for name in names)
    assert len(set(names)) == 2


def test_every_net_is_checked_before_the_first_is_trained(sweep: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="with classes=4: `tiny` ends in 4 numbers") as caught:
        sweep(make_nets(classes=["3", "4"]))
    assert caught.value.help.startswith("leave out --set classes=")
    sized = NET.replace("factor = 1)", "factor = 1, side = 8)").replace("3x8x8", "3 x side x side")
    with pytest.raises(TrainingError, match=r"with side=7: `crop` leaves images of 8x8, but"):
        sweep(make_nets(sized, side=["8", "7"]))
    with pytest.raises(TrainingError, match="there is no folder or file nowhere"):
        sweep(data="nowhere")
    assert not (tmp_path / "sweep").exists()


def test_what_cannot_be_swept_is_refused(sweep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrainingError, match="two choices of values or more"):
        sweep(make_nets(activation=["relu"]))
    with pytest.raises(TrainingError, match=r"factor=1\.0 and factor=1 are the same net"):
        sweep(make_nets(factor=["1.0", "2", "1"]))
    with pytest.raises(TrainingError, match="all nets of the sweep have the same values"):
        sweep(make_nets(factor=["1", "1"]))
    other = make_nets(NET.replace("net tiny", "net other"), activation=["tanh"])
    with pytest.raises(TrainingError, match="a sweep is of one net"):
        sweep([*make_nets(activation=["relu"]), *other])
    with pytest.raises(TrainingError, match="0 seeds train nothing"):
        sweep(count=0)
    sweep(count=1)
    with pytest.raises(TrainingError, match="is there already"):
        sweep(count=1)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="several processes"):
        sweep(out="elsewhere")


def test_it_has_the_options_of_several_seeds() -> None:
    own = {"nets", "count", "until_error"}
    seeds = set(inspect.signature(netspec_torch.train_seeds).parameters) - {"net", "count"}
    assert set(inspect.signature(train_sweep).parameters) - own == seeds
    assert SeedOptions.__annotations__.keys().isdisjoint(own)


def test_it_needs_nobody_to_listen(sweep: Any) -> None:
    assert sweep(count=1, listener=Listener()).report.values[0].accuracy is not None
