"""A run that is killed, at any moment, and goes on: bit for bit the run that was not.

The runs are processes of `netspec train`, forked from one that has imported PyTorch already, so
that each begins at once. Killed they are by SIGKILL: after a time drawn at random, or at a chosen
call that changes a file; or, in the middle of a file, by the kernel's own limit on the size of
files, which ends the process between two bytes.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from netspec_torch.run_folder import RunFolder
from netspec_torch.tensor_file import read_texts

NET = """
net tiny(classes = 3) {
  input 3x8x8
  conv1: conv 64, 3x3
  relu; dropout 0.2
  fc2:   fc 24
  relu
  fc3:   fc classes
}
train {
  data colours { resize 10; crop 8; mirror; subtract mean; lighting 0.1; scale 1 / 64 }
  batch 8
  loss softmax
  sgd rate=0.02, momentum=0.9, velocity=step
  stop after=15 epochs
}
"""
SMALLEST, LARGEST = 240_000, 460_000
"""Bytes that no file of a run has but a snapshot after the first update, which has more."""
LAUNCHER = """
import json, os, resource, signal, sys
import torch._dynamo, torch._prims_common.wrappers, torch._refs
import netspec.cli.training, netspec_torch.training
from netspec.cli.app import main

def kill_at(call):
    def watch(event, arguments):
        nonlocal call
        changes = event in ("os.rename", "os.remove", "os.mkdir") or (
            event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wa"))
        if changes and "run" in str(arguments[0]):
            call -= 1
            if call == 0:
                os.kill(os.getpid(), 9)
    sys.addaudithook(watch)

for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        sys.stdin.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        if order["limit"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], order["limit"]))
        if order["call"]:
            kill_at(order["call"])
        sys.argv = ["netspec", "train", "tiny.net", *order["arguments"]]
        main()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Launcher:
    """Starts runs, one at a time."""

    def __init__(self, photos: Path, folder: Path) -> None:
        self.folder = folder
        self.options = ["--data", str(photos), "--device", "cpu", "--snapshot-every", "3"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER],
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def start(self, *arguments: str, limit: int = 0, call: int = 0) -> int:
        """Begin a run, or go on with it; gives its process."""
        order = {"arguments": [*self.options, *arguments], "limit": limit, "call": call}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def wait(self) -> int:
        """The exit code of the run; below 0 the signal that ended it."""
        return self._read()

    def run(self, *arguments: str, limit: int = 0, call: int = 0) -> int:
        self.start(*arguments, limit=limit, call=call)
        return self.wait()

    def _read(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def launcher(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    folder = tmp_path_factory.mktemp("killed")
    (folder / "tiny.net").write_text(NET)
    launcher = Launcher(photos, folder)
    yield launcher
    launcher.close()


def go_on(launcher: Launcher, *arguments: str, limit: int = 0, call: int = 0) -> int:
    """Go on with a run, and begin it where it was ended before there was any."""
    code = launcher.run(*arguments, "--resume", limit=limit, call=call)
    if code == 2:
        assert not RunFolder(launcher.folder / arguments[1]).list_snapshots()
        code = launcher.run(*arguments, limit=limit, call=call)
    return code


def describe_run(folder: Path) -> dict[str, Any]:
    """All of a run that must be the same, its tensors as bytes."""
    tensors = [folder / "last.safetensors", folder / "best.safetensors"]
    snapshots = RunFolder(folder).list_snapshots()
    tensors += [RunFolder(folder).snapshot(update) for update in snapshots]
    names = ("metrics.jsonl", "curves.svg", "report.json", "recipe.json", "split.json", "spec.net")
    return {
        **{path.name: read_bits(path) for path in tensors},
        **{name: (folder / name).read_text() for name in names},
        "snapshots": snapshots,
        "left": sorted(path.name for path in folder.rglob("*.part")),
    }


def read_bits(path: Path) -> dict[str, Any]:
    tensors = load_file(path)
    return {
        "about": {k: v for k, v in read_texts(path).items() if k != "sha256"},
        **{
            name: (t.shape, t.reshape(-1).view(torch.uint8).numpy().tobytes())
            for name, t in tensors.items()
        },
    }


def kill_at_random(launcher: Launcher, arguments: Sequence[str], chance: random.Random) -> None:
    """Kill a run that goes on, once it has gone on for a while."""
    metrics = launcher.folder / arguments[1] / "metrics.jsonl"
    size = metrics.stat().st_size if metrics.exists() else 0
    wanted = size + chance.randrange(1_500)
    pause = chance.random() * 0.02
    process = launcher.start(*arguments, "--resume")
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size > wanted):
        if time.monotonic() > deadline or not is_running(process):
            break
        time.sleep(0.001)
    time.sleep(pause)
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    assert launcher.wait() in (0, -signal.SIGKILL)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def straight(launcher: Launcher) -> dict[str, Any]:
    assert launcher.run("--out", "run-straight") == 0
    return describe_run(launcher.folder / "run-straight")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 9))]
)
def test_a_run_that_is_killed_goes_on_bit_for_bit(
    launcher: Launcher, straight: dict[str, Any], seed: int
) -> None:
    chance = random.Random(seed)
    arguments = ("--out", f"run-{seed}")
    folder = RunFolder(launcher.folder / arguments[1])
    for _ in range(1 + seed % 4):
        code = go_on(launcher, *arguments, limit=chance.randrange(SMALLEST, LARGEST))
        assert code == -signal.SIGXFSZ
        (cut,) = folder.snapshots.glob("*.part")
        assert SMALLEST <= cut.stat().st_size < LARGEST
        kill_at_random(launcher, arguments, chance)
    assert go_on(launcher, *arguments) == 0
    ended = describe_run(folder.path)
    for name, content in straight.items():
        assert ended[name] == content, name


@pytest.mark.slow
def test_a_run_may_be_killed_at_any_change_of_a_file(launcher: Launcher) -> None:
    """One epoch and its test, killed at the first call that changes a file, at the second, …"""
    short = ("--iterations", "5")
    assert launcher.run("--out", "run-short", *short) == 0
    straight = describe_run(launcher.folder / "run-short")
    call = 0
    while True:
        call += 1
        arguments = ("--out", f"run-call-{call}", *short)
        code = launcher.run(*arguments, call=call)
        assert go_on(launcher, *arguments) == 0
        ended = describe_run(launcher.folder / arguments[1])
        for name, content in straight.items():
            assert ended[name] == content, (call, name)
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert call > 40


@pytest.mark.slow
def test_going_back_may_be_killed_at_any_change_of_a_file(launcher: Launcher) -> None:
    """A run that goes on from an earlier snapshot has to forget what came after it first."""
    short = ("--iterations", "9")
    assert launcher.run("--out", "run-kept", *short, "--keep", "9") == 0
    whole = launcher.folder / "run-kept"
    straight = describe_run(whole)
    for call in range(1, 26):
        name = f"run-back-{call}"
        shutil.copytree(whole, launcher.folder / name)
        back = ("--out", name, "--resume", "--from", "3")
        assert launcher.run(*back, call=call) == -signal.SIGKILL
        assert launcher.run("--out", name, "--resume") == 0
        ended = describe_run(launcher.folder / name)
        for name, content in straight.items():
            assert ended[name] == content, (call, name)
