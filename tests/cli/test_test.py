"""`netspec test`: what it prints where, and its exit codes."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

import netspec
import netspec_torch
from netspec.source import SourceFile
from tests.cli.in_process import Command

NET = """
net tiny(classes = 10) {
  input 1x28x28
  avgpool 4x4, stride=4
  fc classes
}
train {
  data clothes { scale 1 / 255 }
  batch 400
  loss softmax
  sgd rate=0.1
  stop after=2 iterations
}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs in it, the sample having stood in for their data."""
    folder = tmp_path_factory.mktemp("trained")
    net = netspec.load(SourceFile("net.net", NET)).net
    netspec_torch.train_seeds(net, 2, out=folder / "runs" / "pair", device="cpu")
    theirs = netspec_torch.read_trained(folder / "runs" / "pair" / "seed-0" / "last.safetensors")
    torch.save(theirs.module.state_dict(), folder / "theirs.pth")
    (folder / "net.net").write_text(NET)
    (folder / "bad.net").write_text(NET.replace("fc classes", "fc clases"))
    (folder / "other.net").write_text(NET.replace("avgpool 4x4, stride=4", "avgpool 7x7, stride=7"))
    (folder / "bare.net").write_text(NET.partition("train")[0])
    (folder / "mean.net").write_text(NET.replace("scale 1 / 255", "subtract mean; scale 1 / 255"))
    return folder


@pytest.fixture
def command(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsys)


ROW = r" +1  0\.\d{3}  0\.\d{3}  \d\.\d{3} +\d+\.\d % +\d+\.\d %"


def test_a_run_and_its_seeds(command: Command) -> None:
    code, out, err = command("test", "runs/pair", "--eval-images", "50")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(
        r"fashion_mnist \(built in\): 50 held-out images, 10 classes \(chance 0\.\d{3}\)", lines[0]
    )
    assert " ".join(lines[2].split()) == "weights views top-1 top-5 loss top-1 error top-5 error"
    for line, name in zip(
        lines[3:],
        ("runs/pair/seed-0/last.safetensors", "runs/pair/seed-1/last.safetensors", "mean of 2"),
        strict=True,
    ):
        assert re.fullmatch(rf"{re.escape(name)}{ROW}", line)


def test_the_same_for_machines(command: Command) -> None:
    arguments = ("--weights", "runs/pair/seed-1", "--weights", "runs/pair/seed-0")
    code, out, err = command("test", *arguments, "--eval-images", "50", "--format", "json")
    assert (code, err) == (0, "")
    values = json.loads(out)
    assert (values["format"], values["data"], values["tested"]) == (
        1,
        "fashion_mnist",
        "held-out images",
    )
    assert [net["weights"] for net in values["nets"]] == [
        f"runs/pair/seed-{n}/last.safetensors" for n in (1, 0)
    ]
    assert [net["update"] for net in values["nets"]] == [2, 2]
    for net in (*values["nets"], {"figures": values["ensemble"]}):
        (figures,) = net["figures"]
        assert set(figures) == {"images", "views", "top1", "top5", "loss"}


def test_weights_from_elsewhere(command: Command) -> None:
    code, out, err = command("test", "net.net", "--weights", "theirs.pth", "--eval-images", "50")
    assert (code, err) == (0, "")
    assert out.startswith("note: the data set clothes is not here")
    assert re.search(rf"^theirs\.pth{ROW}$", out, re.MULTILINE)


def test_what_is_measured_is_said(command: Command) -> None:
    code, out, _ = command("test", "mean.net", "--weights", "theirs.pth", "--eval-images", "20")
    assert code == 0
    assert "it is measured on the 8,000 images that fashion_mnist has to train on" in out
    code, out, err = command(
        "test", "mean.net", "--weights", "theirs.pth", "--eval-images", "20", "--format", "json"
    )
    assert code == 0
    assert "measured" in err
    json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "nothing to test without weights"),
        (["net.net"], 2, "nothing to test without weights"),
        (["runs/nothing"], 2, "error: runs/nothing: there is no such file or folder"),
        (["gone.net", "--weights", "theirs.pth"], 2, "gone.net: there is no such file"),
        (["runs", "--weights", "theirs.pth"], 2, "runs holds no trained weights"),
        (["bad.net", "--weights", "theirs.pth"], 1, ""),
        (["net.net:gone", "--weights", "theirs.pth"], 1, ""),
        (["other.net", "--weights", "theirs.pth"], 1, "does not fit `tiny`"),
        (["bare.net", "--weights", "theirs.pth"], 1, "has no recipe"),
        (["net.net", "--weights", "gone.pth"], 2, "no weights can be read from gone.pth"),
        (["--weights", "theirs.pth"], 2, "theirs.pth is no trained net"),
        (["--weights", "gone.safetensors"], 2, "it is not there"),
        (["runs/pair", "--set", "classes=3"], 2, "the weights have the net"),
        (["net.net", "--weights", "theirs.pth", "--set", "classes=3"], 2, "--set classes"),
        (["runs/pair", "--map", "fc.map"], 2, "FILE is missing"),
        (["net.net", "--weights", "theirs.pth", "--map", "gone.map"], 2, "gone.map cannot be read"),
        (["runs/pair", "--views", "5"], 2, "1 view or 10"),
        (["runs/pair", "--views", "10"], 2, "no `crop`"),
        (["runs/pair", "--eval-images", "0"], 2, "--eval-images"),
        (["runs/pair", "--data", "nowhere"], 2, "nowhere"),
        (["runs/pair", "--device", "toaster"], 2, "no device `toaster`"),
        (["runs/pair", "--precision", "float8"], 2, "--precision"),
        (["runs/pair", "--format", "json", "--color", "always"], 2, "no colours"),
    ],
)
def test_exit_codes(command: Command, arguments: list[str], code: int, says: str) -> None:
    ended, out, err = command("test", *arguments)
    assert ended == code, err
    assert says in err
    if not says:
        assert "error[NS" in out


def test_ctrl_c(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(netspec_torch, "test", interrupt)
    code, _, err = command("test", "runs/pair")
    assert (code, err) == (130, "error: stopped\n")
