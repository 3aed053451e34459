"""`netspec pack`: what it prints where, its exit codes, and going on after Ctrl-C and after a kill.
What becomes of images is tested with the backend.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netspec.backend import MissingBackendError
from netspec.cli.watching import Lines
from tests.cli.in_process import Command
from tests.cli.process import environment
from tests.netspec_torch.data.pictures import make_folder

NAMES = [f"{half}/{label}/{i}.png" for half in ("train", "val") for label in "ab" for i in range(4)]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """In a folder with a data set in it, of which one image is broken."""
    make_folder(tmp_path / "set", NAMES, 24, 32)
    (tmp_path / "set" / "train" / "a" / "2.png").write_bytes(b"")
    make_folder(tmp_path / "flat", ["x.png", "y.png"])
    (tmp_path / "val.txt").write_text("x.png a\ny.png b\n")
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsys)


def test_says_what_was_packed_and_what_was_left_out(command: Command) -> None:
    code, out, err = command("pack", "set", "--out", "out", "--side", "16", "--shard", "3")
    assert (code, err) == (0, "")
    first, *lines = out.splitlines()
    assert first == "packed 16/16 images"
    assert lines[0].startswith(
        "packed   7 images to train on, 8 held out, of 2 classes, in 6 shards"
    )
    assert lines[1:] == [
        "left out 1 image that cannot be read",
        "         train/a/2.png is empty",
        "into     out",
    ]
    code, out, _ = command("pack", "set", "--out", "out", "--side", "16", "--shard", "3", "-q")
    assert code == 0
    assert "an earlier packing had done 16 of them" in out


def test_held_out_images_from_elsewhere(command: Command) -> None:
    code, out, err = command(
        *("pack", "set/train", "--val", "flat", "--val-list", "val.txt", "--out", "out")
    )
    assert (code, err) == (0, "")
    assert "7 images to train on, 2 held out" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere", "--out", "out"], 2, "there is no folder or file nowhere"),
        (["set", "--out", "flat"], 2, "flat is there already"),
        (["set", "--val", "flat", "--out", "out"], 2, "has a held-out part of its own"),
        (["set", "--val-list", "val.txt", "--out", "out"], 2, "--val, which is missing"),
        (["fashion_mnist", "--out", "out"], 2, "there is nothing to pack"),
        (["set"], 2, "Missing option '--out'"),
        (["set", "--out", "out", "--quality", "101"], 2, "it is at most 100, not 101"),
        (["set", "--out", "out", "--format", "plain", "--color", "always"], 2, "no colours"),
        (["set", "--out", "val.txt/out"], 3, "val.txt/out cannot be written: Not a directory"),
    ],
)
def test_exit_codes(command: Command, arguments: list[str], code: int, said: str) -> None:
    found, out, err = command("pack", *arguments)
    assert (found, out) == (code, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err


def test_a_missing_backend(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> None:
        raise MissingBackendError(f"no {name}")

    monkeypatch.setattr("netspec.cli.packing.find_backend", find)
    assert command("pack", "set", "--out", "out") == (4, "", "error: no torch\n")


def test_ctrl_c_says_how_to_go_on(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Lines, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lines, "packing", interrupt)
        code, _, err = command("pack", "set", "--out", "out", "--shard", "1", "--threads", "1")
    assert code == 130
    assert "the same command goes on" in err
    assert command("pack", "set", "--out", "out", "--shard", "1").code == 0


def test_a_killed_packing_goes_on(command: Command, tmp_path: Path) -> None:
    arguments = ["pack", "many", "--shard", "3", "--threads", "1", "--side", "64"]
    names = [
        f"{half}/{label}/{i}.png" for half in ("train", "val") for label in "ab" for i in range(60)
    ]
    make_folder(tmp_path / "many", names, 200, 300)
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", *arguments, "--out", "killed"],
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    while not list((tmp_path / "killed").glob("train-*.npz")):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "index.json").exists()
    assert command(*arguments, "--out", "killed").code == 0
    assert command(*arguments, "--out", "whole").code == 0
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("killed", "whole")
    ]
    assert files[0] == files[1]
