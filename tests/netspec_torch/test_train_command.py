"""`netspec train`: what it prints where, and its exit codes. What a run does is tested in
`test_training.py`.
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
import torch

from netspec.cli.app import main

NET = """
net tiny(classes = 3, slope = 1) {
  input 1x28x28
  avgpool 4x4, stride=4
  fc classes * slope
}
train {
  data clothes { scale 1 / 255 }
  batch 400
  loss softmax
  sgd rate=0.1
  stop after=2 epochs
}
"""
TEXTS = {
    "net": NET,
    "bad": NET.replace("fc classes * slope", "fc clases"),
    "misfit": NET.replace("{ scale 1 / 255 }", "{ crop 24 }"),
    "endless": NET.replace("2 epochs", "1M iterations"),
    "diverging": NET.replace("rate=0.1", "rate=1e15").replace("  fc", "  fc 9; fc 9; fc"),
    "pattern": NET.replace("classes = 3", "classes"),
    "several": NET.replace("train {", "net other { input 1x28x28; fc 10 }\ntrain {"),
}
SAVED: dict[str, object] = {
    "fc": {"1.weight": torch.zeros(10, 49), "1.bias": torch.zeros(10)},
    "other": {"1.weight": torch.zeros(10, 48), "1.bias": torch.zeros(10)},
    "code": {"state_dict": {}, "args": Path()},
}
"""Files of weights."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files lie, and the folder in which commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # Workers of pytest-xdist have it.
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.net").write_text(text, encoding="utf-8")
    for name, saved in SAVED.items():
        torch.save(saved, tmp_path / f"{name}.pth")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "fc.map").write_text("x fc_1\n", encoding="utf-8")
    return tmp_path


class Command:
    """`netspec train` in this process, so that torch is imported once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, standard output and standard error."""
        self.monkeypatch.setattr(sys, "argv", ["netspec", "train", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, shown.out, shown.err


@pytest.fixture
def command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(monkeypatch, capsys)


def test_a_run_shows_its_plan_and_figures(folder: Path, command: Command) -> None:
    code, out, err = command("net.net", "--eval-images", "100")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("note: the data set clothes is not here")
    headings = [line.split()[0] for line in lines if line]
    for heading in ("net", "data", "updates", "solver", "rate", "test", "device", "run"):
        assert heading in headings
    assert sum(line.startswith("test after update") for line in lines) == 2
    assert re.fullmatch(
        r"accuracy 0\.\d{3} on 2,000 held-out images, centre view \(chance 0\.100\); "
        r"top 5 [01]\.\d{3}, loss \d\.\d{3}",
        lines[-2],
    )
    assert lines[-1] == f"written to {Path('runs/tiny')}"
    assert (folder / "runs" / "tiny" / "last.safetensors").exists()


def test_quiet_leaves_what_must_be_said(command: Command) -> None:
    code, out, _ = command("net.net", "-q", "--iterations", "1")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("note: ")
    assert not any(line.startswith(("solver", "update", "test")) for line in lines)
    assert lines[-1].startswith("written to")


def test_several_seeds_end_with_a_table(folder: Path, command: Command) -> None:
    options = ("net.net", "--seeds", "2", "--eval-images", "50", "-q")
    code, out, err = command(*options, "--iterations", "1", "--seed", "3")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("seed ")] == [
        "seed 3, run 1 of 2",
        "seed 4, run 2 of 2",
    ]
    places = [str(Path("runs/tiny") / f"seed-{n}" / "last.safetensors") for n in (3, 4)]
    assert [line.split("  ")[0] for line in lines[-4:-1]] == [*places, "mean of 2"]
    assert lines[-1] == f"written to {Path('runs/tiny')}"
    code, out, _ = command(*options, "--resume")
    assert code == 0
    assert f"{Path('runs/tiny/seed-3')} is done" in out
    assert out.splitlines()[-5:] == lines[-5:]


def test_the_sizes_of_layers_are_logged_on_request(folder: Path, command: Command) -> None:
    assert command("net.net", "-q", "--iterations", "2", "--watch-layers")[0] == 0
    lines = (folder / "runs" / "tiny" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["train", "layers"] * 2 + ["test"]


def test_weights_from_elsewhere_are_told_with_the_plan(command: Command) -> None:
    code, out, err = command("net.net", "--weights", "fc.pth", "--iterations", "1")
    assert (code, err) == (0, "")
    assert "weights  fc.pth: 2 tensors by order, theirs then ours:\n         1  fc_1\n" in out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["gone.net"], 2, "gone.net: there is no such file"),
        (["."], 2, "a training has one"),
        (["pattern.net"], 2, "error: `tiny` has no value for classes"),
        (["several.net"], 2, "pick one: several.net:tiny"),
        (["net.net:gone"], 1, ""),
        (["bad.net"], 1, ""),
        (["misfit.net"], 1, ""),
        (["net.net", "--views", "5"], 2, "1 view or 10"),
        (["net.net", "--views", "10"], 1, "needs a `crop`"),
        (["net.net", "--epochs", "1", "--iterations", "1"], 2, "one of the two"),
        (["net.net", "--iterations", "0"], 2, "nothing to do"),
        (["net.net", "--eval-images", "0"], 2, "--eval-images"),
        (["net.net", "--device", "toaster"], 2, "no device `toaster`"),
        (["net.net", "--data", "nowhere"], 2, "there is no folder or file nowhere"),
        (
            ["net.net", "--precision", "fp16"],
            2,
            "'--precision': 'fp16' is not one of 'float32', 'bf16'.",
        ),
        (["net.net", "--epochs", "x"], 2, "'--epochs': 'x' is no number"),
        (["net.net", "--iterations", "1.5"], 2, "'--iterations': '1.5' is no whole number"),
        (["net.net", "--set", "classes"], 2, "--set"),
        (["net.net", "--set", "classes=4"], 2, "leave out --set classes"),
        (["net.net", "--set", "slope=2"], 1, "last layer `classes` channels"),
        (["net.net", "--resume"], 2, "no run of `tiny`"),
        (["net.net", "--from", "3"], 2, "--from, --force"),
        (["net.net", "--force"], 2, "--from, --force"),
        (["net.net", "--keep", "0"], 2, "--keep"),
        (["net.net", "--device-batch", "0"], 2, "--device-batch"),
        (["net.net", "--snapshot-every", "0"], 2, "--snapshot-every"),
        (["net.net", "--out", "net.net"], 2, "net.net is a file"),
        (["net.net", "--format", "plain", "--color", "always"], 2, "no colours"),
        (
            ["net.net", "--weights", "gone.pth"],
            2,
            "no weights can be read from gone.pth: it is not",
        ),
        (["net.net", "--weights", "."], 2, "it is a folder"),
        (["net.net", "--weights", "empty.pth"], 2, "it is empty"),
        (["net.net", "--weights", "net.net"], 2, "neither a safetensors file nor one that"),
        (["net.net", "--weights", "code.pth"], 2, "which is more than tensors"),
        (["net.net", "--weights", "other.pth"], 1, "where `fc_1.weight` (net.net:5:3) is 10x49"),
        (["net.net", "--weights", "fc.pth", "--map", "gone.map"], 2, "gone.map cannot be read"),
        (
            ["net.net", "--weights", "fc.pth", "--map", "net.net"],
            1,
            "7 lines that are not two words\n  net.net:2 has 8 words",
        ),
        (["net.net", "--weights", "fc.pth", "--map", "fc.map"], 1, "fc.map:1 names `x`"),
        (["net.net", "--weights", "fc.pth", "--fresh-last"], 1, "no weight of the net would come"),
        (["net.net", "--weights", "fc.pth", "--resume"], 2, "has its weights already"),
        (["net.net", "--map", "fc.map"], 2, "which is missing"),
        (["net.net", "--fresh-last"], 2, "which is missing"),
        (["diverging.net"], 3, "the run diverged"),
        (["diverging.net"], 3, "\n  it starts in `fc_"),
        (["net.net", "--seeds", "0"], 2, "'--seeds': it is at least 1, not 0"),
        (["net.net", "--seeds", "2", "--resume"], 2, "no training of `tiny` with several seeds"),
        (["net.net", "--seeds", "2", "--resume", "--from", "3"], 2, "its latest snapshot"),
        ([], 2, "FILE"),
    ],
)
def test_exit_codes(command: Command, arguments: list[str], code: int, says: str) -> None:
    ended, out, err = command(*arguments)
    assert ended == code, err
    assert says in err
    if not says:
        assert "error[NS" in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_ends_a_run_and_leaves_the_snapshot_before(
    folder: Path, command: Command
) -> None:
    snapshots = folder / "run" / "snapshots"
    snapshots.mkdir(parents=True)
    (snapshots / "update-20.safetensors.part").symlink_to("/dev/full")
    arguments = ("net.net", "--out", "run", "--eval-images", "100")
    code, _, err = command(*arguments)
    assert code == 3
    path = Path("run/snapshots/update-20.safetensors")
    assert err.splitlines()[0] == f"error: {path} cannot be written: the disk is full"
    assert "--resume goes on" in err
    assert [path.name for path in snapshots.iterdir()] == ["update-0.safetensors"]
    code, out, err = command(*arguments, "--resume")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "written to run"


def test_what_has_changed_is_shown_and_forced(folder: Path, command: Command) -> None:
    assert command("net.net", "--iterations", "3", "-q")[0] == 0
    (folder / "net.net").write_text(NET.replace("rate=0.1", "rate=0.2"), encoding="utf-8")
    code, _, err = command("net.net", "--resume", "--iterations", "4")
    assert code == 2
    assert err.splitlines() == [
        "error: runs/tiny cannot go on as it was: this has changed since",
        "  net.net:11",
        "    - sgd rate=0.1",
        "    + sgd rate=0.2",
        "  = help: --force goes on by what is there now; without --resume a new run begins",
    ]
    code, out, err = command("net.net", "--resume", "--iterations", "4", "--force")
    assert (code, err) == (0, "")
    assert "goes on after update 3" in out
    assert "--force: goes on by what has changed:" in out
    assert "+ sgd rate=0.2" in out


def environment(**changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return kept | {"PYTHONUTF8": "1"} | changes


def test_without_torch_it_says_what_to_install(folder: Path) -> None:
    package = folder / "without_torch" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ModuleNotFoundError(name='torch')")
    path = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-m", "netspec", "train", "net.net"],
        env=environment(PYTHONPATH=path),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 4
    assert "needs torch, which is not installed" in result.stderr
    assert 'pip install "netspec-compiler[torch]"' in result.stderr


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A process with a long run, once it has done its first update."""
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "train", "endless.net", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    metrics = folder / "runs" / "tiny" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def read_updates(folder: Path) -> int:
    """The updates that the report of a run has."""
    report = json.loads((folder / "runs" / "tiny" / "report.json").read_text())
    return int(report["updates"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_a_snapshot_and_goes_on(
    folder: Path, command: Command, number: signal.Signals, code: int
) -> None:
    process = start(folder, "--iterations", "1000")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (code, "")
    assert f"stopped by {number.name} after" in out
    done = read_updates(folder)
    code, out, err = command("endless.net", "--resume", "--iterations", str(done + 1))
    assert (code, err) == (0, "")
    assert f"goes on after update {done:,}" in out


def test_a_run_outlives_its_reader(folder: Path) -> None:
    with start(folder, "--iterations", "30") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(timeout=120) == 0
        assert process.stderr.read() == ""
    assert read_updates(folder) == 30


def test_on_a_terminal_there_is_a_bar(folder: Path) -> None:
    screen, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "train", "endless.net", "--iterations", "60"],
        env=environment(TERM="xterm", COLUMNS="100"),
        stdout=side,
        stderr=side,
    )
    os.close(side)
    shown = read_all(screen).decode()
    assert process.wait(timeout=120) == 0
    assert re.search(r"train.* \d+/60 .*loss", shown)
    assert "written to" in shown
    assert "\x1b[?25h" in shown  # the cursor is shown again


def read_all(screen: int) -> bytes:
    """What is written to a terminal until its other side is closed."""
    shown = bytearray()
    with os.fdopen(screen, "rb", buffering=0) as file:
        while True:
            try:
                part = file.read(65536)
            except OSError:  # Linux's way to say that the other side is closed.
                return bytes(shown)
            if not part:
                return bytes(shown)
            shown += part
