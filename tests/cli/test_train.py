"""`netspec train` as a process: what it prints where, and its exit codes. What a run does is tested
where it is done, in tests/netspec_torch.
"""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.test_check import environment, run

NET = """
net tiny(classes = 3, slope = 1) {
  input 1x28x28
  avgpool 4x4, stride=4
  fc classes * slope
}
net other(classes) { input 1x28x28; fc classes }
train {
  data clothes { scale 1 / 255 }
  batch 400
  loss softmax
  sgd rate=0.1
  stop after=2 epochs
}
"""
BAD = NET.replace("fc classes * slope", "fc clases")
MISFIT = NET.replace("{ scale 1 / 255 }", "{ crop 24 }")
ENDLESS = NET.replace("2 epochs", "1M iterations")
DIVERGING = NET.replace("rate=0.1", "rate=1e15")
WITHOUT_TORCH = {"PYTHONPATH": "without_torch"}
"""A folder with a package `torch` that cannot be imported."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("NET", "BAD", "MISFIT", "ENDLESS", "DIVERGING"):
        (tmp_path / f"{name.lower()}.net").write_text(globals()[name], encoding="utf-8")
    return tmp_path


def test_a_run_shows_its_plan_and_figures(folder: Path) -> None:
    result = run("train", "net.net:tiny", "--eval-images", "100", folder=folder)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("note: the data set clothes is not here")
    headings = [line.split()[0] for line in lines if line[:1].isalpha()]
    for heading in ("net", "data", "updates", "solver", "rate", "test", "device", "run"):
        assert heading in headings
    assert sum(line.startswith("test after update") for line in lines) == 2
    assert lines[-2].startswith("accuracy 0.")
    assert "2,000 held-out images, centre view (chance 0.100)" in lines[-2]
    assert lines[-1] == f"written to {Path('runs/tiny')}"
    assert result.stderr == ""
    assert (folder / "runs" / "tiny" / "last.safetensors").exists()


def test_quiet_leaves_what_must_be_said(folder: Path) -> None:
    result = run("train", "net.net:tiny", "-q", "--iterations", "1", folder=folder)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("note: ")
    assert not any(line.startswith(("solver", "update", "test")) for line in lines)
    assert lines[-1].startswith("written to")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["gone.net"], 2, "gone.net: there is no such file"),
        (["."], 2, "a training has one"),
        (["net.net"], 2, "error: `other` has no value for classes"),
        (["net.net:gone"], 1, ""),
        (["bad.net:tiny"], 1, ""),
        (["misfit.net:tiny"], 1, ""),
        (["net.net:tiny", "--views", "5"], 2, "1 view or 10"),
        (["net.net:tiny", "--views", "10"], 1, "needs a `crop`"),
        (["net.net:tiny", "--epochs", "1", "--iterations", "1"], 2, "one of the two"),
        (["net.net:tiny", "--iterations", "0"], 2, "nothing to do"),
        (["net.net:tiny", "--eval-images", "0"], 2, "--eval-images"),
        (["net.net:tiny", "--device", "toaster"], 2, "no device `toaster`"),
        (["net.net:tiny", "--data", "nowhere"], 2, "there is no folder nowhere"),
        (["net.net:tiny", "--precision", "float8"], 2, "--precision"),
        (["net.net:tiny", "--set", "classes"], 2, "--set"),
        (["net.net:tiny", "--set", "classes=4"], 2, "leave out --set classes"),
        (["net.net:tiny", "--set", "slope=2"], 1, "last layer `classes` channels"),
        (["net.net:tiny", "--resume"], 2, "no run of `tiny`"),
        (["net.net:tiny", "--out", "net.net"], 2, "is there already"),
        (["net.net:tiny", "--format", "plain", "--color", "always"], 2, "no colours"),
        (["diverging.net:tiny"], 3, "the run diverged"),
        ([], 2, "FILE"),
    ],
)
def test_exit_codes(folder: Path, arguments: list[str], code: int, says: str) -> None:
    result = run("train", *arguments, folder=folder)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    if not says:
        assert "error[NS" in result.stdout


def test_without_torch_it_says_what_to_install(folder: Path) -> None:
    package = folder / "without_torch" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ModuleNotFoundError(name='torch')")
    path = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    result = run("train", "net.net:tiny", folder=folder, PYTHONPATH=path)
    assert result.returncode == 4
    assert "needs torch, which is not installed" in result.stderr
    assert 'pip install "netspec-compiler[torch]"' in result.stderr


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A run that goes on until it is stopped, once it has shown its first update."""
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "train", "endless.net:tiny", *arguments],
        cwd=folder,
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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_a_snapshot_and_goes_on(
    folder: Path, number: signal.Signals, code: int
) -> None:
    process = start(folder)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (code, "")
    assert f"stopped by {number.name} after" in stdout
    report = json.loads((folder / "runs" / "tiny" / "report.json").read_text())
    done = report["updates"]
    again = run(
        "train", "endless.net:tiny", "--resume", "--iterations", str(done + 1), folder=folder
    )
    assert again.returncode == 0, again.stderr
    assert f"goes on after update {done:,}" in again.stdout


def test_on_a_terminal_there_is_a_bar(folder: Path) -> None:
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "train", "net.net:tiny", "--iterations", "3"],
        cwd=folder,
        env=environment(TERM="xterm", COLUMNS="100"),
        stdout=side,
        stderr=subprocess.PIPE,
    )
    os.close(side)
    shown = bytearray()
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not part:
            break
        shown += part
    assert process.wait() == 0
    os.close(main)
    text = shown.decode()
    assert "train" in text
    assert "3/3" in text or "2/3" in text
    assert "written to" in text
    assert "\x1b[?25h" in text  # the cursor is shown again
