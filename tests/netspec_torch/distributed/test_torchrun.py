"""`netspec train` as torchrun starts it: what is printed, and what becomes of a run when one of its
processes dies.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from netspec_torch.run_folder import RunFolder
from tests.netspec_torch.distributed.test_training import check_state, write_net

SECONDS_TO_END = 20
"""Torchrun's own end among them, on a machine that does other things too."""


def write_spec(folder: Path, **arguments: object) -> Path:
    path = folder / "small.net"
    path.write_text(write_net(**arguments), encoding="utf-8")  # type: ignore[arg-type]
    return path


def has_trained(folder: Path) -> bool:
    """Whether a run has a snapshot after an update."""
    return any(RunFolder(folder).list_snapshots())


def write_command(
    size: int,
    command: str,
    *arguments: object,
    torchrun: Sequence[str] = (),
    device: str = "cpu",
    program: Sequence[str] = ("-m", "netspec"),
) -> list[str]:
    """The processes' command."""
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={size}", *torchrun]
    given = [*program, command, *map(str, arguments), "--device", device]
    return [sys.executable, *(start if size > 1 else []), *given]


def run(
    *arguments: object, size: int = 2, command: str = "train", device: str = "cpu"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        write_command(size, command, *arguments, device=device),
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("device", "tolerance"),
    # A GPU's convolutions round to 10 bits unless they are told not to.
    [("cpu", 1e-5), pytest.param("cuda", 1e-2, marks=pytest.mark.gpu)],
)
def test_two_processes_write_what_one_does(
    photos: Path, tmp_path: Path, device: str, tolerance: float
) -> None:
    if device == "cuda" and torch.cuda.device_count() < 2:
        pytest.skip("one GPU is too few for two processes")
    spec = write_spec(tmp_path, gpus=2)
    for size, name in ((1, "one"), (2, "two")):
        out = tmp_path / name
        arguments = (spec, "--data", photos, "--out", out, "--iterations", 4)
        done = run(*arguments, size=size, device=device)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("written to") == 1
        assert ("2 processes, each with a column of the net" in done.stdout) == (size == 2)
    one, two = (load_file(tmp_path / name / "last.safetensors") for name in ("one", "two"))
    check_state(two, one, tolerance)


@pytest.mark.slow
def test_processes_that_do_not_go_into_the_columns_are_refused(
    photos: Path, tmp_path: Path
) -> None:
    done = run(write_spec(tmp_path, gpus=2), "--data", photos, size=3)
    message = "error: 3 processes cannot hold `small`, which has `gpus 2`"
    assert done.stderr.count(message) == 1
    assert "process 0 failed" not in done.stderr


class Training:
    """A run that would take long, on two processes."""

    def __init__(
        self,
        spec: Path,
        photos: Path,
        out: Path,
        *torchrun: str,
        program: Sequence[str] = ("-m", "netspec"),
    ) -> None:
        arguments = (spec, "--data", photos, "--out", out)
        self.out = out
        self.log = out.with_suffix(".log")
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                write_command(2, "train", *arguments, torchrun=torchrun, program=program),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def wait_for(self, condition: Callable[[], bool]) -> None:
        for _ in range(600):
            if condition():
                return
            assert self.process.poll() is None, self.read()
            time.sleep(0.1)
        raise AssertionError(self.read())

    def read(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def find_worker(self, rank: int) -> int:
        """The process of a rank, among torchrun's children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in children.split():
            environment = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
            if f"RANK={rank}" in environment:
                return int(pid)
        raise AssertionError(f"no process of rank {rank}")

    def wait(self) -> float:
        """The seconds until it ended."""
        start = time.monotonic()
        self.process.wait(120)
        return time.monotonic() - start


is_linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


@is_linux
@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_killed_ends_the_run(photos: Path, tmp_path: Path, victim: int) -> None:
    spec = write_spec(tmp_path, gpus=2, stop="100000 epochs")
    training = Training(spec, photos, tmp_path / "run")
    training.wait_for(lambda: has_trained(tmp_path / "run"))
    os.kill(training.find_worker(victim), signal.SIGKILL)
    assert training.wait() < SECONDS_TO_END
    assert training.process.returncode != 0
    assert f"error: process {victim} is gone: " in training.read()
    assert re.search(rf"rank +: {victim} .*\n.*exitcode +: -9", training.read())


@is_linux
@pytest.mark.slow
def test_torchrun_goes_on_from_the_last_snapshot(photos: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, gpus=2, stop="40 epochs")
    training = Training(spec, photos, tmp_path / "run", "--max-restarts=1")
    training.wait_for(lambda: has_trained(tmp_path / "run"))
    os.kill(training.find_worker(1), signal.SIGKILL)
    training.wait()
    assert training.process.returncode == 0, training.read()
    assert "goes on after update" in training.read()
    alone = run(spec, "--data", photos, "--out", tmp_path / "one", size=1)
    assert alone.returncode == 0
    updates = [
        len((tmp_path / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        for name in ("run", "one")
    ]
    assert updates[0] == updates[1]


@is_linux
@pytest.mark.slow
def test_a_signal_to_one_process_ends_all_with_a_snapshot(photos: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, gpus=2, stop="100000 epochs")
    training = Training(spec, photos, tmp_path / "run")
    training.wait_for(lambda: has_trained(tmp_path / "run"))
    os.kill(training.find_worker(1), signal.SIGINT)
    training.wait()
    assert "stopped by SIGINT after" in training.read()
    assert "is gone" not in training.read()


DIES_AT_FIRST = """
import os, sys
from netspec.cli.app import main
from netspec_torch.records import Records

if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and os.environ["RANK"] == "1":
    Records.begin = lambda *arguments: os._exit(7)
main()
"""
"""A program that is netspec, but that its second process dies before the first snapshot."""


@pytest.mark.slow
@pytest.mark.parametrize("out", ["", "elsewhere"])
def test_torchrun_does_not_go_on_with_an_older_run(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    """Neither where the run is numbered, nor where its folder is named."""
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path, stop="2 iterations")
    older = run(spec, "--data", photos, size=1)
    assert "written to runs/small" in older.stdout
    (tmp_path / "dies.py").write_text(DIES_AT_FIRST, encoding="utf-8")
    named = ("--out", out) if out else ()
    done = subprocess.run(
        write_command(
            2, "train", spec, "--data", photos, *named,
            torchrun=["--max-restarts=1"], program=["dies.py"],
        ),
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"written to {out or 'runs/small-2'}" in done.stdout
    assert "goes on after" not in done.stdout


@pytest.mark.slow
def test_torchrun_does_not_go_on_in_a_folder_that_it_was_refused(
    photos: Path, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path, stop="2 iterations")
    arguments = (spec, "--data", photos, "--out", tmp_path / "run")
    assert run(*arguments, size=1).returncode == 0
    done = subprocess.run(
        write_command(2, "train", *arguments, torchrun=["--max-restarts=1"]),
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert done.returncode != 0
    assert done.stderr.count(f"error: {tmp_path / 'run'} is there already") == 2
