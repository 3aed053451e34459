"""`netspec fmt` as a process: what it writes where, what it leaves alone, and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import ROOT, environment, run

MESSY = "net messy(classes = 10) {\n    input 3x8x8;fc classes\n}\n"
FORMED = "net messy(classes = 10) {\n  input 3x8x8; fc classes\n}\n"
BAD = "net bad { input 3x8x8 relu(  }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("messy.net", MESSY), ("formed.net", FORMED), ("bad.net", BAD)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "binary.net").write_bytes(b"\xff\xfe")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["formed.net"], 0),
        (["messy.net"], 0),
        (["messy.net", "formed.net"], 0),
        (["bad.net"], 1),
        (["bad.net", "messy.net"], 1),
        (["--check", "formed.net"], 0),
        (["--check", "messy.net"], 1),
        (["--diff", "messy.net"], 0),
        (["--diff", "bad.net"], 1),
        (["--diff", "--check", "messy.net"], 1),
        (["--diff", "--check", "formed.net"], 0),
        (["binary.net"], 2),
        (["gone.net", "bad.net"], 2),
        ([], 2),
        (["messy.net:messy"], 2),
        (["messy.net", "--stdin-filename", "x.net"], 2),
    ],
)
def test_exit_code(folder: Path, arguments: list[str], code: int) -> None:
    result = run("fmt", *arguments, folder=folder)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_files_are_written_and_named_and_others_left_alone(folder: Path) -> None:
    before = contents(folder)
    result = run("fmt", "messy.net", "formed.net", "bad.net", folder=folder)
    assert contents(folder) == before | {"messy.net": FORMED.encode()}
    assert result.stdout == ""
    assert result.stderr.startswith("formatted messy.net\nerror[NS0")
    assert " --> bad.net:1:" in result.stderr
    assert " in 3 files\n" in result.stderr


def test_a_folder_stands_for_its_files(folder: Path) -> None:
    (folder / "binary.net").unlink()
    (folder / "bad.net").unlink()
    assert run("fmt", "--check", ".", folder=folder).stdout == "./messy.net\n"
    assert run("fmt", ".", folder=folder).returncode == 0
    assert run("fmt", "--check", ".", folder=folder).stdout == ""


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_nothing_is_written_where_only_a_look_was_asked_for(folder: Path, option: str) -> None:
    before = contents(folder)
    run("fmt", option, "messy.net", folder=folder)
    assert contents(folder) == before


def test_a_diff_is_one_that_patch_takes(folder: Path) -> None:
    (folder / "messy.net").write_text(MESSY.removesuffix("\n"), encoding="utf-8")
    assert run("fmt", "--diff", "messy.net", "formed.net", folder=folder).stdout == (
        "--- messy.net\n"
        "+++ messy.net\n"
        "@@ -1,3 +1,3 @@\n"
        " net messy(classes = 10) {\n"
        "-    input 3x8x8;fc classes\n"
        "-}\n"
        "\\ No newline at end of file\n"
        "+  input 3x8x8; fc classes\n"
        "+}\n"
    )


def test_standard_input_goes_to_standard_output(folder: Path) -> None:
    before = contents(folder)
    result = run("fmt", "-", "--stdin-filename", "messy.net", folder=folder, stdin=MESSY)
    assert (result.returncode, result.stdout, result.stderr) == (0, FORMED, "")
    assert run("fmt", "-", folder=folder, stdin=FORMED).stdout == FORMED
    assert run("fmt", "--check", "-", folder=folder, stdin=MESSY).stdout == "<stdin>\n"
    assert contents(folder) == before


def test_standard_input_with_errors_gives_nothing(folder: Path) -> None:
    result = run("fmt", "-", "--stdin-filename", "x.net", folder=folder, stdin=BAD)
    assert (result.returncode, result.stdout) == (1, "")
    assert " --> x.net:1:" in result.stderr


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_and_byte_order_mark_stay(folder: Path, mark: bytes, end: bytes) -> None:
    written, formed = (mark + text.encode().replace(b"\n", end) for text in (MESSY, FORMED))
    (folder / "messy.net").write_bytes(written)
    assert run("fmt", "messy.net", folder=folder).returncode == 0
    assert (folder / "messy.net").read_bytes() == formed
    piped = subprocess.run(
        [sys.executable, "-m", "netspec", "fmt", "-"],
        input=written,
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert piped.stdout == formed


def test_a_file_in_form_is_not_written_anew(folder: Path) -> None:
    before = (folder / "formed.net").stat()
    run("fmt", "formed.net", folder=folder)
    after = (folder / "formed.net").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.skipif(os.name == "nt", reason="has other rights")
def test_rights_and_links_stay(folder: Path) -> None:
    (folder / "messy.net").chmod(0o640)
    (folder / "link.net").symlink_to("messy.net")
    assert run("fmt", "link.net", folder=folder).returncode == 0
    assert (folder / "link.net").is_symlink()
    assert (folder / "messy.net").read_text(encoding="utf-8") == FORMED
    assert (folder / "messy.net").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written(folder: Path) -> None:
    (folder / "messy.net").chmod(0o444)
    result = run("fmt", "messy.net", folder=folder)
    assert result.returncode == 2
    assert result.stderr == "error: messy.net: cannot be written: Permission denied\n"


def test_a_write_that_fails_leaves_the_file_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netspec.cli.fmt import replace_file

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(folder / "messy.net", b"new")
    assert contents(folder) == before


def test_specs_have_the_form() -> None:
    result = run("fmt", "--check", "specs", "tests/specimens", folder=ROOT)
    assert (result.returncode, result.stdout) == (0, "")
