"""`netspec predict`: what it prints where, and its exit codes."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

import netspec
import netspec_torch
from netspec.source import SourceFile
from tests.cli.in_process import Command
from tests.cli.process import run
from tests.netspec_torch.data.pictures import write_picture
from tests.netspec_torch.small_runs import draw_photos

NET = """
net tiny(classes = 3) { input 3x8x8; fc classes }
train {
  data colours { resize 10; crop 8; subtract 100; scale 1 / 64 }
  batch 8
  loss softmax
  sgd rate=0.05, momentum=0.9
  stop after=9 iterations
}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and pictures in it."""
    folder = tmp_path_factory.mktemp("trained")
    draw_photos(folder / "photos")
    net = netspec.load(SourceFile("net.net", NET)).net
    result = netspec_torch.train(
        net, data=folder / "photos", out=folder / "runs" / "tiny", device="cpu"
    )
    weights = result.module.state_dict()
    torch.save(weights, folder / "theirs.pth")
    torch.save({name.replace("fc_1", "1"): weights[name] for name in weights}, folder / "seq.pth")
    (folder / "fc.map").write_text("1 fc_1\n")
    (folder / "net.net").write_text(NET)
    (folder / "bad.net").write_text(NET.replace("fc classes", "fc clases"))
    (folder / "mean.net").write_text(NET.replace("subtract 100", "subtract mean"))
    shutil.copy(folder / "photos" / "val" / "red" / "0.png", folder / "red.png")
    write_picture(folder / "some" / "b.png")
    write_picture(folder / "some" / "deep" / "a.jpg")
    (folder / "broken.png").write_bytes(b"none")
    (folder / "nothing").mkdir()
    return folder


@pytest.fixture
def command(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(trained)
    return Command(monkeypatch, capsys)


RUN = ("--weights", "runs/tiny")


def test_the_best_classes_with_bars(command: Command) -> None:
    code, out, err = command("predict", "red.png", *RUN)
    assert (code, err) == (0, "")
    name, first, *others = out.splitlines()
    assert name == "red.png"
    assert first.split()[0] == "red"
    assert first.split()[2].strip("#") == ""
    assert {line.split()[0] for line in others} == {"green", "blue"}


def test_pictures_folders_and_what_fails(command: Command) -> None:
    code, out, err = command(
        "predict", "broken.png", "some", "gone.png", "nothing", "red.png", *RUN
    )
    assert code == 2
    pictures = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert pictures == ["some/b.png", "some/deep/a.jpg", "red.png"]
    assert err.splitlines() == [
        "error: gone.png: there is no such file",
        "error: broken.png: is no image of a known format",
        "error: nothing: holds no image files",
    ]


def test_a_broken_picture_alone(command: Command) -> None:
    code, out, err = command("predict", "broken.png", *RUN)
    assert (code, out) == (1, "")
    assert err == "error: broken.png: is no image of a known format\n"


def test_for_machines(command: Command) -> None:
    code, out, err = command("predict", "red.png", "broken.png", *RUN, "--format", "json")
    assert (code, err) == (1, "")
    good, broken = json.loads(out)["predictions"]
    assert good["picture"] == "red.png"
    assert [each["name"] for each in good["classes"]][0:1] == ["red"]
    assert sum(each["probability"] for each in good["classes"]) == pytest.approx(1)
    assert broken == {"picture": "broken.png", "failure": "is no image of a known format"}


def test_a_picture_on_standard_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Path("red.png").read_bytes()
    expected = command("predict", "red.png", *RUN).out.splitlines()[1:]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, _ = command("predict", "-", *RUN)
    assert (code, out.splitlines()) == (0, ["-", *expected])


def test_weights_from_elsewhere(command: Command) -> None:
    code, out, err = command("predict", "red.png", "--weights", "theirs.pth", "--net", "net.net")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[0] == "2"


def test_a_match_that_is_not_by_name_is_told(command: Command) -> None:
    arguments = ("predict", "red.png", "--weights", "seq.pth", "--net", "net.net")
    code, out, err = command(*arguments)
    assert code == 0
    assert err.splitlines() == ["seq.pth: 2 tensors by order, theirs then ours:", "1  fc_1"]
    assert command(*arguments, "--map", "fc.map").out == out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["red.png"], 2, "--weights"),
        (RUN, 2, "PICTURE"),
        (["-", "-", *RUN], 2, "can be read once"),
        (["red.png", *RUN, "--views", "3"], 2, "1 view or 10"),
        (["red.png", *RUN, "--set", "classes=3"], 2, "the weights have the net"),
        (["red.png", *RUN, "--device", "toaster"], 2, "no device `toaster`"),
        (["red.png", *RUN, "--format", "plain", "--color", "always"], 2, "no colours"),
        (["red.png", *RUN, "--map", "fc.map"], 2, "--net is missing"),
        (["red.png", "--weights", "gone"], 2, "it is not there"),
        (["red.png", "--weights", "theirs.pth"], 2, "is no trained net"),
        (["red.png", "--weights", "theirs.pth", "--net", "gone.net"], 2, "no such file"),
        (["red.png", "--weights", "theirs.pth", "--net", "bad.net"], 1, ""),
        (["red.png", "--weights", "theirs.pth", "--net", "mean.net"], 2, "does not have it"),
        (
            ["red.png", "--weights", "theirs.pth", "--net", "net.net", "--set", "classes=4"],
            1,
            "is for 3 classes, and `tiny` ends in 4",
        ),
    ],
)
def test_exit_codes(command: Command, arguments: list[str], code: int, says: str) -> None:
    ended, out, err = command("predict", *arguments)
    assert ended == code, err
    assert says in err
    if not says:
        assert "error[NS" in out


def test_a_screen_without_our_signs(trained: Path) -> None:
    """Latin-1 has no bars, and names come as they can."""
    result = run(
        "predict",
        "red.png",
        *RUN,
        "--color",
        "always",
        folder=trained,
        COLUMNS="40",
        PYTHONUTF8="0",
        PYTHONIOENCODING="latin-1",
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "##" in result.stdout
