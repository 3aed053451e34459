"""`netspec sweep`: what it prints where, and its exit codes. What a sweep does is tested in
`test_sweeps.py`.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netspec.cli.sweep import split_values
from tests.cli.in_process import Command
from tests.netspec_torch.test_train_command import environment, read_all

NET = """
net tiny(classes = 10, activation = relu, width = 4, factor = 1) {
  input 1x28x28
  avgpool 4x4, stride=4
  fc width
  activate activation
  multiply factor; multiply factor; multiply factor
  fc classes
}
train {
  data clothes { scale 1 / 255 }
  batch 400
  loss softmax
  sgd rate=0.1
  stop after=3 iterations
}
"""
TEXTS = {
    "net": NET,
    "bad": NET.replace("fc classes", "fc clases"),
    "warns": NET.replace("fc width", "fc width; relu"),
    "endless": NET.replace("3 iterations", "1M iterations"),
    "several": NET.replace("train {", "net other { input 1x28x28; fc 10 }\ntrain {"),
}
QUICK = ("--seeds", "1", "--iterations", "1", "--eval-images", "50")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie, and the folder in which commands run."""
    monkeypatch.chdir(tmp_path)
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.net").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("relu,tanh", ["relu", "tanh"]),
        ("0.1, 0.2 ,1 / 3", ["0.1", "0.2", "1 / 3"]),
        ("[3, 4],[2,[1,2]]", ["[3, 4]", "[2,[1,2]]"]),
        ("max(1, 2),normal(0.1)", ["max(1, 2)", "normal(0.1)"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ("relu", ["relu"]),
        ("relu,", ["relu", ""]),
        ("),a", [")", "a"]),
    ],
)
def test_values_stand_between_commas(text: str, values: list[str]) -> None:
    assert split_values(text) == values


def test_a_sweep_shows_one_plan_and_a_table(folder: Path, command: Command) -> None:
    code, out, err = command(
        "sweep", "net.net", "--set", "activation=relu,tanh", "--seeds", "2", "--eval-images", "50"
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "4 runs: activation relu, tanh; 2 seeds each"
    assert [line for line in lines if ", run " in line] == [
        "activation=relu, seed 0, run 1 of 4",
        "activation=tanh, seed 0, run 2 of 4",
        "activation=relu, seed 1, run 3 of 4",
        "activation=tanh, seed 1, run 4 of 4",
    ]
    assert sum(line.startswith("note: the data set clothes is not here") for line in lines) == 1
    assert sum(line.startswith("solver ") for line in lines) == 1
    assert not any(line.startswith("test after update") for line in lines)
    told = [line for line in lines if re.match(r"accuracy 0\.\d{3}, training error never", line)]
    assert len(told) == 4
    heading, relu, tanh, last = lines[-4:]
    assert heading.split()[:2] == ["activation", "accuracy"]
    assert (relu.split()[0], tanh.split()[0]) == ("relu", "tanh")
    assert last == f"written to {Path('runs/tiny-sweep')}"
    table = (folder / "runs" / "tiny-sweep" / "summary.txt").read_text().splitlines()
    assert table == lines[-len(table) - 1 : -1]


def test_every_value_is_trained_with_every_other(folder: Path, command: Command) -> None:
    choices = ("--set", "activation=relu,tanh", "--set", "width=4,5", "--set", "factor=2")
    code, out, _ = command("sweep", "net.net", "-q", *choices, *QUICK)
    assert code == 0
    summary = json.loads((folder / "runs" / "tiny-sweep" / "summary.json").read_text())
    assert summary["parameters"] == ["activation", "width"]
    assert [tuple(values["settings"].values()) for values in summary["values"]] == [
        ("relu", "4"),
        ("relu", "5"),
        ("tanh", "4"),
        ("tanh", "5"),
    ]
    for values in summary["values"]:
        recipe = json.loads((Path(values["runs"][0]["folder"]) / "recipe.json").read_text())
        assert recipe["parameters"] == {**values["settings"], "classes": "10", "factor": "2"}
    assert "4 runs: activation relu, tanh; width 4, 5; factor 2; 1 seed each" in out


def test_what_is_done_is_told_again(command: Command) -> None:
    arguments = ("sweep", "net.net", "--set", "width=4,5", *QUICK, "-q")
    code, first, _ = command(*arguments)
    assert code == 0
    code, again, _ = command(*arguments, "--resume", "--until-error", "0.95")
    assert code == 0
    assert first.splitlines()[-3].split()[:3] == again.splitlines()[-3].split()[:3]
    assert "error 0.95" in again


def test_a_run_that_diverged_is_told_in_the_exit_code(command: Command) -> None:
    code, out, err = command("sweep", "net.net", "-q", "--set", "factor=1,1e15", *QUICK)
    assert (code, err) == (3, "")
    assert "the run diverged: the loss of update 1" in out
    assert re.search(r"^1 +0\.\d{3} ", out, re.MULTILINE)
    assert re.search(r"^1e15 +never", out, re.MULTILINE)


def test_a_warning_is_shown_with_its_values(command: Command) -> None:
    code, out, _ = command("sweep", "warns.net", "-q", "--set", "width=4,5", *QUICK)
    assert code == 0
    assert out.count("warning[NS504]") == 1
    assert "with width" not in out


def test_a_mistake_of_some_values_is_shown_once_with_these(folder: Path, command: Command) -> None:
    choices = ("--set", "activation=relu,rellu", "--set", "width=4,5,0")
    code, out, _ = command("sweep", "net.net", *choices)
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith(("with ", "error"))] == [
        "with activation=relu, width=0 and 1 other choice:",
        "error[NS109]: `channels` of fc must be at least 1, not 0",
        "with activation=rellu, width=4 and 2 other choices:",
        *(line for line in out.splitlines() if line.startswith("error[NS109]: `word`")),
    ]
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["net.net"], 2, "--set"),
        (["net.net", "--set", "width=4"], 2, "one parameter needs two of them"),
        (["net.net", "--set", "width"], 2, "is not NAME=VALUE"),
        (["net.net", "--set", "width=4,4"], 2, "width has the value 4 twice"),
        (["net.net", "--set", "width=4,5,"], 2, "width has an empty value"),
        (["net.net", "--set", "width=4,5", "--set", "width=6"], 2, "width is given twice"),
        (["net.net", "--set", "width=4,4.0"], 2, "width=4 and width=4.0 are the same net"),
        (["net.net", "--set", "with=4,5"], 1, ""),
        (["net.net", "--set", "width=4,five"], 1, ""),
        (["bad.net", "--set", "width=4,5"], 1, ""),
        (["several.net", "--set", "width=4,5"], 2, "pick one: several.net:tiny"),
        (["gone.net", "--set", "width=4,5"], 2, "gone.net: there is no such file"),
        ([".", "--set", "width=4,5"], 2, "a sweep is of one"),
        (["net.net", "--set", "classes=10,11"], 2, "with classes=11: `tiny` ends in 11 numbers"),
        (["net.net", "--set", "width=4,5", "--seeds", "0"], 2, "--seeds"),
        (["net.net", "--set", "width=4,5", "--until-error", "1"], 2, "--until-error"),
        (["net.net", "--set", "width=4,5", "--views", "3"], 2, "1 view or 10"),
        (["net.net", "--set", "width=4,5", "--views", "10"], 1, "with width=4: `views` 10"),
        (["net.net", "--set", "width=4,5", "--epochs", "1", "--iterations", "1"], 2, "one of the"),
        (["net.net", "--set", "width=4,5", "--data", "nowhere"], 2, "no folder or file nowhere"),
        (["net.net", "--set", "width=4,5", "--device", "toaster"], 2, "no device `toaster`"),
        (["net.net", "--set", "width=4,5", "--force"], 2, "--force"),
        (["net.net", "--set", "width=4,5", "--resume"], 2, "no sweep of `tiny-sweep`"),
        (["net.net", "--set", "width=4,5", "--out", "net.net"], 2, "net.net is a file"),
        (["net.net", "--set", "width=4,5", "--map", "a.map"], 2, "which is missing"),
        (["net.net", "--set", "width=4,5", "--format", "plain", "--color", "always"], 2, "colours"),
    ],
)
def test_mistakes_are_told_before_any_training(
    folder: Path, command: Command, arguments: list[str], code: int, says: str
) -> None:
    ended, out, err = command("sweep", *arguments)
    assert ended == code, err
    assert says in err
    if not says:
        assert out.count("error[NS") == 1
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_stopped_sweep_tells_what_is_done_and_goes_on(
    folder: Path, command: Command, number: signal.Signals, code: int
) -> None:
    arguments = ("endless.net", "--set", "width=4,5", "--seeds", "1", "--iterations", "300")
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "sweep", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    first, second = (folder / "runs" / "tiny-sweep" / f"width={n}" / "seed-0" for n in (4, 5))
    deadline = time.monotonic() + 120
    while not ((second / "metrics.jsonl").exists() and (second / "metrics.jsonl").stat().st_size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (code, "")
    assert "1 of 2 runs still to be done" in out
    assert f"stopped by {number.name}; --resume goes on" in out
    before = (first / "last.safetensors").read_bytes()
    done = json.loads((second / "report.json").read_text())["updates"]
    assert 0 < done < 300
    code, out, err = command("sweep", *arguments, "--resume")
    assert (code, err) == (0, "")
    assert f"goes on after update {done:,}" in out
    assert (first / "last.safetensors").read_bytes() == before


def test_on_a_terminal_there_are_bars_of_runs_and_updates(folder: Path) -> None:
    screen, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "sweep", "net.net", "--set", "width=4,5", *QUICK],
        env=environment(TERM="xterm", COLUMNS="100"),
        stdout=side,
        stderr=side,
    )
    os.close(side)
    shown = read_all(screen).decode()
    assert process.wait(timeout=120) == 0
    assert re.search(r"runs .* 1/2", shown)
    assert re.search(r"width=5, seed 0, run 2 of 2", shown)
    assert "written to" in shown
