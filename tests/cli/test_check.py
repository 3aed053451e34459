"""`netspec check` as a process: what it prints where, and its exit codes."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import ROOT, environment, run

ALEXNET = ROOT / "specs" / "alexnet.net"
GOOD = "net good(classes = 10) { input 3x8x8; conv 8, 3x3; fc classes }\n"
BAD = "net bad { input 3x8x8; tahn }\n"
WARNS = "net warns { input 3x8x8; relu; relu }\n"
TRAINS = """\
net trains(classes = 10) { input 3x8x8; fc classes }
train {
  data photographs { resize 8 }
  batch 1000
  loss softmax
  sgd rate=0.01, momentum=0.9
  stop after=10 epochs
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = {"good": GOOD, "bad": BAD, "warns": WARNS, "trains": TRAINS}
    for name, text in texts.items():
        (tmp_path / f"{name}.net").write_text(text, encoding="utf-8")
    (tmp_path / "binary.net").write_bytes(b"\xff\xfe")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.net"], 0),
        (["warns.net"], 0),
        (["warns.net", "--strict"], 1),
        (["good.net", "--strict"], 0),
        (["bad.net"], 1),
        (["good.net", "bad.net", "-q"], 1),
        (["good.net:good"], 0),
        (["good.net:gone"], 1),
        (["good.net", "--set", "classes=3"], 0),
        (["good.net", "--set", "glasses=3"], 1),
        (["good.net", "--set", "classes=("], 1),
        (["gone.net"], 2),
        (["binary.net", "good.net"], 2),
        (["binary.net", "bad.net"], 2),
        ([], 2),
        (["good.net", "--depth", "0"], 2),
        (["good.net", "--full", "--depth", "2"], 2),
        (["good.net", "--format", "json", "--full"], 2),
        (["good.net", "--format", "json", "-q"], 2),
        (["good.net", "--format", "json", "--stage", "graph"], 2),
        (["good.net", "--format", "plain", "--color", "always"], 2),
        (["good.net", "--format", "sarif"], 0),
        (["bad.net", "--format", "sarif"], 1),
        (["bad.net", "--format", "github"], 1),
        (["warns.net", "--format", "github", "--strict"], 1),
        (["good.net", "--format", "github", "-q"], 2),
        (["good.net", "--format", "sarif", "--stage", "tree"], 2),
        (["good.net", "--watch", "--format", "json"], 2),
        (["-", "--watch"], 2),
        (["good.net", "--watch", "--strict"], 2),
        (["good.net", "--format", "xml"], 2),
        (["good.net", "--stage", "soup"], 2),
        (["good.net", "--set", "classes"], 2),
        (["good.net", "--set", "classes="], 2),
        (["good.net", "--set", "3=classes"], 2),
        (["good.net", "--set", "classes=1", "--set", "classes=2"], 2),
        (["good.net", "--stdin-filename", "x.net"], 2),
        (["good.net", "--stage", "tree"], 0),
        (["bad.net", "--stage", "graph"], 1),
        (["good.net", "--memory", "3GB"], 0),
        (["trains.net", "--memory", "1GB", "--strict"], 0),
        (["trains.net", "--memory", "1MB", "--strict"], 1),
        (["trains.net", "--memory", "1MB", "--strict", "--stage", "graph"], 1),
        (["trains.net", "--precision", "bf16"], 0),
        (["trains.net", "--precision", "fp8"], 2),
        (["trains.net", "--memory", "3"], 2),
        (["trains.net", "--memory", "0GB"], 2),
        (["trains.net", "--memory", "1MB", "--stage", "tree"], 2),
        (["trains.net", "--precision", "bf16", "--stage", "tree"], 2),
    ],
)
def test_exit_code(folder: Path, arguments: list[str], code: int) -> None:
    result = run("check", *arguments, folder=folder)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert bool(result.stderr) == (code == 2)


def test_the_result_goes_to_standard_output_and_the_rest_to_standard_error(folder: Path) -> None:
    result = run("check", "bad.net", "gone.net", "good.net", folder=folder)
    assert result.stdout.startswith("error[NS101]: ")
    assert "\ngood  good.net:1:5\n" in result.stdout
    assert result.stdout.endswith("\n1 error in 2 files\n`netspec explain NS101` tells more\n")
    assert result.stderr == "error: gone.net: there is no such file\n"


def test_a_folder_is_checked_in_order(folder: Path) -> None:
    (folder / "binary.net").unlink()
    result = run("check", ".", "--quiet", folder=folder)
    places = re.findall(r"--> \./(\w+)\.net:", result.stdout)
    assert places == ["bad", "warns"]
    assert result.stdout.endswith(
        "\n1 error, 1 warning in 4 files\n`netspec explain CODE` tells more of each: NS101, NS504\n"
    )


def test_standard_input_has_a_name_and_a_place(folder: Path) -> None:
    (folder / "pair.net").write_text("block pair { relu }", encoding="utf-8")
    text = 'use "pair.net"\nnet a { input 3x8x8; pair; tahn }\n'
    result = run("check", "-", "--stdin-filename", "other.net", folder=folder, stdin=text)
    assert result.returncode == 1
    assert " --> other.net:2:28\n" in result.stdout
    assert "NS115" not in result.stdout


def test_settings_reach_the_net(folder: Path) -> None:
    result = run("check", "good.net", "--set", "classes = 3 + 4", folder=folder)
    assert "with           classes=7\n" in result.stdout


def test_a_device_with_too_little_memory(folder: Path) -> None:
    """The images take 768 kB, and as much the copy of them that the fc reads in its own order; in
    bf16 that has half of the bytes."""
    shown = run("check", "trains.net", "--memory", "1.4MB", folder=folder).stdout
    assert re.search(r"^training       1\.[56] MiB at batch 1,000, in float32: ", shown, re.M)
    assert re.search(r"^  room         1\.3 MiB, enough for batch [89]\d\d$", shown, re.M)
    assert "warning[NS513]: trains needs 1." in shown
    arguments = ("trains.net", "--memory", "1.4MB", "--precision", "bf16")
    half = run("check", *arguments, folder=folder).stdout
    assert " at batch 1,000, in bf16: " in half
    assert "NS513" not in half


def test_every_format_has_the_warning_of_memory(folder: Path) -> None:
    for form in ("plain", "json", "sarif", "github"):
        result = run("check", "trains.net", "--memory", "1kB", "--format", form, folder=folder)
        assert "NS513" in result.stdout, form
        assert "NS513" not in run("check", "trains.net", "--format", form, folder=folder).stdout


def test_json_has_the_unreadable_too(folder: Path) -> None:
    result = run("check", "good.net", "gone.net", "--format", "json", folder=folder)
    report = json.loads(result.stdout)
    assert result.returncode == 2
    assert [each["file"] for each in report["files"]] == ["good.net"]
    assert report["unreadable"] == [{"file": "gone.net", "reason": "there is no such file"}]


def test_columns_set_the_width() -> None:
    result = run("check", str(ALEXNET), COLUMNS="60")
    body = result.stdout.split("\n", maxsplit=1)[1]
    assert max(map(len, body.splitlines())) <= 60
    assert "60,965,224" in body


@pytest.mark.parametrize("arguments", [["--color", "always"], []])
def test_colours_are_forced(folder: Path, arguments: list[str]) -> None:
    changes = {} if arguments else {"FORCE_COLOR": "1"}
    result = run("check", "bad.net", *arguments, folder=folder, **changes)
    assert "\x1b[1;31merror[NS101]\x1b[0m" in result.stdout


def on_terminal(*arguments: str, **changes: str) -> str:
    """What a terminal of 80 columns is sent."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "netspec", "check", *arguments],
        cwd=ROOT,
        env=environment(COLUMNS="80", **changes),
        stdout=slave,
        stderr=slave,
    ) as process:
        os.close(slave)
        parts = []
        while True:
            try:
                parts.append(os.read(master, 65536))
            except OSError:  # Linux's way to say that the other side was closed
                break
            if not parts[-1]:
                break
    os.close(master)
    assert process.returncode == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminals")
def test_a_terminal_gets_colours_and_rules() -> None:
    shown = on_terminal("specs/alexnet.net", TERM="xterm")
    assert "\x1b[1mconv1" in shown
    assert "────" in shown
    bare = on_terminal("specs/alexnet.net", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in bare
    assert "────" in bare
    assert bare == re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert "─" not in on_terminal("specs/alexnet.net", TERM="dumb")


def test_characters_that_the_output_lacks_become_question_marks(folder: Path) -> None:
    (folder / "x.net").write_text("net a { input 3x8x8; 漢 }", encoding="utf-8")
    result = run("check", "x.net", folder=folder, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert result.returncode == 1
    assert "1 | net a { input 3x8x8; ? }\n" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has other pipes")
def test_a_reader_that_leaves_is_no_mishap() -> None:
    command = f'"{sys.executable}" -m netspec check {ALEXNET} --format json'
    script = f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", script],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stderr == ""
    assert result.stdout.splitlines()[0] == "{"
    assert result.stdout.splitlines()[1] in ("0", "141")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_disk_is_told(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "netspec", "check", "good.net"],
            cwd=folder,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr == "error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    "files", [["good.net"], ["bad.net", "warns.net"], ["binary.net", "gone.net", "good.net"], ["."]]
)
def test_a_check_is_the_same_where_options_are_read(folder: Path, files: list[str]) -> None:
    """Without options it begins on a way of its own."""
    plain = run("check", *files, folder=folder)
    other = run("check", *files, "--color", "auto", folder=folder)
    assert plain.returncode == other.returncode
    assert (plain.stdout, plain.stderr) == (other.stdout, other.stderr)


def run_raising(exception: str, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A check in whose midst something is raised."""
    code = (
        "import netspec.compiler.library as library, netspec.cli.app as app\n"
        f"def fail(*_): raise {exception}\n"
        "library.load_module.__code__ = fail.__code__\n"
        "app.main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "check", "good.net", *options],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("options", [[], ["--full"]])
def test_an_interrupt_ends_it_without_a_word(folder: Path, options: list[str]) -> None:
    result = run_raising("KeyboardInterrupt", folder, *options)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.mark.parametrize("options", [[], ["--full"]])
def test_an_unexpected_exception_asks_for_a_report(folder: Path, options: list[str]) -> None:
    result = run_raising("ZeroDivisionError('by design')", folder, *options)
    assert result.returncode == 70
    assert result.stdout == ""
    assert "error[NS900]: netspec failed: ZeroDivisionError: by design\n" in result.stderr
    assert "\n  = file: good.net\n" in result.stderr
    assert f"\n  = command: netspec check good.net{' --full' * bool(options)}\n" in result.stderr
    assert "\n  = version: netspec " in result.stderr
    assert "please report it" in result.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["check", "--help"], ["check", "-h"]])
def test_help_and_version(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 0
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("chekc")
    assert result.returncode == 2
    assert "No such command 'chekc'" in result.stderr
