"""The experiments in specs/experiments: each by the command in its header, with one update a run.

What they show over whole runs is in docs/experiments.md.
"""

import re
import shlex
from pathlib import Path

import pytest

from netspec.compiler.pipeline import compile_file
from tests.cli.in_process import Command
from tests.compiled import summaries

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "specs" / "experiments").glob("*.net"))
SHORT = ("--seeds", "1", "--iterations", "1", "--eval-images", "20", "-q")


def read_command(path: Path) -> list[str]:
    """The words after `netspec` of the command that the header shows."""
    (command,) = re.findall(r"^#     netspec (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return shlex.split(command)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_command_of_the_header_compares_all_values(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = read_command(path)
    monkeypatch.chdir(ROOT)
    result = Command(monkeypatch, capsys)(*words, *SHORT, "--out", str(tmp_path / "out"))
    assert (result.code, result.err) == (0, "")
    values = words[words.index("--set") + 1].split("=")[1].split(",")
    table = (tmp_path / "out" / "summary.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in table[-len(values) :]] == values


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_all_values_are_of_nets_with_the_same_claims(path: Path) -> None:
    """Values differ in one thing: shapes, and so the numbers learned, stay as they are."""
    words = read_command(path)
    name, values = words[words.index("--set") + 1].split("=")
    counts = set()
    for value in values.split(","):
        program = compile_file(path, {name: value})
        assert all(line.startswith("NS511") for line in summaries(program))  # of small sigmoids
        (net,) = program.nets
        assert net.claims.held
        assert not net.claims.skipped
        counts.add(net.graph.num_params)
    assert len(counts) == 1


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_page_shows_the_command_and_its_picture(path: Path) -> None:
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert f"$ netspec {shlex.join(read_command(path))}" in page
    picture = f"pictures/{path.stem}.svg"
    assert f"]({picture})" in page
    assert (ROOT / "docs" / picture).exists()
