"""Files are there as a whole or not at all, and a failure is told in plain words."""

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from netspec.recipe.run import TrainingError
from netspec_torch.storage import (
    append_line,
    cannot_write,
    remove_unfinished,
    write_tensors,
    write_text,
)


def test_a_file_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    for text in ("first", "second"):
        write_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_text() == "second"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_file_before_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert os.listdir(tmp_path) == ["a.txt"]
    (tmp_path / "a.txt.part").mkdir()
    with pytest.raises(TrainingError, match="cannot be written"):
        write_text(path, "after")
    assert path.read_text() == "before"


def test_tensors_are_written_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    tensor = torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    write_tensors(tmp_path / "a.safetensors", {"x": tensor.requires_grad_()}, {"about": "it"})
    torch.testing.assert_close(load_file(tmp_path / "a.safetensors")["x"], tensor.detach())


def test_others_may_read_what_they_may_look_at(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    write_tensors(tmp_path / "a.safetensors", {}, {})
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("write", [write_text, append_line])
def test_a_path_that_cannot_be_is_told(tmp_path: Path, write: object) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.txt"
    with pytest.raises(TrainingError, match=r"a\.txt cannot be written: Not a directory"):
        write(path, "text")  # type: ignore[operator]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(TrainingError, match="the disk is full") as caught:
        append_line(Path("/dev/full"), "line")
    assert "make room" in caught.value.help
    assert caught.value.cause == "run"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"x": torch.zeros(3)}, {})
    (tmp_path / "a.safetensors.part").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match=r"a\.safetensors cannot be written: the disk is full"):
        write_tensors(path, {"x": torch.ones(10**6)}, {})
    assert torch.equal(load_file(path)["x"], torch.zeros(3))
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_other_reasons_are_told_as_the_system_has_them() -> None:
    denied = cannot_write(Path("a"), OSError(errno.EACCES, "Permission denied"))
    assert denied.message == "a cannot be written: Permission denied"


def test_an_interrupted_write_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a.txt", "text")
    assert os.listdir(tmp_path) == []


def test_what_was_not_written_to_its_end_is_removed(tmp_path: Path) -> None:
    for name in ("a.txt", "b.safetensors.part"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert os.listdir(tmp_path) == ["a.txt"]
