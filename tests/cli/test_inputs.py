"""From the words of a command line to texts."""

import io
import os
from pathlib import Path

import pytest

from netspec.cli import inputs
from netspec.cli.inputs import read_inputs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.net", "a.net", "sub/c.net", "notes.txt", ".hidden/d.net", "odd:name"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {name}\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*words: str) -> list[str]:
    """What was found, each as FILE or FILE:NAME."""
    found = read_inputs(words).found
    shown = [f"{e.source.name}:{e.net}" if e.net else e.source.name for e in found]
    return [name.replace(os.sep, "/") for name in shown]


def reason(word: str) -> str:
    got = read_inputs([word])
    assert not got.found
    return got.unreadable[word]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["a.net"], ["a.net"]),
        (["./a.net"], ["./a.net"]),
        (["b.net", "a.net"], ["b.net", "a.net"]),
        (["a.net", "./a.net", "a.net"], ["a.net"]),
        (["a.net:x", "a.net:y", "a.net:x"], ["a.net:x", "a.net:y"]),
        (["a.net:alexnet"], ["a.net:alexnet"]),
        (["sub"], ["sub/c.net"]),
        (["."], ["./a.net", "./b.net", "./sub/c.net"]),
        (["sub", "sub/c.net"], ["sub/c.net"]),
        (["*.net"], ["a.net", "b.net"]),
        (["**/*.net"], ["a.net", "b.net", "sub/c.net"]),
        (["notes.txt"], ["notes.txt"]),
        (["odd:name"], ["odd:name"]),
        (["odd:name:x"], ["odd:name:x"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_words(words: list[str], found: list[str]) -> None:
    assert names(*words) == found


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("gone.net", "there is no such file"),
        ("gone.net:x", "there is no such file"),
        ("a.net:3x", "there is no such file"),
        ("a.net:", "there is no such file"),
        ("", "there is no such file"),
        ("*.nets", "no file matches"),
        ("empty", "the folder holds no .net file"),
        ("sub:c", "a net can be picked from a file, not from a folder"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_words_that_name_nothing(word: str, expected: str) -> None:
    assert reason(word) == expected


def test_the_drive_of_a_windows_path_is_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "C").write_text("", encoding="utf-8")
    assert names("C:alexnet") == ["C:alexnet"]
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        drive, file = map(inputs.split_picked, ("C:alexnet", "C:/specs/a.net:alexnet"))
    assert drive is None
    assert file == ("C:/specs/a.net", "alexnet")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfnet", "net"),
        (b"a\r\nb", "a\r\nb"),
        ("é漢".encode(), "é漢"),
        (b"", ""),
    ],
)
def test_text(folder: Path, data: bytes, text: str) -> None:
    (folder / "t.net").write_bytes(data)
    (got,) = read_inputs(["t.net"]).found
    assert got.source.text == text
    assert got.source.path == Path("t.net")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"ab\n\xff\xfe", "is not UTF-8 text: byte 0xff in line 2"),
        ("net".encode("utf-16"), "is not UTF-8 text: byte 0xff in line 1"),
        (b"\xed\xa0\x80", "is not UTF-8 text: byte 0xed in line 1"),
    ],
)
def test_bytes_that_are_no_text(folder: Path, data: bytes, expected: str) -> None:
    (folder / "t.net").write_bytes(data)
    assert reason("t.net") == expected


def test_a_file_beyond_all_limits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_BYTES", 3)
    assert reason("a.net") == "holds more than 3 bytes"


def test_a_broken_link_and_a_loop_of_links(folder: Path) -> None:
    (folder / "broken.net").symlink_to("nowhere")
    (folder / "loop.net").symlink_to("loop.net")
    assert reason("broken.net") == "No such file or directory"
    assert "symbolic links" in reason("loop.net")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(folder: Path) -> None:
    (folder / "a.net").chmod(0)
    assert reason("a.net") == "Permission denied"


@pytest.mark.usefixtures("folder")
def test_one_unreadable_file_does_not_stop_the_others() -> None:
    got = read_inputs(["gone.net", "a.net"])
    assert list(got.unreadable) == ["gone.net"]
    assert [each.source.name for each in got.found] == ["a.net"]


@pytest.mark.parametrize(
    ("name", "shown", "path"),
    [(None, "<stdin>", None), ("specs/x.net", "specs/x.net", Path("specs/x.net"))],
)
def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, name: str | None, shown: str, path: Path | None
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("net é".encode())))
    (got,) = read_inputs(["-:x", "-:x"], name).found
    assert (got.source.name, got.source.text, got.source.path, got.net) == (
        shown,
        "net é",
        path,
        "x",
    )
