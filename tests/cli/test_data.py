"""`netspec data`: what it prints where, and its exit codes."""

import json
from pathlib import Path

import pytest

from netspec.cli.watching import Watch
from tests.cli.in_process import Command
from tests.netspec_torch.data.pictures import make_folder

NAMES = [f"{label}/{i}.png" for label in "ab" for i in range(10)]
NET = """
net tiny(classes = 3) { input 3x8x8; fc classes }
train {
  data x { resize 8 }
  batch 5
  loss softmax
  sgd rate=0.1
  stop after=2 epochs
}
"""


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """In a folder with a data set and nets in it."""
    make_folder(tmp_path / "set", NAMES, 12, 16)
    (tmp_path / "net.net").write_text(NET)
    (tmp_path / "bad.net").write_text(NET.replace("fc classes", "fc clases"))
    (tmp_path / "misfit.net").write_text(NET.replace("resize 8", "crop 20").replace("8x8", "20x20"))
    (tmp_path / "fixed.net").write_text(
        NET.replace("(classes = 3)", "").replace("fc classes", "fc 7")
    )
    (tmp_path / "bare.net").write_text(NET.partition("train")[0])
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capsys)


def test_says_what_is_in_a_set(command: Command) -> None:
    code, out, err = command("data", "set")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:6] == [
        "data     set, class folders (set)",
        "         a fifth of each class held out at random, seed 0",
        "classes  2: a, b",
        "images   16 to train on, 8 of each class",
        "         4 held out, 2 of each class",
        lines[5],
    ]
    assert lines[5].startswith("files    ")
    assert lines[6] == "sizes    shorter side 12 pixels; longer side 16 pixels"
    assert lines[7].startswith("mean     [")
    assert lines[8:] == ["broken   none of 20 images"]


def test_broken_images_are_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "set" / "a" / "3.png").write_bytes(b"x")
    code, out, err = command("data", "set", "--seed", "1")
    assert (code, err) == (1, "")
    assert out.splitlines()[-2:] == [
        "broken   1 image that cannot be read",
        "         a/3.png is no image of a known format",
    ]
    assert command("data", "set", "--images", "0").code == 0


def test_times_the_images_beside_the_training(command: Command) -> None:
    code, out, err = command(
        *("data", "set", "--images", "0", "--time", "net.net", "--seconds", "0", "--device", "cpu")
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[5].startswith("time     tiny on cpu")
    assert [line.split(":")[0].strip() for line in lines[6:9]] == [
        "images alone",
        "training step alone",
        "both, as in a training",
    ]
    assert lines[-1].startswith("limit    ")
    assert not Path("runs").exists()


def test_json_is_one_object(command: Command) -> None:
    for arguments in ([], ["--time", "net.net", "--seconds", "0"]):
        code, out, err = command("data", "set", "--format", "json", *arguments)
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert found["classes"] == ["a", "b"]
        assert found["train"] == {"images": 16, "images_of_class": [8, 8]}
        assert found["pixels"]["shorter_side"] == {"min": 12, "median": 12.0, "max": 12}
        assert found["pixels"]["broken"] == []
        assert (found["time"] is None) == (not arguments)
    assert found["time"]["limit"] in ("reading", "step")
    assert found["time"]["reading"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 2, "there is no folder or file nowhere"),
        (["net.net"], 2, "net.net is neither a tar nor a list of images"),
        (["set", "--device", "cpu"], 2, "about --time, which is missing"),
        (["set", "--color", "always", "--format", "json"], 2, "the format json has no colours"),
        (["set", "--images", "-1"], 2, "'--images': it is at least 0, not -1"),
        (["set", "--time", "no.net"], 2, "no.net: there is no such file"),
        (["set", "--time", "net.net", "--device", "vax"], 2, "there is no device `vax`"),
        (["set", "--time", "misfit.net"], 2, "crops 20x20 out of images of 12x16"),
        (["set", "--time", "fixed.net"], 1, "ends in 7 numbers, and the data have 2 classes"),
        (["set", "--time", "bare.net"], 1, "has no recipe to train by"),
    ],
)
def test_exit_codes(command: Command, arguments: list[str], code: int, said: str) -> None:
    found, out, err = command("data", *arguments)
    assert found == code
    assert said in " ".join(err.split())
    assert "Traceback" not in out + err


def test_a_net_with_errors(command: Command) -> None:
    code, out, _ = command("data", "set", "--time", "bad.net")
    assert code == 1
    assert out.startswith("error[NS")


def test_ctrl_c(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Watch, done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "inspecting", interrupt, raising=False)
    assert command("data", "set").code == 130
