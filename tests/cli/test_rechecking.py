"""`netspec check --watch` as a process: what makes it check again, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from netspec.cli.rechecking import look_at
from tests.cli.process import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has other signals")

SECONDS = 30.0
"""Longer than a busy machine needs for a round."""


class Watch:
    """A watching process; `next_round` waits for what it shows next."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)

    def next_round(self) -> str:
        shown = ""
        while True:
            line = self.lines.get(timeout=SECONDS)
            if line.startswith("checked at "):
                return shown
            shown += line

    def is_silent(self, seconds: float = 0.2) -> bool:
        try:
            self.lines.get(timeout=seconds)
        except Empty:
            return True
        return False


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator[Watch]:
    with subprocess.Popen(
        [sys.executable, "-m", "netspec", "check", "--watch", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        try:
            yield Watch(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 130
        finally:
            process.kill()


def save(path: Path, text: str) -> None:
    """As many editors do it: a new file in the place of the old one."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def net(kind: str) -> str:
    return f"net a {{ input 3x8x8; {kind} }}\n"


def test_a_save_is_answered_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    file.write_text(net("relu"), encoding="utf-8")
    with watching(tmp_path, "a.net") as watch:
        assert "\nrelu_1 " in watch.next_round()
        save(file, net("tahn"))
        assert watch.next_round().startswith("error[NS101]: ")
        file.write_text(net("tanh"), encoding="utf-8")
        shown = watch.next_round()
        if "tanh" not in shown:  # it saw the file while it was being written, and empty
            shown = watch.next_round()
        assert "\ntanh_1 " in shown


def test_a_used_file_is_watched_even_before_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text(f'use "b.net"\n{net("pair")}', encoding="utf-8")
    with watching(tmp_path, "a.net", "-q") as watch:
        assert "NS115" in watch.next_round()
        save(tmp_path / "b.net", "block pair { relu }\n")
        assert watch.next_round() == ""
        save(tmp_path / "b.net", "block pair { relu; relu }\n")
        assert "NS504" in watch.next_round()
        (tmp_path / "b.net").unlink()
        assert "NS115" in watch.next_round()


@pytest.mark.parametrize("word", [".", "**/*.net"])
def test_in_a_folder_files_come_and_go(tmp_path: Path, word: str) -> None:
    (tmp_path / "a.net").write_text(net("relu"), encoding="utf-8")
    (tmp_path / "sub").mkdir()
    with watching(tmp_path, word, "-q") as watch:
        assert watch.next_round() == ""
        save(tmp_path / "sub" / "b.net", net("tahn"))
        assert "sub/b.net" in watch.next_round()
        save(tmp_path / "notes.txt", "nothing to check")
        assert watch.is_silent()
        (tmp_path / "sub" / "b.net").unlink()
        assert watch.next_round() == ""


def test_a_named_file_may_come_later(tmp_path: Path) -> None:
    with watching(tmp_path, "a.net") as watch:
        assert watch.next_round() == "error: a.net: there is no such file\n"
        save(tmp_path / "a.net", net("relu"))
        assert "\nrelu_1 " in watch.next_round()


def test_what_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    assert look_at([file, Path("\0")]) == {file: None, Path("\0"): None}
    file.write_text("one", encoding="utf-8")
    before = look_at([file])
    assert look_at([file]) == before
    save(file, "two")
    assert look_at([file]) != before
