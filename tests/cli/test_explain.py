"""`netspec explain` as a process: codes, words, layers of files, and what it answers where there is
nothing to explain.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NETS = """
block pair(width) { conv width, 3x3, pad=1; relu }
net one(classes = 10) { input 3x8x8; a: pair 4; b: pair 8; top: fc classes }
net two { input 3x8x8; c: pair 4; fc 5 }
net lacking(width) { input 3x8x8; conv width, 3x3 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {
        "nets.net": NETS,
        "bad.net": "net bad { input 3x8x8; tahn }\n",
        "pattern.net": "net p(width) { input 3x8x8; conv width, 3x3 }\n",
        "blocks.net": "block b { relu }\n",
        "conv": "net named { input 3x8x8; relu }\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(
    *arguments: str, folder: Path = ROOT, stdin: str | None = None, **changes: str
) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, "-m", "netspec", "explain", *arguments],
        cwd=folder,
        env=kept | {"PYTHONUTF8": "1"} | changes,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        (["NS203"], "NS203: channels that do not split into groups\n"),
        (["ns203"], "NS203: channels that do not split into groups\n"),
        (["conv"], "conv: a layer kind\n"),
        (["repeat"], "`if` and loops\n"),
        (["./conv"], "named: 2 layers\n"),
        (["conv", "relu_1"], "relu_1  relu\nnet named, conv:1:"),
        (["nets.net:two"], "two: 4 layers\n"),
        (["nets.net", "top"], "top  fc 10\n"),
        (["nets.net", "a.conv_1"], "a.conv_1  conv 4, 3x3, pad=1\n"),
        (["nets.net:two", "conv_1"], "c.conv_1  conv 4, 3x3, pad=1\n"),
        (["nets.net", "b"], "b in net one: 2 layers\n"),
        (["nets.net", "top", "--set", "classes=7"], "top  fc 7\n"),
        (["nets.net:lacking", "conv_1", "--set", "width=5"], "conv_1  conv 5, 3x3\n"),
    ],
)
def test_what_is_explained(folder: Path, arguments: list[str], begins: str) -> None:
    result = run(*arguments, folder=folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "says", "help"),
    [
        (["repeet"], "there is nothing about `repeet`", "did you mean `repeat`?"),
        (["linear"], "there is nothing about `linear`", "did you mean `fc`?"),
        (["NS999"], "there is nothing about `NS999`", None),
        (["gone.net"], "gone.net: there is no such file", None),
        (["."], ". stands for 4 files; one at a time is explained", None),
        (["nets.net", "tpo"], "nets.net has no layer `tpo`", "did you mean `top`?"),
        (["nets.net", "zzz"], "nets.net has no layer `zzz`", "`netspec explain nets.net` lists"),
        (["nets.net:one", "conv_1"], "one has several `conv_1`", "say a.conv_1 or b.conv_1"),
        (
            ["nets.net", "input_1"],
            "several nets of nets.net have",
            "pick nets.net:one or nets.net:",
        ),
        (["pattern.net"], "pattern.net: its nets have parameters without a value: p", "--set"),
        (["blocks.net", "b"], "blocks.net: it has no net", None),
    ],
)
def test_what_there_is_not(folder: Path, arguments: list[str], says: str, help: str | None) -> None:
    result = run(*arguments, folder=folder)
    assert (result.returncode, result.stdout) == (2, "")
    first, *rest = result.stderr.splitlines()
    assert first.startswith(f"error: {says}")
    assert [line.startswith(f"  = help: {help}") for line in rest] == [True] * (help is not None)


@pytest.mark.parametrize(
    "arguments",
    [[], ["conv", "--set", "width=3"], ["nets.net", "top", "--set", "3"], ["a", "b", "c"]],
)
def test_wrong_usage(folder: Path, arguments: list[str]) -> None:
    result = run(*arguments, folder=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: netspec explain ")


def test_errors_of_the_file_are_shown(folder: Path) -> None:
    result = run("bad.net", "relu_1", folder=folder)
    assert result.returncode == 1
    assert result.stdout.startswith("error[NS101]: there is no layer kind or block `tahn`\n")


def test_standard_input() -> None:
    result = run("-", "relu_1", stdin="net a { input 3x8x8; relu }\n")
    assert result.stdout.startswith("relu_1  relu\nnet a, <stdin>:1:")


@pytest.mark.parametrize(
    "arguments",
    [["NS203"], ["conv"], ["min"], ["specs/alexnet.net", "conv2"], ["specs/resnet18.net"]],
)
def test_narrow_pages_and_colours(arguments: list[str]) -> None:
    for width in (40, 72):
        shown = run(*arguments, COLUMNS=str(width)).stdout
        assert max(map(len, shown.splitlines())) <= width
        assert not [line for line in shown.splitlines() if line != line.rstrip()]
    coloured = run(*arguments, "--color", "always").stdout
    assert "\x1b[1m" in coloured
    assert "\x1b" not in run(*arguments, FORCE_COLOR="1", NO_COLOR="1").stdout


def test_neither_torch_nor_colours_are_imported() -> None:
    for arguments in (["NS203"], ["conv"], ["specs/alexnet.net", "conv1"]):
        code = (
            "import sys; from netspec.cli.app import main\n"
            f"sys.argv = ['netspec', 'explain', *{arguments}]\n"
            "try:\n    main()\nexcept SystemExit: pass\n"
            "print(*sorted({'torch', 'numpy', 'rich', 'netspec_torch'} & sys.modules.keys()))"
        )
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert result.stdout.splitlines()[-1] == ""
