"""`netspec report`: what it writes where, and its exit codes."""

import json
from pathlib import Path

import pytest

import netspec
import netspec_torch
from netspec.source import SourceFile
from tests.cli.in_process import Command
from tests.render.html_pages import Page

NET = """
net tiny(classes = 10) {
  input 1x28x28
  conv 4, 7x7, stride=7
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
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs of two seeds in it, the sample having stood in for their data."""
    folder = tmp_path_factory.mktemp("reports")
    net = netspec.load(SourceFile("net.net", NET)).net
    netspec_torch.train_seeds(net, 2, out=folder / "runs" / "pair", device="cpu", eval_images=50)
    return folder


@pytest.fixture
def command(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.chdir(runs)
    return Command(monkeypatch, capsys)


def read(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert page.mistakes == []
    return page


def test_a_run_has_its_page_in_its_folder(command: Command, runs: Path) -> None:
    code, out, err = command("report", "runs/pair/seed-0", "--eval-images", "40")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "written to runs/pair/seed-0/report.html"
    page = read(runs / "runs/pair/seed-0/report.html")
    assert "T-shirt/top" in page.words("run-1-confusion")
    assert "on 40 held-out images" in page.words("run-1-confusion")
    assert "The 4 kernels of conv_1, 7x7x1." in page.words("run-1-kernels")
    assert "data fashion_mnist clothes" in page.words("run-1-changes")
    names = {attributes.get("class") for _, attributes in page.elements}
    assert {"photo small", "kernels", "chart"} <= names


def test_seeds_are_shown_side_by_side(command: Command, runs: Path) -> None:
    code, out, _ = command("report", "runs/pair", "--eval-images", "0")
    assert code == 0
    lines = out.splitlines()
    assert lines[-1] == "written to runs/pair/report.html"
    assert lines.count("note: runs/pair/seed-0: no image was tested, as --eval-images 0 says") == 1
    page = read(runs / "runs/pair/report.html")
    assert len(page.find("article")) == 2
    assert "The mean of 2, tested together" in page.words("comparison")
    assert "This is missing: no image was tested" in page.words("run-2-confusion")


def test_several_runs_have_their_page_here_or_where_it_is_said(
    command: Command, runs: Path
) -> None:
    words = ("report", "runs/pair/seed-0", "runs/pair/seed-1", "--eval-images", "0")
    assert command(*words).code == 0
    assert len(read(runs / "report.html").find("article")) == 2
    assert command(*words, "--out", "both.html").code == 0
    assert (runs / "both.html").exists()


def test_an_unfinished_run_is_shown_as_it_is(command: Command, runs: Path) -> None:
    report = runs / "runs/pair/seed-1/report.json"
    kept = report.read_text()
    report.unlink()
    try:
        assert command("report", "runs/pair/seed-1", "--eval-images", "20").code == 0
    finally:
        report.write_text(kept)
    page = read(runs / "runs/pair/seed-1/report.html")
    assert "it goes on, or was killed" in page.words("run-1")
    assert "last weights, tested for this report 20 1" in page.words("run-1-results")
    assert json.loads(kept)["final"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gone"], "gone is no run: there is no such folder"),
        (["runs"], "runs is no run: there is no recipe.json in it"),
        (["runs/pair/seed-0/last.safetensors"], "it is a file, and not a folder"),
        (["runs/pair", "--out", "runs"], "runs cannot be written: it is a folder"),
        (["runs/pair", "--out", "no/where.html"], "there is no folder no"),
        (["runs/pair", "--eval-images", "-1"], "--eval-images"),
        (["runs/pair", "--device", "toaster"], "no device `toaster`"),
        ([], "Missing argument"),
    ],
)
def test_exit_codes(command: Command, arguments: list[str], says: str) -> None:
    code, _, err = command("report", *arguments)
    assert code == 2
    assert says in err


def test_data_that_are_gone_cost_their_parts_alone(command: Command, runs: Path) -> None:
    code, out, _ = command("report", "runs/pair/seed-0", "--data", "nowhere")
    assert code == 0
    assert "note: runs/pair/seed-0: " in out
    page = read(runs / "runs/pair/seed-0/report.html")
    assert "This is missing" in page.words("run-1-confusion")
    assert "nowhere" in page.words("run-1-confusion")
    assert "run-1-predictions" not in page.sections


def test_ctrl_c(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(netspec_torch, "inspect_runs", interrupt)
    code, _, err = command("report", "runs/pair")
    assert (code, err) == (130, "error: stopped\n")
